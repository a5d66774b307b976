/*
Refuses a leg that would break its account's limits. Only here are limits and held sums looked at
closely, and only where the quick look of the writing functions found the leg doubtful.

A leg that takes from an account can only break the lower limit, and a leg that gives can only break
the upper one. So an account that is beyond a limit already lets every leg pass that brings it
nearer.

The caller holds the account's row, and may have updated it: it gives the balance from before. What
else the leg needs is read here. The held sums are taken as they stand: where one may contain holds
that have expired, the caller has called pgledger.release_expired before. A leg that is held, not
moved, is in its account's sum already. A caller that has not written its sum yet gives it.

Errors: InsufficientFunds, PositiveBalanceNotAllowed, BalanceOutOfRange.
*/
create or replace function pgledger.check_balance(
  account_key bigint,
  previous_balance numeric,
  change numeric,
  request_index bigint default null,
  request_count bigint default null,
  is_held boolean default false,
  held numeric default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_account record;
  v_balance numeric := previous_balance + change;
  v_held numeric;
  v_ok boolean;
begin
  select
    accounts.id, accounts.name, accounts.min_balance, accounts.max_balance, accounts.held_out,
    accounts.held_in
  into v_account
  from pgledger.accounts
  where accounts.key = account_key;
  v_held := coalesce(
    held, case when change < 0 then v_account.held_out else v_account.held_in end
  ) - case when is_held then abs(change) else 0 end;

  if change < 0 and v_balance - v_held < v_account.min_balance then
    v_ok := pgledger.fail(
      'InsufficientFunds',
      array[
        v_account.id,
        v_account.name,
        case
          when v_account.min_balance = 0 and v_held = 0
            then 'does not allow a negative balance'
          else format('may not fall below %s', v_account.min_balance)
        end,
        previous_balance::text,
        abs(change)::text,
        case when v_held <> 0 then format(' and %s held', v_held) end,
        (v_balance - v_held)::text
      ],
      request_index,
      request_count
    );
  elsif change > 0 and v_balance + v_held > v_account.max_balance then
    v_ok := pgledger.fail(
      'PositiveBalanceNotAllowed',
      array[
        v_account.id,
        v_account.name,
        case
          when v_account.max_balance = 0 and v_held = 0
            then 'does not allow a positive balance'
          else format('may not rise above %s', v_account.max_balance)
        end,
        previous_balance::text,
        change::text,
        case when v_held <> 0 then format(' and %s held', v_held) end,
        (v_balance + v_held)::text
      ],
      request_index,
      request_count
    );
  elsif
    abs(v_balance) >= 1e30 or is_held and abs(v_balance + sign(change) * v_held) >= 1e30
  then
    v_ok := pgledger.fail(
      'BalanceOutOfRange',
      array[
        v_account.id,
        v_account.name,
        (v_balance + case when is_held then sign(change) * v_held else 0 end)::text
      ],
      request_index,
      request_count
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_balance is
  'Raises an error if the balance that a leg would leave breaks a limit.';

revoke all on function pgledger.check_balance from public;
