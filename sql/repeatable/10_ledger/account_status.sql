/*
The word for the number that an account keeps as its status. It runs as its owner, because the view
of accounts calls it for whoever reads it.
*/
create or replace function pgledger.account_status(status smallint)
returns text
language plpgsql
immutable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  return case status
    when 0 then 'open'
    when 1 then 'frozen_out'
    when 2 then 'frozen_in'
    when 3 then 'frozen_both'
    when 4 then 'closed'
  end;
end;
$$;

comment on function pgledger.account_status is
  'Word for the status of an account: open, frozen_out, frozen_in, frozen_both or closed.';

revoke all on function pgledger.account_status from public;
grant execute on function pgledger.account_status to pgledger_reader;
