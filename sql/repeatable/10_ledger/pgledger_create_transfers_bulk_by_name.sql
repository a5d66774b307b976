/*
Moves many amounts at once between accounts that are given by name: all of them, or none. Each name
is looked up once. The accounts are found, locked, and their names compared again; then it is a
batch like any other.

Checks, in this order: the arrays, app_id and group_id; each request's own values; that each name
leads to one account; whether it is a repeat; the clock; status; decimal places; conditions and
limits. Each check looks at all requests before the next one begins, and names the lowest request at
fault.

Locks: those of pgledger.lock_named_accounts.
Errors: those of pgledger.check_named_requests, pgledger.check_each_named_request,
pgledger.refuse_account_name, pgledger.create_repeatable_transfers and pgledger.post_transfers.
*/
create or replace function @extschema@.pgledger_create_transfers_bulk_by_name(
  from_names text[],
  to_names text[],
  amounts numeric[],
  currencies text[],
  event_ats timestamptz[] default null,
  metadatas jsonb[] default null,
  ids text[] default null,
  from_tenant_ids text[] default null,
  to_tenant_ids text[] default null,
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
  v_count integer := cardinality(from_names);
  v_names text[];
  v_tenant_ids text[];
  v_account_ids text[];
  v_ids text[];
  v_replayed boolean[];
  v_ok boolean;
begin
  v_ok := pgledger.check_named_requests(
    from_names, to_names, amounts, currencies, event_ats, metadatas, ids, from_tenant_ids,
    to_tenant_ids, app_id, group_id, allow_future_event_at, require_from_versions,
    require_to_versions, require_from_balances, require_to_balances, idempotency_keys
  );
  if v_count = 0 then
    return;
  end if;

  v_names := from_names || to_names;
  v_tenant_ids := array_replace(
    coalesce(from_tenant_ids, array_fill(null::text, array[v_count]))
    || coalesce(to_tenant_ids, array_fill(null::text, array[v_count])), null, ''
  );
  v_account_ids := pgledger.lock_named_accounts(
    v_names, currencies || currencies, v_tenant_ids, app_id
  );
  if array_position(v_account_ids, null) is not null then
    v_ok := pgledger.check_each_named_request(
      from_names, to_names, amounts, currencies, event_ats, metadatas, ids, from_tenant_ids,
      to_tenant_ids, allow_future_event_at, require_from_versions, require_to_versions,
      require_from_balances, require_to_balances, idempotency_keys
    );
    v_ok := pgledger.refuse_request_name(
      v_names, currencies, app_id, v_tenant_ids, v_account_ids
    );
  end if;

  if array_remove(ids || idempotency_keys, null) <> '{}' then
    select created.transfer_ids, created.replayed
    into v_ids, v_replayed
    from pgledger.create_keyed_transfers(
      v_account_ids[:v_count], v_account_ids[v_count + 1:], amounts, event_ats, metadatas, ids,
      app_id, group_id, require_from_versions, require_to_versions, require_from_balances,
      require_to_balances, idempotency_keys, 'pgledger_create_transfer_by_name', from_names,
      to_names, currencies, from_tenant_ids, to_tenant_ids
    ) as created;
  else
    select posted.transfer_ids
    into v_ids
    from pgledger.post_transfers(
      v_account_ids[:v_count], v_account_ids[v_count + 1:], amounts, event_ats, metadatas, null,
      app_id, group_id, null, v_count, null, null, require_from_versions, require_to_versions,
      require_from_balances, require_to_balances
    ) as posted;
  end if;

  return query
  select
    answer.id, answer.from_account_id, answer.to_account_id, answer.amount, answer.created_at,
    answer.event_at, answer.metadata, answer.currency, answer.from_account_name,
    answer.to_account_name, answer.from_account_balance, answer.to_account_balance,
    answer.from_account_version, answer.to_account_version, answer.group_id, answer.app_id,
    answer.from_tenant_id, answer.to_tenant_id, answer.origin_id,
    coalesce(v_replayed[answer.place], false)
  from pgledger.transfers_by_id(v_ids) with ordinality
    as answer (
      id, from_account_id, to_account_id, amount, created_at, event_at, metadata, currency,
      from_account_name, to_account_name, from_account_balance, to_account_balance,
      from_account_version, to_account_version, group_id, app_id, from_tenant_id, to_tenant_id,
      origin_id, replayed, place
    );
end;
$$;

comment on function @extschema@.pgledger_create_transfers_bulk_by_name is
$$Makes up to 100,000 transfers between accounts given by name, all or none.

Element n of each array belongs to request n, counted from 1. Arrays that have
a default may be left out, and may hold nulls. The names are those that the
accounts have when they are locked. An error names the request at fault. Like
pgledger_create_transfer, it is not for use within an UPDATE, a MERGE or an
INSERT with ON CONFLICT, unless every request has an id that a row holds.

from_names: Names of the accounts that the amounts leave.
to_names: Names of the accounts that they reach.
amounts: What to move, in units of the currencies: above 0, below 1e30, at
  most 18 decimal places.
currencies: The currency of both accounts of each request.
event_ats: When each happened in the world, at most a day ahead unless
  allow_future_event_at; null for when it is recorded.
metadatas: A JSON object for each, at most 64 KiB and 64 MiB in all, which
  never changes, or null.
ids: An id for each, pglt_ and a ULID. A request with an id of your own choice
  can be repeated, as long as the names lead to the same accounts: it takes
  effect once, and every repeat returns the first result; null for a new id.
from_tenant_ids: Whose accounts the amounts leave; null for the empty text.
to_tenant_ids: Whose accounts they reach; null for the empty text.
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
  than 100,000 requests, or 64 MiB of metadata), InvalidScope, InvalidName,
  InvalidCurrency, SameAccount, InvalidAmount, InvalidTime, EventAtInFuture,
  InvalidMetadata, NullArgument, InvalidId, InvalidArgument (a required
  version is below zero, a required range is empty, or a key is empty or too
  long), AccountNotFound (no account has the name), AccountAmbiguous (several
  have it), IdempotencyConflict, AccountAheadOfClock, AccountClosed,
  AccountFrozen, PeriodClosed, VersionMismatch, BalanceConditionFailed,
  InsufficientFunds, PositiveBalanceNotAllowed, BalanceOutOfRange.$$;

revoke all on function @extschema@.pgledger_create_transfers_bulk_by_name from public;
grant execute on function @extschema@.pgledger_create_transfers_bulk_by_name to pgledger_poster;
