/*
The account of a name, which is opened if there is none. The row of account_names is written before
the account: of many calls at once one gets past it, and the others wait for its transaction and
then find the account. Nobody else fills the table, so its primary key is what makes the account the
only one, at every isolation level.

A call that finds the name writes nothing and locks nothing. Reading the name and its account is one
statement: a rename changes both together.

An account that was opened otherwise and has the name alone is adopted: whoever began with
pgledger_create_account may go on with this.

With a key the account is the one that the first call with it returned, also after it was renamed.

Checks, in this order: app_id, tenant_id, name, currency, limits, metadata, idempotency_key, whether
the key was used, whether the name is ambiguous, repeat.
Locks: an account that is adopted FOR NO KEY UPDATE, then the inserted row of account_names, then
that of the key.
Errors: NullArgument, InvalidScope, InvalidName, InvalidCurrency, InvalidArgument, InvalidMetadata,
AccountAmbiguous, IdempotencyConflict.
*/
create or replace function @extschema@.pgledger_ensure_account(
  name text,
  currency text,
  allow_negative_balance boolean default true,
  allow_positive_balance boolean default true,
  metadata jsonb default null,
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
  v_request jsonb := case
    when idempotency_key is not null then pgledger.account_request(
      name, currency, v_min_balance, v_max_balance, metadata, null, tenant_id
    )
  end;
  v_key pgledger.idempotency_keys;
  v_adopted_id text;
  v_id text;
  v_account record;
  v_ok boolean;
begin
  v_ok := pgledger.check_new_account(
    name, currency, allow_negative_balance, allow_positive_balance, metadata, app_id, tenant_id,
    min_balance, max_balance
  );
  v_ok := pgledger.check_key(idempotency_key);
  if idempotency_key is not null then
    v_key := pgledger.key_of_request(
      app_id, idempotency_key, 'pgledger_ensure_account', v_request
    );
    if v_key.created_at is not null then
      return pgledger.replayed_account(v_key.result_id);
    end if;
  end if;

  loop
    select pgledger.account_answer(accounts, true) as answer
    into v_account
    from pgledger.account_names
    left join pgledger.accounts on account_names.account_id = accounts.id
    where account_names.app_id = pgledger_ensure_account.app_id
      and account_names.tenant_id = pgledger_ensure_account.tenant_id
      and account_names.currency = pgledger_ensure_account.currency
      and account_names.name = pgledger_ensure_account.name;
    exit when found;

    v_adopted_id := pgledger.adoptable_account_id(name, currency, app_id, tenant_id);
    v_id := pgledger.take_account_name(name, currency, app_id, tenant_id, v_adopted_id);
    continue when v_id is null;

    v_ok := v_adopted_id is not null or pgledger.open_account(
      v_id, name, currency, v_min_balance, v_max_balance, metadata, app_id, tenant_id
    );
    select pgledger.account_answer(accounts, v_adopted_id is not null) as answer
    into v_account
    from pgledger.accounts
    where accounts.id = v_id;
    exit;
  end loop;

  -- By what the account was opened with, not by what it has become.
  if (v_account.answer).replayed then
    v_id := (v_account.answer).id;
    v_ok := pgledger.check_repeated(
      v_id,
      jsonb_build_object(
        'app_id', app_id, 'tenant_id', tenant_id, 'min_balance', v_min_balance,
        'max_balance', v_max_balance, 'metadata', metadata
      ),
      pgledger.account_as_created(v_id)
    );
  end if;
  if idempotency_key is not null then
    return pgledger.ensured_under_key(idempotency_key, v_request, v_account.answer);
  end if;
  return v_account.answer;
end;
$$;

comment on function @extschema@.pgledger_ensure_account is
$$Returns the account of a name, and opens it if there is none.

However many ask at once, there is one account of this app, tenant, currency
and name, and all get it. In REPEATABLE READ and SERIALIZABLE those that came
second may have to run their transaction again, as PostgreSQL tells them with
40001. An account that pgledger_create_account opened is taken over if it is
the only one of the name. After an account was renamed, its new name leads to
it, and the old one opens another; a new name that leads to another account
already goes on doing so.

Call it in FROM: (pgledger_ensure_account(...)).* calls it once for every
column.

name: For people: 1 to 255 characters, stored as given.
currency: Unit of the balance: 1 to 32 visible characters, for example USD.
allow_negative_balance: Whether a transfer may leave the balance below zero;
  false is the same as a min_balance of 0.
allow_positive_balance: Whether a transfer may leave the balance above zero;
  false is the same as a max_balance of 0.
metadata: JSON object, at most 64 KiB, which never changes. Store references
  in it, never personal data, or null.
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
  also after it was renamed; null for none.

Returns: The account, as it stands.

Errors: NullArgument, InvalidScope, InvalidName (the name is empty, cannot be
  seen or is too long), InvalidCurrency (the currency is empty, has spaces or
  is too long), InvalidArgument (a limit is out of range, or contradicts its
  flag; or idempotency_key is too long), InvalidMetadata, AccountAmbiguous
  (several accounts have the name, and none was opened by this function),
  IdempotencyConflict (the account was opened with other limits or metadata,
  or the key is taken by a different request).$$;

revoke all on function @extschema@.pgledger_ensure_account from public;
grant execute on function @extschema@.pgledger_ensure_account to pgledger_poster;
