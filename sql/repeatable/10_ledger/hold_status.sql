/*
The word for the state of a hold: what its row says, or that it is expired by now. It runs as its
owner, because the view of holds calls it for whoever reads it.
*/
create or replace function pgledger.hold_status(status smallint, expires_at timestamptz)
returns text
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  return case status
    when 0 then case when expires_at <= pgledger.clock() then 'expired' else 'pending' end
    when 1 then 'posted'
    when 2 then 'voided'
    when 3 then 'expired'
  end;
end;
$$;

comment on function pgledger.hold_status is
  'Word for the state of a hold by now: pending, posted, voided or expired.';

revoke all on function pgledger.hold_status from public;
grant execute on function pgledger.hold_status to pgledger_reader;
