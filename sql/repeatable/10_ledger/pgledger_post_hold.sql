/*
Moves what a hold keeps back, or a part of it.

Checks, in this order: app_id, the hold's id, final, the request's own values; that the hold exists;
whether it is a repeat; the hold's state; what is left of it; the clock; decimal places of a part;
the period, if event_at is given.
Status and limits of the accounts were checked when the hold was made, and are not looked at.

The hold is read first, because it says which accounts to lock. Both are updated at once by what was
read, as pgledger_create_transfer does, and the hold after them, if it is still as it was read:
nobody who posts, voids or extends it can come in between, but one of them may have been before.
Then it is looked at again, and refused, or what was too much is put right.

Whether it has expired is asked when all is locked: the time that the accounts get is read before
the hold is locked.

What is not plain goes to pgledger.post_pending_hold: a posting with an id, and one that cannot be
by what was read. The body is long for the reason given for pgledger_create_transfer.

Locks: both accounts FOR NO KEY UPDATE, ascending by id, then the hold.
Errors: NullArgument, InvalidScope, InvalidId, InvalidTime, EventAtInFuture, InvalidMetadata, and
those of pgledger.post_pending_hold and pgledger.post_changed_hold.
*/
create or replace function @extschema@.pgledger_post_hold(
  hold_id text,
  amount numeric default null,
  final boolean default true,
  event_at timestamptz default null,
  metadata jsonb default null,
  id text default null,
  app_id text default '',
  allow_future_event_at boolean default false,
  idempotency_key text default null
)
returns @extschema@.pgledger_transfer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_from_key bigint;
  v_to_key bigint;
  v_from_is_first boolean;
  v_posted_amount numeric;
  v_rest numeric;
  v_amount numeric;
  v_released numeric;
  v_ends boolean;
  v_group_id text;
  v_is_plain boolean;
  v_from_at timestamptz;
  v_from_version bigint;
  v_from_balance numeric;
  v_from_is_sound boolean;
  v_from_id text;
  v_from_name text;
  v_from_tenant_id text;
  v_currency text;
  v_to_at timestamptz;
  v_to_version bigint;
  v_to_balance numeric;
  v_to_is_sound boolean;
  v_to_id text;
  v_to_name text;
  v_to_tenant_id text;
  v_is_expired boolean;
  v_now timestamptz;
  v_created_at timestamptz;
  v_id text;
  v_ok boolean;
