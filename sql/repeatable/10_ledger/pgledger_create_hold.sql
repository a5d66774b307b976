/*
Holds an amount back on one account for another.

Checks, in this order: app_id, group_id; the request's own values; that the accounts exist and share
a currency; whether it is a repeat; the clock; status; decimal places; the period, if event_at
is given; limits; and before status that the hold expires in the future.

Updates both accounts, in ascending order of their ids, and checks then: a refusal takes it back
with the call. Neither versions nor times of accounts change: those count transfers.

A hold with an id, which may be a repeat, and one with expires_in go to pgledger.make_hold. The body
is long for the reason given for pgledger_create_transfer.

Locks: both accounts FOR NO KEY UPDATE, ascending by id; where a sum does not suffice, expired holds
of both, ascending by id.
Errors: NullArgument, InvalidScope, InvalidId, SameAccount, InvalidTime, EventAtInFuture,
InvalidMetadata, InvalidArgument, and those of pgledger.make_hold.
*/
create or replace function @extschema@.pgledger_create_hold(
  from_account_id text,
  to_account_id text,
  amount numeric,
  expires_at timestamptz default null,
  expires_in interval default null,
  event_at timestamptz default null,
  metadata jsonb default null,
  id text default null,
  app_id text default '',
  group_id text default null,
  allow_future_event_at boolean default false,
  idempotency_key text default null
)
returns @extschema@.pgledger_hold
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_amount numeric := amount;
  v_id text;
  v_from_key bigint;
  v_from_at timestamptz;
  v_from_balance numeric;
  v_from_is_sound boolean;
  v_from_currency text;
  v_from_app_id text;
  v_from_name text;
  v_from_tenant_id text;
  v_to_key bigint;
  v_to_at timestamptz;
  v_to_balance numeric;
  v_to_is_sound boolean;
  v_to_currency text;
  v_to_app_id text;
  v_to_name text;
  v_to_tenant_id text;
  v_now timestamptz;
  v_from_is_first boolean := from_account_id collate "C" < to_account_id;
  v_ok boolean;
begin
  -- One expression passes most requests; only the others are looked at in detail.
  if (
    amount > 0 and amount < 1e30 and scale(amount) <= 18 and from_account_id <> to_account_id
    and (expires_at is null or isfinite(expires_at) and expires_at < '10000-01-01 00:00:00+00')
    and expires_in is null and event_at is null and metadata is null and id is null
    and group_id is null and idempotency_key is null
  ) is not true then
    v_ok := pgledger.check_scope('app_id', app_id);
    if group_id is not null then
      v_ok := pgledger.check_scope('group_id', group_id, 1, 255);
    end if;
    v_ok := pgledger.check_hold_request(
      from_account_id, to_account_id, amount, expires_at, expires_in, event_at, metadata, id,
      allow_future_event_at
    );
    v_amount := case when scale(amount) > 18 then trim_scale(amount) else amount end;
    v_ok := pgledger.check_key(idempotency_key);
    if id is not null or expires_in is not null or idempotency_key is not null then
      return pgledger.make_hold(
        from_account_id, to_account_id, amount, expires_at, expires_in, event_at, metadata, id,
        app_id, group_id, idempotency_key => idempotency_key
      );
    end if;
  end if;

  if v_from_is_first then
    update pgledger.accounts
    set held_out = accounts.held_out + v_amount
    where accounts.id = from_account_id
    returning
      accounts.key, accounts.updated_at, accounts.balance,
      accounts.status = 0
      and accounts.balance - accounts.held_out > -1e30
      and (accounts.balance - accounts.held_out < accounts.min_balance) is not true
      and (accounts.amount_scale is null or min_scale(v_amount) <= accounts.amount_scale),
      accounts.currency, accounts.app_id, accounts.name, accounts.tenant_id
    into
      v_from_key, v_from_at, v_from_balance, v_from_is_sound, v_from_currency, v_from_app_id,
      v_from_name, v_from_tenant_id;

    update pgledger.accounts
    set held_in = accounts.held_in + v_amount
    where accounts.id = to_account_id
    returning
      accounts.key, accounts.updated_at, accounts.balance,
      accounts.status = 0
      and accounts.balance + accounts.held_in < 1e30
      and (accounts.balance + accounts.held_in > accounts.max_balance) is not true
      and (accounts.amount_scale is null or min_scale(v_amount) <= accounts.amount_scale),
      accounts.currency, accounts.app_id, accounts.name, accounts.tenant_id
    into
      v_to_key, v_to_at, v_to_balance, v_to_is_sound, v_to_currency, v_to_app_id, v_to_name,
      v_to_tenant_id;
  else
    update pgledger.accounts
    set held_in = accounts.held_in + v_amount
    where accounts.id = to_account_id
    returning
      accounts.key, accounts.updated_at, accounts.balance,
      accounts.status = 0
      and accounts.balance + accounts.held_in < 1e30
      and (accounts.balance + accounts.held_in > accounts.max_balance) is not true
      and (accounts.amount_scale is null or min_scale(v_amount) <= accounts.amount_scale),
      accounts.currency, accounts.app_id, accounts.name, accounts.tenant_id
    into
      v_to_key, v_to_at, v_to_balance, v_to_is_sound, v_to_currency, v_to_app_id, v_to_name,
      v_to_tenant_id;

    update pgledger.accounts
    set held_out = accounts.held_out + v_amount
    where accounts.id = from_account_id
    returning
      accounts.key, accounts.updated_at, accounts.balance,
      accounts.status = 0
      and accounts.balance - accounts.held_out > -1e30
      and (accounts.balance - accounts.held_out < accounts.min_balance) is not true
      and (accounts.amount_scale is null or min_scale(v_amount) <= accounts.amount_scale),
      accounts.currency, accounts.app_id, accounts.name, accounts.tenant_id
    into
      v_from_key, v_from_at, v_from_balance, v_from_is_sound, v_from_currency, v_from_app_id,
      v_from_name, v_from_tenant_id;
  end if;

  if (
    v_from_currency = v_to_currency and v_from_app_id = app_id and v_to_app_id = app_id
  ) is not true then
    v_ok := pgledger.check_scope('app_id', app_id);
    v_ok := pgledger.check_accounts(
      array[from_account_id],
      array[to_account_id],
      app_id,
      array[
        case when v_from_key is not null then from_account_id end,
        case when v_to_key is not null then to_account_id end
      ]
    );
  end if;

  v_now := pgledger.clock();
  if v_from_at > v_now or v_to_at > v_now then
    v_ok := pgledger.check_account_times(
      array[from_account_id], array[to_account_id], v_now, greatest(v_from_at, v_to_at)
    );
  end if;
  if expires_at is not null then
    v_ok := pgledger.check_expiry_ahead(expires_at, v_now);
  end if;

  if not (v_from_is_sound and v_to_is_sound) then
    v_ok := pgledger.check_statuses(
      array[from_account_id], array[to_account_id]
    );
    v_ok := pgledger.check_scales(
      array[from_account_id], array[to_account_id], array[v_amount]
    );
    v_ok := pgledger.check_period(app_id, event_at);
    v_ok := pgledger.release_expired(array[v_from_key, v_to_key], v_now);
    v_ok := pgledger.check_balance(v_from_key, v_from_balance, -v_amount, is_held => true);
    v_ok := pgledger.check_balance(v_to_key, v_to_balance, v_amount, is_held => true);
  elsif event_at is not null then
    v_ok := pgledger.check_period(app_id, event_at);
  end if;

  v_id := 'pglh_' || pgledger.new_ulid(v_now);
  insert into pgledger.holds (
    from_key, to_key, created_at, event_at, expires_at, first_expires_at, from_is_first, amount, id,
    app_id, group_id, metadata
  )
  values (
    v_from_key, v_to_key, v_now, pgledger_create_hold.event_at, pgledger_create_hold.expires_at,
    pgledger_create_hold.expires_at, v_from_is_first, v_amount, v_id, pgledger_create_hold.app_id,
    pgledger_create_hold.group_id, pgledger_create_hold.metadata
  );

  return row(
    v_id, from_account_id, to_account_id, v_amount, 0::numeric, 'pending'::text, v_now,
    coalesce(event_at, v_now), expires_at, null::timestamptz, metadata, v_from_currency,
    v_from_name, v_to_name, group_id, app_id, v_from_tenant_id, v_to_tenant_id, false
  );
