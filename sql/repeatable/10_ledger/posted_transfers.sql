/*
The answer to a batch that pgledger.post_transfers has written, made from its arrays: one row for
each request, in their order, because all series go in step. The function stays inlinable: its rows
go straight to the caller of the public function, and are not written down and read again on the
way.
*/
create or replace function pgledger.posted_transfers(
  from_account_ids text[],
  to_account_ids text[],
  event_ats timestamptz[],
  metadatas jsonb[],
  shared_event_at timestamptz,
  shared_metadata jsonb,
  app_id text,
  group_id text,
  transfer_ids text[],
  first_created_at timestamptz,
  amounts numeric[],
  numbers integer[],
  from_balances numeric[],
  to_balances numeric[],
  from_versions bigint[],
  to_versions bigint[],
  currencies text[],
  names text[],
  tenant_ids text[]
)
returns setof @extschema@.pgledger_transfer
language sql
stable
parallel safe
as $$
  select
    posted_transfers.transfer_ids[request.place],
    request.from_account_id,
    request.to_account_id,
    posted_transfers.amounts[request.place],
    request.created_at,
    coalesce(request.event_at, posted_transfers.shared_event_at, request.created_at),
    coalesce(request.metadata, posted_transfers.shared_metadata),
    posted_transfers.currencies[request.from_number],
    posted_transfers.names[request.from_number],
    posted_transfers.names[request.to_number],
    posted_transfers.from_balances[request.place],
    posted_transfers.to_balances[request.place],
    posted_transfers.from_versions[request.place],
    posted_transfers.to_versions[request.place],
    posted_transfers.group_id,
    posted_transfers.app_id,
    posted_transfers.tenant_ids[request.from_number],
    posted_transfers.tenant_ids[request.to_number],
    null::text,
    false
  from (
    select
      given.place,
      given.created_at,
      given.from_account_id,
      given.to_account_id,
      given.event_at,
      given.metadata,
      posted_transfers.numbers[given.place] as from_number,
      posted_transfers.numbers[cardinality(posted_transfers.transfer_ids) + given.place]
        as to_number
    from (
      select
        generate_series(1, cardinality(posted_transfers.transfer_ids)) as place,
        generate_series(
          posted_transfers.first_created_at,
          posted_transfers.first_created_at
          + (cardinality(posted_transfers.transfer_ids) - 1) * interval '1 microsecond',
          interval '1 microsecond'
        ) as created_at,
        unnest(posted_transfers.from_account_ids) as from_account_id,
        unnest(posted_transfers.to_account_ids) as to_account_id,
        unnest(posted_transfers.event_ats) as event_at,
        unnest(posted_transfers.metadatas) as metadata
      offset 0
    ) as given
    offset 0
  ) as request
$$;

comment on function pgledger.posted_transfers is
  'The rows of a batch that was just posted, in the order of its requests.';

revoke all on function pgledger.posted_transfers from public;
