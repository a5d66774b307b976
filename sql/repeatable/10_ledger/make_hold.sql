/*
Makes a hold whose request's own values were checked, unless its id or key says that it was made
before: then it returns what that is now. It is the way of pgledger_create_hold for what is not
plain, and of a batch whose accounts have no room at first sight.

Here both accounts are locked, and found, before anything is written. Neither versions nor times of
accounts change: those count transfers. A refusal takes back with the call what was written.

The time is read after the locks, or is the caller's, who has locked and found all accounts of a
batch and released what had expired on them by then.

The body is long because what it finds in one statement is used in the next.

Locks: both accounts FOR NO KEY UPDATE, ascending by id; the inserted row of the key; where a sum
does not suffice, expired holds of both, ascending by id.
Errors: those of pgledger.check_accounts, pgledger.repeated_hold, pgledger.check_account_times,
pgledger.check_expiry_ahead, pgledger.check_statuses, pgledger.check_scales,
pgledger.check_period and pgledger.check_balance.
*/
create or replace function pgledger.make_hold(
  from_account_id text,
  to_account_id text,
  amount numeric,
  expires_at timestamptz,
  expires_in interval,
  event_at timestamptz,
  metadata jsonb,
  id text,
  app_id text,
  group_id text,
  at timestamptz default null,
  request_index bigint default null,
  request_count bigint default null,
  idempotency_key text default null
)
returns @extschema@.pgledger_hold
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_amount numeric := case when scale(amount) > 18 then trim_scale(amount) else amount end;
  v_id text;
  v_from record;
  v_to record;
  v_now timestamptz := at;
  v_expires_at timestamptz := expires_at;
  v_earlier pgledger.holds;
  v_ok boolean;
begin
  if v_now is null then
    v_ok := pgledger.check_accounts(
      array[from_account_id], array[to_account_id], app_id,
      pgledger.lock_accounts(array[from_account_id, to_account_id]), array[request_index],
      request_count
    );
    v_now := pgledger.clock();
  end if;
  v_id := coalesce(id, 'pglh_' || pgledger.new_ulid(v_now));
  if id is not null or idempotency_key is not null then
    v_earlier := pgledger.repeated_hold(
      from_account_id, to_account_id, v_amount, expires_at, expires_in, event_at, metadata, id,
      app_id, group_id, request_index, request_count, idempotency_key, v_id
    );
    if v_earlier.id is not null then
      return pgledger.hold_answer(v_earlier, true);
    end if;
  end if;

  update pgledger.accounts
  set held_out = accounts.held_out + v_amount
  where accounts.id = from_account_id
  returning
    accounts.key, accounts.updated_at, accounts.balance,
    accounts.status = 0
    and accounts.balance - accounts.held_out > -1e30
    and (accounts.balance - accounts.held_out < accounts.min_balance) is not true
    and (accounts.amount_scale is null or min_scale(v_amount) <= accounts.amount_scale)
    as is_sound
  into v_from;

  update pgledger.accounts
  set held_in = accounts.held_in + v_amount
  where accounts.id = to_account_id
  returning
    accounts.key, accounts.updated_at, accounts.balance,
    accounts.status = 0
    and accounts.balance + accounts.held_in < 1e30
    and (accounts.balance + accounts.held_in > accounts.max_balance) is not true
    and (accounts.amount_scale is null or min_scale(v_amount) <= accounts.amount_scale)
    as is_sound
  into v_to;

  if v_from.updated_at > v_now or v_to.updated_at > v_now then
    v_ok := pgledger.check_account_times(
      array[from_account_id], array[to_account_id], v_now,
      greatest(v_from.updated_at, v_to.updated_at), array[request_index], request_count
    );
  end if;
  if expires_in is not null then
    v_expires_at := pgledger.expiry_after(v_now, expires_in);
  end if;
  if v_expires_at is not null then
    v_ok := pgledger.check_expiry_ahead(v_expires_at, v_now, request_index, request_count);
  end if;

  if not (v_from.is_sound and v_to.is_sound) then
    v_ok := pgledger.check_statuses(
      array[from_account_id], array[to_account_id], array[request_index], request_count
    );
    v_ok := pgledger.check_scales(
      array[from_account_id], array[to_account_id], array[v_amount], array[request_index],
      request_count
    );
    v_ok := pgledger.check_period(app_id, event_at, request_index, request_count);
    v_ok := pgledger.release_expired(array[v_from.key, v_to.key], v_now);
    v_ok := pgledger.check_balance(
      v_from.key, v_from.balance, -v_amount, request_index, request_count, true
    );
    v_ok := pgledger.check_balance(
      v_to.key, v_to.balance, v_amount, request_index, request_count, true
    );
  elsif event_at is not null then
    v_ok := pgledger.check_period(app_id, event_at, request_index, request_count);
  end if;

  insert into pgledger.holds (
    from_key, to_key, created_at, event_at, expires_at, first_expires_at, from_is_first, amount, id,
    app_id, group_id, metadata
  )
  values (
    v_from.key, v_to.key, v_now, make_hold.event_at, v_expires_at, v_expires_at,
    from_account_id collate "C" < to_account_id, v_amount, v_id, make_hold.app_id,
    make_hold.group_id, make_hold.metadata
  )
  on conflict on constraint holds_id_pk do nothing;
  -- Another call took the id since we looked. It did not wait for our accounts, so it asked for
  -- something else.
  if not found then
    v_ok := pgledger.fail('IdempotencyConflict', array['id', id], request_index, request_count);
  end if;

  return pgledger.hold_answer(
    (select holds from pgledger.holds where holds.id = v_id), false
  );
end;
$$;

comment on function pgledger.make_hold is
  'Makes a hold whose own values were checked, once for each id or key of a caller''s choice.';

revoke all on function pgledger.make_hold from public;
