/*
Makes what can be made of those requests of a batch of holds of which nothing is said yet, and adds
to the outcomes what became of each. The requests are sound by themselves, arrays are counted from
1, and the caller has locked the accounts; only those are taken to exist.

One statement reads the accounts. A second finds the accounts of each request, and which requests
are doubtful: because of their accounts or their expiry, because their id or their key is written
already, or because another request of the batch has the same. Then the requests are followed one
after another. pgledger.placed_hold_outcome decides about the doubtful ones. What the batch holds is
added up for each account; where a limit seems to be in the way, holds that have expired are
released, those of all accounts at once and once a batch, and pgledger.held_legs_failure decides.
So messages are those of single calls, because it is their checks that speak.

Nothing but expired holds is written before all that is known: keys, holds and accounts take a
statement each. A key is written for what was made, and for what is a repeat by its id.

Hold n of the call is created n - 1 microseconds after the first, so that ids ascend.

The body is long because its steps share the arrays.

Locks: expired holds where a limit seems to be broken, then the inserted rows of the keys ascending,
then the new holds ascending by id.
Errors: a unique violation where an id or a key was taken meanwhile.
*/
create or replace function pgledger.make_sound_holds(
  inout outcomes @extschema@.pgledger_hold_outcome[],
  locked_ids text[],
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  expires_ats timestamptz[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
  idempotency_keys text[]
)
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
  v_now timestamptz := pgledger.clock();
  v_closed_until timestamptz := pgledger.closed_until_for(app_id, event_ats);
  v_newest_at timestamptz;
  v_ids text[];
  v_keys bigint[];
  v_balances numeric[];
  v_held_out numeric[];
  v_held_in numeric[];
  v_lowest numeric[];
  v_highest numeric[];
  v_currencies text[];
  v_statuses smallint[];
  v_scales integer[];
  v_times timestamptz[];
  v_more_out numeric[];
  v_more_in numeric[];
  v_froms integer[];
  v_tos integer[];
  v_doubts boolean[];
  v_lack_accounts boolean[];
  v_key_groups integer[];
  v_id_groups integer[];
  v_written_keys boolean[];
  v_new_ids text[];
  v_made_ids text[] := array_fill(null::text, array[v_count]);
  v_keyed_ids text[] := array_fill(null::text, array[v_count]);
  v_hold_places integer[];
  v_places_of_keys integer[];
  v_places_of_ids integer[];
  v_from integer;
  v_to integer;
  v_amount numeric;
  v_id text;
  v_created_at timestamptz;
  v_key_place integer;
  v_hold_place integer;
  v_earlier_key pgledger.idempotency_keys;
  v_earlier_hold pgledger.holds;
  v_is_released boolean := false;
  v_ok boolean;
begin
  select
    max(account.updated_at), array_agg(account.id), array_agg(account.key),
    array_agg(account.balance), array_agg(account.held_out), array_agg(account.held_in),
    -- Where there is no limit, it lies a little within the range of balances.
    array_agg(coalesce(account.min_balance, -9e29)), array_agg(coalesce(account.max_balance, 9e29)),
    array_agg(account.currency), array_agg(account.status),
    array_agg(coalesce(account.amount_scale, 18)), array_agg(account.updated_at),
    array_agg(0::numeric), array_agg(0::numeric)
  into
    v_newest_at, v_ids, v_keys, v_balances, v_held_out, v_held_in, v_lowest, v_highest,
    v_currencies, v_statuses, v_scales, v_times, v_more_out, v_more_in
  from (
    select
      accounts.id, accounts.key, accounts.updated_at, accounts.balance, accounts.held_out,
      accounts.held_in, accounts.min_balance, accounts.max_balance, accounts.currency,
      accounts.status, accounts.amount_scale
    from pgledger.accounts
    where accounts.id = any(locked_ids)
      and accounts.app_id = make_sound_holds.app_id
    order by accounts.id
  ) as account;

  with account as materialized (
    select
      unnest(v_ids) as id, generate_series(1, cardinality(v_ids)) as number,
      unnest(v_currencies) as currency, unnest(v_statuses) as status, unnest(v_scales) as scale,
      unnest(v_times) as updated_at
  ),

  written as materialized (
    select holds.id
    from pgledger.holds
    where holds.id = any(make_sound_holds.ids)
  ),

  written_key as materialized (
    select idempotency_keys.idempotency_key as name
    from pgledger.idempotency_keys
    where idempotency_keys.app_id = make_sound_holds.app_id
      and idempotency_keys.idempotency_key = any(make_sound_holds.idempotency_keys)
  ),

  request as materialized (
    select
      given.place, given.from_account_id, given.to_account_id, given.amount, given.expires_at,
      given.event_at, given.id, given.key,
      case
        when given.id is not null and count(*) over (partition by given.id) > 1
          then min(given.place) over (partition by given.id)
      end as id_group,
      case
        when given.key is not null and count(*) over (partition by given.key) > 1
          then min(given.place) over (partition by given.key)
      end as key_group
    from (
      select
        generate_series(1, v_count) as place, unnest(from_account_ids) as from_account_id,
        unnest(to_account_ids) as to_account_id, unnest(amounts) as amount,
        unnest(expires_ats) as expires_at, unnest(event_ats) as event_at,
        unnest(ids) collate "C" as id,
        unnest(idempotency_keys) collate "C" as key
      offset 0
    ) as given
  )

  select
    array_agg(looked_at.from_number), array_agg(looked_at.to_number),
    array_agg(looked_at.id_group), array_agg(looked_at.key_group),
    array_agg(looked_at.is_written_key), array_agg(looked_at.have_accounts is not true),
    array_agg((looked_at.have_accounts and looked_at.is_sound) is not true)
  into v_froms, v_tos, v_id_groups, v_key_groups, v_written_keys, v_lack_accounts, v_doubts
  from (
    select
      source.number as from_number, target.number as to_number, request.id_group,
      request.key_group, written_key.name is not null as is_written_key,
      source.currency = target.currency as have_accounts,
      source.status + target.status = 0
      and source.updated_at <= v_now + interval '1 day'
      and target.updated_at <= v_now + interval '1 day'
      and (request.expires_at is null or request.expires_at > v_now)
      and min_scale(request.amount) <= source.scale
      and min_scale(request.amount) <= target.scale
      and (request.event_at < v_closed_until) is not true
      and request.id_group is null
      and request.key_group is null
      and written.id is null
      and written_key.name is null as is_sound
    from request
    left join account as source on request.from_account_id = source.id
    left join account as target on request.to_account_id = target.id
    left join written on request.id = written.id
    left join written_key on request.key = written_key.name
    order by request.place
  ) as looked_at;

  v_new_ids := pgledger.new_transfer_ids(v_now, v_count);

  for v_place in 1..v_count loop
    continue when (outcomes[v_place]).status is not null;
    v_from := v_froms[v_place];
    v_to := v_tos[v_place];
    v_amount := amounts[v_place];

    if v_doubts[v_place] then
      v_key_place := v_places_of_keys[v_key_groups[v_place]];
      v_hold_place := case
        when v_key_place is null then v_places_of_ids[v_id_groups[v_place]]
        else v_hold_places[v_key_place]
      end;
      v_earlier_key := null;
      if v_key_place is not null then
        v_earlier_key.created_at := v_now;
        v_earlier_key.app_id := app_id;
        v_earlier_key.idempotency_key := idempotency_keys[v_key_place];
        v_earlier_key.function_name := 'pgledger_create_hold';
        v_earlier_key.result_id := v_keyed_ids[v_key_place];
        v_earlier_key.request := pgledger.hold_request(
          from_account_ids[v_key_place], to_account_ids[v_key_place], amounts[v_key_place],
          expires_ats[v_key_place], null, event_ats[v_key_place], metadatas[v_key_place],
          ids[v_key_place], group_id
        );
      end if;
      v_earlier_hold := null;
      if v_hold_place is not null then
        v_earlier_hold.id := v_made_ids[v_hold_place];
        v_earlier_hold.from_key := v_keys[v_froms[v_hold_place]];
        v_earlier_hold.to_key := v_keys[v_tos[v_hold_place]];
        v_earlier_hold.created_at := (outcomes[v_hold_place]).created_at;
        v_earlier_hold.event_at := event_ats[v_hold_place];
        v_earlier_hold.expires_at := expires_ats[v_hold_place];
        v_earlier_hold.first_expires_at := expires_ats[v_hold_place];
        v_earlier_hold.status := 0;
        v_earlier_hold.amount := amounts[v_hold_place];
        v_earlier_hold.posted_amount := 0;
        v_earlier_hold.app_id := app_id;
        v_earlier_hold.group_id := group_id;
        v_earlier_hold.metadata := metadatas[v_hold_place];
      end if;

      outcomes[v_place] := pgledger.placed_hold_outcome(
        from_account_ids[v_place], to_account_ids[v_place], v_amount, expires_ats[v_place],
        event_ats[v_place], metadatas[v_place], ids[v_place], app_id, group_id,
        idempotency_keys[v_place],
        case when v_lack_accounts[v_place] then array[v_ids[v_from], v_ids[v_to]] end, v_now,
        v_earlier_key, v_earlier_hold
      );
      if (outcomes[v_place]).status is not null then
        if
          (outcomes[v_place]).status = 'replayed' and idempotency_keys[v_place] is not null
          and v_key_place is null and not v_written_keys[v_place]
        then
          v_keyed_ids[v_place] := (outcomes[v_place]).id;
          v_hold_places[v_place] := v_hold_place;
          if v_key_groups[v_place] is not null then
            v_places_of_keys[v_key_groups[v_place]] := v_place;
          end if;
        end if;
        continue;
      end if;
    end if;

    if
      v_balances[v_from] - v_held_out[v_from] - v_more_out[v_from] - v_amount < v_lowest[v_from]
      or v_balances[v_to] + v_held_in[v_to] + v_more_in[v_to] + v_amount > v_highest[v_to]
    then
      if not v_is_released then
        v_ok := pgledger.release_expired(v_keys, v_now);
        v_is_released := true;
        select array_agg(account.held_out), array_agg(account.held_in)
        into v_held_out, v_held_in
        from (
          select accounts.held_out, accounts.held_in
          from pgledger.accounts
          where accounts.key = any(v_keys)
          order by accounts.id
        ) as account;
      end if;
      outcomes[v_place] := pgledger.held_legs_failure(
        v_keys[v_from], v_keys[v_to], v_balances[v_from], v_balances[v_to],
        v_held_out[v_from] + v_more_out[v_from] + v_amount,
        v_held_in[v_to] + v_more_in[v_to] + v_amount, v_amount
      );
      continue when (outcomes[v_place]).status is not null;
    end if;

    v_more_out[v_from] := v_more_out[v_from] + v_amount;
    v_more_in[v_to] := v_more_in[v_to] + v_amount;
    v_id := coalesce(ids[v_place], 'pglh_' || right(v_new_ids[v_place], 26));
    v_created_at := v_now + (v_place - 1) * interval '1 microsecond';
    v_made_ids[v_place] := v_id;
    if v_id_groups[v_place] is not null then
      v_places_of_ids[v_id_groups[v_place]] := v_place;
    end if;
    if idempotency_keys[v_place] is not null then
      v_keyed_ids[v_place] := v_id;
      v_hold_places[v_place] := v_place;
      if v_key_groups[v_place] is not null then
        v_places_of_keys[v_key_groups[v_place]] := v_place;
      end if;
    end if;
    outcomes[v_place] := pgledger.made_hold_outcome(v_id, v_created_at, expires_ats[v_place]);
  end loop;

  if v_newest_at > v_now then
    v_ok := pgledger.check_account_times(
      array_agg(v_ids[v_froms[request.place]]), array_agg(v_ids[v_tos[request.place]]), v_now,
      v_newest_at
    )
    from generate_subscripts(v_made_ids, 1) as request (place)
    where v_made_ids[request.place] is not null
      and v_now < greatest(v_times[v_froms[request.place]], v_times[v_tos[request.place]]);
  end if;

  -- Two batches that share keys or ids never wait for each other: both write them in their order.
  insert into pgledger.idempotency_keys (
    created_at, app_id, idempotency_key, function_name, result_id, request
  )
  select
    v_now, make_sound_holds.app_id, idempotency_keys[request.place], 'pgledger_create_hold',
    v_keyed_ids[request.place],
    pgledger.hold_request(
      from_account_ids[request.place], to_account_ids[request.place], amounts[request.place],
      expires_ats[request.place], null, event_ats[request.place], metadatas[request.place],
      ids[request.place], make_sound_holds.group_id
    )
  from generate_subscripts(v_keyed_ids, 1) as request (place)
  where v_keyed_ids[request.place] is not null
  order by idempotency_keys[request.place] collate "C";

  insert into pgledger.holds (
    from_key, to_key, created_at, event_at, expires_at, first_expires_at, from_is_first, amount, id,
    app_id, group_id, metadata
  )
  select
    v_keys[v_froms[request.place]], v_keys[v_tos[request.place]],
    v_now + (request.place - 1) * interval '1 microsecond', request.event_at, request.expires_at,
    request.expires_at, v_froms[request.place] < v_tos[request.place], request.amount, request.id,
    make_sound_holds.app_id, make_sound_holds.group_id, request.metadata
  from (
    select
      generate_series(1, v_count) as place, unnest(amounts) as amount,
      unnest(expires_ats) as expires_at, unnest(event_ats) as event_at,
      unnest(metadatas) as metadata, unnest(v_made_ids) as id, unnest(ids) as chosen_id
    offset 0
  ) as request
  where request.id is not null
  order by request.chosen_id collate "C", request.place;

  update pgledger.accounts
  set
    held_out = accounts.held_out + change.held_out,
    held_in = accounts.held_in + change.held_in
  from (
    select unnest(v_keys) as key, unnest(v_more_out) as held_out, unnest(v_more_in) as held_in
    offset 0
  ) as change
  where accounts.key = change.key
    and accounts.key = any(v_keys)
    and (change.held_out <> 0 or change.held_in <> 0);
end;
$$;

comment on function pgledger.make_sound_holds is
  'Makes what can be made of sound requests for holds; returns the outcomes with what became of '
  'each.';

revoke all on function pgledger.make_sound_holds from public;
