/*
Holds an amount back on one account for another.

Checks, in this order: app_id, group_id; the request's own values; that the accounts exist and share
a currency; whether it is a repeat; the clock; status; decimal places; limits; and before status
that the hold expires in the future.

Locks and errors: those of pgledger.make_hold; besides, NullArgument, InvalidScope, SameAccount,
InvalidTime, EventAtInFuture, InvalidMetadata, InvalidArgument.
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
    v_ok := pgledger.check_key(idempotency_key);
  end if;

  return pgledger.make_hold(
    from_account_id, to_account_id, amount, expires_at, expires_in, event_at, metadata, id,
    app_id, group_id, idempotency_key => idempotency_key
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
  idempotency_key is empty or too long),
  AccountNotFound (there is no such account under this app_id),
  CurrencyMismatch (the accounts have different currencies),
  IdempotencyConflict (the id is taken by a different hold, or the key by a
  different request),
  AccountAheadOfClock (an account's newest time is more than a day ahead),
  AccountClosed, AccountFrozen, InsufficientFunds (too little may leave the
  one account), PositiveBalanceNotAllowed (the other has too little room),
  BalanceOutOfRange (a balance could reach 1e30 or -1e30).$$;

revoke all on function @extschema@.pgledger_create_hold from public;
grant execute on function @extschema@.pgledger_create_hold to pgledger_poster;
