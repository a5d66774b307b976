/*
Moves an amount from one account to another: one row, and both balances, or nothing.

Locks both accounts FOR NO KEY UPDATE, in ascending order of their ids, so that calls never
deadlock with one another and rows of an application that refer to an account are not blocked;
then the transfer's id, if the caller chose it.

With an id of the caller's choice the call can be repeated: the second call returns the first
result if app, accounts, amount, event_at and metadata are the same, and is refused if not.

This is the path for one transfer, and pgledger.post_transfers the one for many: each is several
times faster than the other would be in its place. Both check in this order: app_id; the request's
own values; that the accounts exist and share a currency; whether it is a repeat; limits.

The body is long because every call of a function costs a plain transfer about a microsecond: only
what a plain one does not need stands in functions of its own.
*/
create or replace function @extschema@.pgledger_create_transfer(
  from_account_id text,
  to_account_id text,
  amount numeric,
  event_at timestamptz default null,
  metadata jsonb default null,
  id text default null,
  app_id text default '',
  allow_future_event_at boolean default false
)
returns @extschema@.pgledger_transfer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_first_id text := least(from_account_id collate "C", to_account_id);
  v_second_id text := greatest(from_account_id collate "C", to_account_id);
  v_amount numeric := amount;
  v_from record;
  v_to record;
  v_swap record;
  v_earlier record;
  v_created_at timestamptz;
  v_from_balance numeric;
  v_to_balance numeric;
  v_id text := id;
  v_ok boolean;
begin
  -- One expression passes most requests; only the others are looked at in detail.
  if (
    amount > 0 and amount < 1e30 and scale(amount) <= 18 and v_first_id <> v_second_id
    and event_at is null and metadata is null and id is null
  ) is not true then
    v_ok := pgledger.check_scope('app_id', app_id);
    v_ok := pgledger.check_transfer_request(
      from_account_id, to_account_id, amount, event_at, metadata, id, allow_future_event_at
    );
    v_amount := case when scale(amount) > 18 then trim_scale(amount) else amount end;
  end if;

  select
    accounts.key, accounts.updated_at, accounts.version, accounts.balance,
    accounts.allow_negative_balance, accounts.allow_positive_balance, accounts.currency,
    accounts.app_id, accounts.name, accounts.tenant_id
  into v_from
  from pgledger.accounts
  where accounts.id = v_first_id
  for no key update;

  select
    accounts.key, accounts.updated_at, accounts.version, accounts.balance,
    accounts.allow_negative_balance, accounts.allow_positive_balance, accounts.currency,
    accounts.app_id, accounts.name, accounts.tenant_id
  into v_to
  from pgledger.accounts
  where accounts.id = v_second_id
  for no key update;

  if v_first_id <> from_account_id then
    v_swap := v_from;
    v_from := v_to;
    v_to := v_swap;
  end if;

  if (
    v_from.currency = v_to.currency and v_from.app_id = app_id and v_to.app_id = app_id
  ) is not true then
    v_ok := pgledger.check_scope('app_id', app_id);
    v_ok := pgledger.check_accounts(
      array[from_account_id],
      array[to_account_id],
      app_id,
      array[
        case when v_from.key is not null then from_account_id end,
        case when v_to.key is not null then to_account_id end
      ]
    );
  end if;

  if id is not null then
    v_earlier := pgledger.repeated_transfer(
      v_id, app_id, v_from.key, v_to.key, v_amount, event_at, metadata
    );
    if v_earlier.created_at is not null then
      return row(
        v_id, from_account_id, to_account_id, v_earlier.amount, v_earlier.created_at,
        coalesce(event_at, v_earlier.created_at), metadata, v_from.currency, v_from.name,
        v_to.name, v_earlier.from_balance, v_earlier.to_balance, v_earlier.from_version,
        v_earlier.to_version, v_earlier.group_id, app_id, v_from.tenant_id, v_to.tenant_id,
        v_earlier.origin_id, true
      );
    end if;
  end if;

  v_from_balance := v_from.balance - v_amount;
  v_to_balance := v_to.balance + v_amount;

  if
    v_from_balance < 0 and (not v_from.allow_negative_balance or v_from_balance <= -1e30)
    or v_to_balance > 0 and (not v_to.allow_positive_balance or v_to_balance >= 1e30)
  then
    v_ok := pgledger.check_balance(
      from_account_id, v_from.name, v_from.allow_negative_balance, v_from.allow_positive_balance,
      v_from.balance, -v_amount
    );
    v_ok := pgledger.check_balance(
      to_account_id, v_to.name, v_to.allow_negative_balance, v_to.allow_positive_balance,
      v_to.balance, v_amount
    );
  end if;

  -- Later than everything recorded on either account, even if the clock steps back.
  v_created_at := greatest(
    pgledger.clock(),
    v_from.updated_at + interval '1 microsecond',
    v_to.updated_at + interval '1 microsecond'
  );

  if id is null then
    v_id := 'pglt_' || pgledger.new_ulid(v_created_at);

    insert into pgledger.transfers (
      from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
      to_balance, event_at, metadata
    )
    values (
      v_from.key, v_to.key, v_from.version + 1, v_to.version + 1, v_created_at, v_id,
      pgledger_create_transfer.app_id, v_amount, v_from_balance, v_to_balance,
      pgledger_create_transfer.event_at, pgledger_create_transfer.metadata
    );
  else
    insert into pgledger.transfers (
      from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
      to_balance, event_at, metadata
    )
    values (
      v_from.key, v_to.key, v_from.version + 1, v_to.version + 1, v_created_at, v_id,
      pgledger_create_transfer.app_id, v_amount, v_from_balance, v_to_balance,
      pgledger_create_transfer.event_at, pgledger_create_transfer.metadata
    )
    on conflict on constraint transfers_id_pk do nothing;

    -- Another call took the id since we looked. It did not wait for our accounts, so it asked for
    -- something else.
    if not found then
      v_ok := pgledger.fail('IdempotencyConflict', array[v_id]);
    end if;
  end if;

  update pgledger.accounts
  set updated_at = v_created_at, version = accounts.version + 1, balance = v_from_balance
  where accounts.key = v_from.key;

  update pgledger.accounts
  set updated_at = v_created_at, version = accounts.version + 1, balance = v_to_balance
  where accounts.key = v_to.key;

  return row(
    v_id, from_account_id, to_account_id, v_amount, v_created_at,
    coalesce(event_at, v_created_at), metadata, v_from.currency, v_from.name, v_to.name,
    v_from_balance, v_to_balance, v_from.version + 1, v_to.version + 1, null::text, app_id,
    v_from.tenant_id, v_to.tenant_id, null::text, false
  );
