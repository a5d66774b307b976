/*
Coupons as applications see them. Columns never change.
*/
create or replace view @extschema@.ledger_coupons as
select
  coupons.id,
  coupons.app_id,
  coupons.tenant_id,
  coupons.code,
  coupons.name,
  coupons.percentage,
  coupons.amount,
  coupons.currency,
  coupons.duration,
  coupons.duration_invoices,
  coupons.applies_to,
  coupons.minimum_subtotal,
  coupons.valid_from,
  coupons.valid_until,
  coupons.max_redemptions,
  coupons.max_redemptions_per_tenant,
  coupons.redemptions,
  coupons.status,
  coupons.version,
  coupons.metadata,
  coupons.created_at,
  coupons.updated_at
from pgledger.coupons
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view @extschema@.ledger_coupons is
  'One row a coupon: what it takes off, for whom, and how often it can be redeemed.';
comment on column @extschema@.ledger_coupons.id is 'Public id: cpn_ and a ULID.';
comment on column @extschema@.ledger_coupons.app_id is 'App that it belongs to.';
comment on column @extschema@.ledger_coupons.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column @extschema@.ledger_coupons.code is
  'What is typed to redeem it, for example WELCOME20.';
comment on column @extschema@.ledger_coupons.name is 'Name for people; stands on invoices.';
comment on column @extschema@.ledger_coupons.percentage is
  'Percent off, above 0 and at most 100 (null if it takes off an amount), or null.';
comment on column @extschema@.ledger_coupons.amount is
  'Amount off, in its currency (null if it takes off a percentage), or null.';
comment on column @extschema@.ledger_coupons.currency is
  'Currency of its amounts; if it has one, it reduces only invoices in that currency, or null.';
comment on column @extschema@.ledger_coupons.duration is
  'How many invoices a redemption reduces; repeating means duration_invoices of them; one of: '
  'once, repeating, forever.';
comment on column @extschema@.ledger_coupons.duration_invoices is
  'How many invoices a redemption reduces if duration is repeating, or null.';
comment on column @extschema@.ledger_coupons.applies_to is
  'Which lines it reduces: keys of features, base for the base fee, items of one-off lines (null '
  'for the whole invoice), or null.';
comment on column @extschema@.ledger_coupons.minimum_subtotal is
  'Least sum of an invoice''s lines, before discounts, for it to apply, or null.';
comment on column @extschema@.ledger_coupons.valid_from is
  'First moment at which it can be redeemed (null for any time), or null.';
comment on column @extschema@.ledger_coupons.valid_until is
  'First moment at which it can no longer be redeemed (null for never), or null.';
comment on column @extschema@.ledger_coupons.max_redemptions is
  'How often it can be redeemed in all (null for any number), or null.';
comment on column @extschema@.ledger_coupons.max_redemptions_per_tenant is
  'How often one tenant can redeem it (null for any number), or null.';
comment on column @extschema@.ledger_coupons.redemptions is 'How often it has been redeemed.';
comment on column @extschema@.ledger_coupons.status is
  'State; an archived coupon can no longer be redeemed, and earlier redemptions stay; one of: '
  'active, archived.';
comment on column @extschema@.ledger_coupons.version is
  'Counts changes, from 1; a redemption is not a change.';
comment on column @extschema@.ledger_coupons.metadata is 'JSON object of the app''s own, or null.';
comment on column @extschema@.ledger_coupons.created_at is 'When it was created.';
comment on column @extschema@.ledger_coupons.updated_at is 'When it was last changed.';

revoke all on table @extschema@.ledger_coupons from public;
grant select on table @extschema@.ledger_coupons to pgledger_reader;
