/*
Makes a transfer whose id the caller chose, unless it was made before: then it returns what it was,
whatever the conditions say now. Without an id it makes a new one. The request's own values were
checked.

Locks both accounts FOR NO KEY UPDATE, in ascending order of their ids, then looks for the id; what
a repeat finds, it has not touched.

The body is long because it is the plain path of pgledger.pgledger_create_transfer, in another
order.

Errors: AccountNotFound, CurrencyMismatch, IdempotencyConflict, AccountAheadOfClock, AccountClosed,
AccountFrozen, InvalidAmount, PeriodClosed, and those of pgledger.check_conditions and
pgledger.check_balance.
*/
create or replace function pgledger.create_repeatable_transfer(
  from_account_id text,
  to_account_id text,
  amount numeric,
  event_at timestamptz,
  metadata jsonb,
  id text,
  app_id text,
  require_from_version bigint default null,
  require_to_version bigint default null,
  require_from_balance numrange default null,
  require_to_balance numrange default null,
  idempotency_key text default null,
  function_name text default 'pgledger_create_transfer',
  request jsonb default null
)
returns @extschema@.pgledger_transfer
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_first_id text := least(from_account_id collate "C", to_account_id);
  v_second_id text := greatest(from_account_id collate "C", to_account_id);
  v_from record;
  v_to record;
  v_swap record;
  v_earlier record;
  v_key pgledger.idempotency_keys;
  v_now timestamptz;
  v_created_at timestamptz;
  v_from_balance numeric;
  v_to_balance numeric;
  v_id text;
  v_ok boolean;
begin
  select
    accounts.key, accounts.updated_at, accounts.version, accounts.balance,
    accounts.held_out, accounts.held_in, accounts.min_balance, accounts.max_balance,
    accounts.status, accounts.amount_scale, accounts.currency, accounts.app_id, accounts.name,
    accounts.tenant_id
  into v_from
  from pgledger.accounts
  where accounts.id = v_first_id
  for no key update;

  select
    accounts.key, accounts.updated_at, accounts.version, accounts.balance,
    accounts.held_out, accounts.held_in, accounts.min_balance, accounts.max_balance,
    accounts.status, accounts.amount_scale, accounts.currency, accounts.app_id, accounts.name,
    accounts.tenant_id
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

  -- Later than everything recorded on either account, even if the clock steps back.
  v_now := pgledger.clock();
  v_created_at := greatest(
    v_now,
    v_from.updated_at + interval '1 microsecond',
    v_to.updated_at + interval '1 microsecond'
  );
  v_id := coalesce(id, 'pglt_' || pgledger.new_ulid(v_created_at));

  if idempotency_key is not null then
    v_key := pgledger.take_key(
      app_id, idempotency_key, function_name,
      coalesce(
        request,
        pgledger.transfer_request(
          from_account_id, to_account_id, amount, event_at, metadata, id, null,
          require_from_version, require_to_version, require_from_balance, require_to_balance
        )
      ),
      v_id
    );
    if v_key.created_at is not null then
      return pgledger.replayed_transfer(v_key.result_id);
    end if;
  end if;
  if id is not null then
    v_earlier := pgledger.repeated_transfer(
      id, app_id, v_from.key, v_to.key, amount, event_at, metadata
    );
    if v_earlier.created_at is not null then
      return row(
        id, from_account_id, to_account_id, v_earlier.amount, v_earlier.created_at,
        coalesce(event_at, v_earlier.created_at), metadata, v_from.currency, v_from.name,
        v_to.name, v_earlier.from_balance, v_earlier.to_balance, v_earlier.from_version,
        v_earlier.to_version, v_earlier.group_id, app_id, v_from.tenant_id, v_to.tenant_id,
        v_earlier.origin_id, true
      );
    end if;
  end if;

  if v_created_at > v_now then
    v_ok := pgledger.check_account_times(
      array[from_account_id], array[to_account_id], v_now, v_created_at
    );
  end if;

  v_from_balance := v_from.balance - amount;
  v_to_balance := v_to.balance + amount;

  if not (
    v_from.status = 0
    and v_to.status = 0
    and min_scale(amount) <= coalesce(least(v_from.amount_scale, v_to.amount_scale), 18)
    and v_from_balance > -1e30
    and v_to_balance < 1e30
    and (v_from_balance - v_from.held_out < v_from.min_balance) is not true
    and (v_to_balance + v_to.held_in > v_to.max_balance) is not true
    and (v_from.version = require_from_version) is not false
    and (v_to.version = require_to_version) is not false
    and (v_from_balance <@ require_from_balance) is not false
    and (v_to_balance <@ require_to_balance) is not false
  ) then
    v_ok := pgledger.check_statuses(array[from_account_id], array[to_account_id]);
    v_ok := pgledger.check_scales(array[from_account_id], array[to_account_id], array[amount]);
    v_ok := pgledger.check_period(app_id, event_at);
    v_ok := pgledger.check_conditions(
      v_from.key, v_to.key, v_from.version, v_to.version, v_from_balance, v_to_balance,
      require_from_version, require_to_version, require_from_balance, require_to_balance
    );
    v_ok := pgledger.release_expired(array[v_from.key, v_to.key], v_now);
    v_ok := pgledger.check_balance(v_from.key, v_from.balance, -amount);
    v_ok := pgledger.check_balance(v_to.key, v_to.balance, amount);
  elsif event_at is not null then
    v_ok := pgledger.check_period(app_id, event_at);
  end if;

  insert into pgledger.transfers (
    from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
    to_balance, event_at, metadata
  )
  values (
    v_from.key, v_to.key, v_from.version + 1, v_to.version + 1, v_created_at,
    v_id, create_repeatable_transfer.app_id,
    create_repeatable_transfer.amount, v_from_balance, v_to_balance,
    create_repeatable_transfer.event_at, create_repeatable_transfer.metadata
  )
  on conflict on constraint transfers_id_pk do nothing;

  -- Another call took the id since we looked. It did not wait for our accounts, so it asked for
  -- something else.
  if not found then
    v_earlier := pgledger.repeated_transfer(
      id, app_id, v_from.key, v_to.key, amount, event_at, metadata
    );
    v_ok := pgledger.fail('IdempotencyConflict', array['id', id]);
  end if;

  update pgledger.accounts
  set updated_at = v_created_at, version = accounts.version + 1, balance = v_from_balance
  where accounts.key = v_from.key;

  update pgledger.accounts
  set updated_at = v_created_at, version = accounts.version + 1, balance = v_to_balance
  where accounts.key = v_to.key;

  return row(
    v_id, from_account_id, to_account_id, amount, v_created_at,
    coalesce(event_at, v_created_at), metadata, v_from.currency, v_from.name, v_to.name,
    v_from_balance, v_to_balance, v_from.version + 1, v_to.version + 1, null::text, app_id,
    v_from.tenant_id, v_to.tenant_id, null::text, false
  );
end;
$$;

comment on function pgledger.create_repeatable_transfer is
  'Makes a transfer, once if it has an id of the caller''s choice.';

revoke all on function pgledger.create_repeatable_transfer from public;
