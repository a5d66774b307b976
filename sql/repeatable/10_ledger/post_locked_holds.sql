/*
Posts many holds, whose accounts and themselves are locked: at once where every posting is new and
sound, and else one after another. It answers with the id of each one's transfer and whether that
existed already.

newest_at is the newest time of the accounts. at is the time that a caller read after the locks, or
null. request_indexes says which request of the caller's each request is, for messages; null means
all of them in order.

Locks: those that the caller has; then the transfers.
Errors: those of pgledger.post_holds and pgledger.post_holds_in_order.
*/
create or replace function pgledger.post_locked_holds(
  hold_ids text[],
  amounts numeric[],
  finals boolean[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  request_indexes bigint[],
  request_count bigint,
  newest_at timestamptz,
  at timestamptz default null,
  out transfer_ids text[],
  out replayed boolean[]
)
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_now timestamptz := coalesce(at, pgledger.clock());
begin
  -- Who is ahead of the clock by more than calls warn of is looked at request by request.
  if newest_at <= v_now + pgledger.clock_warning() then
    transfer_ids := pgledger.post_holds(
      hold_ids, amounts, finals, event_ats, metadatas, ids, v_now,
      greatest(v_now, newest_at + interval '1 microsecond'), request_indexes, request_count
    );
  end if;

  if transfer_ids is null then
    select posted.transfer_ids, posted.replayed
    into post_locked_holds.transfer_ids, post_locked_holds.replayed
    from pgledger.post_holds_in_order(
      hold_ids, amounts, finals, event_ats, metadatas, ids, app_id, request_indexes, request_count
    ) as posted;
  end if;
end;
$$;

comment on function pgledger.post_locked_holds is
  'Posts many holds that are locked; returns the ids of the transfers and which of them existed.';

revoke all on function pgledger.post_locked_holds from public;
