/*
Refuses a batch of holds whose shape is wrong, then the lowest of its requests whose own values are
wrong. As in pgledger.check_transfer_requests, one statement finds out whether the whole batch is
sound; only if it is not are the requests looked at one by one.

Errors: NullArgument, InvalidScope, InvalidBatch, BatchTooLarge, and those of
pgledger.check_each_hold_request.
*/
create or replace function pgledger.check_hold_requests(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  expires_ats timestamptz[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
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
  v_latest_event_at timestamptz := case
    when allow_future_event_at then 'infinity' else pgledger.clock() + interval '1 day'
  end;
  v_ok boolean;
begin
  v_ok := pgledger.check_hold_batch(
    from_account_ids, to_account_ids, amounts, expires_ats, event_ats, metadatas, ids, app_id,
    group_id, idempotency_keys
  );

  perform
  from (
    select unnest(from_account_ids), unnest(to_account_ids), unnest(amounts), unnest(expires_ats),
      unnest(event_ats), unnest(metadatas), unnest(ids)
  ) as request (from_account_id, to_account_id, amount, expires_at, event_at, metadata, id)
  where pgledger.hold_request_is_sound(
    request.from_account_id, request.to_account_id, request.amount, request.expires_at,
    request.event_at, request.metadata, request.id, v_latest_event_at
  ) is not true
  limit 1;

  if found or not pgledger.keys_are_sound(idempotency_keys) then
    v_ok := pgledger.check_each_hold_request(
      from_account_ids, to_account_ids, amounts, expires_ats, event_ats, metadatas, ids,
      allow_future_event_at, idempotency_keys
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_hold_requests is
  'Raises what is wrong with the shape of a batch of holds, or with its first request that is '
  'wrong.';

revoke all on function pgledger.check_hold_requests from public;
