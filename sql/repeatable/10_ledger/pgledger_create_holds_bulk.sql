/*
Makes many holds at once, given as parallel arrays: all of them, or none.

If the caller chose neither ids nor keys, the batch cannot hold a repeat and is made as it is. If
the caller chose some, it takes the longer way: holds that exist already are returned and not made
again.

Checks, in this order: the arrays, app_id and group_id; each request's own values; that accounts
exist and share a currency; whether it is a repeat; the clock; that it expires in the future;
status; decimal places; limits. Each check looks at all requests before the next one begins, and
names the lowest request at fault.

Locks and errors: those of the functions that it calls.
*/
create or replace function @extschema@.pgledger_create_holds_bulk(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  expires_ats timestamptz[] default null,
  event_ats timestamptz[] default null,
  metadatas jsonb[] default null,
  ids text[] default null,
  app_id text default '',
  group_id text default null,
  allow_future_event_at boolean default false,
  idempotency_keys text[] default null
)
returns setof @extschema@.pgledger_hold
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
  v_ok boolean;
begin
  v_ok := pgledger.check_hold_requests(
    from_account_ids, to_account_ids, amounts, expires_ats, event_ats, metadatas, ids, app_id,
    group_id, allow_future_event_at, idempotency_keys
  );

  -- A slice is counted from 1, whatever the array is counted from.
  from_account_ids := from_account_ids[:];
  to_account_ids := to_account_ids[:];
  amounts := amounts[:];
  expires_ats := expires_ats[:];
  event_ats := event_ats[:];
  metadatas := metadatas[:];
  ids := ids[:];
  idempotency_keys := idempotency_keys[:];

  if array_remove(ids || idempotency_keys, null) <> '{}' then
    select created.hold_ids, created.replayed
    into v_ids, v_replayed
    from pgledger.create_keyed_holds(
      from_account_ids, to_account_ids, amounts, expires_ats, event_ats, metadatas, ids,
      pgledger_create_holds_bulk.app_id, pgledger_create_holds_bulk.group_id, idempotency_keys
    ) as created;
  elsif cardinality(from_account_ids) > 0 then
    v_ids := pgledger.make_holds(
      from_account_ids, to_account_ids, amounts, expires_ats, event_ats, metadatas, null,
      app_id, group_id, null, cardinality(from_account_ids)
    );
  end if;

  return query
  select
    answer.id, answer.from_account_id, answer.to_account_id, answer.amount, answer.posted_amount,
    answer.status, answer.created_at, answer.event_at, answer.expires_at, answer.ended_at,
    answer.metadata, answer.currency, answer.from_account_name, answer.to_account_name,
    answer.group_id, answer.app_id, answer.from_tenant_id, answer.to_tenant_id, answer.replayed
  from pgledger.holds_by_id(v_ids, v_replayed) as answer;
end;
$$;

comment on function @extschema@.pgledger_create_holds_bulk is
$$Makes up to 100,000 holds, all or none.

Element n of each array belongs to request n, counted from 1. Arrays that have
a default may be left out, and may hold nulls. An error names the request at
fault. What a hold is, pgledger_create_hold says.

from_account_ids: Accounts that the amounts are to leave.
to_account_ids: Accounts that they are to reach, each of its request's
  currency.
amounts: What to hold, in units of the accounts' currencies: above 0, below
  1e30, at most 18 decimal places.
expires_ats: From when on each is expired, in the future; null for never.
event_ats: When each happened in the world, at most a day ahead unless
  allow_future_event_at; null for when it is recorded.
metadatas: A JSON object for each, at most 64 KiB and 64 MiB in all, which
  never changes, or null.
ids: An id for each, pglh_ and a ULID. A request with an id of your own choice
  can be repeated: it takes effect once, and every repeat returns the hold as
  it stands then; null for a new id.
app_id: Set of books that all accounts belong to.
group_id: Name for these holds and the transfers that post them, 1 to 255
  visible characters, for example an order's number, or null.
allow_future_event_at: Whether an event_at may be more than a day ahead.
idempotency_keys: Your own name for each request, 1 to 255 characters, unique
  in the app: the same request with it again, alone or in a batch, returns
  the same hold, as it stands then; null for none.

Returns: One hold for each request, in their order.

Errors: InvalidBatch (the arrays are not of one length), BatchTooLarge (more
  than 100,000 requests, or 64 MiB of metadata), InvalidScope, NullArgument,
  InvalidId, SameAccount, InvalidAmount, InvalidTime, EventAtInFuture,
  InvalidMetadata, InvalidArgument (a key is empty or too long),
  AccountNotFound, CurrencyMismatch, IdempotencyConflict, AccountAheadOfClock,
  AccountClosed, AccountFrozen, PeriodClosed, InsufficientFunds,
  PositiveBalanceNotAllowed, BalanceOutOfRange.$$;

revoke all on function @extschema@.pgledger_create_holds_bulk from public;
grant execute on function @extschema@.pgledger_create_holds_bulk to pgledger_poster;
