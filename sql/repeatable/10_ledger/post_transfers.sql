/*
Writes many transfers at once, each new and sound by itself: the path for batches. Whatever the
number of requests, there are three statements. The first locks the accounts. The second runs after
all waiting for these locks and sees what other calls wrote meanwhile: it computes and writes the
transfers, and answers. The third updates the accounts.

Only accounts that the first statement locked take part. An account that was created while it waited
can be seen by the second one, but is not locked: anyone may be changing it.

The second statement leaves out each request that has no accounts, mixes currencies or breaks a
limit. If it posted fewer transfers than were asked for, there is such a request: it is looked for
and raised.

Transfer n of the call is created n - 1 microseconds after the first, so that versions and times
ascend together along each account. Their ids share one random tail; their times tell them apart.

The statements are planned for the arrays at hand and without nested loops. So a batch never costs
the square of its size, even where the statistics still say that a table is empty.

Values that all requests share are given once: 100000 copies of large metadata are more than an
array can hold.

request_indexes says which request of the caller's each request is, for messages; null means all of
them in order.

The body is long because its main part is one statement, whose steps share what the first ones
found. A function could only take over a part if this were written down and read again.

Locks: the accounts FOR NO KEY UPDATE ascending by id, then the transfers ascending by id.
Errors: those of pgledger.check_accounts and pgledger.check_balances; a unique violation where an id
that a caller chose was taken.
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
  shared_metadata jsonb default null
)
returns setof @extschema@.pgledger_transfer
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set jit = off
as $$
declare
  v_amounts numeric[] := amounts;
  v_created_at timestamptz;
  v_microseconds bigint;
  v_head text;
  v_next_head text;
  v_head_places bigint;
  v_tail text;
  v_locked_ids text[];
  v_posted bigint;
  v_ok boolean;
begin
  if exists (select from unnest(amounts) as given (amount) where scale(given.amount) > 18) then
    select
      array_agg(
        case when scale(given.amount) > 18 then trim_scale(given.amount) else given.amount end
        order by given.place
      )
    into v_amounts
    from unnest(amounts) with ordinality as given (amount, place);
  end if;

  select
    greatest(pgledger.clock(), max(locked.updated_at) + interval '1 microsecond'),
    coalesce(array_agg(locked.id), '{}')
  into v_created_at, v_locked_ids
  from (
    select accounts.id, accounts.updated_at
    from pgledger.accounts
    where accounts.id = any(from_account_ids || to_account_ids)
    order by accounts.id
    for no key update
  ) as locked;

  v_microseconds := extract(epoch from v_created_at) * 1000000;
  v_tail := right(pgledger.new_ulid(v_created_at), 12);

  -- The first eight characters of an id change every 1.024 seconds. A call's times span less than
  -- that, so there are at most two such heads.
  v_head := left(pgledger.new_ulid(v_created_at), 8);
  v_next_head := left(pgledger.new_ulid(v_created_at + interval '1.024 seconds'), 8);
  v_head_places := 1024000 - v_microseconds % 1024000;

  return query
  with account as materialized (
    select
      accounts.key, accounts.version, accounts.balance, accounts.allow_negative_balance,
      accounts.allow_positive_balance, accounts.id, accounts.app_id, accounts.currency,
      accounts.name, accounts.tenant_id
    from pgledger.accounts
    where accounts.id = any(v_locked_ids)
  ),

  -- Rows stay narrow on their way; names and ids of accounts are joined at the end.
  request as materialized (
    select
      given.place,
      given.amount,
      given.event_at,
      given.metadata,
      given.id,
      source.key as from_key,
      target.key as to_key
    from unnest(from_account_ids, to_account_ids, v_amounts, event_ats, metadatas, ids)
      with ordinality
      as given (from_account_id, to_account_id, amount, event_at, metadata, id, place)
    inner join account as source on given.from_account_id = source.id
    inner join account as target on given.to_account_id = target.id
    where source.currency = target.currency
      and source.app_id = post_transfers.app_id
      and target.app_id = post_transfers.app_id
  ),

  leg as materialized (
    select
      change.place,
      change.is_target,
      account.balance + sum(change.amount) over account_so_far as balance,
      account.version + row_number() over account_so_far as version,
      account.allow_negative_balance,
      account.allow_positive_balance
    from (
      select request.place, false, request.from_key, -request.amount
      from request
      union all
      select request.place, true, request.to_key, request.amount
      from request
    ) as change (place, is_target, key, amount)
    inner join account on change.key = account.key
    window account_so_far as (partition by change.key order by change.place)
  ),

  transfer as materialized (
    select
      request.place,
      request.id as chosen_id,
      'pglt_'
      || case when request.place <= v_head_places then v_head else v_next_head end
      || substr(pgledger.base32_text(digits.lanes), 3)
      || v_tail as generated_id,
      v_created_at + (request.place - 1) * interval '1 microsecond' as created_at,
      request.amount,
      request.event_at,
      request.metadata,
      source.balance as from_balance,
      target.balance as to_balance,
      source.version as from_version,
      target.version as to_version,
      request.from_key,
      request.to_key
    from request
    inner join leg as source on request.place = source.place and not source.is_target
    inner join leg as target on request.place = target.place and target.is_target
    -- The six characters of pgledger.new_ulid that change from one microsecond to the next. Each
    -- OFFSET keeps the planner from repeating a step's expression wherever its result is used.
    cross join lateral (
      select pgledger.base32_lanes(step.bits) as lanes
      from (
        select
          (((clock.microseconds / 1000) & 1023) << 20)
          | 458760
          | (((clock.microseconds % 1000) * 4096 / 1000) << 4) as bits
        from (select v_microseconds + request.place - 1 as microseconds offset 0) as clock
        offset 0
      ) as step
      offset 0
    ) as digits
    where (source.balance >= 0 or source.allow_negative_balance) and source.balance > -1e30
      and (target.balance <= 0 or target.allow_positive_balance) and target.balance < 1e30
  ),

  written as (
    insert into pgledger.transfers (
      from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
      to_balance, event_at, group_id, metadata
    )
    select
      transfer.from_key, transfer.to_key, transfer.from_version, transfer.to_version,
      transfer.created_at, coalesce(transfer.chosen_id, transfer.generated_id),
      post_transfers.app_id, transfer.amount, transfer.from_balance, transfer.to_balance,
      coalesce(transfer.event_at, shared_event_at), post_transfers.group_id,
      coalesce(transfer.metadata, shared_metadata)
    from transfer
    -- Inserting can wait only for an id that a caller chose; ascending order avoids deadlocks.
    order by transfer.chosen_id, transfer.place
  )

  select
    coalesce(transfer.chosen_id, transfer.generated_id),
    source.id,
    target.id,
    transfer.amount,
    transfer.created_at,
    coalesce(transfer.event_at, shared_event_at, transfer.created_at),
    coalesce(transfer.metadata, shared_metadata),
    source.currency,
    source.name,
    target.name,
    transfer.from_balance,
    transfer.to_balance,
    transfer.from_version,
    transfer.to_version,
    post_transfers.group_id,
    post_transfers.app_id,
    source.tenant_id,
    target.tenant_id,
    null::text,
    false
  from transfer
  inner join account as source on transfer.from_key = source.key
  inner join account as target on transfer.to_key = target.key
  order by transfer.place;

  get diagnostics v_posted = row_count;

  if v_posted <> cardinality(from_account_ids) then
    v_ok := pgledger.check_accounts(
      from_account_ids, to_account_ids, app_id, v_locked_ids, request_indexes, request_count
    );
    v_ok := pgledger.check_balances(
      from_account_ids, to_account_ids, amounts, request_indexes, request_count
    );
    assert false, 'fewer transfers were posted than were asked for';
  end if;

  update pgledger.accounts
  set
    updated_at = v_created_at + (change.last_place - 1) * interval '1 microsecond',
    version = accounts.version + change.entries,
    balance = accounts.balance + change.amount
  from (
    select leg.account_id, sum(leg.amount), count(*), max(leg.place)
    from (
      select given.account_id, -given.amount, given.place
      from unnest(from_account_ids, v_amounts) with ordinality as given (account_id, amount, place)
      union all
      select given.account_id, given.amount, given.place
      from unnest(to_account_ids, v_amounts) with ordinality as given (account_id, amount, place)
    ) as leg (account_id, amount, place)
    group by leg.account_id
  ) as change (account_id, amount, entries, last_place)
  where accounts.id = change.account_id
    and accounts.id = any(v_locked_ids);
end;
$$;

comment on function pgledger.post_transfers is
  'Writes many transfers at once, each new and sound by itself, and returns them in order.';

revoke all on function pgledger.post_transfers from public;
