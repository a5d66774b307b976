/*
The answer to a repeat whose first call made that transfer: with the names of today and the amounts
of then; nulls if there is none.
*/
create or replace function pgledger.replayed_transfer(id text)
returns @extschema@.pgledger_transfer
language plpgsql
stable
parallel safe
as $$
declare
  v_transfer record;
begin
  select
    found.id, found.from_account_id, found.to_account_id, found.amount, found.created_at,
    found.event_at, found.metadata, found.currency, found.from_account_name,
    found.to_account_name, found.from_account_balance, found.to_account_balance,
    found.from_account_version, found.to_account_version, found.group_id, found.app_id,
    found.from_tenant_id, found.to_tenant_id, found.origin_id, true
  into v_transfer
  from pgledger.transfers_by_id(array[replayed_transfer.id]) as found;

  return v_transfer;
end;
$$;

comment on function pgledger.replayed_transfer is
  'The answer to a repeat whose first call made that transfer; nulls if there is none.';

revoke all on function pgledger.replayed_transfer from public;
