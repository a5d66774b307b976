/*
Moves many amounts at once, given as parallel arrays: all of them, or none. See
pgledger.create_transfers for the order of checks, and pgledger.post_transfers for locks.
*/
create or replace function pgledger_create_transfers_bulk(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[] default null,
  metadatas jsonb[] default null,
  ids text[] default null,
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
  from pgledger.create_transfers(
    from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids, app_id, group_id,
    allow_future_event_at
  ) as created
$$;

comment on function pgledger_create_transfers_bulk is
  'Makes many transfers, all or none, and returns them in order: element n of each array belongs '
  'to request n, counted from 1. At most 100000 requests. event_ats, metadatas and ids may be left '
  'out, or hold nulls. An id of your own choice (pglt_ and a ULID) makes its request repeatable. '
  'group_id: a name that joins these transfers, for example an order''s number. Errors name the '
  'request; they are those of pgledger_create_transfer, InvalidBatch and BatchTooLarge.';

revoke all on function pgledger_create_transfers_bulk from public;
grant execute on function pgledger_create_transfers_bulk to pgledger_poster;
