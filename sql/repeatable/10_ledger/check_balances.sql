/*
Walks through a batch in order, on the accounts' present balances, and raises the first leg that
would break a limit. It is only called when there is such a leg: the set-based path knows that there
is one, but not which.

Errors: InsufficientFunds, PositiveBalanceNotAllowed, BalanceOutOfRange.
*/
create or replace function pgledger.check_balances(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  request_indexes bigint[],
  request_count bigint
)
returns boolean
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_custom_plan
set jit = off
as $$
declare
  v_leg record;
  v_ok boolean;
begin
  for v_leg in
    select
      accounts.id,
      accounts.name,
      accounts.allow_negative_balance,
      accounts.allow_positive_balance,
      accounts.balance + coalesce(
        sum(leg.change) over (
          partition by leg.account_id
          order by leg.place
          rows between unbounded preceding and 1 preceding
        ),
        0
      ) as previous_balance,
      leg.change,
      coalesce(check_balances.request_indexes[leg.place], leg.place) as index
    from (
      select request.place, 1 as side, request.from_account_id as account_id, -request.amount
      from unnest(from_account_ids, amounts)
        with ordinality as request (from_account_id, amount, place)
      union all
      select request.place, 2 as side, request.to_account_id as account_id, request.amount
      from unnest(to_account_ids, amounts)
        with ordinality as request (to_account_id, amount, place)
    ) as leg (place, side, account_id, change)
    inner join pgledger.accounts on leg.account_id = accounts.id
    where accounts.id = any(from_account_ids || to_account_ids)
    order by leg.place, leg.side
  loop
    v_ok := pgledger.check_balance(
      v_leg.id, v_leg.name, v_leg.allow_negative_balance, v_leg.allow_positive_balance,
      v_leg.previous_balance, v_leg.change, v_leg.index, request_count
    );
  end loop;

  return true;
end;
$$;

comment on function pgledger.check_balances is
  'Raises an error for the first leg of a batch that would break its account''s limits.';

revoke all on function pgledger.check_balances from public;