begin
  -- One expression passes most requests; only the others are looked at in detail.
  if (
    hold_id is not null and app_id is not null and final is not null
    and (amount is null or amount > 0 and amount < 1e30 and scale(amount) <= 18)
    and event_at is null and metadata is null and id is null and idempotency_key is null
  ) is not true then
    v_ok := pgledger.check_scope('app_id', app_id);
    v_ok := pgledger.check_id('hold_id', hold_id, 'pglh');
    if final is null then
      v_ok := pgledger.fail('NullArgument', array['final']);
    end if;
    v_ok := pgledger.check_request_details(
      coalesce(amount, 1), event_at, metadata, id, allow_future_event_at
    );
    v_ok := pgledger.check_key(idempotency_key);
    if id is not null or idempotency_key is not null then
      return pgledger.post_pending_hold(
        hold_id, amount, final, event_at, metadata, id, app_id, idempotency_key => idempotency_key
      );
    end if;
  end if;

  select
    holds.from_key, holds.to_key, holds.from_is_first, holds.group_id, holds.posted_amount,
    holds.amount - holds.posted_amount,
    final or pgledger_post_hold.amount is null,
    holds.status = 0
    and (
      pgledger_post_hold.amount is null
      or pgledger_post_hold.amount + holds.posted_amount <= holds.amount
      and scale(pgledger_post_hold.amount) <= 18
    )
  into
    v_from_key, v_to_key, v_from_is_first, v_group_id, v_posted_amount, v_rest, v_ends, v_is_plain
  from pgledger.holds
  where holds.id = hold_id
    and holds.app_id = pgledger_post_hold.app_id;

  if v_is_plain is not true then
    return pgledger.post_pending_hold(hold_id, amount, final, event_at, metadata, id, app_id);
  end if;
  v_amount := v_rest;
  v_released := v_rest;
  if amount is not null then
    v_amount := amount;
    if not final and amount < v_rest then
      v_released := amount;
    else
      v_ends := true;
    end if;
  end if;

  -- A time ahead of the clock is not passed on before it was looked at.
  if v_from_is_first then
    update pgledger.accounts
    set
      updated_at = greatest(pgledger.clock(), accounts.updated_at + interval '1 microsecond'),
      version = accounts.version + 1,
      balance = accounts.balance - v_amount,
      held_out = accounts.held_out - v_released
    where accounts.key = v_from_key
    returning
      accounts.updated_at, accounts.version, accounts.balance,
      accounts.balance > -1e30
      and (
        amount is null
        or accounts.amount_scale is null
        or min_scale(amount) <= accounts.amount_scale
      ),
      accounts.id, accounts.currency, accounts.name, accounts.tenant_id
    into
      v_from_at, v_from_version, v_from_balance, v_from_is_sound, v_from_id, v_currency,
      v_from_name, v_from_tenant_id;

    v_now := pgledger.clock();
    update pgledger.accounts
    set
      updated_at = greatest(
        case when v_from_at <= v_now then v_from_at end,
        accounts.updated_at + interval '1 microsecond'
      ),
      version = accounts.version + 1,
      balance = accounts.balance + v_amount,
      held_in = accounts.held_in - v_released
    where accounts.key = v_to_key
    returning
      accounts.updated_at, accounts.version, accounts.balance, accounts.balance < 1e30,
      accounts.id, accounts.name, accounts.tenant_id
    into
      v_to_at, v_to_version, v_to_balance, v_to_is_sound, v_to_id, v_to_name, v_to_tenant_id;
  else
    update pgledger.accounts
    set
      updated_at = greatest(pgledger.clock(), accounts.updated_at + interval '1 microsecond'),
      version = accounts.version + 1,
      balance = accounts.balance + v_amount,
      held_in = accounts.held_in - v_released
    where accounts.key = v_to_key
    returning
      accounts.updated_at, accounts.version, accounts.balance, accounts.balance < 1e30,
      accounts.id, accounts.name, accounts.tenant_id
    into
      v_to_at, v_to_version, v_to_balance, v_to_is_sound, v_to_id, v_to_name, v_to_tenant_id;

    v_now := pgledger.clock();
    update pgledger.accounts
    set
      updated_at = greatest(
        case when v_to_at <= v_now then v_to_at end,
        accounts.updated_at + interval '1 microsecond'
      ),
      version = accounts.version + 1,
      balance = accounts.balance - v_amount,
      held_out = accounts.held_out - v_released
    where accounts.key = v_from_key
    returning
      accounts.updated_at, accounts.version, accounts.balance,
      accounts.balance > -1e30
      and (
        amount is null
        or accounts.amount_scale is null
        or min_scale(amount) <= accounts.amount_scale
      ),
      accounts.id, accounts.currency, accounts.name, accounts.tenant_id
    into
      v_from_at, v_from_version, v_from_balance, v_from_is_sound, v_from_id, v_currency,
      v_from_name, v_from_tenant_id;
  end if;
  v_created_at := greatest(v_from_at, v_to_at);

  -- What is returned is computed once the hold is locked.
  update pgledger.holds
  set
    posted_amount = holds.posted_amount + v_amount,
    status = v_ends::integer,
    ended_at = case when v_ends then greatest(v_created_at, holds.created_at) end,
    out_released = v_ends,
    in_released = v_ends
  where holds.id = hold_id
    and holds.status = 0
    and holds.posted_amount = v_posted_amount
  returning holds.expires_at <= pgledger.clock() into v_is_expired;
  if not found then
    select changed.amount, changed.from_balance, changed.to_balance, false
    into v_amount, v_from_balance, v_to_balance, v_from_is_sound
    from pgledger.post_changed_hold(
      hold_id, amount, final, v_amount, v_released, v_created_at
    ) as changed;
  elsif v_is_expired then
    v_ok := pgledger.fail(
      'HoldExpired',
      array[hold_id, (select holds.expires_at::text from pgledger.holds where holds.id = hold_id)]
    );
  end if;

  if v_from_at > v_now or v_to_at > v_now then
    v_now := pgledger.clock();
    if v_created_at > v_now then
      v_ok := pgledger.check_times_before(
        v_from_id, v_to_id, v_now, v_created_at
      );
      v_from_at := null;
      v_to_at := null;
    end if;
  end if;
  if v_from_at is distinct from v_created_at then
    update pgledger.accounts set updated_at = v_created_at where accounts.key = v_from_key;
  end if;
  if v_to_at is distinct from v_created_at then
    update pgledger.accounts set updated_at = v_created_at where accounts.key = v_to_key;
  end if;

  if not (v_from_is_sound and v_to_is_sound) then
    if amount is not null then
      v_ok := pgledger.check_scales(
        array[v_from_id], array[v_to_id], array[amount]
      );
    end if;
    v_ok := pgledger.check_period(app_id, event_at);
    if v_from_balance <= -1e30 then
      v_ok := pgledger.fail(
        'BalanceOutOfRange', array[v_from_id, v_from_name, v_from_balance::text]
      );
    elsif v_to_balance >= 1e30 then
      v_ok := pgledger.fail('BalanceOutOfRange', array[v_to_id, v_to_name, v_to_balance::text]);
    end if;
  elsif event_at is not null then
    v_ok := pgledger.check_period(app_id, event_at);
  end if;

  v_id := 'pglt_' || pgledger.new_ulid(v_created_at);
  insert into pgledger.transfers (
    from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
    to_balance, event_at, group_id, origin_id, metadata
  )
  values (
    v_from_key, v_to_key, v_from_version, v_to_version, v_created_at, v_id,
    pgledger_post_hold.app_id, v_amount, v_from_balance, v_to_balance,
    pgledger_post_hold.event_at, v_group_id, hold_id, pgledger_post_hold.metadata
  );

  return row(
    v_id, v_from_id, v_to_id, v_amount, v_created_at, coalesce(event_at, v_created_at),
    metadata, v_currency, v_from_name, v_to_name, v_from_balance, v_to_balance,
    v_from_version, v_to_version, v_group_id, app_id, v_from_tenant_id,
    v_to_tenant_id, hold_id, false
  );
