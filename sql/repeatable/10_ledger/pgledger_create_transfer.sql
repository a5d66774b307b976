/*
Moves an amount from one account to another: one row, and both balances, or nothing.

Updates both accounts, in ascending order of their ids, so that calls never deadlock with one
another and rows of an application that refer to an account are not blocked. What was updated is
checked then: a refusal takes it back with the call. A row is so found and locked once, not looked
up, locked and written in turn.

Each update answers with one boolean for all that can stand against its leg: status, decimal places,
the limit that the leg can break with what is held, and the range of balances. It is cheaper there
than in variables of this function. It may be false for a leg that is sound: then the checks of
pgledger.check_statuses, pgledger.check_scales and pgledger.check_balance decide.

Each account's time ascends. The first account takes the clock's, or the next microsecond of its
own; the second the first one's, or the next of its own. Where they differ, because the second was
waited for, or a time lies ahead of the clock, both get the later one.

With an id of the caller's choice the call can be repeated: the second call returns the first
result if app, accounts, amount, event_at and metadata are the same, and is refused if not. The id
is looked for before anything is written, so a repeat writes nothing, and once more under the locks:
whoever made the same transfer meanwhile held them. Then both accounts are put back to what they
were. pgledger.create_repeatable_transfer answers what was found, and takes the calls that give more
than an id, such as conditions, which are looked at under the locks. A key does the same for all
that is given, beside an id or without: most calls with one give nothing else, and take
pgledger.create_keyed_transfer.

This is the path for one transfer, and pgledger.post_transfers the one for many: each is several
times faster than the other would be in its place. Both check in this order: app_id; the request's
own values; that the accounts exist and share a currency; whether it is a repeat; the clock; status;
decimal places; the period, if event_at is given; conditions; limits.

The body is long because every call of a function costs a plain transfer about a microsecond, and
a record more than variables: only what a plain one does not need stands in functions of its own.
*/
create or replace function @extschema@.pgledger_create_transfer(
  from_account_id text,
  to_account_id text,
  amount numeric,
  event_at timestamptz default null,
  metadata jsonb default null,
  id text default null,
  app_id text default '',
  allow_future_event_at boolean default false,
  require_from_version bigint default null,
  require_to_version bigint default null,
  require_from_balance numrange default null,
  require_to_balance numrange default null,
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
  v_amount numeric := amount;
  v_id text;
  v_from_key bigint;
  v_from_at timestamptz;
  v_from_version bigint;
  v_from_balance numeric;
  v_from_is_sound boolean;
  v_from_currency text;
  v_from_app_id text;
  v_from_name text;
  v_from_tenant_id text;
  v_to_key bigint;
  v_to_at timestamptz;
  v_to_version bigint;
  v_to_balance numeric;
  v_to_is_sound boolean;
  v_to_currency text;
  v_to_app_id text;
  v_to_name text;
  v_to_tenant_id text;
  v_now timestamptz;
  v_created_at timestamptz;
  v_is_short boolean;
  v_ok boolean;
begin
  -- One expression passes most requests; only the others are looked at in detail.
  if (
    amount > 0 and amount < 1e30 and scale(amount) <= 18 and from_account_id <> to_account_id
    and num_nonnulls(
      event_at, metadata, id, require_from_version, require_to_version, require_from_balance,
      require_to_balance, idempotency_key
    ) = 0
  ) is not true then
    v_is_short := coalesce(
      amount > 0 and amount < 1e30 and scale(amount) <= 18 and from_account_id <> to_account_id
      and num_nonnulls(
        event_at, metadata, require_from_version, require_to_version, require_from_balance,
        require_to_balance
      ) = 0,
      false
    );
    if v_is_short and id is null and char_length(idempotency_key) between 1 and 255 then
      return pgledger.create_keyed_transfer(
        from_account_id, to_account_id, amount, app_id, idempotency_key
      );
    end if;
    v_is_short := v_is_short and idempotency_key is null
      and id is not null and pgledger.id_fault(id, 'pglt') is null;
    if v_is_short then
      v_is_short := not exists (
        select from pgledger.transfers where transfers.id = pgledger_create_transfer.id
      );
    end if;
    if not v_is_short then
      v_ok := pgledger.check_scope('app_id', app_id);
      v_ok := pgledger.check_transfer_request(
        from_account_id, to_account_id, amount, event_at, metadata, id, allow_future_event_at
      );
      v_ok := pgledger.check_asked_conditions(
        require_from_version, require_to_version, require_from_balance, require_to_balance
      );
      v_ok := pgledger.check_key(idempotency_key);
      v_amount := case when scale(amount) > 18 then trim_scale(amount) else amount end;
    end if;
    if not v_is_short and num_nonnulls(
      id, require_from_version, require_to_version, require_from_balance, require_to_balance,
      idempotency_key
    ) > 0 then
      return pgledger.create_repeatable_transfer(
        from_account_id, to_account_id, v_amount, event_at, metadata, id, app_id,
        require_from_version, require_to_version, require_from_balance, require_to_balance,
        idempotency_key
      );
    end if;
  end if;

  -- A time ahead of the clock is not passed on before it was looked at.
  if from_account_id collate "C" < to_account_id then
    update pgledger.accounts
    set
      updated_at = greatest(pgledger.clock(), accounts.updated_at + interval '1 microsecond'),
      version = accounts.version + 1,
      balance = accounts.balance - v_amount
    where accounts.id = from_account_id
    returning
      accounts.key, accounts.updated_at, accounts.version, accounts.balance,
      accounts.status = 0
      and accounts.balance > -1e30
      and (
        accounts.min_balance is null
        or accounts.balance - accounts.held_out >= accounts.min_balance
      )
      and (accounts.amount_scale is null or min_scale(v_amount) <= accounts.amount_scale),
      accounts.currency, accounts.app_id, accounts.name, accounts.tenant_id
    into
      v_from_key, v_from_at, v_from_version, v_from_balance, v_from_is_sound, v_from_currency,
      v_from_app_id, v_from_name, v_from_tenant_id;

    v_now := pgledger.clock();
    update pgledger.accounts
    set
      updated_at = greatest(
        case when v_from_at <= v_now then v_from_at end,
        accounts.updated_at + interval '1 microsecond'
      ),
      version = accounts.version + 1,
      balance = accounts.balance + v_amount
    where accounts.id = to_account_id
    returning
      accounts.key, accounts.updated_at, accounts.version, accounts.balance,
      accounts.status = 0
      and accounts.balance < 1e30
      and (
        accounts.max_balance is null
        or accounts.balance + accounts.held_in <= accounts.max_balance
      )
      and (accounts.amount_scale is null or min_scale(v_amount) <= accounts.amount_scale),
      accounts.currency, accounts.app_id, accounts.name, accounts.tenant_id
    into
      v_to_key, v_to_at, v_to_version, v_to_balance, v_to_is_sound, v_to_currency,
      v_to_app_id, v_to_name, v_to_tenant_id;
  else
    update pgledger.accounts
    set
      updated_at = greatest(pgledger.clock(), accounts.updated_at + interval '1 microsecond'),
      version = accounts.version + 1,
      balance = accounts.balance + v_amount
    where accounts.id = to_account_id
    returning
      accounts.key, accounts.updated_at, accounts.version, accounts.balance,
      accounts.status = 0
      and accounts.balance < 1e30
      and (
        accounts.max_balance is null
        or accounts.balance + accounts.held_in <= accounts.max_balance
      )
      and (accounts.amount_scale is null or min_scale(v_amount) <= accounts.amount_scale),
      accounts.currency, accounts.app_id, accounts.name, accounts.tenant_id
    into
      v_to_key, v_to_at, v_to_version, v_to_balance, v_to_is_sound, v_to_currency,
      v_to_app_id, v_to_name, v_to_tenant_id;

    v_now := pgledger.clock();
    update pgledger.accounts
    set
      updated_at = greatest(
        case when v_to_at <= v_now then v_to_at end,
        accounts.updated_at + interval '1 microsecond'
      ),
      version = accounts.version + 1,
      balance = accounts.balance - v_amount
    where accounts.id = from_account_id
    returning
      accounts.key, accounts.updated_at, accounts.version, accounts.balance,
      accounts.status = 0
      and accounts.balance > -1e30
      and (
        accounts.min_balance is null
        or accounts.balance - accounts.held_out >= accounts.min_balance
      )
      and (accounts.amount_scale is null or min_scale(v_amount) <= accounts.amount_scale),
      accounts.currency, accounts.app_id, accounts.name, accounts.tenant_id
    into
      v_from_key, v_from_at, v_from_version, v_from_balance, v_from_is_sound, v_from_currency,
      v_from_app_id, v_from_name, v_from_tenant_id;
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

  if id is not null then
    if exists (
      select from pgledger.transfers where transfers.id = pgledger_create_transfer.id
    ) then
      return pgledger.answer_repeated_transfer(
        from_account_id, to_account_id, amount, id, app_id, v_from_key, v_to_key,
        v_from_version - 1, v_to_version - 1
      );
    end if;
  end if;

  v_created_at := greatest(v_from_at, v_to_at);
  if v_from_at > v_now or v_to_at > v_now then
    v_now := pgledger.clock();
    if v_created_at > v_now then
      v_ok := pgledger.check_times_before(from_account_id, to_account_id, v_now, v_created_at);
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
    v_ok := pgledger.check_statuses(array[from_account_id], array[to_account_id]);
    v_ok := pgledger.check_scales(
      array[from_account_id], array[to_account_id], array[v_amount]
    );
    v_ok := pgledger.check_period(app_id, event_at);
    v_ok := pgledger.release_expired(array[v_from_key, v_to_key], pgledger.clock());
    -- The balances before, with as many decimal places as they were written with.
    v_ok := pgledger.check_balance(
      v_from_key, pgledger.version_balance(v_from_key, v_from_version - 1), -v_amount
    );
    v_ok := pgledger.check_balance(
      v_to_key, pgledger.version_balance(v_to_key, v_to_version - 1), v_amount
    );
  elsif event_at is not null then
    v_ok := pgledger.check_period(app_id, event_at);
  end if;

  if id is null then
    v_id := 'pglt_' || pgledger.new_ulid(v_created_at);

    insert into pgledger.transfers (
      from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
      to_balance, event_at, metadata
    )
    values (
      v_from_key, v_to_key, v_from_version, v_to_version, v_created_at, v_id,
      pgledger_create_transfer.app_id, v_amount, v_from_balance, v_to_balance,
      pgledger_create_transfer.event_at, pgledger_create_transfer.metadata
    );
  else
    v_id := id;

    insert into pgledger.transfers (
      from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
      to_balance
    )
    values (
      v_from_key, v_to_key, v_from_version, v_to_version, v_created_at, v_id,
      pgledger_create_transfer.app_id, v_amount, v_from_balance, v_to_balance
    )
    on conflict on constraint transfers_id_pk do nothing;

    -- Another call took the id since we looked. It did not wait for our accounts, so it asked for
    -- something else.
    if not found then
      return pgledger.answer_repeated_transfer(
        from_account_id, to_account_id, amount, id, app_id, v_from_key, v_to_key,
        v_from_version - 1, v_to_version - 1
      );
    end if;
  end if;

  return row(
    v_id, from_account_id, to_account_id, v_amount, v_created_at,
    coalesce(event_at, v_created_at), metadata, v_from_currency, v_from_name, v_to_name,
    v_from_balance, v_to_balance, v_from_version, v_to_version, null::text, app_id,
    v_from_tenant_id, v_to_tenant_id, null::text, false
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
statement of its own, or pass an id or a key that the row holds: then it moves
once.

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
require_from_version: Version that the account must have that the amount
  leaves, before the transfer; null for any.
require_to_version: Version that the other account must have before it; null
  for any.
require_from_balance: Range, such as [0,100), in which the balance of the
  account must lie that the amount leaves, after the transfer; null for any.
require_to_balance: Range in which the other account's balance must lie after
  it; null for any.
idempotency_key: Your own name for this request, 1 to 255 characters, unique
  in the app: the same request with it again returns the first result; null
  for none.

Returns: The transfer, with both accounts' balances and versions right after
  it.

Errors: NullArgument, InvalidScope, InvalidId, SameAccount (both accounts are
  the same), InvalidAmount (the amount is not in range, or has more decimal
  places than the accounts allow), InvalidTime (event_at is outside the years
  1 to 9999), EventAtInFuture (event_at is more than a day ahead),
  InvalidMetadata, InvalidArgument (a required version is below zero, a
  required range is empty, or idempotency_key is empty or too long),
  AccountNotFound (there is no such account under this app_id),
  CurrencyMismatch (the accounts have different currencies),
  IdempotencyConflict (the id is taken by a different transfer, or the key by
  a different request), AccountAheadOfClock (an account's newest time is more
  than a day ahead), AccountClosed, AccountFrozen (an account is frozen for
  what the transfer does), PeriodClosed (event_at lies in a closed period),
  VersionMismatch (an account is not at the required version),
  BalanceConditionFailed (a balance would be outside the required range),
  InsufficientFunds (it would leave an account below its lower limit),
  PositiveBalanceNotAllowed (it would leave an account above its upper limit),
  BalanceOutOfRange (a balance would reach 1e30 or -1e30).$$;

revoke all on function @extschema@.pgledger_create_transfer from public;
grant execute on function @extschema@.pgledger_create_transfer to pgledger_poster;
