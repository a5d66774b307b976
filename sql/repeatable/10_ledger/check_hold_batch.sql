/*
Refuses a batch of holds whose shape is wrong, whatever its requests are.

Errors: InvalidBatch, BatchTooLarge, NullArgument, InvalidScope.
*/
create or replace function pgledger.check_hold_batch(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  expires_ats timestamptz[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
  idempotency_keys text[]
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_arrays(
    array[
      'from_account_ids', 'to_account_ids', 'amounts', 'expires_ats', 'event_ats', 'metadatas',
      'ids', 'idempotency_keys'
    ],
    array[
      cardinality(from_account_ids), cardinality(to_account_ids), cardinality(amounts),
      cardinality(expires_ats), cardinality(event_ats), cardinality(metadatas), cardinality(ids),
      cardinality(idempotency_keys)
    ],
    array[
      array_ndims(from_account_ids), array_ndims(to_account_ids), array_ndims(amounts),
      array_ndims(expires_ats), array_ndims(event_ats), array_ndims(metadatas), array_ndims(ids),
      array_ndims(idempotency_keys)
    ],
    3,
    pg_column_size(metadatas)
  );
  v_ok := pgledger.check_scope('app_id', app_id);
  if group_id is not null then
    v_ok := pgledger.check_scope('group_id', group_id, 1, 255);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_hold_batch is
  'Raises what is wrong with the shape of a batch of holds.';

revoke all on function pgledger.check_hold_batch from public;
