/*
Makes of a batch what can be made, and says of each request what became of it: as if each had been a
call of its own, in a savepoint of its own. Only a wrong shape refuses the whole batch.

First each request is looked at by itself. Then the accounts of the others are locked, all at once,
so that the order of locks is that of every batch. The rest goes run by run: a run ends before a
request whose id or key an earlier one of the run has, because what became of that one decides
whether it is a repeat: a request that fails keeps no key. In a batch without equal ids or keys
there is one run.

The messages are those of single calls, because it is their checks that speak: a quick look at all
requests finds the few that they are called for, each in a block of its own.

The body is long because its steps share the arrays.

Locks: the accounts FOR NO KEY UPDATE ascending by id, then those of pgledger.post_runs.
Errors: those of pgledger.check_batch; what is not one of pgledger's errors.
*/
create or replace function pgledger.transfer_outcomes(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
  allow_future_event_at boolean,
  require_from_versions bigint[],
  require_to_versions bigint[],
  require_from_balances numrange[],
  require_to_balances numrange[],
  idempotency_keys text[],
  out outcomes @extschema@.pgledger_transfer_outcome[]
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
  v_count integer := cardinality(from_account_ids);
  v_locked_ids text[];
  v_places integer[];
  v_missing integer[];
  v_place integer;
  v_ok boolean;
begin
  v_ok := pgledger.check_batch(
    from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids, app_id, group_id, null,
    require_from_versions, require_to_versions, require_from_balances, require_to_balances,
    idempotency_keys
  );

  -- A slice is counted from 1, whatever the array is counted from.
  from_account_ids := from_account_ids[:];
  to_account_ids := to_account_ids[:];
  amounts := amounts[:];
  event_ats := event_ats[:];
  metadatas := metadatas[:];
  ids := ids[:];
  require_from_versions := require_from_versions[:];
  require_to_versions := require_to_versions[:];
  require_from_balances := require_from_balances[:];
  require_to_balances := require_to_balances[:];
  idempotency_keys := case
    when array_remove(idempotency_keys, null) <> '{}' then idempotency_keys[:]
  end;

  outcomes := pgledger.request_failures(
    from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids, allow_future_event_at,
    require_from_versions, require_to_versions, require_from_balances, require_to_balances,
    idempotency_keys
  );
  v_places := array(
    select place from generate_series(1, v_count) as place where (outcomes[place]).status is null
  );

  v_locked_ids := array(
    select accounts.id
    from pgledger.accounts
    where accounts.id = any(
      array(
        select unnest(array[from_account_ids[place], to_account_ids[place]])
        from unnest(v_places) as place
      )
    )
    order by accounts.id
    for no key update
  );
  -- Not a loop over the query itself, which would copy the arrays flat: each element of those is
  -- looked for from the beginning.
  v_missing := array(
    select request.place
    from (
      select
        place, from_account_ids[place] as from_account_id, to_account_ids[place] as to_account_id
      from unnest(v_places) as place
      offset 0
    ) as request
    left join unnest(v_locked_ids) as source (id) on request.from_account_id = source.id
    left join unnest(v_locked_ids) as target (id) on request.to_account_id = target.id
    where source.id is null
      or target.id is null
  );
  foreach v_place in array v_missing loop
    outcomes[v_place] := pgledger.placed_outcome(
      from_account_ids[v_place], to_account_ids[v_place], amounts[v_place], event_ats[v_place],
      metadatas[v_place], ids[v_place], app_id, v_locked_ids
    );
  end loop;

  v_places := array(
    select place from unnest(v_places) as place where (outcomes[place]).status is null
  );

  outcomes := pgledger.post_runs(
    outcomes, v_places, from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids,
    app_id, group_id, require_from_versions, require_to_versions, require_from_balances,
    require_to_balances, idempotency_keys
  );
end;
$$;

comment on function pgledger.transfer_outcomes is
  'Makes of a batch what can be made; returns what became of each request.';

revoke all on function pgledger.transfer_outcomes from public;
