/*
Posts many holds at once, in whole or in part: a hold may be asked for several times. All of the
caller's requests were checked by themselves, and the holds and their accounts are locked.

One statement follows what is left of each hold, and the balances and versions of each account,
through the batch in order, and writes all of it, if every posting is new and sound. If one is not,
nothing is written, and null is returned: the caller then goes through the requests one by one,
which finds the first at fault, or what was posted before.

The caller has read the time after the locks, and says when the first transfer is created, which is
later than anything on the accounts. Transfer n of the call is created n - 1 microseconds after the
first, so that versions and times ascend together along each account.

request_indexes says which request of the caller's each request is, for messages; null means all of
them in order.

The body is long because it is one statement.

Locks: those that the caller has; then the transfers ascending by id.
Errors: IdempotencyConflict.
*/
create or replace function pgledger.post_holds(
  hold_ids text[],
  amounts numeric[],
  finals boolean[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  at timestamptz,
  first_created_at timestamptz,
  request_indexes bigint[],
  request_count bigint
)
returns text[]
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_generic_plan
set enable_nestloop = off
set enable_mergejoin = off
set enable_seqscan = off
set jit = off
as $$
declare
  v_count integer := cardinality(hold_ids);
  v_ids text[] := array(
    select coalesce(given.chosen_id, given.new_id)
    from (
      select
        unnest(ids) as chosen_id,
        unnest(pgledger.new_transfer_ids(first_created_at, v_count)) as new_id
    ) as given
  );
  v_closed_until timestamptz;
  v_is_sound boolean;
  v_made_ids text[];
  v_ok boolean;
begin
  if array_remove(event_ats, null) <> '{}' then
    v_closed_until := pgledger.closed_until(
      (select holds.app_id from pgledger.holds where holds.id = hold_ids[1])
    );
  end if;

  with request as materialized (
    select
      given.place, given.id, given.chosen_id, given.hold_id, given.event_at, given.metadata,
      given.created_at,
      case when scale(given.amount) > 18 then trim_scale(given.amount) else given.amount end
        as amount,
      given.amount is null or given.is_final is not false as is_last, holds.from_key,
      holds.to_key, holds.app_id, holds.group_id,
      (holds.status = 0 and (holds.expires_at <= at) is not true) as is_pending,
      holds.amount - holds.posted_amount as rest
    from (
      select
        unnest(hold_ids) as hold_id, unnest(amounts) as amount, unnest(finals) as is_final,
        unnest(event_ats) as event_at, unnest(metadatas) as metadata, unnest(v_ids) as id,
        unnest(ids) as chosen_id, generate_series(1, v_count) as place,
        generate_series(
          first_created_at,
          first_created_at + (v_count - 1) * interval '1 microsecond',
          interval '1 microsecond'
        ) as created_at
      offset 0
    ) as given
    inner join pgledger.holds on given.hold_id = holds.id and holds.id = any(hold_ids)
  ),

  followed as (
    select
      request.place, request.from_key, request.to_key, request.hold_id, request.amount,
      request.is_last, request.created_at,
      request.is_pending and bool_or(request.is_last) over earlier is not true as is_pending,
      request.rest - coalesce(sum(request.amount) over earlier, 0) as rest
    from request
    window earlier as (
      partition by request.hold_id order by request.place
      rows between unbounded preceding and 1 preceding
    )
  ),

  posting as materialized (
    select
      followed.place, followed.from_key, followed.to_key, followed.hold_id, followed.created_at,
      followed.amount is not null as is_part,
      coalesce(followed.amount, followed.rest) as amount,
      case when followed.is_last then followed.rest else followed.amount end as released,
      followed.is_last or followed.amount = followed.rest as ends,
      followed.is_pending and followed.rest > 0
      and (followed.amount > followed.rest) is not true as is_sound
    from followed
  ),

  leg as materialized (
    select
      side.place, side.is_out, side.key, side.change, side.held_out, side.held_in,
      side.created_at, accounts.balance + sum(side.change) over earlier as balance,
      accounts.version + row_number() over earlier as version,
      side.is_part and min_scale(side.change) > accounts.amount_scale as is_too_fine
    from (
      select
        posting.place, true as is_out, posting.from_key as key, -posting.amount as change,
        posting.released as held_out, 0 as held_in, posting.is_part, posting.created_at
      from posting
      union all
      select
        posting.place, false, posting.to_key, posting.amount, 0, posting.released,
        posting.is_part, posting.created_at
      from posting
    ) as side
    inner join pgledger.accounts on side.key = accounts.key
    where accounts.key = any(array(select request.from_key from request))
      or accounts.key = any(array(select request.to_key from request))
    window earlier as (partition by side.key order by side.place)
  ),

  verdict as materialized (
    select
      (select bool_and(posting.is_sound) from posting)
      and not exists (
        select from leg where leg.is_too_fine or abs(leg.balance) >= 1e30
      )
      and not exists (select from request where request.event_at < v_closed_until)
      and not exists (select from pgledger.transfers where transfers.id = any(ids))
      and (select count(*) = count(distinct request.id) from request) as is_sound
  ),

  made as (
    insert into pgledger.transfers (
      from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
      to_balance, event_at, group_id, origin_id, metadata
    )
    select
      request.from_key, request.to_key, source.version, target.version, request.created_at,
      request.id, request.app_id, target.change, source.balance, target.balance,
      request.event_at, request.group_id, request.hold_id, request.metadata
    from request
    inner join leg as source on request.place = source.place and source.is_out
    inner join leg as target on request.place = target.place and not target.is_out
    where (select verdict.is_sound from verdict)
    -- Inserting can wait only for an id that a caller chose; ascending order avoids deadlocks.
    order by request.chosen_id, request.place
    on conflict on constraint transfers_id_pk do nothing
    returning transfers.id
  ),

  ended as (
    update pgledger.holds
    set
      posted_amount = holds.posted_amount + change.amount,
      status = case when change.ends then 1 else 0 end,
      ended_at = case when change.ends then greatest(change.created_at, holds.created_at) end,
      out_released = change.ends,
      in_released = change.ends
    from (
      select
        posting.hold_id, sum(posting.amount) as amount, bool_or(posting.ends) as ends,
        max(posting.created_at) as created_at
      from posting
      group by posting.hold_id
    ) as change
    where holds.id = change.hold_id
      and holds.id = any(hold_ids)
      and (select verdict.is_sound from verdict)
  ),

  changed as (
    update pgledger.accounts
    set
      updated_at = change.created_at,
      version = accounts.version + change.count,
      balance = accounts.balance + change.change,
      held_out = accounts.held_out - change.held_out,
      held_in = accounts.held_in - change.held_in
    from (
      select
        leg.key, count(*) as count, sum(leg.change) as change, sum(leg.held_out) as held_out,
        sum(leg.held_in) as held_in, max(leg.created_at) as created_at
      from leg
      group by leg.key
    ) as change
    where accounts.key = change.key
      and accounts.key = any(array(select leg.key from leg))
      and (select verdict.is_sound from verdict)
  )

  select (select verdict.is_sound from verdict), (select array_agg(made.id) from made)
  into v_is_sound, v_made_ids;

  if not v_is_sound then
    return null;
  elsif cardinality(v_made_ids) is distinct from v_count then
    -- Another call took an id since we looked. It did not wait for our accounts, so it asked for
    -- something else.
    v_ok := pgledger.fail(
      'IdempotencyConflict', array['id', given.id],
      coalesce(request_indexes[given.place], given.place),
      request_count
    )
    from unnest(v_ids) with ordinality as given (id, place)
    where given.id <> all(coalesce(v_made_ids, '{}'))
    order by given.place
    limit 1;
  end if;

  return v_ids;
end;
$$;

comment on function pgledger.post_holds is
  'Posts many holds at once; returns the ids of the transfers, or null if one is not new and '
  'sound.';

revoke all on function pgledger.post_holds from public;
