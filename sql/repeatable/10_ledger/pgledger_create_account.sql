/*
Creates an account, with a balance of zero.

With an id of the caller's choice the call can be repeated: the second call returns the account as
it stands now if everything it asks for is the same as what was asked for then, whatever has changed
the account since, and is refused if anything differs.

Checks, in this order: app_id, tenant_id, name, currency, limits, metadata, id, idempotency_key,
repeat.
Locks: those of pgledger.take_key and pgledger.keep_scale.
Errors: NullArgument, InvalidScope, InvalidName, InvalidCurrency, InvalidArgument, InvalidMetadata,
InvalidId, IdempotencyConflict.
*/
create or replace function @extschema@.pgledger_create_account(
  name text,
  currency text,
  allow_negative_balance boolean default true,
  allow_positive_balance boolean default true,
  metadata jsonb default null,
  id text default null,
  app_id text default '',
  tenant_id text default '',
  min_balance numeric default null,
  max_balance numeric default null,
  idempotency_key text default null
)
returns @extschema@.pgledger_account
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_min_balance numeric := pgledger.flag_limit(allow_negative_balance, min_balance);
  v_max_balance numeric := pgledger.flag_limit(allow_positive_balance, max_balance);
  v_id text := coalesce(id, 'pgla_' || pgledger.new_ulid(pgledger.clock()));
  v_key pgledger.idempotency_keys;
  v_is_new boolean;
  v_account record;
  v_ok boolean;
begin
  v_ok := pgledger.check_new_account(
    name, currency, allow_negative_balance, allow_positive_balance, metadata, app_id, tenant_id,
    min_balance, max_balance
  );
  v_ok := pgledger.check_id('id', v_id, 'pgla');
  v_ok := pgledger.check_key(idempotency_key);

  if idempotency_key is not null then
    v_key := pgledger.take_key(
      app_id, idempotency_key, 'pgledger_create_account',
      pgledger.account_request(
        name, currency, v_min_balance, v_max_balance, metadata, id, tenant_id
      ),
      v_id
    );
    if v_key.created_at is not null then
      return pgledger.replayed_account(v_key.result_id);
    end if;
  end if;

  v_is_new := pgledger.open_account(
    v_id, name, currency, v_min_balance, v_max_balance, metadata, app_id, tenant_id
  );

  select pgledger.account_answer(accounts, not v_is_new) as answer
  into v_account
  from pgledger.accounts
  where accounts.id = v_id;

  if not v_is_new then
    v_ok := pgledger.check_repeated(
      v_id,
      jsonb_build_object(
        'app_id', app_id, 'tenant_id', tenant_id, 'name', name, 'currency', currency,
        'min_balance', v_min_balance, 'max_balance', v_max_balance, 'metadata', metadata
      ),
      pgledger.account_as_created(v_id)
    );
  end if;

  return v_account.answer;
end;
$$;

comment on function @extschema@.pgledger_create_account is
$$Opens an account, with a balance of zero.

Call it in FROM: (pgledger_create_account(...)).* calls it once for every
column.

name: For people: 1 to 255 characters, stored as given; need not be unique.
currency: Unit of the balance: 1 to 32 visible characters, for example USD.
allow_negative_balance: Whether a transfer may leave the balance below zero;
  false is the same as a min_balance of 0.
allow_positive_balance: Whether a transfer may leave the balance above zero;
  false is the same as a max_balance of 0.
metadata: JSON object, at most 64 KiB. Store references in it, never personal
  data, or null.
id: Its id, pgla_ and a ULID. With an id of your own choice the call can be
  repeated: every repeat returns the same account, as it stands then, also
  after it was changed; null for a new id.
app_id: Set of books that the account belongs to.
tenant_id: Whose account it is.
min_balance: Lowest balance that a transfer may leave, for example -500: at
  most 0, above -1e30, with at most 18 decimal places; null for none, or for 0
  where allow_negative_balance is false.
max_balance: Highest balance that a transfer may leave: at least 0, below
  1e30, with at most 18 decimal places; null for none, or for 0 where
  allow_positive_balance is false.
idempotency_key: Your own name for this request, 1 to 255 characters, unique
  in the app: the same request with it again returns the same account,
  as it stands then; null for none.

Returns: The account.

Errors: NullArgument, InvalidScope, InvalidName (the name is empty, cannot be
  seen or is too long), InvalidCurrency (the currency is empty, has spaces or
  is too long), InvalidArgument (a limit is out of range, or contradicts its
  flag; or idempotency_key is too long), InvalidMetadata, InvalidId,
  IdempotencyConflict (the id is taken by a different account, or the key by a
  different request).$$;

revoke all on function @extschema@.pgledger_create_account from public;
grant execute on function @extschema@.pgledger_create_account to pgledger_poster;
