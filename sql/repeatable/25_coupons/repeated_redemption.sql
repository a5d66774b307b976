/*
The internal key of the redemption that an earlier call with that id has made, or null if none has.
The code is compared, and not which coupon it names by now.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.repeated_redemption(
  app_id text,
  tenant_id text,
  code text,
  subscription_id text,
  id text
)
returns bigint
language plpgsql
stable
parallel safe
as $$
declare
  v_key bigint;
  v_is_same boolean;
  v_ok boolean;
begin
  select
    coupon_redemptions.key,
    (coupon_redemptions.app_id, coupon_redemptions.tenant_id, coupons.code)
    = (repeated_redemption.app_id, repeated_redemption.tenant_id, repeated_redemption.code)
    and subscriptions.id is not distinct from repeated_redemption.subscription_id
  into v_key, v_is_same
  from pgledger.coupon_redemptions
  inner join pgledger.coupons on coupon_redemptions.coupon_key = coupons.key
  left join pgledger.subscriptions on coupon_redemptions.subscription_key = subscriptions.key
  where coupon_redemptions.id = repeated_redemption.id;

  if not v_is_same then
    v_ok := pgledger.fail('IdempotencyConflict', array[id]);
  end if;
  return v_key;
end;
$$;

comment on function pgledger.repeated_redemption is
  'Internal key of the redemption that has that id already, or null; raises if another request '
  'made it.';

revoke all on function pgledger.repeated_redemption from public;