end;
$$;

comment on function @extschema@.pgledger_create_hold is
$$Holds an amount back on one account for another.

The amount counts on both accounts at once: it can no longer leave the one in
another way, and there is room for it on the other. pgledger_post_hold moves
it, in whole or in parts, pgledger_void_hold lets go of it, and so does its
expires_at, at that very time. Until it is posted no balance changes.

Call it in FROM: (pgledger_create_hold(...)).* calls it once for every column.
Like pgledger_create_transfer, it is not for use within an UPDATE, a MERGE or
an INSERT with ON CONFLICT, unless with an id that a row holds.

from_account_id: Account that the amount is to leave.
to_account_id: Account that the amount is to reach, of the same currency.
amount: What to hold, in units of the accounts' currency: above 0, below 1e30,
  at most 18 decimal places.
expires_at: From when on it is expired, in the future; null for never, or
  where expires_in is given.
expires_in: The same as a length from now on, at most 1000 years; a day has 24
  hours, or null.
event_at: When it happened in the world, at most a day ahead unless
  allow_future_event_at; null for when it is recorded.
metadata: JSON object, at most 64 KiB, which never changes. Store references
  in it, never personal data, or null.
id: Its id, pglh_ and a ULID. With an id of your own choice the call can be
  repeated: it takes effect once, and every repeat returns the hold as it
  stands then; null for a new id.
app_id: Set of books that both accounts belong to.
group_id: Name for the hold and the transfers that post it, for example an
  order's number: 1 to 255 characters, or null.
allow_future_event_at: Whether event_at may be more than a day ahead.
idempotency_key: Your own name for this request, 1 to 255 characters, unique
  in the app: the same request with it again returns the same hold, as it
  stands then; null for none.

Returns: The hold.

Errors: NullArgument, InvalidScope, InvalidId, SameAccount (both accounts are
  the same), InvalidAmount (the amount is not in range, or has more decimal
  places than its currency), InvalidTime (event_at or expires_at is outside
  the years 1 to 9999, or expires_at is not in the future), EventAtInFuture
  (event_at is more than a day ahead), InvalidMetadata, InvalidArgument
  (expires_in is not a length from now on, or expires_at is given too; or
  idempotency_key is empty or too long), AccountNotFound (there is no such
  account under this app_id), CurrencyMismatch (the accounts have different
  currencies), IdempotencyConflict (the id is taken by a different hold, or
  the key by a different request), AccountAheadOfClock (an account's newest
  time is more than a day ahead), AccountClosed, AccountFrozen, PeriodClosed
  (event_at lies in a closed period), InsufficientFunds (too little may leave
  the one account), PositiveBalanceNotAllowed (the other has too little room),
  BalanceOutOfRange (a balance could reach 1e30 or -1e30).$$;

revoke all on function @extschema@.pgledger_create_hold from public;
grant execute on function @extschema@.pgledger_create_hold to pgledger_poster;
