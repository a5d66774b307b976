/*
Refuses a batch of postings whose shape is wrong, then the lowest of its requests whose own values
are wrong.

Errors: NullArgument, InvalidScope, InvalidBatch, BatchTooLarge, InvalidId, and those of
pgledger.check_request_details and pgledger.check_key.
*/
create or replace function pgledger.check_posting_requests(
  hold_ids text[],
  amounts numeric[],
  finals boolean[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  allow_future_event_at boolean,
  idempotency_keys text[] default null
)
returns boolean
language plpgsql
volatile
parallel unsafe
-- A plan for the arrays at hand would hold copies of all metadata.
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_latest_event_at timestamptz := pgledger.clock() + interval '1 day';
  v_count bigint := cardinality(hold_ids);
  v_request record;
  v_ok boolean;
begin
  v_ok := pgledger.check_arrays(
    array['hold_ids', 'amounts', 'finals', 'event_ats', 'metadatas', 'ids', 'idempotency_keys'],
    array[
      v_count, cardinality(amounts), cardinality(finals), cardinality(event_ats),
      cardinality(metadatas), cardinality(ids), cardinality(idempotency_keys)
    ],
    array[
      array_ndims(hold_ids), array_ndims(amounts), array_ndims(finals), array_ndims(event_ats),
      array_ndims(metadatas), array_ndims(ids), array_ndims(idempotency_keys)
    ],
    1,
    pg_column_size(metadatas)
  );
  v_ok := pgledger.check_scope('app_id', app_id);

  perform
  from (
    select unnest(hold_ids), unnest(amounts), unnest(event_ats), unnest(metadatas), unnest(ids)
  ) as request (hold_id, amount, event_at, metadata, id)
  where (
    pgledger.id_fault(request.hold_id, 'pglh') is null
    and (request.amount is null or pgledger.amount_fault(request.amount) is null)
    and (
      request.event_at is null
      or pgledger.time_fault(request.event_at) is null
      and (request.event_at <= v_latest_event_at or allow_future_event_at)
    )
    and pgledger.metadata_fault(request.metadata) is null
    and (request.id is null or pgledger.id_fault(request.id, 'pglt') is null)
  ) is not true
  limit 1;

  if not found and pgledger.keys_are_sound(idempotency_keys) then
    return true;
  end if;

  for v_request in
    select
      request.hold_id, coalesce(request.amount, 1) as amount, request.event_at, request.metadata,
      request.id, request.key, request.index
    from unnest(hold_ids, amounts, event_ats, metadatas, ids, idempotency_keys)
      with ordinality as request (hold_id, amount, event_at, metadata, id, key, index)
    order by request.index
  loop
    v_ok := pgledger.check_id('hold_id', v_request.hold_id, 'pglh', v_request.index, v_count);
    v_ok := pgledger.check_request_details(
      v_request.amount, v_request.event_at, v_request.metadata, v_request.id,
      allow_future_event_at, v_request.index, v_count
    );
    v_ok := pgledger.check_key(v_request.key, v_request.index, v_count);
  end loop;

  return true;
end;
$$;

comment on function pgledger.check_posting_requests is
  'Raises what is wrong with the shape of a batch of postings, or with its first request that is '
  'wrong.';

revoke all on function pgledger.check_posting_requests from public;
