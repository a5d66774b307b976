/*
Gives back what a transfer moved, or a part of it, within the limits of both accounts.

Checks, in this order: app_id, the transfer's id, then those of pgledger.reverse_transfer.
Locks and errors: those of pgledger.reverse_transfer; besides, NullArgument, InvalidScope,
InvalidId.
*/
create or replace function @extschema@.pgledger_reverse_transfer(
  transfer_id text,
  amount numeric default null,
  event_at timestamptz default null,
  metadata jsonb default null,
  id text default null,
  app_id text default '',
  allow_future_event_at boolean default false,
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
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_id('transfer_id', transfer_id, 'pglt');

  return pgledger.reverse_transfer(
    transfer_id, amount, event_at, metadata, id, app_id, allow_future_event_at, null,
    idempotency_key
  );
end;
$$;

comment on function @extschema@.pgledger_reverse_transfer is
$$Gives back what a transfer moved: all that is left of it, or a part.

It makes a transfer the other way, between the same accounts. Its origin_id is
the transfer that it reverses, and its group_id is that transfer's. A transfer
can be reversed in parts until it is used up. Limits, freezes and closed
accounts are respected as for any transfer.

A reversal is a transfer like others, so it can be reversed, too. That does
not make the first transfer reversible again.

transfer_id: The transfer to reverse.
amount: What to give back, at most what is left of the transfer; null for all
  of that.
event_at: When it happened in the world, at most a day ahead unless
  allow_future_event_at; null for when it is recorded.
metadata: JSON object, at most 64 KiB, which never changes. Store references
  in it, never personal data, or null.
id: Id of the reversal, pglt_ and a ULID. With an id of your own choice the
  call can be repeated: it takes effect once, and every repeat returns the
  first result; null for a new id.
app_id: Set of books that the transfer belongs to.
allow_future_event_at: Whether event_at may be more than a day ahead.
idempotency_key: Your own name for this request, 1 to 255 characters, unique
  in the app: the same request with it again returns the same transfer; null
  for none.

Returns: The reversal, with both accounts' balances and versions right after
  it.

Errors: NullArgument, InvalidScope, InvalidId, InvalidAmount (the amount is
  not in range, or has more decimal places than its currency), InvalidTime
  (event_at is outside the years 1 to 9999), EventAtInFuture (event_at is more
  than a day ahead), InvalidMetadata, InvalidArgument (idempotency_key is
  empty or too long), TransferNotFound (there is no such transfer under this
  app_id), IdempotencyConflict (the id is taken by a different transfer, or
  the key by a different request), TransferReversed (nothing is left of it),
  ReversalExceeded (less is left of it), AccountAheadOfClock (an account's
  newest time is more than a day ahead), AccountClosed, AccountFrozen (an
  account is frozen for what the reversal does), PeriodClosed (event_at lies
  in a closed period), InsufficientFunds (it would leave an account below its
  lower limit), PositiveBalanceNotAllowed (it would leave an account above its
  upper limit), BalanceOutOfRange (a balance would reach 1e30 or -1e30).$$;

revoke all on function @extschema@.pgledger_reverse_transfer from public;
grant execute on function @extschema@.pgledger_reverse_transfer to pgledger_poster;
