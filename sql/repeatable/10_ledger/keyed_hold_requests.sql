/*
The requests of a batch of holds as their keys' rows keep them; null for a request without a key.
*/
create or replace function pgledger.keyed_hold_requests(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  expires_ats timestamptz[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  group_id text,
  idempotency_keys text[]
)
returns jsonb[]
language sql
stable
parallel safe
as $$
  select array(
    select
      case
        when request.key is not null then pgledger.hold_request(
          request.from_account_id, request.to_account_id, request.amount, request.expires_at, null,
          request.event_at, request.metadata, request.id, keyed_hold_requests.group_id
        )
      end
    from unnest(
      from_account_ids, to_account_ids, amounts, expires_ats, event_ats, metadatas, ids,
      idempotency_keys
    ) with ordinality
      as request (
        from_account_id, to_account_id, amount, expires_at, event_at, metadata, id, key, place
      )
    order by request.place
  )
$$;

comment on function pgledger.keyed_hold_requests is
  'The requests of a batch of holds as their keys'' rows keep them.';

revoke all on function pgledger.keyed_hold_requests from public;
