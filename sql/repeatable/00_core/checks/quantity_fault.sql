/*
Says what is wrong with a quantity, or null if nothing is. Zero is a quantity. Decimal places are
those that matter: trailing zeros do not count.
*/
create or replace function pgledger.quantity_fault(quantity numeric)
returns text
language sql
stable
parallel safe
as $$
  select case
    -- NaN is above every number, so the comparison with 1e30 refuses it, too.
    when quantity >= 0 and quantity < 1e30 and min_scale(quantity) <= 18 then null
    when quantity is null then 'it is null'
    when quantity = 'NaN' then 'it is not a number'
    when quantity in ('Infinity', '-Infinity') then 'it is not finite'
    when quantity < 0 then 'it is negative'
    when quantity >= 1e30 then 'it is not below 1e30'
    else format('it has %s decimal places', min_scale(quantity))
  end
$$;

comment on function pgledger.quantity_fault is 'What is wrong with a quantity, or null.';

revoke all on function pgledger.quantity_fault from public;
