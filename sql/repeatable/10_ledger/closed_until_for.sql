/*
Until when the books of an app are closed, or null, for those who may have given event_at: where
none is given, nothing is looked at.

Locks: those of pgledger.closed_until.
*/
create or replace function pgledger.closed_until_for(app_id text, event_ats timestamptz[])
returns timestamptz
language plpgsql
volatile
parallel unsafe
as $$
begin
  if array_remove(event_ats, null) <> '{}' then
    return pgledger.closed_until(app_id);
  end if;

  return null;
end;
$$;

comment on function pgledger.closed_until_for is
  'Until when the books of an app are closed, or null also where no event_at is given.';

revoke all on function pgledger.closed_until_for from public;
