/*
The transfer with that id, as the call answers that made it or that repeats the one which did.
*/
create or replace function pgledger.transfer_answer(id text, replayed boolean)
returns @extschema@.pgledger_transfer
language sql
stable
parallel safe
as $$
  select
    written.id,
    written.from_account_id,
    written.to_account_id,
    written.amount,
    written.created_at,
    written.event_at,
    written.metadata,
    written.currency,
    written.from_account_name,
    written.to_account_name,
    written.from_account_balance,
    written.to_account_balance,
    written.from_account_version,
    written.to_account_version,
    written.group_id,
    written.app_id,
    written.from_tenant_id,
    written.to_tenant_id,
    written.origin_id,
    transfer_answer.replayed
  from pgledger.transfers_by_id(array[transfer_answer.id]) as written
$$;

comment on function pgledger.transfer_answer is
  'The transfer with that id, as the call answers that made or repeats it.';

revoke all on function pgledger.transfer_answer from public;
