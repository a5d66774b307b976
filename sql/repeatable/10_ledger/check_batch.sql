/*
Refuses a batch whose shape is wrong, whatever its requests are.

Errors: InvalidBatch, BatchTooLarge, NullArgument, InvalidScope.
*/
create or replace function pgledger.check_batch(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
  shared_metadata jsonb,
  require_from_versions bigint[],
  require_to_versions bigint[],
  require_from_balances numrange[],
  require_to_balances numrange[],
  idempotency_keys text[] default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_count bigint := cardinality(from_account_ids);
  v_ok boolean;
begin
  v_ok := pgledger.check_arrays(
    array[
      'from_account_ids', 'to_account_ids', 'amounts', 'event_ats', 'metadatas', 'ids',
      'require_from_versions', 'require_to_versions', 'require_from_balances',
      'require_to_balances', 'idempotency_keys'
    ],
    array[
      v_count, cardinality(to_account_ids), cardinality(amounts), cardinality(event_ats),
      cardinality(metadatas), cardinality(ids), cardinality(require_from_versions),
      cardinality(require_to_versions), cardinality(require_from_balances),
      cardinality(require_to_balances), cardinality(idempotency_keys)
    ],
    array[
      array_ndims(from_account_ids), array_ndims(to_account_ids), array_ndims(amounts),
      array_ndims(event_ats), array_ndims(metadatas), array_ndims(ids),
      array_ndims(require_from_versions), array_ndims(require_to_versions),
      array_ndims(require_from_balances), array_ndims(require_to_balances),
      array_ndims(idempotency_keys)
    ],
    3,
    coalesce(pg_column_size(metadatas), v_count * pgledger.json_bytes(shared_metadata))
  );
  v_ok := pgledger.check_scope('app_id', app_id);
  if group_id is not null then
    v_ok := pgledger.check_scope('group_id', group_id, 1, 255);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_batch is 'Raises what is wrong with a batch''s shape.';

revoke all on function pgledger.check_batch from public;
