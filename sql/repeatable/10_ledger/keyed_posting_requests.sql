/*
The requests of a batch of postings as their keys' rows keep them; null for a request without a key.
What is not said to stay is final, as in a single call.
*/
create or replace function pgledger.keyed_posting_requests(
  hold_ids text[],
  amounts numeric[],
  finals boolean[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
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
        when request.key is not null then pgledger.posting_request(
          request.hold_id, request.amount, request.final is not false, request.event_at,
          request.metadata, request.id
        )
      end
    from unnest(hold_ids, amounts, finals, event_ats, metadatas, ids, idempotency_keys)
      with ordinality as request (hold_id, amount, final, event_at, metadata, id, key, place)
    order by request.place
  )
$$;

comment on function pgledger.keyed_posting_requests is
  'The requests of a batch of postings as their keys'' rows keep them.';

revoke all on function pgledger.keyed_posting_requests from public;
