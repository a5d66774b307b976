/*
Writes down the keys of a batch's new requests, with what comes of each. Element n of each array
belongs to request n; those without a key or without a result are left out. The keys are written in
their order, so that two batches that share keys never wait for each other.

A key that was used since pgledger.keys_of_requests looked was used without these accounts, so for
another request; it is refused.

Locks: the inserted rows, ascending by key.
Errors: IdempotencyConflict; a serialization failure where a key was taken after the transaction's
snapshot, or purged since.
*/
create or replace function pgledger.take_keys(
  app_id text,
  idempotency_keys text[],
  function_name text,
  requests jsonb[],
  result_ids text[]
)
returns boolean
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_missing record;
  v_taken text[];
  v_earlier pgledger.idempotency_keys;
  v_ok boolean;
begin
  with taken as (
    insert into pgledger.idempotency_keys (
      created_at, app_id, idempotency_key, function_name, result_id, request
    )
    select
      v_now, take_keys.app_id, request.key, take_keys.function_name, request.result_id,
      request.asked
    from unnest(take_keys.idempotency_keys, requests, result_ids) as request (key, asked, result_id)
    where request.key is not null and request.result_id is not null
    order by request.key collate "C"
    on conflict on constraint idempotency_keys_app_id_idempotency_key_pk do nothing
    returning idempotency_keys.idempotency_key
  )

  select array_agg(taken.idempotency_key)
  into v_taken
  from taken;

  select request.key, request.asked, request.place
  into v_missing
  from unnest(take_keys.idempotency_keys, requests, result_ids) with ordinality
    as request (key, asked, result_id, place)
  left join unnest(v_taken) as taken (key) on request.key = taken.key
  where request.key is not null
    and request.result_id is not null
    and taken.key is null
  order by request.place
  limit 1;

  if found then
    v_earlier := pgledger.key_of_request(
      app_id, v_missing.key, function_name, v_missing.asked, v_missing.place,
      cardinality(idempotency_keys)
    );
    v_ok := pgledger.run_again('because an idempotency key was used meanwhile');
  end if;

  return true;
end;
$$;

comment on function pgledger.take_keys is
  'Writes down the keys of a batch''s new requests, with what comes of each.';

revoke all on function pgledger.take_keys from public;
