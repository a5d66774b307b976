/*
Finishes a posting whose hold had changed since it was read, before its accounts were locked. The
caller has locked the accounts, and has posted in them what it had read: what was too much of that
is put right here. What has ended meanwhile is refused.

Errors: HoldEnded, HoldExpired, HoldAmountExceeded.
*/
create or replace function pgledger.post_changed_hold(
  hold_id text,
  requested_amount numeric,
  final boolean,
  assumed_amount numeric,
  assumed_release numeric,
  at timestamptz,
  out amount numeric,
  out from_balance numeric,
  out to_balance numeric
)
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_hold pgledger.holds;
  v_rest numeric;
  v_released numeric;
  v_ok boolean;
begin
  v_hold := pgledger.lock_hold(
    hold_id, (select holds.app_id from pgledger.holds where holds.id = hold_id)
  );
  v_ok := pgledger.check_hold_pending(v_hold, pgledger.clock());

  v_rest := v_hold.amount - v_hold.posted_amount;
  if requested_amount > v_rest then
    v_ok := pgledger.fail(
      'HoldAmountExceeded',
      array[hold_id, v_rest::text, v_hold.amount::text, pgledger.abridged(requested_amount::text)]
    );
  end if;
  amount := coalesce(trim_scale(requested_amount), v_rest);
  v_released := case when final then v_rest else amount end;

  update pgledger.accounts
  set
    balance = accounts.balance + assumed_amount - post_changed_hold.amount,
    held_out = accounts.held_out + assumed_release - v_released
  where accounts.key = v_hold.from_key
  returning accounts.balance into from_balance;

  update pgledger.accounts
  set
    balance = accounts.balance - assumed_amount + post_changed_hold.amount,
    held_in = accounts.held_in + assumed_release - v_released
  where accounts.key = v_hold.to_key
  returning accounts.balance into to_balance;

  update pgledger.holds
  set
    posted_amount = holds.posted_amount + post_changed_hold.amount,
    status = case when v_released = v_rest then 1 else 0 end,
    ended_at = case when v_released = v_rest then greatest(at, holds.created_at) end,
    out_released = v_released = v_rest,
    in_released = v_released = v_rest
  where holds.id = hold_id;
end;
$$;

comment on function pgledger.post_changed_hold is
  'Finishes a posting whose hold had changed since it was read; returns what is different.';

revoke all on function pgledger.post_changed_hold from public;
