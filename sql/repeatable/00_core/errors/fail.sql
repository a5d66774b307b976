/*
Raises the error of that name, and never returns. The message is the registry's form filled in with
the arguments; in a batch, whose number of requests is given, it begins with the request that is at
fault, counted from 1. Where the registry's hint doesn't fit the situation, the caller gives
another.

It is called as v_ok := pgledger.fail(…), and checks as v_ok := pgledger.check_id(…): an assignment
adds one line to the CONTEXT that psql and logs show, a perform the whole text of its statement too.
*/
create or replace function pgledger.fail(
  name text,
  arguments text[],
  request_index bigint default null,
  request_count bigint default null,
  hint text default null,
  detail text default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_message text := pgledger.error_text(name, arguments);
  v_code text;
  v_hint text;
begin
  select registry.code, coalesce(fail.hint, registry.hint)
  into strict v_code, v_hint
  from pgledger.error_registry() as registry
  where registry.name = fail.name;

  if fail.request_count is not null then
    v_message := format('request %s of %s: %s', fail.request_index, fail.request_count, v_message);
  end if;

  if fail.detail is null then
    raise exception using errcode = v_code, message = v_message, hint = v_hint;
  end if;
  raise exception using
    errcode = v_code, message = v_message, hint = v_hint, detail = fail.detail;
end;
$$;

comment on function pgledger.fail is
  'Raises the registered error of that name with its message filled in.';

revoke all on function pgledger.fail from public;
