/*
Refuses the lowest request of a batch whose own values are wrong. It looks at one after the other,
so it is for batches that are known to be wrong.

Errors: those of pgledger.check_transfer_request, pgledger.check_asked_conditions and
pgledger.check_key.
*/
create or replace function pgledger.check_each_request(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  allow_future_event_at boolean,
  shared_event_at timestamptz,
  shared_metadata jsonb,
  require_from_versions bigint[],
  require_to_versions bigint[],
  require_from_balances numrange[],
  require_to_balances numrange[],
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
      request.from_account_id, request.to_account_id, request.amount, request.id, request.index,
      coalesce(request.event_at, shared_event_at) as event_at,
      coalesce(request.metadata, shared_metadata) as metadata, request.require_from_version,
      request.require_to_version, request.require_from_balance, request.require_to_balance,
      request.idempotency_key
    from unnest(
      from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids, require_from_versions,
      require_to_versions, require_from_balances, require_to_balances, idempotency_keys
    )
      with ordinality
      as request (
        from_account_id, to_account_id, amount, event_at, metadata, id, require_from_version,
        require_to_version, require_from_balance, require_to_balance, idempotency_key, index
      )
    order by request.index
  loop
    v_ok := pgledger.check_transfer_request(
      v_request.from_account_id, v_request.to_account_id, v_request.amount, v_request.event_at,
      v_request.metadata, v_request.id, allow_future_event_at, v_request.index, v_count
    );
    v_ok := pgledger.check_asked_conditions(
      v_request.require_from_version, v_request.require_to_version,
      v_request.require_from_balance, v_request.require_to_balance, v_request.index, v_count
    );
    v_ok := pgledger.check_key(v_request.idempotency_key, v_request.index, v_count);
  end loop;

  return true;
end;
$$;

comment on function pgledger.check_each_request is
  'Raises what is wrong with the first request of a batch that is wrong by itself.';

revoke all on function pgledger.check_each_request from public;
