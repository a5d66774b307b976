/*
Redemptions of coupons as applications see them. Columns never change.
*/
create or replace view @extschema@.ledger_coupon_redemptions as
select
  coupon_redemptions.id,
  coupon_redemptions.app_id,
  coupon_redemptions.tenant_id,
  coupons.id as coupon_id,
  coupons.code,
  subscriptions.id as subscription_id,
  case
    when coupon_redemptions.uses_left = 0 or coupon_redemptions.amount_left = 0 then 'used'
    else 'active'
  end as status,
  coupon_redemptions.uses_left,
  coupon_redemptions.amount_left,
  coupon_redemptions.created_at
from pgledger.coupon_redemptions
inner join pgledger.coupons on coupon_redemptions.coupon_key = coupons.key
left join pgledger.subscriptions on coupon_redemptions.subscription_key = subscriptions.key
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view @extschema@.ledger_coupon_redemptions is
  'One row a redemption: a coupon that a tenant has, and what is left of it.';
comment on column @extschema@.ledger_coupon_redemptions.id is 'Public id: red_ and a ULID.';
comment on column @extschema@.ledger_coupon_redemptions.app_id is 'App.';
comment on column @extschema@.ledger_coupon_redemptions.tenant_id is 'Tenant who redeemed it.';
comment on column @extschema@.ledger_coupon_redemptions.coupon_id is 'Id of the coupon.';
comment on column @extschema@.ledger_coupon_redemptions.code is 'Code of the coupon.';
comment on column @extschema@.ledger_coupon_redemptions.subscription_id is
  'Id of the subscription whose invoices it reduces (null for all of the tenant''s), or null.';
comment on column @extschema@.ledger_coupon_redemptions.status is
  'State; nothing is left of a used redemption; one of: active, used.';
comment on column @extschema@.ledger_coupon_redemptions.uses_left is
  'How many invoices it can still reduce (null for any number), or null.';
comment on column @extschema@.ledger_coupon_redemptions.amount_left is
  'What is left of the amount, if the coupon takes off an amount once, or null.';
comment on column @extschema@.ledger_coupon_redemptions.created_at is 'When it was redeemed.';

revoke all on table @extschema@.ledger_coupon_redemptions from public;
grant select on table @extschema@.ledger_coupon_redemptions to pgledger_reader;
