/*
Creates the transfers of an array of rows, which share what else is said of them.

Errors: InvalidBatch, and those of pgledger.create_transfers.
*/
create or replace function pgledger.create_transfers_of_rows(
  transfer_requests pgledger_transfer_request[],
  event_at timestamptz,
  metadata jsonb,
  app_id text,
  group_id text,
  allow_future_event_at boolean
)
returns setof pgledger_transfers_v1
language sql
volatile
parallel unsafe
as $$
  select pgledger.fail('LG012', array['transfer_requests must not be null'])
  where transfer_requests is null;

  select pgledger.fail(
    'LG012', array[format('transfer_requests has %s dimensions', array_ndims(transfer_requests))]
  )
  where array_ndims(transfer_requests) > 1;

  select created
  from (
    select
      coalesce(array_agg(request.from_account_id order by request.place), '{}') as from_account_ids,
      coalesce(array_agg(request.to_account_id order by request.place), '{}') as to_account_ids,
      coalesce(array_agg(request.amount order by request.place), '{}') as amounts
    from unnest(transfer_requests)
      with ordinality as request (from_account_id, to_account_id, amount, place)
  ) as given
  cross join lateral pgledger.create_transfers(
    given.from_account_ids,
    given.to_account_ids,
    given.amounts,
    case
      when event_at is not null then array_fill(event_at, array[cardinality(transfer_requests)])
    end,
    case
      when metadata is not null then array_fill(metadata, array[cardinality(transfer_requests)])
    end,
    null,
    app_id,
    group_id,
    allow_future_event_at
  ) as created
$$;

comment on function pgledger.create_transfers_of_rows is
  'Creates the transfers of an array of rows, which share event_at and metadata.';

revoke all on function pgledger.create_transfers_of_rows from public;
