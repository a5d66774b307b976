/*
Sets how far ahead of the clock an account may be before calls warn. From when they refuse is not a
setting: a day is more than any time zone, and what lies beyond it is accepted one account at a
time.

Errors: NullArgument, InvalidArgument.
*/
create or replace function @extschema@.pgledger_set_clock_warning(warn_after interval)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  if warn_after is null then
    v_ok := pgledger.fail('NullArgument', array['warn_after']);
  elsif warn_after not between interval '0' and interval '1 day' then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array['warn_after', warn_after::text, 'it is not between 0 seconds and 1 day']
    );
  end if;

  insert into pgledger.clock_settings (warn_after)
  values (pgledger_set_clock_warning.warn_after)
  on conflict on constraint clock_settings_is_only_pk
  do update set warn_after = excluded.warn_after;
end;
$$;

comment on function @extschema@.pgledger_set_clock_warning is
$$Sets how far ahead of the clock an account may be before calls warn.

It is a minute until this is called. Only the owner of pgledger may call this
function.

warn_after: How far, from 0 to 1 day. More than a day ahead is refused
  whatever is set.

Errors: NullArgument, InvalidArgument (warn_after is out of range).$$;

revoke all on function @extschema@.pgledger_set_clock_warning from public;
