/*
Refuses a leg that would break its account's limits. A leg that takes from an account can only break
the lower limit, and a leg that gives can only break the upper one.

Errors: InsufficientFunds, PositiveBalanceNotAllowed, BalanceOutOfRange.
*/
create or replace function pgledger.check_balance(
  account_id text,
  account_name text,
  allow_negative_balance boolean,
  allow_positive_balance boolean,
  previous_balance numeric,
  change numeric,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_balance numeric := previous_balance + change;
  v_ok boolean;
begin
  if change < 0 and v_balance < 0 and not allow_negative_balance then
    v_ok := pgledger.fail(
      'InsufficientFunds',
      array[account_id, account_name, previous_balance::text, abs(change)::text, v_balance::text],
      request_index,
      request_count
    );
  elsif change > 0 and v_balance > 0 and not allow_positive_balance then
    v_ok := pgledger.fail(
      'PositiveBalanceNotAllowed',
      array[account_id, account_name, previous_balance::text, change::text, v_balance::text],
      request_index,
      request_count
    );
  elsif abs(v_balance) >= 1e30 then
    v_ok := pgledger.fail(
      'BalanceOutOfRange',
      array[account_id, account_name, v_balance::text], request_index, request_count
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_balance is
  'Raises an error if the balance that a leg would leave breaks a limit.';

revoke all on function pgledger.check_balance from public;
