/*
Moves many amounts at once, given as parallel arrays: all of them, or none.

If the caller chose no ids, the batch cannot hold a repeat and is posted as it is. If the caller
chose ids, it takes the longer way: transfers that exist already are returned and not made again.

Checks, in this order: the arrays, app_id and group_id; each request's own values; that accounts
exist and share a currency; whether it is a repeat; the clock; status; decimal places; conditions
and limits. Each check looks at all requests before the next one begins, and names the lowest
request at fault. Conditions and limits are one check: both depend on what the requests before do.

Locks and errors: those of the functions that it calls.
*/
create or replace function @extschema@.pgledger_create_transfers_bulk(
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
returns setof @extschema@.pgledger_transfer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
-- A plan for the arrays at hand would hold copies of all metadata.
set plan_cache_mode = force_generic_plan
as $$
declare
  v_ids text[];
  v_replayed boolean[];
  v_first_created_at timestamptz;
  v_amounts numeric[];
  v_numbers integer[];
  v_from_balances numeric[];
  v_to_balances numeric[];
  v_from_versions bigint[];
  v_to_versions bigint[];
  v_currencies text[];
  v_names text[];
  v_tenant_ids text[];
  v_ok boolean;
begin
  v_ok := pgledger.check_transfer_requests(
    from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids, app_id, group_id,
    allow_future_event_at, null, null, require_from_versions, require_to_versions,
    require_from_balances, require_to_balances, idempotency_keys
  );

  if array_remove(ids || idempotency_keys, null) <> '{}' then
    select created.transfer_ids, created.replayed
    into v_ids, v_replayed
    from pgledger.create_keyed_transfers(
      from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids, app_id, group_id,
      require_from_versions, require_to_versions, require_from_balances, require_to_balances,
      idempotency_keys
    ) as created;

    return query
    select
      answer.id, answer.from_account_id, answer.to_account_id, answer.amount, answer.created_at,
      answer.event_at, answer.metadata, answer.currency, answer.from_account_name,
      answer.to_account_name, answer.from_account_balance, answer.to_account_balance,
      answer.from_account_version, answer.to_account_version, answer.group_id, answer.app_id,
      answer.from_tenant_id, answer.to_tenant_id, answer.origin_id, v_replayed[answer.place]
    from pgledger.transfers_by_id(v_ids) with ordinality
      as answer (
        id, from_account_id, to_account_id, amount, created_at, event_at, metadata, currency,
        from_account_name, to_account_name, from_account_balance, to_account_balance,
        from_account_version, to_account_version, group_id, app_id, from_tenant_id, to_tenant_id,
        origin_id, replayed, place
      );
  elsif cardinality(from_account_ids) > 0 then
    select
      posted.transfer_ids, posted.first_created_at, posted.posted_amounts, posted.numbers,
      posted.from_balances, posted.to_balances, posted.from_versions, posted.to_versions,
      posted.currencies, posted.names, posted.tenant_ids
    into
      v_ids, v_first_created_at, v_amounts, v_numbers, v_from_balances, v_to_balances,
      v_from_versions, v_to_versions, v_currencies, v_names, v_tenant_ids
    from pgledger.post_transfers(
      from_account_ids, to_account_ids, amounts, event_ats, metadatas, null,
      app_id, group_id, null, cardinality(from_account_ids), null, null, require_from_versions,
      require_to_versions, require_from_balances, require_to_balances
    ) as posted;

    return query
    select
      posted.id, posted.from_account_id, posted.to_account_id, posted.amount, posted.created_at,
      posted.event_at, posted.metadata, posted.currency, posted.from_account_name,
      posted.to_account_name, posted.from_account_balance, posted.to_account_balance,
      posted.from_account_version, posted.to_account_version, posted.group_id, posted.app_id,
      posted.from_tenant_id, posted.to_tenant_id, posted.origin_id, posted.replayed
    from pgledger.posted_transfers(
      from_account_ids, to_account_ids, event_ats, metadatas, null, null,
      app_id, group_id, v_ids, v_first_created_at, v_amounts, v_numbers, v_from_balances,
      v_to_balances, v_from_versions, v_to_versions, v_currencies, v_names, v_tenant_ids
    ) as posted;
  end if;
end;
$$;

comment on function @extschema@.pgledger_create_transfers_bulk is
$$Makes up to 100,000 transfers, all or none.

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

Returns: One transfer for each request, in their order.

Errors: InvalidBatch (the arrays are not of one length), BatchTooLarge (more
  than 100,000 requests, or 64 MiB of metadata), InvalidScope, NullArgument,
  InvalidId, SameAccount, InvalidAmount, InvalidTime, EventAtInFuture,
  InvalidMetadata, InvalidArgument (a required version is below zero, a
  required range is empty, or a key is empty or too long), AccountNotFound,
  CurrencyMismatch, IdempotencyConflict, AccountAheadOfClock, AccountClosed,
  AccountFrozen, PeriodClosed, VersionMismatch, BalanceConditionFailed,
  InsufficientFunds, PositiveBalanceNotAllowed, BalanceOutOfRange.$$;

revoke all on function @extschema@.pgledger_create_transfers_bulk from public;
grant execute on function @extschema@.pgledger_create_transfers_bulk to pgledger_poster;
