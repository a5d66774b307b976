/*
Posts holds one after another, each as pgledger_post_hold does, until one of them is refused. It
answers with the id of each one's transfer and whether that existed already.

request_indexes says which request of the caller's each request is, for messages; null means all of
them in order.

Locks and errors: those of pgledger.post_pending_hold.
*/
create or replace function pgledger.post_holds_in_order(
  hold_ids text[],
  amounts numeric[],
  finals boolean[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  request_indexes bigint[],
  request_count bigint,
  idempotency_keys text[] default null,
  out transfer_ids text[],
  out replayed boolean[]
)
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_request record;
  v_id text;
  v_is_repeat boolean;
begin
  for v_request in
    select
      request.hold_id, request.amount, request.final, request.event_at, request.metadata,
      request.id, request.key, request.place
    from unnest(hold_ids, amounts, finals, event_ats, metadatas, ids, idempotency_keys)
      with ordinality as request (hold_id, amount, final, event_at, metadata, id, key, place)
    order by request.place
  loop
    select posted.id, posted.replayed
    into v_id, v_is_repeat
    from pgledger.post_pending_hold(
      v_request.hold_id, v_request.amount, v_request.final is not false, v_request.event_at,
      v_request.metadata, v_request.id, app_id,
      coalesce(request_indexes[v_request.place], v_request.place), request_count, v_request.key
    ) as posted;
    transfer_ids[v_request.place] := v_id;
    replayed[v_request.place] := v_is_repeat;
  end loop;
end;
$$;

comment on function pgledger.post_holds_in_order is
  'Posts holds one after another; returns the ids of the transfers and which of them existed.';

revoke all on function pgledger.post_holds_in_order from public;
