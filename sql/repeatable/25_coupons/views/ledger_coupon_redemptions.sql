/*
Redemptions of coupons as applications see them. Columns never change.
*/
create or replace view ledger_coupon_redemptions as
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

comment on view ledger_coupon_redemptions is
  'One row a redemption: a coupon that a tenant has, and what is left of it.';
comment on column ledger_coupon_redemptions.id is 'Id of the redemption: red_ and a ULID.';
comment on column ledger_coupon_redemptions.app_id is 'App.';
comment on column ledger_coupon_redemptions.tenant_id is 'Tenant who redeemed it.';
comment on column ledger_coupon_redemptions.coupon_id is 'Id of the coupon.';
comment on column ledger_coupon_redemptions.code is 'Code of the coupon.';
comment on column ledger_coupon_redemptions.subscription_id is
  'Id of the subscription whose invoices it reduces; null for all of the tenant''s.';
comment on column ledger_coupon_redemptions.status is
  'Whether it is active, or used: nothing is left of it.';
comment on column ledger_coupon_redemptions.uses_left is
  'How many invoices it can still reduce; null for any number.';
comment on column ledger_coupon_redemptions.amount_left is
  'What is left of an amount off that is for once; null for all others.';
comment on column ledger_coupon_redemptions.created_at is 'When it was redeemed.';

revoke all on table ledger_coupon_redemptions from public;
grant select on table ledger_coupon_redemptions to pgledger_reader;
