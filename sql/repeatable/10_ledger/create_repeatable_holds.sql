/*
Makes a batch of holds in which the caller chose ids, so that some requests may be repeats: of
earlier calls, or of one another. Locks the accounts, then finds out which requests are new, and
makes those. It answers, in the order of the requests, with the id of each one's hold and whether
that existed already.

new_places and at are those of pgledger.create_keyed_holds, which knows what is new under its keys,
and what the time is.

Locks: the accounts FOR NO KEY UPDATE ascending by id, then those of pgledger.make_holds.
Errors: IdempotencyConflict, and those of pgledger.check_accounts and pgledger.make_holds.
*/
create or replace function pgledger.create_repeatable_holds(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  expires_ats timestamptz[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
  new_places bigint[] default null,
  at timestamptz default null,
  out hold_ids text[],
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
  v_new_places bigint[] := new_places;
  v_new_ids text[];
  v_locked_ids text[];
  v_ok boolean;
begin
  v_locked_ids := pgledger.lock_accounts(from_account_ids || to_account_ids);

  v_ok := pgledger.check_accounts(
    from_account_ids, to_account_ids, app_id, v_locked_ids, null, v_count
  );

  if v_new_places is null then
    v_new_places := pgledger.new_hold_places(
      from_account_ids, to_account_ids, amounts, expires_ats, event_ats, metadatas, ids, app_id,
      group_id
    );
  end if;

  select
    pgledger.make_holds(
      array_agg(request.from_account_id order by request.place),
      array_agg(request.to_account_id order by request.place),
      array_agg(request.amount order by request.place),
      array_agg(request.expires_at order by request.place),
      array_agg(request.event_at order by request.place),
      array_agg(request.metadata order by request.place),
      array_agg(request.id order by request.place),
      create_repeatable_holds.app_id, create_repeatable_holds.group_id, v_new_places, v_count,
      create_repeatable_holds.at
    )
  into v_new_ids
  from unnest(from_account_ids, to_account_ids, amounts, expires_ats, event_ats, metadatas, ids)
    with ordinality as request (
      from_account_id, to_account_id, amount, expires_at, event_at, metadata, id, place
    )
  inner join unnest(v_new_places) as new (place) on request.place = new.place
  having count(*) > 0;

  -- By now every request has an id: the caller's, or the one that its hold was given.
  select
    array_agg(coalesce(given.id, made.id) order by given.place),
    array_agg(made.place is null order by given.place)
  into hold_ids, replayed
  from unnest(ids) with ordinality as given (id, place)
  left join unnest(v_new_places, v_new_ids) as made (place, id) on given.place = made.place;
end;
$$;

comment on function pgledger.create_repeatable_holds is
  'Makes a batch of holds in which the caller chose ids; holds that exist are not made again.';

revoke all on function pgledger.create_repeatable_holds from public;
