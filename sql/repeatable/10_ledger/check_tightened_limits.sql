/*
Refuses a limit that is tightened to where the account is beyond it already. What holds keep back
counts, as it does for transfers. A limit that stays, or is loosened, is not looked at: an account
may have been beyond it before.

Errors: LimitAlreadyBroken.
*/
create or replace function pgledger.check_tightened_limits(
  account pgledger.accounts,
  min_balance numeric,
  max_balance numeric
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if
    account.balance - account.held_out < min_balance
    and (min_balance <= account.min_balance) is not true
  then
    v_ok := pgledger.fail(
      'LimitAlreadyBroken',
      array[
        account.id, account.name, 'min_balance', trim_scale(min_balance)::text,
        account.balance::text,
        case when account.held_out <> 0 then format(', less %s held', account.held_out) end
      ]
    );
  elsif
    account.balance + account.held_in > max_balance
    and (max_balance >= account.max_balance) is not true
  then
    v_ok := pgledger.fail(
      'LimitAlreadyBroken',
      array[
        account.id, account.name, 'max_balance', trim_scale(max_balance)::text,
        account.balance::text,
        case when account.held_in <> 0 then format(', plus %s held', account.held_in) end
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_tightened_limits is
  'Raises LimitAlreadyBroken if the account is beyond a limit that is tightened.';

revoke all on function pgledger.check_tightened_limits from public;
