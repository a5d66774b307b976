/*
Says which requests of a run fail at their accounts, and which are repeats; nulls stand for the
others. The caller has locked all accounts. Repeats under their keys are found all at once. Among
the others a quick look finds the doubtful requests, and pgledger.placed_outcome decides about each.

Locks and errors: those of pgledger.placed_outcome.
*/
create or replace function pgledger.place_run(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  idempotency_keys text[],
  keyed_requests jsonb[],
  out outcomes @extschema@.pgledger_transfer_outcome[]
)
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_generic_plan
set enable_nestloop = off
set enable_mergejoin = off
set enable_seqscan = off
set jit = off
as $$
declare
  v_latest_at timestamptz := pgledger.clock() + interval '1 day';
  v_closed_until timestamptz := pgledger.closed_until_for(app_id, event_ats);
  v_place integer;
begin
  if idempotency_keys is not null then
    outcomes := pgledger.replayed_outcomes(app_id, idempotency_keys, keyed_requests);
  end if;

  for v_place in
    with account as materialized (
      select
        accounts.id, accounts.currency, accounts.status, accounts.amount_scale,
        accounts.updated_at <= v_latest_at as is_in_time
      from pgledger.accounts
      where accounts.id = any(from_account_ids || to_account_ids)
        and accounts.app_id = place_run.app_id
    ),

    taken as materialized (
      select transfers.id
      from pgledger.transfers
      where transfers.id = any(place_run.ids)
    ),

    used as materialized (
      select stored.idempotency_key
      from pgledger.idempotency_keys as stored
      where stored.app_id = place_run.app_id
        and stored.idempotency_key = any(place_run.idempotency_keys)
    )

    select request.place
    from (
      select
        generate_series(1, cardinality(from_account_ids)) as place,
        unnest(from_account_ids) as from_account_id, unnest(to_account_ids) as to_account_id,
        unnest(amounts) as amount, unnest(ids) as id, unnest(place_run.idempotency_keys) as key,
        unnest(event_ats) as event_at
      offset 0
    ) as request
    left join account as source on request.from_account_id = source.id
    left join account as target on request.to_account_id = target.id
    left join taken on request.id = taken.id
    left join used on request.key = used.idempotency_key
    where (
      source.currency = target.currency
      and source.status + target.status = 0
      and source.is_in_time
      and target.is_in_time
      and min_scale(request.amount)
        <= coalesce(least(source.amount_scale, target.amount_scale), 18)
      and (request.event_at < v_closed_until) is not true
      and taken.id is null
      and used.idempotency_key is null
    ) is not true
    order by request.place
  loop
    continue when (outcomes[v_place]).status is not null;
    outcomes[v_place] := pgledger.placed_outcome(
      from_account_ids[v_place], to_account_ids[v_place], amounts[v_place], event_ats[v_place],
      metadatas[v_place], ids[v_place], app_id,
      array[from_account_ids[v_place], to_account_ids[v_place]], idempotency_keys[v_place],
      keyed_requests[v_place]
    );
  end loop;
end;
$$;

comment on function pgledger.place_run is
  'What becomes of those requests of a run that fail at their accounts or are repeats.';

revoke all on function pgledger.place_run from public;
