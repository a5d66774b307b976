/*
What is said of those requests of a run that are repeats under their keys: an array with the first
transfer of each in its place, and nulls in the others'. Nothing else needs to be looked at for
them: the first request asked for the same accounts. It looks each up by index, even when the caller
has switched nested loops off.

The caller has locked the accounts: see pgledger.key_of_request.
*/
create or replace function pgledger.replayed_outcomes(
  app_id text,
  idempotency_keys text[],
  keyed_requests jsonb[],
  out outcomes @extschema@.pgledger_transfer_outcome[]
)
language plpgsql
stable
parallel safe
set plan_cache_mode = force_generic_plan
set enable_nestloop = on
set jit = off
as $$
declare
  v_repeat record;
begin
  for v_repeat in
    select
      request.place, transfers.id, transfers.created_at, transfers.from_balance,
      transfers.to_balance, transfers.from_version, transfers.to_version
    from unnest(replayed_outcomes.idempotency_keys, replayed_outcomes.keyed_requests)
      with ordinality as request (key, asked, place)
    inner join pgledger.idempotency_keys as stored
      on replayed_outcomes.app_id = stored.app_id and request.key = stored.idempotency_key
    inner join pgledger.transfers on stored.result_id = transfers.id
    where stored.function_name = 'pgledger_create_transfer'
      and stored.request = request.asked
    order by request.place
  loop
    outcomes[v_repeat.place] := pgledger.replayed_outcome(
      v_repeat.id, v_repeat.created_at, v_repeat.from_balance, v_repeat.to_balance,
      v_repeat.from_version, v_repeat.to_version
    );
  end loop;
end;
$$;

comment on function pgledger.replayed_outcomes is
  'What is said of those requests that are repeats under their keys, each in its place.';

revoke all on function pgledger.replayed_outcomes from public;
