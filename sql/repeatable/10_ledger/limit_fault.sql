/*
Says what is wrong with a limit of an account, or null if nothing is. Null is no limit. Decimal
places are those that matter: trailing zeros do not count.
*/
create or replace function pgledger.limit_fault(balance numeric)
returns text
language sql
stable
parallel safe
as $$
  select case
    when balance is null then null
    -- NaN is above every number, so the comparison with 1e30 refuses it, too.
    when balance > -1e30 and balance < 1e30 and min_scale(balance) <= 18 then null
    when balance = 'NaN' then 'it is not a number'
    when balance in ('Infinity', '-Infinity') then 'it is not finite'
    when balance >= 1e30 then 'it is not below 1e30'
    when balance <= -1e30 then 'it is not above -1e30'
    else format('it has %s decimal places', min_scale(balance))
  end
$$;

comment on function pgledger.limit_fault is 'What is wrong with a limit of an account, or null.';

revoke all on function pgledger.limit_fault from public;
