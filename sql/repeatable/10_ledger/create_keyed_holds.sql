/*
Makes a batch of holds in which the caller chose keys or ids, so that some requests may be repeats:
of earlier calls, or of one another. Locks the accounts, finds out which requests are repeats under
their keys, takes the keys of the others, and leaves the rest to pgledger.create_repeatable_holds.
It answers, in the order of the requests, with the id of each one's hold and whether that existed
already.

The keys are written before the holds, with ids that are made here for that: from the same time as
the holds get.

Locks: the accounts FOR NO KEY UPDATE ascending by id, then the inserted rows of the keys ascending
by key, then those of pgledger.make_holds.
Errors: those of pgledger.check_accounts, pgledger.keys_of_requests, pgledger.take_keys and
pgledger.create_repeatable_holds.
*/
create or replace function pgledger.create_keyed_holds(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  expires_ats timestamptz[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
  idempotency_keys text[],
  out hold_ids text[],
  out replayed boolean[]
)
language plpgsql
volatile
parallel unsafe
-- A plan for the arrays at hand would hold copies of all metadata.
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_count integer := cardinality(from_account_ids);
  v_locked_ids text[];
  v_requests jsonb[];
  v_keys record;
  v_new_places bigint[];
  v_now timestamptz;
  v_ids text[] := coalesce(ids, array_fill(null::text, array[v_count]));
  v_ok boolean;
begin
  if array_remove(idempotency_keys, null) <> '{}' then
    v_locked_ids := pgledger.lock_accounts(from_account_ids || to_account_ids);
    v_ok := pgledger.check_accounts(
      from_account_ids, to_account_ids, app_id, v_locked_ids, null, v_count
    );

    v_requests := pgledger.keyed_hold_requests(
      from_account_ids, to_account_ids, amounts, expires_ats, event_ats, metadatas, ids, group_id,
      idempotency_keys
    );
    v_keys := pgledger.keys_of_requests(
      app_id, idempotency_keys, 'pgledger_create_hold', v_requests
    );
    v_new_places := pgledger.places_left(
      pgledger.new_hold_places(
        from_account_ids, to_account_ids, amounts, expires_ats, event_ats, metadatas, ids, app_id,
        group_id
      ),
      v_keys.repeated
    );
    v_now := pgledger.clock();
    v_ids := pgledger.ids_of_new_requests(
      v_new_places, pgledger.new_hold_ids(v_now, cardinality(v_new_places)), ids,
      idempotency_keys, v_keys.repeated
    );
    v_ok := pgledger.take_keys(
      app_id, idempotency_keys, 'pgledger_create_hold', v_requests, v_ids
    );
  end if;

  select created.hold_ids, created.replayed
  into create_keyed_holds.hold_ids, create_keyed_holds.replayed
  from pgledger.create_repeatable_holds(
    from_account_ids, to_account_ids, amounts, expires_ats, event_ats, metadatas, v_ids,
    create_keyed_holds.app_id, create_keyed_holds.group_id, v_new_places, v_now
  ) as created;

  if v_requests is not null then
    hold_ids := pgledger.ids_of_repeats(hold_ids, v_keys.result_ids, v_keys.first_places);
  end if;
end;
$$;

comment on function pgledger.create_keyed_holds is
  'Makes a batch of holds in which the caller chose keys or ids; holds that exist are not made '
  'again.';

revoke all on function pgledger.create_keyed_holds from public;
