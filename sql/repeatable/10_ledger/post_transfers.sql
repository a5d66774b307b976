/*
Writes many transfers at once, each new and sound by itself: the path for batches. It answers with
arrays, from which each caller makes as much of an answer as it needs. Element n belongs to request
n, but for the accounts': these are counted in the order of their ids, and numbers hold the number
of the account that each amount leaves, then, for as many requests, of the one that it reaches.

The first statement locks the accounts and reads them. What it had to wait for, it reads as it is
then. Only accounts that it locked take part: one that was created while it waited can be seen by
later statements, but anyone may be changing it. The second finds the accounts of each request.
Status, decimal places and closed periods are looked at for all. Balances and versions are then
followed through the batch in order. The first request is refused whose conditions are not met, or
one of whose legs breaks a limit. Two more statements write the transfers and the accounts. A caller
who skips what fails there gets failures instead, where the others have nulls, and the next request
goes on from what the one before the failed one left.

For limits each account has a lowest and a highest balance, with what is held in them. Where there
is no limit, they lie a little within the range of balances. So the loop compares one number for a
leg, and pgledger.check_balance decides about what is beyond it. Where a leg seems to break a limit,
holds that have expired are released first, those of all accounts of the batch at once and once a
batch, and the account's bound is read again.

Where an account is ahead of the clock, that is looked at before status, decimal places and limits,
and after everything else, as for a single transfer.

Transfer n of the call is created n - 1 microseconds after the first, so that versions and times
ascend together along each account.

A session plans the statements once: for arrays of unknown size, without nested loops and without
reading a table from end to end. So a batch never costs the square of its size, even where the
statistics still say that a table is empty. Merging would sort both sides by their text.

Values that all requests share are given once: 100000 copies of large metadata are more than an
array can hold.

Keys are those of the requests, with what their rows keep of them: they are written with what is
made, and not for what fails.

at is the time that a caller read who had locked the accounts already, or null.

request_indexes says which request of the caller's each request is, for messages and for what is
required: the arrays of conditions are the caller's, whole. Null means all of them in order.

The body is long because its steps share the arrays: each call of a function would copy them.

Locks: the accounts FOR NO KEY UPDATE ascending by id, then expired holds where a limit seems to be
broken, then the inserted rows of the keys ascending by key, then the transfers ascending by id.
Errors: those of pgledger.check_accounts, pgledger.check_account_times, pgledger.check_statuses,
pgledger.check_scales, pgledger.check_periods, pgledger.check_conditions, pgledger.check_balance and
pgledger.take_keys; a unique violation where an id that a caller chose was taken.
*/
create or replace function pgledger.post_transfers(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
  request_indexes bigint[],
  request_count bigint,
  shared_event_at timestamptz default null,
  shared_metadata jsonb default null,
  require_from_versions bigint[] default null,
  require_to_versions bigint[] default null,
  require_from_balances numrange[] default null,
  require_to_balances numrange[] default null,
  at timestamptz default null,
  skips_failed boolean default false,
  idempotency_keys text[] default null,
  keyed_requests jsonb[] default null,
  out transfer_ids text[],
  out first_created_at timestamptz,
  out posted_amounts numeric[],
  out numbers integer[],
  out from_balances numeric[],
  out to_balances numeric[],
  out from_versions bigint[],
  out to_versions bigint[],
  out currencies text[],
  out names text[],
  out tenant_ids text[],
  out failures @extschema@.pgledger_transfer_outcome[]
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
  v_now timestamptz;
  v_locked_ids text[];
  v_keys bigint[];
  v_balances numeric[];
  v_versions bigint[];
  v_last_places integer[];
  v_lowest numeric[];
  v_highest numeric[];
  v_highest_status smallint;
  v_least_scale smallint;
  v_has_one_currency boolean;
  v_has_conditions boolean :=
    array_remove(require_from_versions, null) <> '{}'
    or array_remove(require_to_versions, null) <> '{}'
    or array_remove(require_from_balances, null) <> '{}'
    or array_remove(require_to_balances, null) <> '{}';
  v_amount numeric;
  v_index integer;
  v_is_released boolean := false;
  v_from integer;
  v_to integer;
  v_from_balance numeric;
  v_to_balance numeric;
  v_is_doubtful boolean;
  v_least numeric;
  v_most numeric;
  v_ok boolean;
begin
  -- A slice is counted from 1, whatever the array is counted from.
  if v_has_conditions then
    require_from_versions := require_from_versions[:];
    require_to_versions := require_to_versions[:];
    require_from_balances := require_from_balances[:];
    require_to_balances := require_to_balances[:];
  end if;

  select
    max(locked.updated_at) + interval '1 microsecond',
    coalesce(array_agg(locked.id), '{}'), array_agg(locked.key), array_agg(locked.balance),
    array_agg(locked.version), array_agg(coalesce(locked.min_balance + locked.held_out, -9e29)),
    array_agg(coalesce(locked.max_balance - locked.held_in, 9e29)), max(locked.status),
    min(locked.amount_scale), array_agg(locked.currency), array_agg(locked.name),
    array_agg(locked.tenant_id), min(locked.currency) = max(locked.currency)
  into
    first_created_at, v_locked_ids, v_keys, v_balances, v_versions, v_lowest, v_highest,
    v_highest_status, v_least_scale, currencies, names, tenant_ids, v_has_one_currency
  from (
    select
      accounts.id, accounts.key, accounts.updated_at, accounts.balance, accounts.version,
      accounts.held_out, accounts.held_in, accounts.min_balance, accounts.max_balance,
      accounts.status, accounts.amount_scale, accounts.currency, accounts.name, accounts.tenant_id
    from pgledger.accounts
    where accounts.id = any(from_account_ids || to_account_ids)
      and accounts.app_id = post_transfers.app_id
    order by accounts.id
    for no key update
  ) as locked;

  v_now := coalesce(at, pgledger.clock());

  select array_agg(account.number order by given.place)
  into numbers
  from (
    select
      unnest(from_account_ids || to_account_ids) as id,
      generate_series(1, 2 * v_count) as place
    offset 0
  ) as given
  inner join (
    select unnest(v_locked_ids) as id, generate_series(1, cardinality(v_locked_ids)) as number
    offset 0
  ) as account on given.id = account.id;

  if cardinality(numbers) is distinct from 2 * v_count or not v_has_one_currency and exists (
    select
    from generate_series(1, v_count) as request (place)
    where currencies[numbers[request.place]] <> currencies[numbers[v_count + request.place]]
  ) then
    v_ok := pgledger.check_accounts(
      from_account_ids, to_account_ids, app_id, v_locked_ids, request_indexes, request_count
    );
    assert false, 'a request without its accounts was not refused';
  end if;
  if first_created_at > v_now then
    v_ok := pgledger.check_account_times(
      from_account_ids, to_account_ids, v_now, first_created_at, request_indexes, request_count
    );
  end if;
  first_created_at := greatest(v_now, first_created_at);

  posted_amounts := array(
    select case when scale(given.amount) > 18 then trim_scale(given.amount) else given.amount end
    from unnest(amounts) as given (amount)
  );

  if v_highest_status > 0 then
    v_ok := pgledger.check_statuses(
      from_account_ids, to_account_ids, request_indexes, request_count
    );
  end if;
  if v_least_scale is not null and exists (
    select
    from unnest(posted_amounts) as given (amount)
    where min_scale(given.amount) > v_least_scale
  ) then
    v_ok := pgledger.check_scales(
      from_account_ids, to_account_ids, posted_amounts, request_indexes, request_count
    );
  end if;
  if event_ats is not null then
    v_ok := pgledger.check_periods(app_id, event_ats, request_indexes, request_count);
  end if;
  if shared_event_at is not null then
    v_ok := pgledger.check_period(app_id, shared_event_at, 1, request_count);
  end if;

  -- Counted from 1, also where the first accounts are only in requests that are skipped.
  v_last_places := array_fill(null::integer, array[cardinality(v_keys)]);
  for v_place in 1..v_count loop
    v_amount := posted_amounts[v_place];
    v_from := numbers[v_place];
    v_to := numbers[v_count + v_place];
    v_from_balance := v_balances[v_from] - v_amount;
    v_to_balance := v_balances[v_to] + v_amount;
    v_is_doubtful := v_from_balance < v_lowest[v_from] or v_to_balance > v_highest[v_to];

    if v_is_doubtful or v_has_conditions then
      v_index := coalesce(request_indexes[v_place], v_place);
      if v_is_doubtful then
        if not v_is_released then
          v_ok := pgledger.release_expired(v_keys, v_now);
          v_is_released := true;
        end if;
        select
          coalesce(source.min_balance + source.held_out, -9e29),
          coalesce(target.max_balance - target.held_in, 9e29)
        into v_least, v_most
        from pgledger.accounts as source
        cross join pgledger.accounts as target
        where source.key = v_keys[v_from] and target.key = v_keys[v_to];
        v_lowest[v_from] := v_least;
        v_highest[v_to] := v_most;
      end if;

      if skips_failed then
        failures[v_place] := pgledger.legs_failure(
          v_keys[v_from], v_keys[v_to], v_versions[v_from], v_versions[v_to],
          v_balances[v_from], v_balances[v_to], v_amount, require_from_versions[v_index],
          require_to_versions[v_index], require_from_balances[v_index],
          require_to_balances[v_index], v_is_doubtful
        );
        continue when (failures[v_place]).status is not null;
      else
        v_ok := pgledger.check_legs(
          v_keys[v_from], v_keys[v_to], v_versions[v_from], v_versions[v_to],
          v_balances[v_from], v_balances[v_to], v_amount, require_from_versions[v_index],
          require_to_versions[v_index], require_from_balances[v_index],
          require_to_balances[v_index], v_is_doubtful, v_index, request_count
        );
      end if;
    end if;

    v_balances[v_from] := v_from_balance;
    v_versions[v_from] := v_versions[v_from] + 1;
    v_last_places[v_from] := v_place;
    from_balances[v_place] := v_from_balance;
    from_versions[v_place] := v_versions[v_from];

    v_balances[v_to] := v_to_balance;
    v_versions[v_to] := v_versions[v_to] + 1;
    v_last_places[v_to] := v_place;
    to_balances[v_place] := v_to_balance;
    to_versions[v_place] := v_versions[v_to];
  end loop;

  transfer_ids := pgledger.new_transfer_ids(first_created_at, v_count);
  if ids is not null then
    transfer_ids := array(
      select coalesce(given.chosen_id, given.new_id)
      from unnest(ids, transfer_ids) as given (chosen_id, new_id)
    );
  end if;

  if idempotency_keys is not null then
    v_ok := pgledger.take_keys(
      app_id, idempotency_keys, 'pgledger_create_transfer', keyed_requests,
      array(
        select case when from_versions[place] is not null then transfer_ids[place] end
        from generate_series(1, v_count) as place
      )
    );
  end if;

  insert into pgledger.transfers (
    from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
    to_balance, event_at, group_id, metadata
  )
  select
    v_keys[numbers[request.place]], v_keys[numbers[v_count + request.place]],
    from_versions[request.place], to_versions[request.place],
    request.created_at, transfer_ids[request.place], post_transfers.app_id,
    posted_amounts[request.place], from_balances[request.place], to_balances[request.place],
    coalesce(request.event_at, shared_event_at), post_transfers.group_id,
    coalesce(request.metadata, shared_metadata)
  from (
    select given.place, given.created_at, given.event_at, given.metadata
    from (
      select
        generate_series(1, v_count) as place,
        generate_series(
          first_created_at,
          first_created_at + (v_count - 1) * interval '1 microsecond',
          interval '1 microsecond'
        ) as created_at,
        unnest(event_ats) as event_at,
        unnest(metadatas) as metadata,
        unnest(ids) as chosen_id
      offset 0
    ) as given
    where from_versions[given.place] is not null
    -- Inserting can wait only for an id that a caller chose; ascending order avoids deadlocks.
    order by given.chosen_id, given.place
  ) as request;

  update pgledger.accounts
  set
    updated_at = first_created_at + (change.last_place - 1) * interval '1 microsecond',
    version = change.version,
    balance = change.balance
  from (
    select
      unnest(v_keys) as key,
      unnest(v_last_places) as last_place,
      unnest(v_versions) as version,
      unnest(v_balances) as balance
    offset 0
  ) as change
  where accounts.key = change.key
    and accounts.key = any(v_keys)
    and change.last_place is not null;
end;
$$;

comment on function pgledger.post_transfers is
  'Writes many transfers at once, each new and sound by itself; returns what it found and made.';

revoke all on function pgledger.post_transfers from public;
