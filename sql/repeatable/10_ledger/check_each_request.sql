/*
Refuses the lowest request of a batch whose own values are wrong. It looks at one after the other,
so it is for batches that are known to be wrong.

Errors: those of pgledger.check_transfer_request and pgledger.check_asked_conditions.
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
  v_ok boolean;
begin
  for v_place in 1..v_count loop
    v_ok := pgledger.check_transfer_request(
      from_account_ids[v_place], to_account_ids[v_place], amounts[v_place],
      coalesce(event_ats[v_place], shared_event_at),
      coalesce(metadatas[v_place], shared_metadata), ids[v_place], allow_future_event_at, v_place,
      v_count
    );
    v_ok := pgledger.check_asked_conditions(
      require_from_versions[v_place], require_to_versions[v_place],
      require_from_balances[v_place], require_to_balances[v_place], v_place, v_count
    );
    v_ok := pgledger.check_key(idempotency_keys[v_place], v_place, v_count);
  end loop;

  return true;
end;
$$;

comment on function pgledger.check_each_request is
  'Raises what is wrong with the first request of a batch that is wrong by itself.';

revoke all on function pgledger.check_each_request from public;