end;
$$;

comment on function @extschema@.pgledger_create_transfer is
$$Moves an amount from one account to another.

Call it in FROM: (pgledger_create_transfer(...)).* calls it once for every
column.

Not within an UPDATE, a MERGE or an INSERT with ON CONFLICT: PostgreSQL may
evaluate a row twice there, or evaluate it and write nothing, and the amount
moves each time. Lock the row with SELECT FOR UPDATE first and call this in a
statement of its own, or pass an id that the row holds: then it moves once.

from_account_id: Account that the amount leaves.
to_account_id: Account that the amount reaches, of the same currency.
amount: What to move, in units of the accounts' currency: above 0, below 1e30,
  at most 18 decimal places.
event_at: When it happened in the world, at most a day ahead unless
  allow_future_event_at; null for when it is recorded.
metadata: JSON object, at most 64 KiB, which never changes. Store references
  in it, never personal data, or null.
id: Its id, pglt_ and a ULID. With an id of your own choice the call can be
  repeated: it takes effect once, and every repeat returns the first result;
  null for a new id.
app_id: Set of books that both accounts belong to.
allow_future_event_at: Whether event_at may be more than a day ahead.

Returns: The transfer, with both accounts' balances and versions right after
  it.

Errors: NullArgument, InvalidScope, InvalidId, SameAccount (both accounts are
  the same), InvalidAmount (the amount is not in range), InvalidTime (event_at
  is outside the years 1 to 9999), EventAtInFuture (event_at is more than a
  day ahead), InvalidMetadata, AccountNotFound (there is no such account under
  this app_id), CurrencyMismatch (the accounts have different currencies),
  IdempotencyConflict (the id is taken by a different transfer),
  InsufficientFunds (it would leave an account below zero that does not allow
  it), PositiveBalanceNotAllowed (it would leave an account above zero that
  does not allow it), BalanceOutOfRange (a balance would reach 1e30 or -1e30).$$;

revoke all on function @extschema@.pgledger_create_transfer from public;
grant execute on function @extschema@.pgledger_create_transfer to pgledger_poster;