end;
$$;

comment on function @extschema@.pgledger_post_hold is
$$Moves what a hold keeps back: all that is left of it, or a part.

It fails neither for funds nor for limits or freezes that came since: all of
that was checked when the hold was made. The transfer's origin_id is the hold,
and its group_id is the hold's.

Call it in FROM: (pgledger_post_hold(...)).* calls it once for every column.
Like pgledger_create_transfer, it is not for use within an UPDATE, a MERGE or
an INSERT with ON CONFLICT, unless with an id that a row holds.

hold_id: The hold.
amount: What to move, at most what is left of the hold; null for all of that.
final: Whether what is then left of the hold is released, and the hold is
  posted. Without, it stays pending for further calls, until the whole amount
  is posted.
event_at: When it happened in the world, at most a day ahead unless
  allow_future_event_at; null for when it is recorded.
metadata: JSON object, at most 64 KiB, which never changes. Store references
  in it, never personal data, or null.
id: Id of the transfer, pglt_ and a ULID. With an id of your own choice the
  call can be repeated: it takes effect once, and every repeat returns the
  first result; null for a new id.
app_id: Set of books that the hold belongs to.
allow_future_event_at: Whether event_at may be more than a day ahead.
idempotency_key: Your own name for this request, 1 to 255 characters, unique
  in the app: the same request with it again returns the same transfer; null
  for none.

Returns: The transfer, with both accounts' balances and versions right after
  it.

Errors: NullArgument, InvalidScope, InvalidId, InvalidAmount (the amount is
  not in range, or has more decimal places than its currency), InvalidTime
  (event_at is outside the years 1 to 9999), EventAtInFuture (event_at is more
  than a day ahead), InvalidMetadata, InvalidArgument (idempotency_key is
  empty or too long), HoldNotFound (there is no such hold under this app_id),
  IdempotencyConflict (the id is taken by a different transfer, or the key by
  a different request), HoldEnded (it was posted or voided), HoldExpired (its
  expires_at is over), HoldAmountExceeded (less is left of it),
  AccountAheadOfClock (an account's newest time is more than a day ahead),
  PeriodClosed (event_at lies in a closed period), BalanceOutOfRange (a
  balance would reach 1e30 or -1e30).$$;

revoke all on function @extschema@.pgledger_post_hold from public;
grant execute on function @extschema@.pgledger_post_hold to pgledger_poster;
