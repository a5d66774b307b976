/*
Makes of a batch of holds what can be made; a request that is refused leaves the others as if it had
not been asked. Each goes through the checks of a single hold, in their order.

Locks and errors: those of pgledger.hold_outcomes.
*/
create or replace function @extschema@.pgledger_create_holds_outcomes(
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
returns setof @extschema@.pgledger_hold_outcome
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
    outcome.detail, outcome.hint, outcome.created_at, outcome.expires_at, outcome.ended_at,
    outcome.posted_amount, outcome.hold_status
  from unnest(
    pgledger.hold_outcomes(
      from_account_ids, to_account_ids, amounts, expires_ats, event_ats, metadatas, ids,
      pgledger_create_holds_outcomes.app_id, pgledger_create_holds_outcomes.group_id,
      allow_future_event_at, idempotency_keys
    )
  ) with ordinality as outcome (
    request_index, status, id, error, error_name, reason, detail, hint, created_at, expires_at,
    ended_at, posted_amount, hold_status, place
  )
  order by outcome.place;
end;
$$;

comment on function @extschema@.pgledger_create_holds_outcomes is
$$Makes up to 100,000 holds, each by itself, and says what became of each.

Element n of each array belongs to request n, counted from 1. Arrays that have
a default may be left out, and may hold nulls. A request that is refused
changes nothing, and those after it go on from what those before it did, as if
each were a call of its own in a savepoint of its own. Only a batch of a wrong
shape is refused as a whole. What a hold is, pgledger_create_hold says.

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
  in the app: the same request with it again, in a batch or by itself, returns
  the same hold, as it stands then. A request that fails keeps no key; null
  for none.

Returns: What became of each request, in their order.

Errors: InvalidBatch (the arrays are not of one length), BatchTooLarge (more
  than 100,000 requests, or 64 MiB of metadata), NullArgument (app_id is
  null), InvalidScope (app_id or group_id is malformed).$$;

revoke all on function @extschema@.pgledger_create_holds_outcomes from public;
grant execute on function @extschema@.pgledger_create_holds_outcomes to pgledger_poster;
