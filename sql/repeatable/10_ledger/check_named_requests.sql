/*
Refuses a batch by name whose shape is wrong, then the lowest of its requests whose own values are
wrong. One statement finds out whether the whole batch is sound; only if it is not are the requests
looked at one by one, to find the fault. What cannot be a name, a currency or a tenant is not looked
for there: it leads to no account, and then the caller has each request looked at.

Errors: InvalidBatch, BatchTooLarge, NullArgument, InvalidScope, and those of
pgledger.check_named_request.
*/
create or replace function pgledger.check_named_requests(
  from_names text[],
  to_names text[],
  amounts numeric[],
  currencies text[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  from_tenant_ids text[],
  to_tenant_ids text[],
  app_id text,
  group_id text,
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
-- A plan for the arrays at hand would hold copies of all metadata.
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_latest_event_at timestamptz := pgledger.clock() + interval '1 day';
  v_count bigint := cardinality(from_names);
  v_ok boolean;
begin
  v_ok := pgledger.check_arrays(
    array[
      'from_names', 'to_names', 'amounts', 'currencies', 'event_ats', 'metadatas', 'ids',
      'from_tenant_ids', 'to_tenant_ids', 'require_from_versions', 'require_to_versions',
      'require_from_balances', 'require_to_balances', 'idempotency_keys'
    ],
    array[
      v_count, cardinality(to_names), cardinality(amounts), cardinality(currencies),
      cardinality(event_ats), cardinality(metadatas), cardinality(ids),
      cardinality(from_tenant_ids), cardinality(to_tenant_ids),
      cardinality(require_from_versions), cardinality(require_to_versions),
      cardinality(require_from_balances), cardinality(require_to_balances),
      cardinality(idempotency_keys)
    ],
    array[
      array_ndims(from_names), array_ndims(to_names), array_ndims(amounts),
      array_ndims(currencies), array_ndims(event_ats), array_ndims(metadatas), array_ndims(ids),
      array_ndims(from_tenant_ids), array_ndims(to_tenant_ids),
      array_ndims(require_from_versions), array_ndims(require_to_versions),
      array_ndims(require_from_balances), array_ndims(require_to_balances),
      array_ndims(idempotency_keys)
    ],
    4,
    pg_column_size(metadatas)
  );
  v_ok := pgledger.check_scope('app_id', app_id);
  if group_id is not null then
    v_ok := pgledger.check_scope('group_id', group_id, 1, 255);
  end if;

  perform
  from (
    select unnest(from_names), unnest(to_names), unnest(amounts), unnest(event_ats),
      unnest(metadatas), unnest(ids), unnest(from_tenant_ids), unnest(to_tenant_ids)
  ) as request (
    from_name, to_name, amount, event_at, metadata, id, from_tenant_id, to_tenant_id
  )
  where (
    (
      request.from_name <> request.to_name
      or coalesce(request.from_tenant_id, '') <> coalesce(request.to_tenant_id, '')
    )
    and pgledger.amount_fault(request.amount) is null
    and (
      request.event_at is null
      or pgledger.time_fault(request.event_at) is null
      and (request.event_at <= v_latest_event_at or allow_future_event_at)
    )
    and pgledger.metadata_fault(request.metadata) is null
    and (request.id is null or pgledger.id_fault(request.id, 'pglt') is null)
  ) is not true
  limit 1;

  if
    found or not pgledger.keys_are_sound(idempotency_keys) or not pgledger.conditions_are_sound(
      require_from_versions, require_to_versions, require_from_balances, require_to_balances
    )
  then
    v_ok := pgledger.check_each_named_request(
      from_names, to_names, amounts, currencies, event_ats, metadatas, ids, from_tenant_ids,
      to_tenant_ids, allow_future_event_at, require_from_versions, require_to_versions,
      require_from_balances, require_to_balances, idempotency_keys
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_named_requests is
  'Raises what is wrong with a batch by name, or with its first request that is wrong.';

revoke all on function pgledger.check_named_requests from public;
