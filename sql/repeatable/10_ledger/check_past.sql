/*
Refuses to close books until a time that is not past by a minute: calls that give event_at as of now
are on their way.

Errors: InvalidArgument.
*/
create or replace function pgledger.check_past(until timestamptz, now timestamptz)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  if until <= now - interval '1 minute' then
    return true;
  end if;

  return pgledger.fail(
    'InvalidArgument',
    array[
      'until', until::text, format('it is not at least a minute past: the clock says %s', now)
    ]
  );
end;
$$;

comment on function pgledger.check_past is
  'Raises InvalidArgument unless the time is at least a minute past.';

revoke all on function pgledger.check_past from public;
