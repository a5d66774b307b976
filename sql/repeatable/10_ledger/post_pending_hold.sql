/*
Posts a hold, in whole or in part. The request's own values were checked.

The hold is read first, because it says which accounts to lock. Both are updated at once by what was
read, as pgledger.pgledger_create_transfer does, and the hold after them, if it is still as it was
read: nobody who posts, voids or extends it can come in between, but one of them may have been
before. Then it is looked at again, and refused, or what was too much is put right.

Whether it has expired is asked when all is locked: the time that the accounts get is read before
the hold is locked.

The body is long because it is the plain path of a transfer and of a hold.

Locks: both accounts FOR NO KEY UPDATE, ascending by id, then the hold, then the inserted row of the
key.
Errors: HoldNotFound, those of pgledger.repeated_posting and pgledger.check_hold_pending,
HoldAmountExceeded, AccountAheadOfClock, InvalidAmount, BalanceOutOfRange.
*/
create or replace function pgledger.post_pending_hold(
  hold_id text,
  amount numeric,
  final boolean,
  event_at timestamptz,
  metadata jsonb,
  id text,
  app_id text,
  request_index bigint default null,
  request_count bigint default null,
  idempotency_key text default null
)
returns @extschema@.pgledger_transfer
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_hold record;
  v_locked pgledger.holds;
  v_key pgledger.idempotency_keys;
  v_request jsonb;
  v_amount numeric;
  v_rest numeric;
  v_released numeric;
  v_expires_at timestamptz;
  v_from_at timestamptz;
  v_from_version bigint;
  v_from_balance numeric;
  v_scale smallint;
  v_to_at timestamptz;
  v_to_version bigint;
  v_to_balance numeric;
  v_now timestamptz;
  v_created_at timestamptz;
  v_id text := id;
  v_ok boolean;
