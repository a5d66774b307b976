/*
Locks what a tenant has left of coupons, ascending by key, so that nobody else uses it meanwhile.
Returns whether it has: without waiting, if somebody else holds one of them, it has not.
*/
create or replace function pgledger.lock_redemptions(
  app_id text,
  tenant_id text,
  wait boolean
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_count bigint;
begin
  if wait then
    perform
    from pgledger.coupon_redemptions
    where coupon_redemptions.app_id = lock_redemptions.app_id
      and coupon_redemptions.tenant_id = lock_redemptions.tenant_id
      and (coupon_redemptions.uses_left > 0) is not false
    order by coupon_redemptions.key
    for no key update;
    return true;
  end if;

  perform
  from pgledger.coupon_redemptions
  where coupon_redemptions.app_id = lock_redemptions.app_id
    and coupon_redemptions.tenant_id = lock_redemptions.tenant_id
    and (coupon_redemptions.uses_left > 0) is not false
  order by coupon_redemptions.key
  for no key update skip locked;
  get diagnostics v_count = row_count;
  return v_count = (
    select count(*)
    from pgledger.coupon_redemptions
    where coupon_redemptions.app_id = lock_redemptions.app_id
      and coupon_redemptions.tenant_id = lock_redemptions.tenant_id
      and (coupon_redemptions.uses_left > 0) is not false
  );
end;
$$;

comment on function pgledger.lock_redemptions is
  'Locks what a tenant has left of coupons, and returns whether it could.';

revoke all on function pgledger.lock_redemptions from public;
