/*
Locks the coupons that a tenant has redeemed, ascending by key, so that nobody else uses them up or
gives them back meanwhile. Those that are used up are locked too, for they could be given back.

Returns whether all of them are locked. If it is not to wait, and somebody else holds one of them,
they are not.
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
  -- Most tenants have none, and then this look is all that it costs.
  if not exists (
    select
    from pgledger.coupon_redemptions
    where coupon_redemptions.app_id = lock_redemptions.app_id
      and coupon_redemptions.tenant_id = lock_redemptions.tenant_id
  ) then
    return true;
  elsif wait then
    perform
    from pgledger.coupon_redemptions
    where coupon_redemptions.app_id = lock_redemptions.app_id
      and coupon_redemptions.tenant_id = lock_redemptions.tenant_id
    order by coupon_redemptions.key
    for no key update;
    return true;
  end if;

  perform
  from pgledger.coupon_redemptions
  where coupon_redemptions.app_id = lock_redemptions.app_id
    and coupon_redemptions.tenant_id = lock_redemptions.tenant_id
  order by coupon_redemptions.key
  for no key update skip locked;
  get diagnostics v_count = row_count;
  return v_count = (
    select count(*)
    from pgledger.coupon_redemptions
    where coupon_redemptions.app_id = lock_redemptions.app_id
      and coupon_redemptions.tenant_id = lock_redemptions.tenant_id
  );
end;
$$;

comment on function pgledger.lock_redemptions is
  'Locks the coupons that a tenant has redeemed, and returns whether all of them are locked.';

revoke all on function pgledger.lock_redemptions from public;
