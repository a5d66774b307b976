/*
The requests of a batch of holds that are wrong by themselves: an array with what is said of each in
its place, and nulls in the others'. A quick look finds the doubtful ones, and
pgledger.hold_request_failure decides about each.
*/
create or replace function pgledger.hold_request_failures(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  expires_ats timestamptz[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  allow_future_event_at boolean,
  idempotency_keys text[],
  out failures @extschema@.pgledger_hold_outcome[]
)
language plpgsql
volatile
parallel unsafe
-- A plan for the arrays at hand would hold copies of all metadata.
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_latest_event_at timestamptz := case
    when allow_future_event_at then 'infinity' else pgledger.clock() + interval '1 day'
  end;
  v_are_sound boolean := pgledger.keys_are_sound(idempotency_keys);
  v_place integer;
begin
  for v_place in
    select request.place
    from (
      select
        generate_series(1, cardinality(from_account_ids)) as place,
        unnest(from_account_ids) as from_account_id, unnest(to_account_ids) as to_account_id,
        unnest(amounts) as amount, unnest(expires_ats) as expires_at,
        unnest(event_ats) as event_at, unnest(metadatas) as metadata, unnest(ids) as id
    ) as request
    where not v_are_sound
      or pgledger.hold_request_is_sound(
        request.from_account_id, request.to_account_id, request.amount, request.expires_at,
        request.event_at, request.metadata, request.id, v_latest_event_at
      ) is not true
    order by request.place
  loop
    failures[v_place] := pgledger.hold_request_failure(
      from_account_ids[v_place], to_account_ids[v_place], amounts[v_place], expires_ats[v_place],
      event_ats[v_place], metadatas[v_place], ids[v_place], allow_future_event_at,
      idempotency_keys[v_place]
    );
  end loop;
end;
$$;

comment on function pgledger.hold_request_failures is
  'What is wrong with requests for holds by themselves, each in its place.';

revoke all on function pgledger.hold_request_failures from public;
