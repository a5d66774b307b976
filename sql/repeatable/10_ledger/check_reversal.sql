/*
Refuses a reversal that one of its accounts does not allow. The caller has locked both. With limits
waived, status, decimal places, closed periods and the range of balances still count.

Errors: AccountClosed, AccountFrozen, InvalidAmount, PeriodClosed, and those of
pgledger.check_balance.
*/
create or replace function pgledger.check_reversal(
  source pgledger.accounts,
  target pgledger.accounts,
  amount numeric,
  over_limits boolean,
  event_at timestamptz
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_beyond pgledger.accounts;
  v_ok boolean;
begin
  v_ok := pgledger.check_statuses(array[source.id], array[target.id]);
  v_ok := pgledger.check_scales(array[source.id], array[target.id], array[amount]);
  v_ok := pgledger.check_period(source.app_id, event_at);

  if not over_limits then
    v_ok := pgledger.release_expired(array[source.key, target.key], pgledger.clock());
    v_ok := pgledger.check_balance(source.key, source.balance, -amount);
    v_ok := pgledger.check_balance(target.key, target.balance, amount);
    return true;
  end if;

  source.balance := source.balance - amount;
  target.balance := target.balance + amount;
  v_beyond := case
    when source.balance <= -1e30 then source when target.balance >= 1e30 then target
  end;
  if v_beyond.id is not null then
    v_ok := pgledger.fail(
      'BalanceOutOfRange', array[v_beyond.id, v_beyond.name, v_beyond.balance::text]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_reversal is
  'Raises an error if a reversal''s accounts do not allow it.';

revoke all on function pgledger.check_reversal from public;
