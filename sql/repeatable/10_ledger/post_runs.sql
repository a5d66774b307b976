/*
Makes what can be made of the given requests of a batch, run by run, and adds what became of each to
the outcomes. The caller has locked all of their accounts, and has found that these exist.

Locks and errors: those of pgledger.post_run.
*/
create or replace function pgledger.post_runs(
  inout outcomes @extschema@.pgledger_transfer_outcome[],
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
  idempotency_keys text[]
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
  v_run record;
  v_made outcomes%type;
begin
  for v_run in
    select
      array_agg(place order by place) as places,
      array_agg(from_account_ids[place] order by place) as from_account_ids,
      array_agg(to_account_ids[place] order by place) as to_account_ids,
      array_agg(amounts[place] order by place) as amounts,
      array_agg(event_ats[place] order by place) as event_ats,
      array_agg(metadatas[place] order by place) as metadatas,
      array_agg(ids[place] order by place) as ids,
      array_agg(idempotency_keys[place] order by place)
        filter (where idempotency_keys is not null) as keys,
      array_agg(
        case
          when idempotency_keys[place] is not null then pgledger.transfer_request(
            from_account_ids[place], to_account_ids[place], amounts[place], event_ats[place],
            metadatas[place], ids[place], group_id, require_from_versions[place],
            require_to_versions[place], require_from_balances[place], require_to_balances[place]
          )
        end
        order by place
      ) filter (where idempotency_keys is not null) as keyed_requests
    from unnest(places, pgledger.run_numbers(ids, idempotency_keys, places))
      as request (place, number)
    group by request.number
    order by request.number
  loop
    v_made := pgledger.post_run(
      v_run.places, v_run.from_account_ids, v_run.to_account_ids, v_run.amounts, v_run.event_ats,
      v_run.metadatas, v_run.ids, app_id, group_id, require_from_versions, require_to_versions,
      require_from_balances, require_to_balances, v_run.keys, v_run.keyed_requests
    );
    for v_number in 1..cardinality(v_run.places) loop
      outcomes[v_run.places[v_number]] := v_made[v_number];
    end loop;
  end loop;
end;
$$;

comment on function pgledger.post_runs is
  'Makes of requests what can be made, run by run; returns the outcomes with what became of each.';

revoke all on function pgledger.post_runs from public;
