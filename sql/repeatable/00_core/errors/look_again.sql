/*
For a caller whose insert met a row that it cannot see. The row is gone by now, and the caller looks
again; or the transaction's snapshot is older than the row, and it has to be run again, which is
what ON CONFLICT would say.
*/
create or replace function pgledger.look_again()
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
    return pgledger.run_again('due to concurrent update');
  end if;
  return true;
end;
$$;

comment on function pgledger.look_again is
  'Says that an insert may be tried again after a conflict with a row that is not seen.';

revoke all on function pgledger.look_again from public;
