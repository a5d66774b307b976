/*
Checks and creates a batch for those who want no rows: pgledger_create_transfers_bulk_ids and
pgledger_create_transfers_bulk_count. Checks and their order are those of
pgledger_create_transfers_bulk.

Locks and errors: those of the functions that it calls.
*/
create or replace function pgledger.create_bulk_transfers(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
  allow_future_event_at boolean,
  require_from_versions bigint[],
  require_to_versions bigint[],
  require_from_balances numrange[],
  require_to_balances numrange[],
  idempotency_keys text[],
  out transfer_ids text[],
  out created_count bigint
)
language plpgsql
volatile
parallel unsafe
-- A plan for the arrays at hand would hold copies of all metadata.
set plan_cache_mode = force_generic_plan
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_transfer_requests(
    from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids, app_id, group_id,
    allow_future_event_at, null, null, require_from_versions, require_to_versions,
    require_from_balances, require_to_balances, idempotency_keys
  );

  created_count := 0;
  if array_remove(ids || idempotency_keys, null) <> '{}' then
    select created.transfer_ids, cardinality(array_remove(created.replayed, true))
    into create_bulk_transfers.transfer_ids, created_count
    from pgledger.create_keyed_transfers(
      from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids,
      create_bulk_transfers.app_id, create_bulk_transfers.group_id, require_from_versions,
      require_to_versions, require_from_balances, require_to_balances,
      create_bulk_transfers.idempotency_keys
    ) as created;
  elsif cardinality(from_account_ids) > 0 then
    select posted.transfer_ids, cardinality(posted.transfer_ids)
    into create_bulk_transfers.transfer_ids, created_count
    from pgledger.post_transfers(
      from_account_ids, to_account_ids, amounts, event_ats, metadatas, null,
      create_bulk_transfers.app_id, create_bulk_transfers.group_id, null,
      cardinality(from_account_ids), null, null, require_from_versions, require_to_versions,
      require_from_balances, require_to_balances
    ) as posted;
  end if;
end;
$$;

comment on function pgledger.create_bulk_transfers is
  'Creates a batch; returns the ids of its transfers and how many of them are new.';

revoke all on function pgledger.create_bulk_transfers from public;
