/*
Makes many holds at once, each new and sound by itself: the path for batches. Returns their ids, in
the order of the requests.

What a batch holds back only grows from one request to the next. So an account has room for all of
them if it has room for their sum, and one look at each account suffices. Where there seems to be no
room, what has expired on the accounts is released, and the requests are made one after another: the
first that does not fit is refused.

Hold n of the call is created n - 1 microseconds after the first, so that ids ascend.

at is the time that a caller read who had locked the accounts already, or null.

request_indexes says which request of the caller's each request is, for messages; null means all of
them in order.

The body is long because its steps share the arrays: each call of a function would copy them.

Locks: the accounts FOR NO KEY UPDATE ascending by id, then expired holds where a limit seems to be
broken, then the new holds ascending by id.
Errors: those of pgledger.check_accounts, pgledger.check_account_times,
pgledger.check_expiry_ahead, pgledger.check_statuses, pgledger.check_scales,
pgledger.check_periods and pgledger.check_balance; IdempotencyConflict.
*/
create or replace function pgledger.make_holds(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  expires_ats timestamptz[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
  request_indexes bigint[],
  request_count bigint,
  at timestamptz default null
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
  v_count integer := cardinality(from_account_ids);
  v_now timestamptz;
  v_newest_at timestamptz;
  v_locked_ids text[];
  v_locked_keys bigint[];
  v_highest_status smallint;
  v_least_scale smallint;
  v_amounts numeric[];
  v_expired_place integer;
  v_keys bigint[];
  v_held_out numeric[];
  v_held_in numeric[];
  v_have_room boolean;
  v_ids text[];
  v_made_ids text[];
  v_ok boolean;
begin
  select
    coalesce(array_agg(locked.id), '{}'), array_agg(locked.key), max(locked.updated_at),
    max(locked.status), min(locked.amount_scale)
  into v_locked_ids, v_locked_keys, v_newest_at, v_highest_status, v_least_scale
  from (
    select accounts.id, accounts.key, accounts.updated_at, accounts.status, accounts.amount_scale
    from pgledger.accounts
    where accounts.id = any(from_account_ids || to_account_ids)
    order by accounts.id
    for no key update
  ) as locked;

  v_now := coalesce(at, pgledger.clock());
  v_ok := pgledger.check_accounts(
    from_account_ids, to_account_ids, app_id, v_locked_ids, request_indexes, request_count
  );
  if v_newest_at > v_now then
    v_ok := pgledger.check_account_times(
      from_account_ids, to_account_ids, v_now, v_newest_at, request_indexes, request_count
    );
  end if;

  select min(given.place)
  into v_expired_place
  from (select unnest(expires_ats) as expires_at, generate_series(1, v_count) as place) as given
  where given.expires_at <= v_now;
  if v_expired_place is not null then
    v_ok := pgledger.check_expiry_ahead(
      expires_ats[v_expired_place], v_now,
      coalesce(request_indexes[v_expired_place], v_expired_place), request_count
    );
  end if;

  v_amounts := array(
    select case when scale(given.amount) > 18 then trim_scale(given.amount) else given.amount end
    from unnest(amounts) as given (amount)
  );
  if v_highest_status > 0 then
    v_ok := pgledger.check_statuses(
      from_account_ids, to_account_ids, request_indexes, request_count
    );
  end if;
  if v_least_scale is not null then
    v_ok := pgledger.check_scales(
      from_account_ids, to_account_ids, v_amounts, request_indexes, request_count
    );
  end if;
  if event_ats is not null then
    v_ok := pgledger.check_periods(app_id, event_ats, request_indexes, request_count);
  end if;

  select
    array_agg(accounts.key), array_agg(total.held_out), array_agg(total.held_in),
    bool_and(
      (
        total.held_out is null
        or accounts.balance - accounts.held_out - total.held_out > -1e30
        and (accounts.balance - accounts.held_out - total.held_out < accounts.min_balance)
        is not true
      )
      and (
        total.held_in is null
        or accounts.balance + accounts.held_in + total.held_in < 1e30
        and (accounts.balance + accounts.held_in + total.held_in > accounts.max_balance)
        is not true
      )
    )
  into v_keys, v_held_out, v_held_in, v_have_room
  from (
    select leg.id, sum(leg.held_out) as held_out, sum(leg.held_in) as held_in
    from (
      select unnest(from_account_ids) as id, unnest(v_amounts) as held_out, null as held_in
      union all
      select unnest(to_account_ids), null, unnest(v_amounts)
    ) as leg
    group by leg.id
  ) as total
  inner join pgledger.accounts on total.id = accounts.id
  where accounts.id = any(v_locked_ids);

  if not v_have_room then
    v_ok := pgledger.release_expired(v_keys, v_now);
    for v_place in 1..v_count loop
      v_ids[v_place] := (
        pgledger.make_hold(
          from_account_ids[v_place], to_account_ids[v_place], v_amounts[v_place],
          expires_ats[v_place], null, event_ats[v_place], metadatas[v_place], ids[v_place], app_id,
          group_id, v_now, coalesce(request_indexes[v_place], v_place), request_count
        )
      ).id;
    end loop;
    return v_ids;
  end if;

  v_ids := array(
    select coalesce(given.chosen_id, given.new_id)
    from (
      select unnest(ids) as chosen_id, unnest(pgledger.new_hold_ids(v_now, v_count)) as new_id
    ) as given
  );

  with made as (
    insert into pgledger.holds (
      from_key, to_key, created_at, event_at, expires_at, first_expires_at, from_is_first, amount,
      id, app_id, group_id, metadata
    )
    select
      source.key, target.key, v_now + (request.place - 1) * interval '1 microsecond',
      request.event_at, request.expires_at, request.expires_at,
      request.from_account_id collate "C" < request.to_account_id, request.amount, request.id,
      make_holds.app_id, make_holds.group_id, request.metadata
    from (
      select
        unnest(from_account_ids) as from_account_id, unnest(to_account_ids) as to_account_id,
        unnest(v_amounts) as amount, unnest(expires_ats) as expires_at,
        unnest(event_ats) as event_at, unnest(metadatas) as metadata, unnest(v_ids) as id,
        unnest(ids) as chosen_id, generate_series(1, v_count) as place
      offset 0
    ) as request
    inner join (
      select unnest(v_locked_ids) as id, unnest(v_locked_keys) as key
      offset 0
    ) as source on request.from_account_id = source.id
    inner join (
      select unnest(v_locked_ids) as id, unnest(v_locked_keys) as key
      offset 0
    ) as target on request.to_account_id = target.id
    -- Inserting can wait only for an id that a caller chose; ascending order avoids deadlocks.
    order by request.chosen_id, request.place
    on conflict on constraint holds_id_pk do nothing
    returning holds.id
  )

  select array_agg(made.id) into v_made_ids from made;
  -- Another call took an id since we looked. It did not wait for our accounts, so it asked for
  -- something else.
  if cardinality(v_made_ids) is distinct from v_count then
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

  update pgledger.accounts
  set
    held_out = accounts.held_out + coalesce(change.held_out, 0),
    held_in = accounts.held_in + coalesce(change.held_in, 0)
  from (
    select unnest(v_keys) as key, unnest(v_held_out) as held_out, unnest(v_held_in) as held_in
    offset 0
  ) as change
  where accounts.key = change.key
    and accounts.key = any(v_keys);

  return v_ids;
end;
$$;

comment on function pgledger.make_holds is
  'Makes many holds at once, each new and sound by itself; returns their ids.';

revoke all on function pgledger.make_holds from public;
