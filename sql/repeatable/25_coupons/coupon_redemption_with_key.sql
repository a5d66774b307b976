/*
The redemption with that internal key, as applications see it, or null.
*/
create or replace function pgledger.coupon_redemption_with_key(key bigint)
returns @extschema@.ledger_coupon_redemption
language sql
stable
parallel safe
as $$
  select
    coupon_redemptions.id, coupon_redemptions.app_id, coupon_redemptions.tenant_id, coupons.id,
    coupons.code, subscriptions.id,
    case
      when coupon_redemptions.uses_left = 0 or coupon_redemptions.amount_left = 0 then 'used'
      else 'active'
    end,
    coupon_redemptions.uses_left, coupon_redemptions.amount_left, coupon_redemptions.created_at
  from pgledger.coupon_redemptions
  inner join pgledger.coupons on coupon_redemptions.coupon_key = coupons.key
  left join pgledger.subscriptions on coupon_redemptions.subscription_key = subscriptions.key
  where coupon_redemptions.key = coupon_redemption_with_key.key
$$;

comment on function pgledger.coupon_redemption_with_key is
  'The redemption with that internal key, as applications see it, or null.';

revoke all on function pgledger.coupon_redemption_with_key from public;
