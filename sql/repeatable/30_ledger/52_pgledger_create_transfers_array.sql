/*
Moves several amounts at once, given as an array of plain rows which share event_at, metadata,
app_id and group_id: all of them, or none.
*/
create or replace function pgledger_create_transfers(
  transfer_requests pgledger_transfer_request[],
  event_at timestamptz default null,
  metadata jsonb default null,
  app_id text default '',
  group_id text default null,
  allow_future_event_at boolean default false
)
returns setof pgledger_transfers_v1
language sql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
  select created
  from pgledger.create_transfers_of_rows(
    transfer_requests, event_at, metadata, app_id, group_id, allow_future_event_at
  ) as created
$$;

comment on function pgledger_create_transfers(
  pgledger_transfer_request[], timestamptz, jsonb, text, text, boolean
) is
  'Makes several transfers, all or none, and returns them in order. transfer_requests: array of '
  'rows (from_account_id, to_account_id, amount), at most 100000. event_at, metadata and group_id '
  'are those of every one of them. Errors name the request, counted from 1; they are those of '
  'pgledger_create_transfer, InvalidBatch and BatchTooLarge.';

revoke all on function pgledger_create_transfers(
  pgledger_transfer_request[], timestamptz, jsonb, text, text, boolean
) from public;
grant execute on function pgledger_create_transfers(
  pgledger_transfer_request[], timestamptz, jsonb, text, text, boolean
) to pgledger_poster;
