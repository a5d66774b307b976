/*
Moves what an account can spare to another. How much that is, is found out under the locks, so
nothing comes or goes between. Then it is a transfer like any other, which the target may refuse.

With an id of the caller's choice a repeat finds the first transfer, whose amount is then the one
that is compared: what an account can spare is another thing by now. That nothing was moved is on
record only under a key; without, a repeat of such a call looks again.

Checks, in this order: app_id; both ids, that they differ, max_amount, event_at, metadata, the id;
keep; idempotency_key; that the accounts exist and share a currency; whether it is a repeat; then,
if there is something to move, the clock, status, decimal places, the period and limits.

Locks: both accounts FOR NO KEY UPDATE, in ascending order of their ids, then the inserted row of
the key, then their expired holds.
Errors: InvalidArgument, and those of pgledger.check_transfer_request, pgledger.check_accounts and
pgledger.create_repeatable_transfer.
*/
create or replace function @extschema@.pgledger_sweep(
  from_account_id text,
  to_account_id text,
  max_amount numeric default null,
  keep numeric default 0,
  event_at timestamptz default null,
  metadata jsonb default null,
  id text default null,
  app_id text default '',
  allow_future_event_at boolean default false,
  idempotency_key text default null
)
returns setof @extschema@.pgledger_transfer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_locked_ids text[];
  v_request jsonb;
  v_key pgledger.idempotency_keys;
  v_amount numeric;
  v_made record;
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_transfer_request(
    from_account_id, to_account_id, coalesce(max_amount, 1), event_at, metadata, id,
    allow_future_event_at
  );
  if keep is null then
    v_ok := pgledger.fail('NullArgument', array['keep']);
  elsif pgledger.limit_fault(keep) is not null then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array['keep', pgledger.abridged(keep::text), pgledger.limit_fault(keep)]
    );
  end if;
  v_ok := pgledger.check_key(idempotency_key);

  select coalesce(array_agg(locked.id), '{}')
  into v_locked_ids
  from (
    select accounts.id
    from pgledger.accounts
    where accounts.id in (from_account_id, to_account_id)
    order by accounts.id
    for no key update
  ) as locked;
  v_ok := pgledger.check_accounts(
    array[from_account_id], array[to_account_id], app_id, v_locked_ids
  );

  if idempotency_key is not null then
    v_request := pgledger.sweep_request(
      from_account_id, to_account_id, max_amount, keep, event_at, metadata, id
    );
    v_key := pgledger.key_of_request(app_id, idempotency_key, 'pgledger_sweep', v_request);
  end if;
  if v_key.created_at is not null then
    v_made := pgledger.replayed_transfer(v_key.result_id);
  else
    v_amount := pgledger.amount_to_sweep(from_account_id, to_account_id, max_amount, keep, id);
    if v_amount > 0 then
      v_ok := pgledger.check_request_details(v_amount, null, null, null, true, null, null);
      v_made := pgledger.create_repeatable_transfer(
        from_account_id, to_account_id, v_amount, event_at, metadata, id, app_id,
        idempotency_key => idempotency_key, function_name => 'pgledger_sweep', request => v_request
      );
    else
      if idempotency_key is not null then
        v_key := pgledger.take_key(app_id, idempotency_key, 'pgledger_sweep', v_request, null);
      end if;
      v_made := pgledger.replayed_transfer(v_key.result_id);
    end if;
  end if;

  if v_made.id is not null then
    return next v_made;
  end if;
end;
$$;

comment on function @extschema@.pgledger_sweep is
$$Moves what an account can spare to another, or nothing.

That is the balance less what holds keep back and less keep, or less the
account's min_balance where this is higher: an overdraft is used only as far
as keep says so. If nothing is left to move, nothing happens, and no row comes
back. Like pgledger_create_transfer, it is not for use within an UPDATE, a
MERGE or an INSERT with ON CONFLICT.

from_account_id: Account that is swept.
to_account_id: Account that the amount reaches, of the same currency.
max_amount: At most so much is moved, above 0, below 1e30, with at most 18
  decimal places; null for all that can be spared.
keep: Balance that stays: above -1e30, below 1e30, with at most 18 decimal
  places; below zero to use an overdraft.
event_at: When it happened in the world, at most a day ahead unless
  allow_future_event_at; null for when it is recorded.
metadata: JSON object, at most 64 KiB, which never changes. Store references
  in it, never personal data, or null.
id: Its id, pglt_ and a ULID. With an id of your own choice a call that moved
  something can be repeated, and every repeat with these accounts, event_at
  and metadata returns the first result. A call without a key that moved
  nothing leaves no trace, and its repeat looks again; null for a new id.
app_id: Set of books that both accounts belong to.
allow_future_event_at: Whether event_at may be more than a day ahead.
idempotency_key: Your own name for this request, 1 to 255 characters, unique
  in the app: the same request with it again returns the first result,
  also if nothing was moved; null for none.

Returns: The transfer, with both accounts' balances and versions right after
  it; or no row.

Errors: NullArgument, InvalidScope, InvalidId, SameAccount (both accounts are
  the same), InvalidAmount (max_amount is not in range, or what is moved has
  more decimal places than an account allows), InvalidTime (event_at is
  outside the years 1 to 9999), EventAtInFuture (event_at is more than a day
  ahead), InvalidMetadata, InvalidArgument (keep is not in range, or
  idempotency_key is empty or too long), AccountNotFound, CurrencyMismatch,
  IdempotencyConflict (the id is taken by a different transfer, or the key by
  a different request), AccountAheadOfClock (an account's newest time is more
  than a day ahead), AccountClosed, AccountFrozen, PeriodClosed (event_at lies
  in a closed period), InsufficientFunds, PositiveBalanceNotAllowed (the
  target has no room for it), BalanceOutOfRange.$$;

revoke all on function @extschema@.pgledger_sweep from public;
grant execute on function @extschema@.pgledger_sweep to pgledger_poster;
