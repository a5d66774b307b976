/*
Raises the error of that code, and never returns. The message is the registry's form filled in with
the arguments; in a batch it begins with the request that is at fault, counted from 1.
*/
create or replace function pgledger.fail(
  code text,
  arguments text[],
  request_index bigint default null,
  request_count bigint default null
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_message text := pgledger.error_text(code, arguments);
  v_hint text;
begin
  select registry.hint
  into strict v_hint
  from pgledger.error_registry() as registry
  where registry.code = fail.code;

  if fail.request_index is not null then
    v_message := format('request %s of %s: %s', fail.request_index, fail.request_count, v_message);
  end if;

  raise exception using errcode = fail.code, message = v_message, hint = v_hint;
end;
$$;

comment on function pgledger.fail is
  'Raises the registered error of that SQLSTATE with its message filled in.';

revoke all on function pgledger.fail from public;
