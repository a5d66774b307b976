/*
A transfer whose accounts are locked. It never changes, and neither do its accounts, so it is read
before the locks.

Locks: both accounts FOR NO KEY UPDATE, ascending by id.
Errors: TransferNotFound.
*/
create or replace function pgledger.lock_transfer(transfer_id text, app_id text)
returns pgledger.transfers
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_transfer pgledger.transfers;
  v_ok boolean;
begin
  v_transfer := (
    select transfers
    from pgledger.transfers
    where transfers.id = transfer_id
      and transfers.app_id = lock_transfer.app_id
  );
  if v_transfer.id is null then
    v_ok := pgledger.fail('TransferNotFound', array[transfer_id, pgledger.in_app(app_id)]);
  end if;

  perform
  from pgledger.accounts
  where accounts.key in (v_transfer.from_key, v_transfer.to_key)
  order by accounts.id
  for no key update;

  return v_transfer;
end;
$$;

comment on function pgledger.lock_transfer is
  'A transfer whose accounts are then locked; raises an error if there is none.';

revoke all on function pgledger.lock_transfer from public;
