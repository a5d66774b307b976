/*
Creates many transfers: what every public way of making a batch comes down to. The arrays are those
of pgledger_create_transfers_bulk. A batch in which the caller chose no ids cannot hold a repeat.

Checks, in this order: the arrays, app_id and group_id; each request's own values; that accounts
exist and share a currency; whether it is a repeat; limits. Each looks at all requests before the
next one looks at any, and the lowest request at fault is named.

Locks and errors: those of the functions that it calls.
*/
create or replace function pgledger.create_transfers(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
  allow_future_event_at boolean
)
returns setof pgledger_transfers_v1
language sql
volatile
parallel unsafe
as $$
  select pgledger.check_transfer_requests(
    from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids, app_id, group_id,
    allow_future_event_at
  );

  select posted
  from pgledger.post_transfers(
    from_account_ids, to_account_ids, amounts, event_ats, metadatas, null, app_id, group_id, null,
    cardinality(from_account_ids)
  ) as posted
  where cardinality(from_account_ids) > 0
    and coalesce(array_remove(ids, null), '{}') = '{}'
  union all
  select repeatable
  from pgledger.create_repeatable_transfers(
    from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids, app_id, group_id
  ) as repeatable
  where coalesce(array_remove(ids, null), '{}') <> '{}'
$$;

comment on function pgledger.create_transfers is
  'Creates many transfers from parallel arrays, all or none, and returns them in order.';

revoke all on function pgledger.create_transfers from public;
