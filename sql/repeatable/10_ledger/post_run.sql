/*
Makes of a run what can be made, and says what became of each of its requests, in their order. No
two of them have one id or one key, and all accounts are locked. Conditions are those of the whole
batch, in which places says where each request stands.

If another session takes an id or a key meanwhile, what was posted is taken back and the run is
looked at again: then that can be seen, and its request is told so. Each time at least one id or key
more is seen. Under repeatable read and serializable the whole call is to be run again.

The body is long because its steps share the arrays.

Locks: those of pgledger.place_run and pgledger.post_transfers.
Errors: PostgreSQL's serialization_failure.
*/
create or replace function pgledger.post_run(
  places integer[],
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
  require_from_versions bigint[],
  require_to_versions bigint[],
  require_from_balances numrange[],
  require_to_balances numrange[],
  idempotency_keys text[],
  keyed_requests jsonb[],
  out outcomes @extschema@.pgledger_transfer_outcome[]
)
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_generic_plan
set enable_nestloop = off
set jit = off
as $$
declare
  v_new integer[];
  -- Not one record: of an array in a record each element is looked for from the beginning.
  v_transfer_ids text[];
  v_first_at timestamptz;
  v_from_balances numeric[];
  v_to_balances numeric[];
  v_from_versions bigint[];
  v_to_versions bigint[];
  v_failures outcomes%type;
  v_taken text;
  v_ok boolean;
begin
  loop
    outcomes := pgledger.place_run(
      from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids, app_id,
      idempotency_keys, keyed_requests
    );
    v_new := array(
      select number
      from generate_series(1, cardinality(places)) as number
      where (outcomes[number]).status is null
    );
    exit when v_new = '{}';

    begin
      select
        posted.transfer_ids, posted.first_created_at, posted.from_balances, posted.to_balances,
        posted.from_versions, posted.to_versions, posted.failures
      into
        v_transfer_ids, v_first_at, v_from_balances, v_to_balances, v_from_versions, v_to_versions,
        v_failures
      from (
        select
          array_agg(from_account_ids[number] order by number) as from_account_ids,
          array_agg(to_account_ids[number] order by number) as to_account_ids,
          array_agg(amounts[number] order by number) as amounts,
          array_agg(event_ats[number] order by number) as event_ats,
          array_agg(metadatas[number] order by number) as metadatas,
          array_agg(ids[number] order by number) as ids,
          array_agg(idempotency_keys[number] order by number)
            filter (where idempotency_keys is not null) as keys,
          array_agg(keyed_requests[number] order by number)
            filter (where idempotency_keys is not null) as keyed_requests,
          array_agg(places[number]::bigint order by number) as places
        from unnest(v_new) as number
      ) as run
      cross join lateral pgledger.post_transfers(
        run.from_account_ids, run.to_account_ids, run.amounts, run.event_ats, run.metadatas,
        run.ids, post_run.app_id, post_run.group_id, run.places, null, null, null,
        require_from_versions, require_to_versions, require_from_balances, require_to_balances,
        skips_failed => true, idempotency_keys => run.keys, keyed_requests => run.keyed_requests
      ) as posted;
      exit;
    exception
      when unique_violation then
        get stacked diagnostics v_taken = pg_exception_detail;
        v_taken := substring(v_taken from '[(]id[)]=[(](pglt_[0-9A-Z]{26})[)]');
        if v_taken is null or v_taken <> all(array_remove(ids, null)) then
          raise;
        end if;
        v_ok := pgledger.look_again_for_id(v_taken);
      when others then
        -- Another session has taken a key.
        if sqlstate <> pgledger.error_code('IdempotencyConflict') then
          raise;
        end if;
    end;
  end loop;

  for v_place in 1..cardinality(v_new) loop
    outcomes[v_new[v_place]] := coalesce(
      v_failures[v_place],
      pgledger.posted_outcome(
        v_transfer_ids[v_place],
        v_first_at + (v_place - 1) * interval '1 microsecond',
        v_from_balances[v_place], v_to_balances[v_place],
        v_from_versions[v_place], v_to_versions[v_place]
      )
    );
  end loop;
end;
$$;

comment on function pgledger.post_run is
  'Makes of a run of requests what can be made; returns what became of each.';

revoke all on function pgledger.post_run from public;
