/*
Creates a batch in which the caller chose ids, so that some requests may be repeats: of earlier
calls, or of one another. Locks the accounts, then finds out which requests are new and which exist,
and posts the new ones; only their conditions are looked at. It answers, in the order of the
requests, with the id of each one's transfer and whether that existed already.

Requests that are skipped are not made: pgledger.create_keyed_transfers knows what came of them. at
is the time that it read under the locks.

Locks: the accounts FOR NO KEY UPDATE ascending by id, then those of pgledger.post_transfers.
Errors: IdempotencyConflict, and those of pgledger.check_accounts and pgledger.post_transfers.
*/
create or replace function pgledger.create_repeatable_transfers(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
  require_from_versions bigint[] default null,
  require_to_versions bigint[] default null,
  require_from_balances numrange[] default null,
  require_to_balances numrange[] default null,
  skipped boolean[] default null,
  at timestamptz default null,
  out transfer_ids text[],
  out replayed boolean[]
)
language plpgsql
volatile
parallel unsafe
-- A plan for the arrays at hand would hold copies of all metadata.
set plan_cache_mode = force_generic_plan
set enable_nestloop = off
set jit = off
as $$
declare
  v_count bigint := cardinality(from_account_ids);
  v_new_places bigint[];
  v_posted_ids text[];
  v_locked_ids text[];
  v_taken text;
  v_ok boolean;
begin
  v_locked_ids := pgledger.lock_accounts(from_account_ids || to_account_ids);

  v_ok := pgledger.check_accounts(
    from_account_ids, to_account_ids, app_id, v_locked_ids, null, v_count
  );

  v_new_places := pgledger.new_transfer_places(
    from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids, app_id, v_locked_ids
  );
  if skipped is not null then
    v_new_places := pgledger.places_left(v_new_places, skipped);
  end if;

  -- Posts the new ones in their order.
  begin
    select posted.transfer_ids
    into v_posted_ids
    from (
      select
        array_agg(request.from_account_id order by request.place) as from_account_ids,
        array_agg(request.to_account_id order by request.place) as to_account_ids,
        array_agg(request.amount order by request.place) as amounts,
        array_agg(request.event_at order by request.place) as event_ats,
        array_agg(request.metadata order by request.place) as metadatas,
        array_agg(request.id order by request.place) as ids
      from unnest(from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids)
        with ordinality
        as request (from_account_id, to_account_id, amount, event_at, metadata, id, place)
      inner join unnest(v_new_places) as new (place) on request.place = new.place
      having count(*) > 0
    ) as new
    cross join lateral pgledger.post_transfers(
      new.from_account_ids, new.to_account_ids, new.amounts, new.event_ats, new.metadatas, new.ids,
      create_repeatable_transfers.app_id, create_repeatable_transfers.group_id, v_new_places,
      v_count, null, null, require_from_versions, require_to_versions, require_from_balances,
      require_to_balances, create_repeatable_transfers.at
    ) as posted;
  exception
    when unique_violation then
      get stacked diagnostics v_taken = pg_exception_detail;
      -- Another call took an id meanwhile. It did not wait for the accounts that this call
      -- holds, so it asked for something else. Our snapshot may not show it, but the error's
      -- detail names it.
      v_taken := substring(v_taken from '[(]id[)]=[(](pglt_[0-9A-Z]{26})[)]');
      if v_taken is null or v_taken <> all(array_remove(ids, null)) then
        raise;
      end if;
      v_ok := pgledger.refuse_taken_id(v_taken, ids);
  end;

  -- By now every request has an id: the caller's, or the one it was posted under.
  select
    array_agg(coalesce(given.id, posted.id) order by given.place),
    array_agg(posted.place is null order by given.place)
  into transfer_ids, replayed
  from unnest(ids) with ordinality as given (id, place)
  left join unnest(v_new_places, v_posted_ids) as posted (place, id)
    on given.place = posted.place;
end;
$$;

comment on function pgledger.create_repeatable_transfers is
  'Creates a batch in which the caller chose ids; transfers that exist are not made again.';

revoke all on function pgledger.create_repeatable_transfers from public;
