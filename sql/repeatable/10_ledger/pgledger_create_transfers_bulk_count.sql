/*
Moves many amounts at once, as pgledger_create_transfers_bulk does, and answers with a number.

Checks, locks and errors: those of pgledger_create_transfers_bulk.
*/
create or replace function @extschema@.pgledger_create_transfers_bulk_count(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[] default null,
  metadatas jsonb[] default null,
  ids text[] default null,
  app_id text default '',
  group_id text default null,
  allow_future_event_at boolean default false,
  require_from_versions bigint[] default null,
  require_to_versions bigint[] default null,
  require_from_balances numrange[] default null,
  require_to_balances numrange[] default null,
  idempotency_keys text[] default null
)
returns bigint
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
-- A plan for the arrays at hand would hold copies of all metadata.
set plan_cache_mode = force_generic_plan
as $$
declare
  v_count bigint;
begin
  select created.created_count
  into v_count
  from pgledger.create_bulk_transfers(
    from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids,
    pgledger_create_transfers_bulk_count.app_id, pgledger_create_transfers_bulk_count.group_id,
    allow_future_event_at, require_from_versions, require_to_versions, require_from_balances,
    require_to_balances, idempotency_keys
  ) as created;

  return v_count;
end;
$$;

comment on function @extschema@.pgledger_create_transfers_bulk_count is
$$Makes up to 100,000 transfers, all or none, and returns only how many.

Element n of each array belongs to request n, counted from 1. Arrays that have
a default may be left out, and may hold nulls. An error names the request at
fault. Like pgledger_create_transfer, it is not for use within an UPDATE, a
MERGE or an INSERT with ON CONFLICT, unless every request has an id that a row
holds.

from_account_ids: Accounts that the amounts leave.
to_account_ids: Accounts that they reach, each of its request's currency.
amounts: What to move, in units of the accounts' currencies: above 0, below
  1e30, at most 18 decimal places.
event_ats: When each happened in the world, at most a day ahead unless
  allow_future_event_at; null for when it is recorded.
metadatas: A JSON object for each, at most 64 KiB and 64 MiB in all, which
  never changes, or null.
ids: An id for each, pglt_ and a ULID. A request with an id of your own choice
  can be repeated: it takes effect once, and every repeat returns the first
  result; null for a new id.
app_id: Set of books that all accounts belong to.
group_id: Name that joins these transfers, 1 to 255 visible characters, for
  example an order's number, or null.
allow_future_event_at: Whether an event_at may be more than a day ahead.
require_from_versions: Version that the account of each request must have that
  the amount leaves, right before the request; null for any.
require_to_versions: Version that the other account must have before it; null
  for any.
require_from_balances: Range, such as [0,100), in which the balance of the
  account must lie that the amount leaves, right after the request; null for
  any.
require_to_balances: Range in which the other account's balance must lie after
  it; null for any.
idempotency_keys: Your own name for each request, 1 to 255 characters, unique
  in the app: the same request with it again, alone or in a batch, returns
  the first result; null for none.

Returns: How many transfers were made: one for each request, less repeats.

Errors: InvalidBatch (the arrays are not of one length), BatchTooLarge (more
  than 100,000 requests, or 64 MiB of metadata), InvalidScope, NullArgument,
  InvalidId, SameAccount, InvalidAmount, InvalidTime, EventAtInFuture,
  InvalidMetadata, InvalidArgument (a required version is below zero, a
  required range is empty, or a key is empty or too long), AccountNotFound,
  CurrencyMismatch, IdempotencyConflict, AccountAheadOfClock, AccountClosed,
  AccountFrozen, PeriodClosed, VersionMismatch, BalanceConditionFailed,
  InsufficientFunds, PositiveBalanceNotAllowed, BalanceOutOfRange.$$;

revoke all on function @extschema@.pgledger_create_transfers_bulk_count from public;
grant execute on function @extschema@.pgledger_create_transfers_bulk_count to pgledger_poster;
