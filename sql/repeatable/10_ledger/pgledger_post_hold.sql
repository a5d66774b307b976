/*
Moves what a hold keeps back, or a part of it.

Checks, in this order: app_id, the hold's id, final, the request's own values; that the hold exists;
whether it is a repeat; the hold's state; what is left of it; the clock; decimal places of a part.
Status and limits of the accounts were checked when the hold was made, and are not looked at.

Locks and errors: those of pgledger.post_pending_hold; besides, NullArgument, InvalidScope,
InvalidTime, EventAtInFuture, InvalidMetadata, InvalidId.
*/
create or replace function @extschema@.pgledger_post_hold(
  hold_id text,
  amount numeric default null,
  final boolean default true,
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
  -- One expression passes most requests; only the others are looked at in detail.
  if (
    hold_id is not null and app_id is not null and final is not null
    and (amount is null or amount > 0 and amount < 1e30 and scale(amount) <= 18)
    and event_at is null and metadata is null and id is null and idempotency_key is null
  ) is not true then
    v_ok := pgledger.check_scope('app_id', app_id);
    v_ok := pgledger.check_id('hold_id', hold_id, 'pglh');
    if final is null then
      v_ok := pgledger.fail('NullArgument', array['final']);
    end if;
    v_ok := pgledger.check_request_details(
      coalesce(amount, 1), event_at, metadata, id, allow_future_event_at
    );
    v_ok := pgledger.check_key(idempotency_key);
  end if;

  return pgledger.post_pending_hold(
    hold_id, amount, final, event_at, metadata, id, app_id, idempotency_key => idempotency_key
  );
end;
$$;

comment on function @extschema@.pgledger_post_hold is
$$Moves what a hold keeps back: all that is left of it, or a part.

It fails neither for funds nor for limits or freezes that came since: all of
that was checked when the hold was made. The transfer's origin_id is the hold,
and its group_id is the hold's.

hold_id: The hold.
amount: What to move, at most what is left of the hold; null for all of that.
final: Whether what is then left of the hold is released, and the hold is
  posted. Without, it stays pending for further calls, until the whole amount
  is posted.
event_at: When it happened in the world, at most a day ahead unless
  allow_future_event_at; null for when it is recorded.
metadata: JSON object, at most 64 KiB, which never changes. Store references
  in it, never personal data, or null.
id: Id of the transfer, pglt_ and a ULID. With an id of your own choice the
  call can be repeated: it takes effect once, and every repeat returns the
  first result; null for a new id.
app_id: Set of books that the hold belongs to.
allow_future_event_at: Whether event_at may be more than a day ahead.
idempotency_key: Your own name for this request, 1 to 255 characters, unique
  in the app: the same request with it again returns the same transfer; null
  for none.

Returns: The transfer, with both accounts' balances and versions right after
  it.

Errors: NullArgument, InvalidScope, InvalidId, InvalidAmount (the amount is
  not in range, or has more decimal places than its currency), InvalidTime
  (event_at is outside the years 1 to 9999), EventAtInFuture (event_at is more
  than a day ahead), InvalidMetadata, InvalidArgument (idempotency_key is
  empty or too long), HoldNotFound (there is no such hold under this app_id),
  IdempotencyConflict (the id is taken by a different transfer, or the key by
  a different request), HoldEnded (it was posted or voided), HoldExpired (its
  expires_at is over), HoldAmountExceeded (less is left of it),
  AccountAheadOfClock (an account's newest time is more than a day ahead),
  BalanceOutOfRange (a balance would reach 1e30 or -1e30).$$;

revoke all on function @extschema@.pgledger_post_hold from public;
grant execute on function @extschema@.pgledger_post_hold to pgledger_poster;
