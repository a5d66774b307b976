/*
Makes a transfer whose request gave a key and nothing else that is optional, once. The request's own
values were checked.

It is the plain path of pgledger.pgledger_create_transfer: what was updated is checked after it. The
key is taken between, before status, decimal places and limits are looked at. If it was used before,
both accounts are put back to what they were: that costs a repeat more, and looking first would cost
every call with a new key.

The body is long because it is that plain path, where each call of a function would count.

Locks: both accounts FOR NO KEY UPDATE, ascending by id, then the inserted row of the key.
Errors: AccountNotFound, CurrencyMismatch, IdempotencyConflict, AccountAheadOfClock, AccountClosed,
AccountFrozen, InvalidAmount, and those of pgledger.check_balance.
*/
create or replace function pgledger.create_keyed_transfer(
  from_account_id text,
  to_account_id text,
  amount numeric,
  app_id text,
  idempotency_key text
)
returns @extschema@.pgledger_transfer
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_request jsonb := jsonb_build_object(
    'from_account_id', from_account_id, 'to_account_id', to_account_id, 'amount', amount
  );
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
  v_ok boolean;
begin
  for v_step in 1..2 loop
    if (from_account_id collate "C" < to_account_id) = (v_step = 1) then
      update pgledger.accounts
      set
        updated_at = greatest(
          case when v_to_at is null then pgledger.clock() when v_to_at <= v_now then v_to_at end,
          accounts.updated_at + interval '1 microsecond'
        ),
        version = accounts.version + 1,
        balance = accounts.balance - create_keyed_transfer.amount
      where accounts.id = from_account_id
      returning
        accounts.key, accounts.updated_at, accounts.version, accounts.balance,
        accounts.status = 0
        and accounts.balance > -1e30
        and (accounts.balance - accounts.held_out < accounts.min_balance) is not true
        and (
          accounts.amount_scale is null
          or min_scale(create_keyed_transfer.amount) <= accounts.amount_scale
        ),
        accounts.currency, accounts.app_id, accounts.name, accounts.tenant_id
      into
        v_from_key, v_from_at, v_from_version, v_from_balance, v_from_is_sound, v_from_currency,
        v_from_app_id, v_from_name, v_from_tenant_id;
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
        balance = accounts.balance + create_keyed_transfer.amount
      where accounts.id = to_account_id
      returning
        accounts.key, accounts.updated_at, accounts.version, accounts.balance,
        accounts.status = 0
        and accounts.balance < 1e30
        and (accounts.balance + accounts.held_in > accounts.max_balance) is not true
        and (
          accounts.amount_scale is null
          or min_scale(create_keyed_transfer.amount) <= accounts.amount_scale
        ),
        accounts.currency, accounts.app_id, accounts.name, accounts.tenant_id
      into
        v_to_key, v_to_at, v_to_version, v_to_balance, v_to_is_sound, v_to_currency,
        v_to_app_id, v_to_name, v_to_tenant_id;
    end if;
    if v_step = 1 then
      v_now := pgledger.clock();
    end if;
  end loop;

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

  v_created_at := greatest(v_from_at, v_to_at);
  v_id := 'pglt_' || pgledger.new_ulid(v_created_at);

  insert into pgledger.idempotency_keys (
    created_at, app_id, idempotency_key, function_name, result_id, request
  )
  values (
    v_created_at, create_keyed_transfer.app_id, create_keyed_transfer.idempotency_key,
    'pgledger_create_transfer', v_id, v_request
  )
  on conflict on constraint idempotency_keys_app_id_idempotency_key_pk do nothing;
  if not found then
    -- Only here, because a variable of a row's type costs every call. A record would not do: it has
    -- no fields when a purge has just made way for this call.
    declare
      v_key pgledger.idempotency_keys := pgledger.take_key(
        app_id, idempotency_key, 'pgledger_create_transfer', v_request, v_id
      );
    begin
      if v_key.created_at is not null then
        v_ok := pgledger.put_back(v_from_key, v_from_version - 1);
        v_ok := pgledger.put_back(v_to_key, v_to_version - 1);
        return pgledger.replayed_transfer(v_key.result_id);
      end if;
    end;
  end if;

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
    v_ok := pgledger.check_scales(array[from_account_id], array[to_account_id], array[amount]);
    v_ok := pgledger.release_expired(array[v_from_key, v_to_key], pgledger.clock());
    -- The balances before, with as many decimal places as they were written with.
    v_ok := pgledger.check_balance(
      v_from_key, pgledger.version_balance(v_from_key, v_from_version - 1), -amount
    );
    v_ok := pgledger.check_balance(
      v_to_key, pgledger.version_balance(v_to_key, v_to_version - 1), amount
    );
  end if;

  insert into pgledger.transfers (
    from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
    to_balance
  )
  values (
    v_from_key, v_to_key, v_from_version, v_to_version, v_created_at, v_id,
    create_keyed_transfer.app_id, create_keyed_transfer.amount, v_from_balance, v_to_balance
  );

  return row(
    v_id, from_account_id, to_account_id, amount, v_created_at, v_created_at, null::jsonb,
    v_from_currency, v_from_name, v_to_name, v_from_balance, v_to_balance, v_from_version,
    v_to_version, null::text, app_id, v_from_tenant_id, v_to_tenant_id, null::text, false
  );
end;
$$;

comment on function pgledger.create_keyed_transfer is
  'Makes a transfer, once for its key.';

revoke all on function pgledger.create_keyed_transfer from public;
