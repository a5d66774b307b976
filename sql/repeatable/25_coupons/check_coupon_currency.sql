/*
Refuses a coupon whose currency the app does not know, or whose amounts have more decimals than the
currency. A coupon needs no currency.

Locks a currency of the app's own FOR SHARE: its exponent stays the same while the coupon is
written.
Errors: UnknownCurrency, InvalidAmount, InvalidArgument.
*/
create or replace function pgledger.check_coupon_currency(coupon pgledger.coupons)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_exponent integer;
  v_ok boolean;
begin
  if coupon.currency is null then
    return true;
  end if;

  perform 1
  from pgledger.currencies
  where currencies.app_id = coupon.app_id and currencies.code = coupon.currency
  for share;

  v_exponent := pgledger.currency_exponent(coupon.app_id, coupon.currency);
  if v_exponent is null then
    v_ok := pgledger.fail(
      'UnknownCurrency',
      array[quote_literal(pgledger.abridged(coupon.currency)), pgledger.in_app(coupon.app_id)]
    );
  elsif min_scale(coupon.amount) > v_exponent then
    v_ok := pgledger.fail(
      'InvalidAmount',
      array[
        coupon.amount::text,
        format('it has more decimal places than the %s of %s', v_exponent, coupon.currency)
      ]
    );
  elsif min_scale(coupon.minimum_subtotal) > v_exponent then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'minimum_subtotal',
        coupon.minimum_subtotal::text,
        format('it has more decimal places than the %s of %s', v_exponent, coupon.currency)
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_coupon_currency is
  'Raises unless the app knows a coupon''s currency, and its amounts have no more decimals.';

revoke all on function pgledger.check_coupon_currency from public;
