/*
Moves several amounts at once, given as an array of plain rows which share event_at, metadata,
app_id and group_id: all of them, or none.
*/
create or replace function @extschema@.pgledger_create_transfers_from_rows(
  transfer_requests @extschema@.pgledger_transfer_request[],
  event_at timestamptz default null,
  metadata jsonb default null,
  app_id text default '',
  group_id text default null,
  allow_future_event_at boolean default false
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
  from pgledger.create_transfers_of_rows(
    transfer_requests,
    pgledger_create_transfers_from_rows.event_at,
    pgledger_create_transfers_from_rows.metadata,
    pgledger_create_transfers_from_rows.app_id,
    pgledger_create_transfers_from_rows.group_id,
    allow_future_event_at
  ) as created;
end;
$$;

comment on function @extschema@.pgledger_create_transfers_from_rows is
$$Makes several transfers, all or none, which share what else is given.

An error names the request at fault, counted from 1. Requests with ids of your
own choice are for pgledger_create_transfers_bulk.

transfer_requests: Rows (from_account_id, to_account_id, amount), at most
  100,000.
event_at: When they happened in the world, at most a day ahead unless
  allow_future_event_at; null for when they are recorded.
metadata: JSON object, at most 64 KiB and 64 MiB for all of them, which never
  changes. Store references in it, never personal data, or null.
app_id: Set of books that all accounts belong to.
group_id: Name that joins these transfers, 1 to 255 visible characters, for
  example an order's number, or null.
allow_future_event_at: Whether event_at may be more than a day ahead.

Returns: One transfer for each request, in their order.

Errors: InvalidBatch, BatchTooLarge (more than 100,000 requests, or 64 MiB of
  metadata), InvalidScope, NullArgument, InvalidId, SameAccount,
  InvalidAmount, InvalidTime, EventAtInFuture, InvalidMetadata,
  AccountNotFound, CurrencyMismatch, AccountAheadOfClock, AccountClosed,
  AccountFrozen, PeriodClosed, InsufficientFunds, PositiveBalanceNotAllowed,
  BalanceOutOfRange.$$;

revoke all on function @extschema@.pgledger_create_transfers_from_rows from public;
grant execute on function @extschema@.pgledger_create_transfers_from_rows to pgledger_poster;
