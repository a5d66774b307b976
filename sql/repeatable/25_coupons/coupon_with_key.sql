/*
The coupon with that internal key, as applications see it, or null.
*/
create or replace function pgledger.coupon_with_key(key bigint)
returns @extschema@.ledger_coupon
language sql
stable
parallel safe
as $$
  select
    coupons.id, coupons.app_id, coupons.tenant_id, coupons.code, coupons.name,
    coupons.percentage, coupons.amount, coupons.currency, coupons.duration,
    coupons.duration_invoices, coupons.applies_to, coupons.minimum_subtotal, coupons.valid_from,
    coupons.valid_until, coupons.max_redemptions, coupons.max_redemptions_per_tenant,
    coupons.redemptions, coupons.status, coupons.version, coupons.metadata, coupons.created_at,
    coupons.updated_at
  from pgledger.coupons
  where coupons.key = coupon_with_key.key
$$;

comment on function pgledger.coupon_with_key is
  'The coupon with that internal key, as applications see it, or null.';

revoke all on function pgledger.coupon_with_key from public;
