/*
The message of the error of that code: the registry's form filled in with the arguments. Null for a
code that is not registered.
*/
create or replace function pgledger.error_text(code text, arguments text[])
returns text
language sql
stable
parallel safe
as $$
  select format(registry.message, variadic error_text.arguments)
  from pgledger.error_registry() as registry
  where registry.code = error_text.code
$$;

comment on function pgledger.error_text is
  'Message of the registered error of that SQLSTATE, filled in.';

revoke all on function pgledger.error_text from public;
