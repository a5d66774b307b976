/*
The SQLSTATE of the error of that name. Null for a name that is not registered.
*/
create or replace function pgledger.error_code(name text)
returns text
language sql
stable
parallel safe
as $$
  select registry.code
  from pgledger.error_registry() as registry
  where registry.name = error_code.name
$$;

comment on function pgledger.error_code is
  'SQLSTATE of the registered error of that name, or null.';

revoke all on function pgledger.error_code from public;
