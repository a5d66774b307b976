/*
Says what pgledger_create_transfers_outcomes would make of a batch at this moment, and makes none of
it. The batch is made in a block that ends in an exception of its own, so that everything goes with
it: rows, keys, versions and locks. Its answers are carried out in a variable. What would repeat a
request before it in the batch repeats what is not there, and has no time or id either.

Locks: those of pgledger.transfer_outcomes, until it ends.
Errors: those of pgledger.transfer_outcomes.
*/
create or replace function @extschema@.pgledger_preview_transfers(
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
declare
  v_made record;
  -- A slice is counted from 1, whatever the array is counted from.
  v_ids text[] := ids[:];
begin
  begin
    select
      pgledger.transfer_outcomes(
        from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids,
        pgledger_preview_transfers.app_id, pgledger_preview_transfers.group_id,
        allow_future_event_at, require_from_versions, require_to_versions, require_from_balances,
        require_to_balances, idempotency_keys
      ) as outcomes
    into v_made;
    raise exception using errcode = 'P0001', message = 'pgledger: preview ends';
  exception
    when raise_exception then
      if sqlerrm <> 'pgledger: preview ends' then
        raise;
      end if;
  end;

  return query
  select
    outcome.place, outcome.status,
    case when made.place is null then outcome.id else v_ids[made.place] end,
    outcome.error, outcome.error_name, outcome.reason,
    case when made.place is null then outcome.created_at end,
    outcome.from_account_balance, outcome.to_account_balance,
    outcome.from_account_version, outcome.to_account_version, outcome.detail, outcome.hint
  from unnest(v_made.outcomes) with ordinality as outcome (
    request_index, status, id, error, error_name, reason, created_at, from_account_balance,
    to_account_balance, from_account_version, to_account_version, detail, hint, place
  )
  left join unnest(v_made.outcomes) with ordinality as made (
    request_index, status, id, error, error_name, reason, created_at, from_account_balance,
    to_account_balance, from_account_version, to_account_version, detail, hint, place
  ) on outcome.id = made.id and made.status = 'posted'
  order by outcome.place;
end;
$$;

comment on function @extschema@.pgledger_preview_transfers is
$$Says what pgledger_create_transfers_outcomes would do, and does nothing.

All checks are made as they would be at this moment, each request after what
those before it would do. Nothing stays of it: no transfer, no key, no version
and no lock. So another session may come in between, and the same call answers
otherwise later.

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

Returns: What would become of each request, in their order. What would be
  posted has no created_at yet, nor an id that nobody chose.

Errors: InvalidBatch (the arrays are not of one length), BatchTooLarge (more
  than 100,000 requests, or 64 MiB of metadata), NullArgument (app_id is
  null), InvalidScope (app_id or group_id is malformed).$$;

revoke all on function @extschema@.pgledger_preview_transfers from public;
grant execute on function @extschema@.pgledger_preview_transfers to pgledger_poster;
