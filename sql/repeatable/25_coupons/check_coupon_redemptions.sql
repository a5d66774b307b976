/*
Refuses limits of a coupon that are below what has been redeemed. A tenant's redemptions are counted
only when its limit is lowered, because that reads all redemptions of the coupon. The caller has
locked the coupon, so that none is added meanwhile.

Errors: InUse.
*/
create or replace function pgledger.check_coupon_redemptions(
  previous pgledger.coupons,
  coupon pgledger.coupons
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_most record;
  v_ok boolean;
begin
  if coupon.max_redemptions < previous.redemptions then
    v_ok := pgledger.fail(
      'InUse',
      array[
        'coupon',
        quote_literal(previous.code),
        format('limited to %s', coupon.max_redemptions),
        format('it has been redeemed %s times', previous.redemptions)
      ],
      hint => 'A limit is not below what has been redeemed. To stop a coupon, archive it.'
    );
  elsif (
    coupon.max_redemptions_per_tenant
    < coalesce(previous.max_redemptions_per_tenant, previous.redemptions)
  ) is not true then
    return true;
  end if;

  select coupon_redemptions.tenant_id, count(*) as redemptions
  into v_most
  from pgledger.coupon_redemptions
  where coupon_redemptions.coupon_key = previous.key
  group by coupon_redemptions.tenant_id
  having count(*) > coupon.max_redemptions_per_tenant
  order by count(*) desc, coupon_redemptions.tenant_id
  limit 1;
  if found then
    v_ok := pgledger.fail(
      'InUse',
      array[
        'coupon',
        quote_literal(previous.code),
        format('limited to %s by each tenant', coupon.max_redemptions_per_tenant),
        format('tenant %L has redeemed it %s times', v_most.tenant_id, v_most.redemptions)
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_coupon_redemptions is
  'Raises InUse if the limits of a coupon are below what has been redeemed.';

revoke all on function pgledger.check_coupon_redemptions from public;
