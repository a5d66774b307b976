/*
Posts a hold, in whole or in part. The request's own values were checked.

The way of pgledger_post_hold for what is not plain: a posting with an id, which may be a repeat,
one of a batch, and one that cannot be. Here everything is locked before it is looked at.

The body is long because what it finds in one statement is used in the next.

Locks: both accounts FOR NO KEY UPDATE, ascending by id, then the hold, then the inserted
row of the key.
Errors: NullArgument, InvalidScope, InvalidId, HoldNotFound, those of pgledger.repeated_posting and
pgledger.check_hold_pending, HoldAmountExceeded, AccountAheadOfClock, InvalidAmount,
PeriodClosed, BalanceOutOfRange, IdempotencyConflict.
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
  v_hold pgledger.holds;
  v_key pgledger.idempotency_keys;
  v_request jsonb;
  v_account_ids text[];
  v_newest_at timestamptz;
  v_rest numeric;
  v_amount numeric;
  v_released numeric;
  v_ends boolean;
  v_now timestamptz;
  v_created_at timestamptz;
  v_from_version bigint;
  v_from_balance numeric;
  v_from_id text;
  v_from_name text;
  v_from_tenant_id text;
  v_currency text;
  v_to_version bigint;
  v_to_balance numeric;
  v_to_id text;
  v_to_name text;
  v_to_tenant_id text;
  v_id text;
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_id('hold_id', hold_id, 'pglh', request_index, request_count);
  v_hold := pgledger.lock_hold(hold_id, app_id, request_index, request_count);
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
        app_id, idempotency_key, 'pgledger_post_hold', v_request, id, request_index, request_count
      );
    end if;
    return pgledger.repeated_posting(
      v_hold, amount, final, event_at, metadata, id, request_index, request_count
    );
  end if;
  v_now := pgledger.clock();
  v_ok := pgledger.check_hold_pending(v_hold, v_now, request_index, request_count);
  v_rest := v_hold.amount - v_hold.posted_amount;
  if amount > v_rest then
    v_ok := pgledger.fail(
      'HoldAmountExceeded',
      array[hold_id, v_rest::text, v_hold.amount::text, pgledger.abridged(amount::text)],
      request_index,
      request_count
    );
  end if;
  v_amount := coalesce(case when scale(amount) > 18 then trim_scale(amount) end, amount, v_rest);
  v_ends := final or v_amount = v_rest;
  v_released := case when v_ends then v_rest else v_amount end;

  select array[source.id, target.id], greatest(source.updated_at, target.updated_at)
  into v_account_ids, v_newest_at
  from pgledger.accounts as source
  cross join pgledger.accounts as target
  where source.key = v_hold.from_key
    and target.key = v_hold.to_key;
  v_created_at := greatest(v_now, v_newest_at + interval '1 microsecond');
  if v_created_at > v_now then
    v_ok := pgledger.check_account_times(
      v_account_ids[:1], v_account_ids[2:], v_now, v_created_at, array[request_index],
      request_count
    );
  end if;
  if amount is not null then
    v_ok := pgledger.check_scales(
      v_account_ids[:1], v_account_ids[2:], array[amount], array[request_index], request_count
    );
  end if;
  v_ok := pgledger.check_period(app_id, event_at, request_index, request_count);

  update pgledger.accounts
  set
    updated_at = v_created_at,
    version = accounts.version + 1,
    balance = accounts.balance - v_amount,
    held_out = accounts.held_out - v_released
  where accounts.key = v_hold.from_key
  returning
    accounts.id, accounts.name, accounts.currency, accounts.tenant_id, accounts.version,
    accounts.balance
  into v_from_id, v_from_name, v_currency, v_from_tenant_id, v_from_version, v_from_balance;

  update pgledger.accounts
  set
    updated_at = v_created_at,
    version = accounts.version + 1,
    balance = accounts.balance + v_amount,
    held_in = accounts.held_in - v_released
  where accounts.key = v_hold.to_key
  returning
    accounts.id, accounts.name, accounts.tenant_id, accounts.version, accounts.balance
  into v_to_id, v_to_name, v_to_tenant_id, v_to_version, v_to_balance;

  if v_from_balance <= -1e30 then
    v_ok := pgledger.fail(
      'BalanceOutOfRange', array[v_from_id, v_from_name, v_from_balance::text], request_index,
      request_count
    );
  elsif v_to_balance >= 1e30 then
    v_ok := pgledger.fail(
      'BalanceOutOfRange', array[v_to_id, v_to_name, v_to_balance::text], request_index,
      request_count
    );
  end if;

  update pgledger.holds
  set
    posted_amount = holds.posted_amount + v_amount,
    status = case when v_ends then 1 else 0 end,
    ended_at = case when v_ends then greatest(v_created_at, holds.created_at) end,
    out_released = v_ends,
    in_released = v_ends
  where holds.id = hold_id;

  v_id := coalesce(id, 'pglt_' || pgledger.new_ulid(v_created_at));
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
  -- Another call took the id since we looked. It did not wait for our accounts, so it asked for
  -- something else.
  if not found then
    v_ok := pgledger.fail('IdempotencyConflict', array['id', id], request_index, request_count);
  end if;

  return row(
    v_id, v_from_id, v_to_id, v_amount, v_created_at, coalesce(event_at, v_created_at),
    metadata, v_currency, v_from_name, v_to_name, v_from_balance, v_to_balance,
    v_from_version, v_to_version, v_hold.group_id, app_id, v_from_tenant_id,
    v_to_tenant_id, hold_id, false
  );
end;
$$;

comment on function pgledger.post_pending_hold is
  'Posts a hold, in whole or in part, of a request whose own values were checked.';

revoke all on function pgledger.post_pending_hold from public;
