/*
Refuses a batch whose shape is wrong, then the lowest of its requests whose own values are wrong.
One statement finds out whether the whole batch is sound; only if it is not are the requests looked
at one by one, to find the fault. It unnests the arrays beside one another, because rows of unnest()
in FROM are written down before they are looked at. An account id that is not an id is not refused
here if the batch is sound otherwise: pgledger.check_accounts refuses it.

Errors: those of pgledger.check_batch and pgledger.check_each_request.
*/
create or replace function pgledger.check_transfer_requests(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
  allow_future_event_at boolean,
  shared_event_at timestamptz default null,
  shared_metadata jsonb default null,
  require_from_versions bigint[] default null,
  require_to_versions bigint[] default null,
  require_from_balances numrange[] default null,
  require_to_balances numrange[] default null,
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
  v_latest_event_at timestamptz := case
    when allow_future_event_at then 'infinity' else pgledger.clock() + interval '1 day'
  end;
  v_shared_is_sound boolean :=
    pgledger.metadata_fault(shared_metadata) is null
    and (
      shared_event_at is null
      or pgledger.time_fault(shared_event_at) is null
      and shared_event_at <= v_latest_event_at
    );
  v_ok boolean;
begin
  v_ok := pgledger.check_batch(
    from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids, app_id, group_id,
    shared_metadata, require_from_versions, require_to_versions, require_from_balances,
    require_to_balances, idempotency_keys
  );

  perform
  from (
    select unnest(from_account_ids), unnest(to_account_ids), unnest(amounts), unnest(event_ats),
      unnest(metadatas), unnest(ids)
  ) as request (from_account_id, to_account_id, amount, event_at, metadata, id)
  where (
    v_shared_is_sound
    and pgledger.request_is_sound(
      request.from_account_id, request.to_account_id, request.amount, request.event_at,
      request.metadata, request.id, v_latest_event_at
    )
  ) is not true
  limit 1;

  if
    found or not pgledger.keys_are_sound(idempotency_keys) or not pgledger.conditions_are_sound(
      require_from_versions, require_to_versions, require_from_balances, require_to_balances
    )
  then
    v_ok := pgledger.check_each_request(
      from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids, allow_future_event_at,
      shared_event_at, shared_metadata, require_from_versions, require_to_versions,
      require_from_balances, require_to_balances, idempotency_keys
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_transfer_requests is
  'Raises what is wrong with a batch''s shape, or with its first request that is wrong.';

revoke all on function pgledger.check_transfer_requests from public;
