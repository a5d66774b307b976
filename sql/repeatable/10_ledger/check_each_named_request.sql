/*
Refuses the lowest request of a batch by name whose own values are wrong. It looks at one after the
other, so it is for batches that are known to be wrong.

Errors: those of pgledger.check_named_request and pgledger.check_asked_conditions.
*/
create or replace function pgledger.check_each_named_request(
  from_names text[],
  to_names text[],
  amounts numeric[],
  currencies text[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  from_tenant_ids text[],
  to_tenant_ids text[],
  allow_future_event_at boolean,
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
  v_count bigint := cardinality(from_names);
  v_request record;
  v_ok boolean;
begin
  for v_request in
    select
      request.from_name, request.to_name, request.amount, request.currency, request.event_at,
      request.metadata, request.id, request.index,
      coalesce(request.from_tenant_id, '') as from_tenant_id,
      coalesce(request.to_tenant_id, '') as to_tenant_id, request.require_from_version,
      request.require_to_version, request.require_from_balance, request.require_to_balance,
      request.idempotency_key
    from unnest(
      from_names, to_names, amounts, currencies, event_ats, metadatas, ids, from_tenant_ids,
      to_tenant_ids, require_from_versions, require_to_versions, require_from_balances,
      require_to_balances, idempotency_keys
    )
      with ordinality
      as request (
        from_name, to_name, amount, currency, event_at, metadata, id, from_tenant_id, to_tenant_id,
        require_from_version, require_to_version, require_from_balance, require_to_balance,
        idempotency_key, index
      )
    order by request.index
  loop
    v_ok := pgledger.check_named_request(
      v_request.from_name, v_request.to_name, v_request.amount, v_request.currency,
      v_request.event_at, v_request.metadata, v_request.id, v_request.from_tenant_id,
      v_request.to_tenant_id, allow_future_event_at, v_request.index, v_count
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

comment on function pgledger.check_each_named_request is
  'Raises what is wrong with the first request of a batch by name that is wrong by itself.';

revoke all on function pgledger.check_each_named_request from public;
