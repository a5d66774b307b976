/*
Moves several amounts at once, given as plain rows: all of them, or none. The rows are the
arguments; pgledger_create_transfers_from_rows takes an array of them, under a name of its own: of
two functions of one name PostgreSQL could not choose for an argument whose type the driver leaves
open. A row has no place for an id, a time or metadata of its own; pgledger_create_transfers_bulk
has.
*/
create or replace function @extschema@.pgledger_create_transfers(
  variadic transfer_requests @extschema@.pgledger_transfer_request[]
)
returns setof @extschema@.pgledger_transfer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  return query
  select
    created.id, created.from_account_id, created.to_account_id, created.amount,
    created.created_at, created.event_at, created.metadata, created.currency,
    created.from_account_name, created.to_account_name, created.from_account_balance,
    created.to_account_balance, created.from_account_version, created.to_account_version,
    created.group_id, created.app_id, created.from_tenant_id, created.to_tenant_id,
    created.origin_id, created.replayed
  from pgledger.create_transfers_of_rows(transfer_requests, null, null, '', null, false) as created;
end;
$$;

comment on function @extschema@.pgledger_create_transfers is
$$Makes several transfers, all or none, each of its arguments a plain row.

An error names the request at fault, counted from 1.
pgledger_create_transfers_from_rows takes an array of such rows, an app_id and
what else they share. Like pgledger_create_transfer, neither is for use within
an UPDATE, a MERGE or an INSERT with ON CONFLICT.

transfer_requests: Rows (from_account_id, to_account_id, amount), at most
  100,000, in the books whose app_id is the empty text.

Returns: One transfer for each request, in their order.

Errors: InvalidBatch, BatchTooLarge (more than 100,000 requests),
  NullArgument, InvalidId, SameAccount, InvalidAmount, AccountNotFound,
  CurrencyMismatch, AccountAheadOfClock, AccountClosed, AccountFrozen,
  InsufficientFunds, PositiveBalanceNotAllowed, BalanceOutOfRange.$$;

revoke all on function @extschema@.pgledger_create_transfers from public;
grant execute on function @extschema@.pgledger_create_transfers to pgledger_poster;
