/*
Sets both limits of an account. That the limits enclose zero holds at creation only, where the
balance is zero: later a lower limit above zero can be a deposit that has to stay.

Locks: the account FOR NO KEY UPDATE, then expired holds of it.
Checks, in this order: app_id, account_id, the limits, reason, allow_existing, that the account
exists, that its balance is within what is tightened.
Errors: NullArgument, InvalidScope, InvalidId, InvalidArgument, AccountNotFound,
LimitAlreadyBroken.
*/
create or replace function @extschema@.pgledger_set_limits(
  account_id text,
  min_balance numeric,
  max_balance numeric,
  reason text default null,
  allow_existing boolean default false,
  app_id text default ''
)
returns @extschema@.pgledger_account
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_account pgledger.accounts;
  v_changed pgledger.accounts;
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_id('account_id', account_id, 'pgla');
  v_ok := pgledger.check_limits(min_balance, max_balance);
  v_ok := pgledger.check_reason(reason);
  if allow_existing is null then
    v_ok := pgledger.fail('NullArgument', array['allow_existing']);
  end if;

  v_account := pgledger.account_to_change('account_id', account_id, app_id);
  v_account := pgledger.released_account(v_account);
  v_changed := v_account;
  v_changed.min_balance := trim_scale(pgledger_set_limits.min_balance);
  v_changed.max_balance := trim_scale(pgledger_set_limits.max_balance);
  if not allow_existing then
    v_ok := pgledger.check_tightened_limits(
      v_account, v_changed.min_balance, v_changed.max_balance
    );
  end if;

  return pgledger.change_account(v_account, v_changed, 'set_limits', reason);
end;
$$;

comment on function @extschema@.pgledger_set_limits is
$$Sets the limits of an account, both of them.

Give the one that is to stay, too: null takes a limit away. Limits need not
enclose zero: an account with a min_balance of 100 keeps at least that much.
A limit that is tightened to where the account is beyond it already is
refused, unless allow_existing says that it is meant: then only transfers
that bring the account nearer to the limit pass. A call that changes nothing
writes nothing, so it can be repeated. Each change is a row of
pgledger_account_changes_v1.

account_id: The account.
min_balance: Lowest balance, less what holds keep back to leave the account,
  that a transfer may leave: above -1e30, below 1e30, with at most 18 decimal
  places; null for none.
max_balance: Highest balance, with what holds keep back to reach the account,
  that a transfer may leave, in the same range and not below min_balance; null
  for none.
reason: Why, for those who read the history: 1 to 1,000 characters, or null.
allow_existing: Whether a limit may be tightened although the account is
  beyond it.
app_id: Set of books that the account belongs to.

Returns: The account as it is now; replayed says whether it was so before.

Errors: NullArgument, InvalidScope, InvalidId, InvalidArgument (a limit is out
  of range, min_balance is above max_balance, or the reason is empty or too
  long), AccountNotFound (there is no such account under this app_id),
  LimitAlreadyBroken (the account is beyond a limit that is tightened).$$;

revoke all on function @extschema@.pgledger_set_limits from public;
grant execute on function @extschema@.pgledger_set_limits to pgledger_poster;
