/*
Gives a hold another time to expire at, or none.

Checks, in this order: app_id, the id, expires_at by itself, idempotency_key, that the hold exists,
whether the key was used, its state, that expires_at is ahead of the clock. The locks of both
accounts keep others from writing meanwhile that it has expired.
Locks: those of pgledger.lock_hold, then the inserted rows of the key and
of the noted change.
Errors: NullArgument, InvalidScope, InvalidId, InvalidArgument, InvalidTime, HoldNotFound,
IdempotencyConflict, HoldEnded, HoldExpired.
*/
create or replace function @extschema@.pgledger_extend_hold(
  hold_id text,
  expires_at timestamptz,
  app_id text default '',
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
  v_hold pgledger.holds;
  v_key pgledger.idempotency_keys;
  v_now timestamptz;
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_id('hold_id', hold_id, 'pglh');
  v_ok := pgledger.check_expiry(expires_at, null);
  v_ok := pgledger.check_key(idempotency_key);

  v_hold := pgledger.lock_hold(hold_id, app_id);
  if idempotency_key is not null then
    v_key := pgledger.take_key(
      app_id, idempotency_key, 'pgledger_extend_hold',
      pgledger.given_arguments(
        jsonb_build_object('hold_id', hold_id, 'expires_at', pgledger.argument_time(expires_at))
      ),
      hold_id
    );
    if v_key.created_at is not null then
      return pgledger.hold_answer(v_hold, true);
    end if;
  end if;
  v_now := pgledger.clock();
  v_ok := pgledger.check_hold_pending(v_hold, v_now);
  if v_hold.expires_at is not distinct from expires_at then
    return pgledger.hold_answer(v_hold, true);
  end if;
  v_ok := pgledger.check_expiry_ahead(expires_at, v_now);

  update pgledger.holds
  set expires_at = pgledger_extend_hold.expires_at
  where holds.id = hold_id;
  perform pgledger.note_hold_changes(array[hold_id], 'extended', v_now);

  v_hold := (select holds from pgledger.holds where holds.id = hold_id);
  return pgledger.hold_answer(v_hold, false);
end;
$$;

comment on function @extschema@.pgledger_extend_hold is
$$Changes when a hold expires.

The new time may be later or earlier than the one before. A hold that has
expired cannot be extended.

hold_id: The hold.
expires_at: From when on it is expired, in the future; null for never.
app_id: Set of books that it belongs to.
idempotency_key: Your own name for this request, 1 to 255 characters, unique
  in the app: the same request with it again changes nothing and returns
  the hold as it stands then; null for none.

Returns: The hold as it is now; replayed says whether it was to expire then
  already, or the call was a repeat.

Errors: NullArgument, InvalidScope, InvalidId, InvalidTime (expires_at is not
  in the future, or is outside the years 1 to 9999), InvalidArgument
  (idempotency_key is empty or too long), HoldNotFound (there is no such hold
  under this app_id), IdempotencyConflict (the key is taken by a different
  request), HoldEnded (it was posted or voided), HoldExpired (its expires_at
  is over).$$;

revoke all on function @extschema@.pgledger_extend_hold from public;
grant execute on function @extschema@.pgledger_extend_hold to pgledger_poster;
