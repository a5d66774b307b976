/*
Makes of a batch what can be made; a request that is refused leaves the others as if it had not been
asked, and keeps no key. Each goes through the checks of a single transfer, in their order.

Locks and errors: those of pgledger.transfer_outcomes.
*/
create or replace function @extschema@.pgledger_create_transfers_outcomes(
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
returns setof @extschema@.pgledger_transfer_outcome
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  return query
  select
    outcome.place, outcome.status, outcome.id, outcome.error, outcome.error_name, outcome.reason,
    outcome.created_at, outcome.from_account_balance, outcome.to_account_balance,
    outcome.from_account_version, outcome.to_account_version, outcome.detail, outcome.hint
  from unnest(
    pgledger.transfer_outcomes(
      from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids,
      pgledger_create_transfers_outcomes.app_id, pgledger_create_transfers_outcomes.group_id,
      allow_future_event_at, require_from_versions, require_to_versions, require_from_balances,
      require_to_balances, idempotency_keys
    )
  ) with ordinality as outcome (
    request_index, status, id, error, error_name, reason, created_at, from_account_balance,
    to_account_balance, from_account_version, to_account_version, detail, hint, place
  )
  order by outcome.place;
end;
$$;

comment on function @extschema@.pgledger_create_transfers_outcomes is
$$Makes up to 100,000 transfers, each by itself, and says what became of each.

Element n of each array belongs to request n, counted from 1. Arrays that have
a default may be left out, and may hold nulls. A request that is refused
changes nothing, and those after it go on from what those before it did, as if
each were a call of its own in a savepoint of its own. Only a batch of a wrong
shape is refused as a whole. Like pgledger_create_transfer, it is not for use
within an UPDATE, a MERGE or an INSERT with ON CONFLICT, unless every request
has an id that a row holds.

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
  in the app: the same request with it again, alone or in a batch, gets the
  first result, and one that fails keeps no key; null for none.

Returns: What became of each request, in their order.

Errors: InvalidBatch (the arrays are not of one length), BatchTooLarge (more
  than 100,000 requests, or 64 MiB of metadata), NullArgument (app_id is
  null), InvalidScope (app_id or group_id is malformed).$$;

revoke all on function @extschema@.pgledger_create_transfers_outcomes from public;
grant execute on function @extschema@.pgledger_create_transfers_outcomes to pgledger_poster;
