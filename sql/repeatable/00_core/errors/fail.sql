/*
Raises the error of that name, and never returns. The message is the registry's form filled in with
the arguments; in a batch it begins with the request that is at fault, counted from 1.

It is called as v_ok := pgledger.fail(…), and checks as v_ok := pgledger.check_id(…): an assignment
adds one line to the CONTEXT that psql and logs show, a perform the whole text of its statement too.
*/
create or replace function pgledger.fail(
  name text,
  arguments text[],
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_message text := pgledger.error_text(name, arguments);
  v_error record;
begin
  select registry.code, registry.hint
  into strict v_error
  from pgledger.error_registry() as registry
  where registry.name = fail.name;

  if fail.request_index is not null then
    v_message := format('request %s of %s: %s', fail.request_index, fail.request_count, v_message);
  end if;

  raise exception using errcode = v_error.code, message = v_message, hint = v_error.hint;
end;
$$;

comment on function pgledger.fail is
  'Raises the registered error of that name with its message filled in.';

revoke all on function pgledger.fail from public;
