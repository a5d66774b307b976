/*
Ends a hold, and releases what is left of it on both accounts.

Checks, in this order: app_id, the id, idempotency_key, that the hold exists, whether the key was
used, whether the hold was voided before, its state.
Locks: those of pgledger.lock_hold, then the inserted rows of the key and
of the noted change.
Errors: NullArgument, InvalidScope, InvalidId, InvalidArgument, HoldNotFound, IdempotencyConflict,
HoldEnded, HoldExpired.
*/
create or replace function @extschema@.pgledger_void_hold(
  hold_id text,
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
  v_ok := pgledger.check_key(idempotency_key);

  v_hold := pgledger.lock_hold(hold_id, app_id);
  if idempotency_key is not null then
    v_key := pgledger.take_key(
      app_id, idempotency_key, 'pgledger_void_hold',
      jsonb_build_object('hold_id', hold_id),
      hold_id
    );
    if v_key.created_at is not null then
      return pgledger.hold_answer(v_hold, true);
    end if;
  end if;
  if v_hold.status = 2 then
    return pgledger.hold_answer(v_hold, true);
  end if;
  v_now := pgledger.clock();
  v_ok := pgledger.check_hold_pending(v_hold, v_now);

  update pgledger.accounts
  set
    held_out = accounts.held_out
    - case when accounts.key = v_hold.from_key then v_hold.amount - v_hold.posted_amount else 0 end,
    held_in = accounts.held_in
    - case when accounts.key = v_hold.to_key then v_hold.amount - v_hold.posted_amount else 0 end
  where accounts.key in (v_hold.from_key, v_hold.to_key);

  update pgledger.holds
  set
    status = 2,
    ended_at = greatest(v_now, holds.created_at),
    out_released = true,
    in_released = true
  where holds.id = hold_id;
  perform pgledger.note_hold_changes(array[hold_id], 'voided', v_now);

  v_hold := (select holds from pgledger.holds where holds.id = hold_id);
  return pgledger.hold_answer(v_hold, false);
end;
$$;

comment on function @extschema@.pgledger_void_hold is
$$Ends a hold without moving anything: what is left of it is free again.

What was posted of it before stays posted. A call for a hold that is voided
already changes nothing, so it can be repeated. Freezes do not matter.

hold_id: The hold.
app_id: Set of books that it belongs to.
idempotency_key: Your own name for this request, 1 to 255 characters, unique
  in the app: the same request with it again changes nothing and returns
  the hold as it stands then; null for none.

Returns: The hold as it is now; replayed says whether it was voided before.

Errors: NullArgument, InvalidScope, InvalidId, InvalidArgument
  (idempotency_key is empty or too long), HoldNotFound (there is no such
  hold under this app_id), IdempotencyConflict (the key is taken by a
  different request), HoldEnded (it was posted), HoldExpired (its
  expires_at is over).$$;

revoke all on function @extschema@.pgledger_void_hold from public;
grant execute on function @extschema@.pgledger_void_hold to pgledger_poster;
