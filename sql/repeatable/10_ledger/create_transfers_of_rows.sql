/*
Creates the transfers of an array of rows; event_at, metadata, app_id and group_id are given once,
for all of them. Rows carry no ids of the caller's choice, so none of them can be a repeat. Checks
are in the order of pgledger_create_transfers_bulk.

Errors: InvalidBatch, and those of pgledger.check_transfer_requests and pgledger.post_transfers.
*/
create or replace function pgledger.create_transfers_of_rows(
  transfer_requests @extschema@.pgledger_transfer_request[],
  event_at timestamptz,
  metadata jsonb,
  app_id text,
  group_id text,
  allow_future_event_at boolean
)
returns setof @extschema@.pgledger_transfer
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_generic_plan
as $$
declare
  v_count integer := cardinality(transfer_requests);
  v_from_account_ids text[];
  v_to_account_ids text[];
  v_amounts numeric[];
  v_ids text[];
  v_first_created_at timestamptz;
  v_numbers integer[];
  v_from_balances numeric[];
  v_to_balances numeric[];
  v_from_versions bigint[];
  v_to_versions bigint[];
  v_currencies text[];
  v_names text[];
  v_tenant_ids text[];
  v_ok boolean;
begin
  if transfer_requests is null then
    v_ok := pgledger.fail('InvalidBatch', array['transfer_requests must not be null']);
  elsif array_ndims(transfer_requests) > 1 then
    v_ok := pgledger.fail(
      'InvalidBatch',
      array[format('transfer_requests has %s dimensions', array_ndims(transfer_requests))]
    );
  end if;

  select
    coalesce(array_agg(request.from_account_id order by request.place), '{}'),
    coalesce(array_agg(request.to_account_id order by request.place), '{}'),
    coalesce(array_agg(request.amount order by request.place), '{}')
  into v_from_account_ids, v_to_account_ids, v_amounts
  from unnest(transfer_requests)
    with ordinality as request (from_account_id, to_account_id, amount, place);

  v_ok := pgledger.check_transfer_requests(
    v_from_account_ids, v_to_account_ids, v_amounts, null, null, null, app_id, group_id,
    allow_future_event_at, event_at, metadata
  );

  if v_count > 0 then
    select
      posted.transfer_ids, posted.first_created_at, posted.posted_amounts, posted.numbers,
      posted.from_balances, posted.to_balances, posted.from_versions, posted.to_versions,
      posted.currencies, posted.names, posted.tenant_ids
    into
      v_ids, v_first_created_at, v_amounts, v_numbers, v_from_balances, v_to_balances,
      v_from_versions, v_to_versions, v_currencies, v_names, v_tenant_ids
    from pgledger.post_transfers(
      v_from_account_ids, v_to_account_ids, v_amounts, null, null, null,
      create_transfers_of_rows.app_id, create_transfers_of_rows.group_id, null, v_count,
      create_transfers_of_rows.event_at, create_transfers_of_rows.metadata
    ) as posted;

    return query
    select
      posted.id, posted.from_account_id, posted.to_account_id, posted.amount, posted.created_at,
      posted.event_at, posted.metadata, posted.currency, posted.from_account_name,
      posted.to_account_name, posted.from_account_balance, posted.to_account_balance,
      posted.from_account_version, posted.to_account_version, posted.group_id, posted.app_id,
      posted.from_tenant_id, posted.to_tenant_id, posted.origin_id, posted.replayed
    from pgledger.posted_transfers(
      v_from_account_ids, v_to_account_ids, null, null, create_transfers_of_rows.event_at,
      create_transfers_of_rows.metadata, create_transfers_of_rows.app_id,
      create_transfers_of_rows.group_id, v_ids, v_first_created_at, v_amounts, v_numbers,
      v_from_balances, v_to_balances, v_from_versions, v_to_versions, v_currencies, v_names,
      v_tenant_ids
    ) as posted;
  end if;
end;
$$;

comment on function pgledger.create_transfers_of_rows is
  'Creates the transfers of an array of rows, which share event_at and metadata.';

revoke all on function pgledger.create_transfers_of_rows from public;
