/*
Refuses to let a tenant redeem a coupon that is not valid at that time, or that is used up, in all
or by this tenant. The caller has locked the coupon, so that nobody else redeems it meanwhile.

Errors: CouponNotValid, CouponExhausted.
*/
create or replace function pgledger.check_redeemable(
  coupon pgledger.coupons,
  tenant_id text,
  at timestamptz
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_code text := quote_literal(coupon.code);
  v_fault text := case
    when coupon.status = 'archived' then 'it is archived'
    when coupon.valid_from > at then format('it is valid from %s on', coupon.valid_from)
    when coupon.valid_until <= at then format('it was valid until %s', coupon.valid_until)
  end;
  v_redeemed bigint;
  v_ok boolean;
begin
  if v_fault is not null then
    v_ok := pgledger.fail('CouponNotValid', array[v_code, v_fault]);
  elsif coupon.redemptions >= coupon.max_redemptions then
    v_ok := pgledger.fail(
      'CouponExhausted', array[v_code, coupon.redemptions::text, coupon.max_redemptions::text, '']
    );
  elsif coupon.max_redemptions_per_tenant is null then
    return true;
  end if;

  select count(*)
  into v_redeemed
  from pgledger.coupon_redemptions
  where coupon_redemptions.coupon_key = coupon.key
    and coupon_redemptions.tenant_id = check_redeemable.tenant_id;
  if v_redeemed >= coupon.max_redemptions_per_tenant then
    v_ok := pgledger.fail(
      'CouponExhausted',
      array[
        v_code,
        v_redeemed::text,
        coupon.max_redemptions_per_tenant::text,
        ' by tenant ' || quote_literal(tenant_id)
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_redeemable is
  'Raises CouponNotValid or CouponExhausted unless a tenant can redeem a coupon at that time.';

revoke all on function pgledger.check_redeemable from public;