begin
  select
    holds.from_key, holds.to_key, holds.amount, holds.posted_amount, holds.status,
    holds.expires_at, holds.group_id, source.id as from_id, target.id as to_id, source.currency,
    source.name as from_name, target.name as to_name, source.tenant_id as from_tenant_id,
    target.tenant_id as to_tenant_id
  into v_hold
  from pgledger.holds
  inner join pgledger.accounts as source on holds.from_key = source.key
  inner join pgledger.accounts as target on holds.to_key = target.key
  where holds.id = hold_id
    and holds.app_id = post_pending_hold.app_id;

  if not found then
    v_ok := pgledger.check_scope('app_id', app_id);
    v_ok := pgledger.check_id('hold_id', hold_id, 'pglh', request_index, request_count);
    v_ok := pgledger.fail(
      'HoldNotFound', array[hold_id, pgledger.in_app(app_id)], request_index, request_count
    );
  end if;

  if
    id is not null
    or idempotency_key is not null
    or v_hold.status <> 0
    or amount > v_hold.amount - v_hold.posted_amount
  then
    v_locked := pgledger.lock_hold(hold_id, app_id);
    if idempotency_key is not null then
      v_request := pgledger.posting_request(hold_id, amount, final, event_at, metadata, id);
      v_key := pgledger.key_of_request(
        app_id, idempotency_key, 'pgledger_post_hold', v_request, request_index, request_count
      );
      if v_key.created_at is not null then
        return pgledger.replayed_transfer(v_key.result_id);
      end if;
    end if;
    if exists (select from pgledger.transfers where transfers.id = post_pending_hold.id) then
      if idempotency_key is not null then
        v_key := pgledger.take_key(
          app_id, idempotency_key, 'pgledger_post_hold', v_request, id, request_index,
          request_count
        );
      end if;
      return pgledger.repeated_posting(
        v_locked, amount, final, event_at, metadata, id, request_index, request_count
      );
    end if;
    v_ok := pgledger.check_hold_pending(v_locked, pgledger.clock(), request_index, request_count);
    v_hold.posted_amount := v_locked.posted_amount;
  end if;

  v_rest := v_hold.amount - v_hold.posted_amount;
  if amount > v_rest then
    v_ok := pgledger.fail(
      'HoldAmountExceeded', array[hold_id, v_rest::text, v_hold.amount::text, amount::text],
      request_index, request_count
    );
  end if;
  v_amount := case
    when amount is null then v_rest when scale(amount) > 18 then trim_scale(amount) else amount
  end;
  v_released := case when final then v_rest else v_amount end;

  -- A time ahead of the clock is not passed on before it was looked at.
  for v_step in 1..2 loop
    if (v_hold.from_id collate "C" < v_hold.to_id) = (v_step = 1) then
      update pgledger.accounts
      set
        updated_at = greatest(
          case when v_to_at is null then pgledger.clock() when v_to_at <= v_now then v_to_at end,
          accounts.updated_at + interval '1 microsecond'
        ),
        version = accounts.version + 1,
        balance = accounts.balance - v_amount,
        held_out = accounts.held_out - v_released
      where accounts.key = v_hold.from_key
      returning accounts.updated_at, accounts.version, accounts.balance, accounts.amount_scale
      into v_from_at, v_from_version, v_from_balance, v_scale;
    else
      update pgledger.accounts
      set
        updated_at = greatest(
          case
            when v_from_at is null then pgledger.clock() when v_from_at <= v_now then v_from_at
          end,
          accounts.updated_at + interval '1 microsecond'
        ),
        version = accounts.version + 1,
        balance = accounts.balance + v_amount,
        held_in = accounts.held_in - v_released
      where accounts.key = v_hold.to_key
      returning accounts.updated_at, accounts.version, accounts.balance
      into v_to_at, v_to_version, v_to_balance;
    end if;
    if v_step = 1 then
      v_now := pgledger.clock();
    end if;
  end loop;
  v_created_at := greatest(v_from_at, v_to_at);

  update pgledger.holds
  set
    posted_amount = holds.posted_amount + v_amount,
    status = case when v_released = v_rest then 1 else 0 end,
    ended_at = case when v_released = v_rest then greatest(v_created_at, holds.created_at) end,
    out_released = v_released = v_rest,
    in_released = v_released = v_rest
  where holds.id = hold_id
    and holds.status = 0
    and holds.posted_amount = v_hold.posted_amount
  returning holds.expires_at into v_expires_at;
  if not found then
    select changed.amount, changed.from_balance, changed.to_balance, changed.expires_at
    into v_amount, v_from_balance, v_to_balance, v_expires_at
    from pgledger.post_changed_hold(
      hold_id, amount, final, v_amount, v_released, v_created_at, request_index, request_count
    ) as changed;
  end if;
  if v_expires_at <= pgledger.clock() then
    v_ok := pgledger.fail(
      'HoldExpired', array[hold_id, v_expires_at::text], request_index, request_count
    );
  end if;

  if v_from_at > v_now or v_to_at > v_now then
    v_now := pgledger.clock();
    if v_created_at > v_now then
      v_ok := pgledger.check_times_before(
        v_hold.from_id, v_hold.to_id, v_now, v_created_at, request_index, request_count
      );
      v_from_at := null;
      v_to_at := null;
    end if;
  end if;
  if v_from_at is distinct from v_created_at then
    update pgledger.accounts set updated_at = v_created_at where accounts.key = v_hold.from_key;
  end if;
  if v_to_at is distinct from v_created_at then
    update pgledger.accounts set updated_at = v_created_at where accounts.key = v_hold.to_key;
  end if;

  if amount is not null and min_scale(amount) > v_scale then
    v_ok := pgledger.check_scales(
      array[v_hold.from_id], array[v_hold.to_id], array[amount], array[request_index],
      request_count
    );
  end if;
  if v_from_balance <= -1e30 or v_to_balance >= 1e30 then
    v_ok := pgledger.fail(
      'BalanceOutOfRange', array[
        case when v_from_balance <= -1e30 then v_hold.from_id else v_hold.to_id end,
        case when v_from_balance <= -1e30 then v_hold.from_name else v_hold.to_name end,
        case when v_from_balance <= -1e30 then v_from_balance else v_to_balance end::text
      ], request_index, request_count
    );
  end if;

  if v_id is null then
    v_id := 'pglt_' || pgledger.new_ulid(v_created_at);
  end if;
  if idempotency_key is not null then
    v_key := pgledger.take_key(
      app_id, idempotency_key, 'pgledger_post_hold', v_request, v_id, request_index, request_count
    );
  end if;
  insert into pgledger.transfers (
    from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
    to_balance, event_at, group_id, origin_id, metadata
  )
  values (
    v_hold.from_key, v_hold.to_key, v_from_version, v_to_version, v_created_at, v_id,
    post_pending_hold.app_id, v_amount, v_from_balance, v_to_balance, post_pending_hold.event_at,
    v_hold.group_id, hold_id, post_pending_hold.metadata
  )
  on conflict on constraint transfers_id_pk do nothing;
  if not found then
    v_ok := pgledger.fail('IdempotencyConflict', array[id], request_index, request_count);
  end if;

  return row(
    v_id, v_hold.from_id, v_hold.to_id, v_amount, v_created_at, coalesce(event_at, v_created_at),
    metadata, v_hold.currency, v_hold.from_name, v_hold.to_name, v_from_balance, v_to_balance,
    v_from_version, v_to_version, v_hold.group_id, app_id, v_hold.from_tenant_id,
    v_hold.to_tenant_id, hold_id, false
  );
end;
$$;

comment on function pgledger.post_pending_hold is
  'Posts a hold, in whole or in part, of a request whose own values were checked.';

revoke all on function pgledger.post_pending_hold from public;
