/*
Moves an amount between two accounts that are given by name. The accounts are found, locked, and
their names compared again; then it is a transfer like any other.

Checks, in this order: app_id; the request's own values; that each name leads to one account;
whether it is a repeat; the clock; status, decimal places, conditions and limits.

Locks: those of pgledger.lock_named_accounts.
Errors: those of pgledger.check_named_request, pgledger.check_asked_conditions,
pgledger.refuse_account_name and pgledger.create_repeatable_transfer.
*/
create or replace function @extschema@.pgledger_create_transfer_by_name(
  from_name text,
  to_name text,
  amount numeric,
  currency text,
  event_at timestamptz default null,
  metadata jsonb default null,
  id text default null,
  app_id text default '',
  from_tenant_id text default '',
  to_tenant_id text default '',
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
  v_ids text[];
  v_request jsonb;
  v_earlier_id text;
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_named_request(
    from_name, to_name, amount, currency, event_at, metadata, id, from_tenant_id, to_tenant_id,
    allow_future_event_at
  );
  v_ok := pgledger.check_asked_conditions(
    require_from_version, require_to_version, require_from_balance, require_to_balance
  );
  v_ok := pgledger.check_key(idempotency_key);

  if idempotency_key is not null then
    v_request := pgledger.named_request(
      from_name, to_name, amount, currency, event_at, metadata, id, from_tenant_id, to_tenant_id,
      null, require_from_version, require_to_version, require_from_balance, require_to_balance
    );
    -- Also after an account was renamed.
    select idempotency_keys.result_id
    into v_earlier_id
    from pgledger.idempotency_keys
    where idempotency_keys.app_id = pgledger_create_transfer_by_name.app_id
      and idempotency_keys.idempotency_key = pgledger_create_transfer_by_name.idempotency_key
      and idempotency_keys.function_name = 'pgledger_create_transfer_by_name'
      and idempotency_keys.request = v_request;
    if found then
      return pgledger.replayed_transfer(v_earlier_id);
    end if;
  end if;

  v_ids := pgledger.lock_named_accounts(
    array[from_name, to_name], array[currency, currency], array[from_tenant_id, to_tenant_id],
    app_id
  );
  if v_ids[1] is null then
    v_ok := pgledger.refuse_account_name(from_name, currency, app_id, from_tenant_id);
  elsif v_ids[2] is null then
    v_ok := pgledger.refuse_account_name(to_name, currency, app_id, to_tenant_id);
  end if;

  return pgledger.create_repeatable_transfer(
    v_ids[1], v_ids[2], case when scale(amount) > 18 then trim_scale(amount) else amount end,
    event_at, metadata, id, app_id, require_from_version, require_to_version,
    require_from_balance, require_to_balance, idempotency_key,
    'pgledger_create_transfer_by_name', v_request
  );
end;
$$;

comment on function @extschema@.pgledger_create_transfer_by_name is
$$Moves an amount from one account to another, both given by name.

The names are those that the accounts have when they are locked: one that is
renamed meanwhile is not the account of its old name any more. A name that
several accounts have is refused. A transfer by ids takes less time.

Call it in FROM: (pgledger_create_transfer_by_name(...)).* calls it once for
every column. Like pgledger_create_transfer, it is not for use within an
UPDATE, a MERGE or an INSERT with ON CONFLICT, unless with an id that a row
holds.

from_name: Name of the account that the amount leaves.
to_name: Name of the account that the amount reaches.
amount: What to move, in units of the currency: above 0, below 1e30, at most
  18 decimal places.
currency: The currency of both accounts.
event_at: When it happened in the world, at most a day ahead unless
  allow_future_event_at; null for when it is recorded.
metadata: JSON object, at most 64 KiB, which never changes. Store references
  in it, never personal data, or null.
id: Its id, pglt_ and a ULID. With an id of your own choice the call can be
  repeated, as long as the names lead to the same accounts: it takes effect
  once, and every repeat returns the first result; null for a new id.
app_id: Set of books that both accounts belong to.
from_tenant_id: Whose account the amount leaves.
to_tenant_id: Whose account it reaches.
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

Errors: NullArgument, InvalidScope, InvalidName, InvalidCurrency, SameAccount
  (both names and tenants are the same), InvalidAmount (the amount is not in
  range, or has more decimal places than an account allows), InvalidTime
  (event_at is outside the years 1 to 9999), EventAtInFuture (event_at is more
  than a day ahead), InvalidMetadata, InvalidId, InvalidArgument (a required
  version is below zero, a required range is empty, or idempotency_key is
  empty or too long), AccountNotFound (no account has the name),
  AccountAmbiguous (several have it), IdempotencyConflict (the id is taken by
  a different transfer, or the key by a different request),
  AccountAheadOfClock (an account's newest time is more than a day ahead),
  AccountClosed, AccountFrozen, PeriodClosed (event_at lies in a closed
  period), VersionMismatch, BalanceConditionFailed, InsufficientFunds,
  PositiveBalanceNotAllowed, BalanceOutOfRange.$$;

revoke all on function @extschema@.pgledger_create_transfer_by_name from public;
grant execute on function @extschema@.pgledger_create_transfer_by_name to pgledger_poster;
