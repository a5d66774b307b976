/*
Posts many holds, some of whose requests have keys, so that some may be repeats: of earlier calls,
or of one another. Finds out which are repeats under their keys, takes the keys of the others, and
posts those. It answers, in the order of the requests, with the id of each one's transfer and
whether that existed already.

The caller has locked the holds and their accounts, whose newest time is newest_at. The keys are
written before the transfers, with ids that are made here for that.

A key that was used for another request refuses the batch. But requests before it may be at fault as
well, and the lowest is to be named: so they are gone through in order, up to the first that is
refused.

Locks: those that the caller has; then the inserted rows of the keys, ascending by key; then those
of pgledger.post_locked_holds.
Errors: those of pgledger.keys_of_requests, pgledger.take_keys and pgledger.post_locked_holds.
*/
create or replace function pgledger.post_keyed_holds(
  hold_ids text[],
  amounts numeric[],
  finals boolean[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  idempotency_keys text[],
  newest_at timestamptz,
  out transfer_ids text[],
  out replayed boolean[]
)
language plpgsql
volatile
parallel unsafe
-- A plan for the arrays at hand would hold copies of all metadata.
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_count bigint := cardinality(hold_ids);
  v_requests jsonb[] := pgledger.keyed_posting_requests(
    hold_ids, amounts, finals, event_ats, metadatas, ids, idempotency_keys
  );
  v_keys record;
  v_now timestamptz := pgledger.clock();
  v_new_places bigint[];
  v_ids text[];
  v_posted record;
  v_ok boolean;
begin
  begin
    v_keys := pgledger.keys_of_requests(
      app_id, idempotency_keys, 'pgledger_post_hold', v_requests
    );
  exception
    when others then
      if sqlstate <> pgledger.error_code('IdempotencyConflict') then
        raise;
      end if;
      perform pgledger.post_holds_in_order(
        hold_ids, amounts, finals, event_ats, metadatas, ids, app_id, null, v_count,
        idempotency_keys
      );
      assert false, 'a request whose key was used for another was not refused';
  end;

  v_new_places := pgledger.places_left(
    array(select generate_series(1, v_count)), v_keys.repeated
  );
  v_ids := pgledger.ids_of_new_requests(
    v_new_places,
    pgledger.new_transfer_ids(
      greatest(v_now, newest_at + interval '1 microsecond'), cardinality(v_new_places)
    ),
    ids, idempotency_keys, v_keys.repeated
  );
  v_ok := pgledger.take_keys(app_id, idempotency_keys, 'pgledger_post_hold', v_requests, v_ids);

  select posted.transfer_ids, posted.replayed
  into v_posted
  from (
    select
      array_agg(request.hold_id order by request.place) as hold_ids,
      array_agg(request.amount order by request.place) as amounts,
      array_agg(request.final order by request.place) as finals,
      array_agg(request.event_at order by request.place) as event_ats,
      array_agg(request.metadata order by request.place) as metadatas,
      array_agg(request.id order by request.place) as ids
    from unnest(hold_ids, amounts, finals, event_ats, metadatas, v_ids) with ordinality
      as request (hold_id, amount, final, event_at, metadata, id, place)
    inner join unnest(v_new_places) as new (place) on request.place = new.place
    having count(*) > 0
  ) as new
  cross join lateral pgledger.post_locked_holds(
    new.hold_ids, new.amounts, new.finals, new.event_ats, new.metadatas, new.ids,
    post_keyed_holds.app_id, v_new_places, v_count, newest_at, v_now
  ) as posted;

  select
    array_agg(posted.id order by request.place),
    array_agg(posted.place is null or coalesce(posted.is_repeat, false) order by request.place)
  into transfer_ids, replayed
  from generate_series(1, v_count) as request (place)
  left join unnest(v_new_places, v_posted.transfer_ids, v_posted.replayed)
    as posted (place, id, is_repeat) on request.place = posted.place;
  transfer_ids := pgledger.ids_of_repeats(transfer_ids, v_keys.result_ids, v_keys.first_places);
end;
$$;

comment on function pgledger.post_keyed_holds is
  'Posts many holds, some of whose requests have keys; returns the ids of the transfers and which '
  'of them existed.';

revoke all on function pgledger.post_keyed_holds from public;
