/*
The message of the error of that name: the registry's form filled in with the arguments. Null for a
name that is not registered.
*/
create or replace function pgledger.error_text(name text, arguments text[])
returns text
language sql
stable
parallel safe
as $$
  select format(registry.message, variadic error_text.arguments)
  from pgledger.error_registry() as registry
  where registry.name = error_text.name
$$;

comment on function pgledger.error_text is
  'Message of the registered error of that name, filled in.';

revoke all on function pgledger.error_text from public;
