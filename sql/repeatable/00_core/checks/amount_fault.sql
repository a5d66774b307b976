/*
Says what is wrong with an amount, or null if nothing is. Decimal places are those that matter:
trailing zeros do not count.
*/
create or replace function pgledger.amount_fault(amount numeric)
returns text
language sql
stable
parallel safe
as $$
  select case
    -- NaN is above every number, so the comparison with 1e30 refuses it, too.
    when amount > 0 and amount < 1e30 and min_scale(amount) <= 18 then null
    when amount is null then 'it is null'
    when amount = 'NaN' then 'it is not a number'
    when amount in ('Infinity', '-Infinity') then 'it is not finite'
    when amount = 0 then 'it is zero'
    when amount < 0 then 'it is negative'
    when amount >= 1e30 then 'it is not below 1e30'
    else format('it has %s decimal places', min_scale(amount))
  end
$$;

comment on function pgledger.amount_fault is 'What is wrong with an amount, or null.';

revoke all on function pgledger.amount_fault from public;
