/*
The transfer of that id if it was asked for by the same values. It is looked for by a statement of
its own, after the accounts were locked: whoever asked for the same held them, and is seen by now.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.repeated_transfer(
  id text,
  app_id text,
  from_key bigint,
  to_key bigint,
  amount numeric,
  event_at timestamptz,
  metadata jsonb
)
returns pgledger_transfer
language plpgsql
volatile
parallel safe
as $$
declare
  v_is_same boolean;
  v_transfer record;
begin
  select
    (
      transfers.app_id, transfers.from_key, transfers.to_key, transfers.amount,
      transfers.event_at, transfers.metadata
    ) is not distinct from (
      repeated_transfer.app_id, repeated_transfer.from_key, repeated_transfer.to_key,
      repeated_transfer.amount, repeated_transfer.event_at, repeated_transfer.metadata
    )
  into v_is_same
  from pgledger.transfers
  where transfers.id = repeated_transfer.id;

  if not found then
    return null;
  elsif not v_is_same then
    perform pgledger.fail('IdempotencyConflict', array[id]);
  end if;

  select
    transfer.id, transfer.from_account_id, transfer.to_account_id, transfer.amount,
    transfer.created_at, transfer.event_at, transfer.metadata, transfer.currency,
    transfer.from_account_name, transfer.to_account_name, transfer.from_account_balance,
    transfer.to_account_balance, transfer.from_account_version, transfer.to_account_version,
    transfer.group_id, transfer.app_id, transfer.from_tenant_id, transfer.to_tenant_id,
    transfer.origin_id, true as replayed
  into v_transfer
  from pgledger.transfers_by_id(array[repeated_transfer.id]) as transfer;

  return v_transfer;
end;
$$;

comment on function pgledger.repeated_transfer is
  'The transfer of that id, or null if there is none; raises if it is a different one.';

revoke all on function pgledger.repeated_transfer from public;
