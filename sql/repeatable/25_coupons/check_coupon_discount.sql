/*
Refuses a coupon whose discount is wrong in itself. Like the code, the discount never changes.
Whether the app knows the currency, and how many decimals it has, is for
pgledger.check_coupon_currency to check. The order of the checks is that of the arguments.

Errors: NullArgument, InvalidArgument, InvalidAmount.
*/
create or replace function pgledger.check_coupon_discount(coupon pgledger.coupons)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_amount_fault text := pgledger.amount_fault(coupon.amount);
  v_minimum_fault text := pgledger.amount_fault(coupon.minimum_subtotal);
  v_percentage_fault text := case
    when num_nonnulls(coupon.percentage, coupon.amount) = 0
      then 'a coupon takes off a percentage or an amount, and neither is given'
    when num_nonnulls(coupon.percentage, coupon.amount) = 2
      then 'a coupon takes off a percentage or an amount, and both are given'
    -- NaN is above everything.
    when coupon.percentage <= 0 or coupon.percentage > 100
      then 'it is not above 0 and at most 100'
    when min_scale(coupon.percentage) > 18
      then format('it has %s decimal places', min_scale(coupon.percentage))
  end;
  v_ok boolean;
begin
  if v_percentage_fault is not null then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'percentage',
        coalesce(pgledger.abridged(coupon.percentage::text), 'null'),
        v_percentage_fault
      ]
    );
  elsif coupon.amount is not null and v_amount_fault is not null then
    v_ok := pgledger.fail(
      'InvalidAmount', array[pgledger.abridged(coupon.amount::text), v_amount_fault]
    );
  elsif coupon.currency is null
    and num_nonnulls(coupon.amount, coupon.minimum_subtotal) > 0 then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array['currency', 'null', 'an amount and a minimum subtotal are in a currency']
    );
  end if;

  v_ok := pgledger.check_coupon_duration(coupon.duration, coupon.duration_invoices);
  v_ok := pgledger.check_coupon_items(coupon.applies_to);

  if coupon.minimum_subtotal is not null and v_minimum_fault is not null then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'minimum_subtotal',
        pgledger.abridged(coupon.minimum_subtotal::text),
        v_minimum_fault
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_coupon_discount is
  'Raises the first thing that is wrong with what a coupon takes off, and of what.';

revoke all on function pgledger.check_coupon_discount from public;
