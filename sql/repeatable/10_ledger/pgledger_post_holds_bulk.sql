/*
Moves what many holds keep back, or parts of it: all of the requests, or none.

Checks, in this order: the arrays and app_id; each request's own values; that the holds exist. Then
the requests are gone through in their order, because one may depend on those before it, and each is
checked as pgledger_post_hold does. An error names the lowest request at fault.

All of it is done at once where every posting is new and sound, and else one after another. What
repeats others under their keys is found out before, for all of them at once.

Locks: all accounts FOR NO KEY UPDATE, ascending by id; then the holds, ascending by id; then the
inserted rows of the keys, ascending by key; then the transfers.
Errors: those of pgledger.check_posting_requests, pgledger.lock_holds, pgledger.post_locked_holds
and pgledger.post_keyed_holds.
*/
create or replace function @extschema@.pgledger_post_holds_bulk(
  hold_ids text[],
  amounts numeric[] default null,
  finals boolean[] default null,
  event_ats timestamptz[] default null,
  metadatas jsonb[] default null,
  ids text[] default null,
  app_id text default '',
  allow_future_event_at boolean default false,
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
  v_newest_at timestamptz;
  v_ids text[];
  v_replayed boolean[];
  v_ok boolean;
begin
  v_ok := pgledger.check_posting_requests(
    hold_ids, amounts, finals, event_ats, metadatas, ids, app_id, allow_future_event_at,
    idempotency_keys
  );

  -- A slice is counted from 1, whatever the array is counted from.
  hold_ids := hold_ids[:];
  amounts := amounts[:];
  finals := finals[:];
  event_ats := event_ats[:];
  metadatas := metadatas[:];
  ids := ids[:];
  idempotency_keys := idempotency_keys[:];

  v_newest_at := pgledger.lock_holds(hold_ids, app_id);
  if array_remove(idempotency_keys, null) <> '{}' then
    select posted.transfer_ids, posted.replayed
    into v_ids, v_replayed
    from pgledger.post_keyed_holds(
      hold_ids, amounts, finals, event_ats, metadatas, ids, pgledger_post_holds_bulk.app_id,
      idempotency_keys, v_newest_at
    ) as posted;
  else
    select posted.transfer_ids, posted.replayed
    into v_ids, v_replayed
    from pgledger.post_locked_holds(
      hold_ids, amounts, finals, event_ats, metadatas, ids, pgledger_post_holds_bulk.app_id,
      null, cardinality(hold_ids), v_newest_at
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

comment on function @extschema@.pgledger_post_holds_bulk is
$$Moves what up to 100,000 holds keep back, all or none.

Element n of each array belongs to request n, counted from 1. Arrays that have
a default may be left out, and may hold nulls. A hold may be asked for several
times, in parts: the requests take effect in their order. An error names the
request at fault. What a posting is, pgledger_post_hold says.

hold_ids: The holds.
amounts: What to move, at most what is left of the hold then; null for all of
  that.
finals: Whether what is then left of the hold is released, and the hold is
  posted; null for true.
event_ats: When each happened in the world, at most a day ahead unless
  allow_future_event_at; null for when it is recorded.
metadatas: A JSON object for each, at most 64 KiB and 64 MiB in all, which
  never changes, or null.
ids: The id of each transfer, pglt_ and a ULID. A request with an id of your
  own choice can be repeated: it takes effect once, and every repeat returns
  the first result; null for a new id.
app_id: Set of books that all holds belong to.
allow_future_event_at: Whether an event_at may be more than a day ahead.
idempotency_keys: Your own name for each request, 1 to 255 characters, unique
  in the app: the same request with it again, alone or in a batch, returns
  the first result; null for none.

Returns: One transfer for each request, in their order.

Errors: InvalidBatch (the arrays are not of one length), BatchTooLarge (more
  than 100,000 requests, or 64 MiB of metadata), InvalidScope, NullArgument,
  InvalidId, InvalidAmount, InvalidTime, EventAtInFuture, InvalidMetadata,
  InvalidArgument (a key is empty or too long), HoldNotFound,
  IdempotencyConflict, HoldEnded, HoldExpired, HoldAmountExceeded,
  AccountAheadOfClock, PeriodClosed, BalanceOutOfRange.$$;

revoke all on function @extschema@.pgledger_post_holds_bulk from public;
grant execute on function @extschema@.pgledger_post_holds_bulk to pgledger_poster;
