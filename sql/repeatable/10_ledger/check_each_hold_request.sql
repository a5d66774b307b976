/*
Refuses the lowest request of a batch of holds whose own values are wrong. It looks at one after the
other, so it is for batches that are known to be wrong.

Errors: those of pgledger.check_hold_request and pgledger.check_key.
*/
create or replace function pgledger.check_each_hold_request(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  expires_ats timestamptz[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  allow_future_event_at boolean,
  idempotency_keys text[]
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_count bigint := cardinality(from_account_ids);
  v_request record;
  v_ok boolean;
begin
  for v_request in
    select
      request.from_account_id, request.to_account_id, request.amount, request.expires_at,
      request.event_at, request.metadata, request.id, request.key, request.index
    from unnest(
      from_account_ids, to_account_ids, amounts, expires_ats, event_ats, metadatas, ids,
      idempotency_keys
    )
      with ordinality as request (
        from_account_id, to_account_id, amount, expires_at, event_at, metadata, id, key, index
      )
    order by request.index
  loop
    v_ok := pgledger.check_hold_request(
      v_request.from_account_id, v_request.to_account_id, v_request.amount, v_request.expires_at,
      null, v_request.event_at, v_request.metadata, v_request.id, allow_future_event_at,
      v_request.index, v_count
    );
    v_ok := pgledger.check_key(v_request.key, v_request.index, v_count);
  end loop;

  return true;
end;
$$;

comment on function pgledger.check_each_hold_request is
  'Raises what is wrong with the first request of a batch of holds that is wrong by itself.';

revoke all on function pgledger.check_each_hold_request from public;
