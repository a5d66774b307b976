/*
Coupons, who has redeemed them, and which invoices they have reduced. A redemption belongs to the
tenant: invoices use it up when they become final, and give it back when they are voided.
*/
create table pgledger.coupons (
  key bigint generated always as identity (minvalue 1 maxvalue 4294967295),
  id text collate "C" not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  code text collate "C" not null,
  name text not null,
  percentage numeric,
  amount numeric,
  currency text collate "C",
  duration text collate "C" not null,
  duration_invoices integer,
  applies_to text[] collate "C",
  minimum_subtotal numeric,
  valid_from timestamptz,
  valid_until timestamptz,
  max_redemptions bigint,
  max_redemptions_per_tenant bigint,
  redemptions bigint default 0 not null,
  status text collate "C" default 'active' not null,
  version bigint default 1 not null,
  metadata jsonb,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint coupons_key_pk primary key (key),
  constraint coupons_id_key unique (id),
  constraint coupons_percentage_or_amount_check check (num_nonnulls(percentage, amount) = 1),
  constraint coupons_percentage_is_0_to_100_check
  check (percentage > 0 and percentage <= 100),
  constraint coupons_amount_is_positive_check check (amount > 0 and amount < 1e30),
  constraint coupons_amounts_have_a_currency_check
  check (currency is not null or (amount is null and minimum_subtotal is null)),
  constraint coupons_duration_is_known_check
  check (duration in ('once', 'repeating', 'forever')),
  constraint coupons_only_repeating_ones_count_invoices_check
  check ((duration = 'repeating') = (duration_invoices is not null)),
  constraint coupons_redemptions_are_within_limit_check check (redemptions <= max_redemptions),
  constraint coupons_status_is_known_check check (status in ('active', 'archived'))
);

-- The code of an archived coupon is free for another.
create unique index coupons_app_id_tenant_id_code_active_idx
on pgledger.coupons (app_id, tenant_id, code)
where status = 'active';
create index coupons_app_id_tenant_id_code_idx on pgledger.coupons (app_id, tenant_id, code);

comment on table pgledger.coupons is 'Discounts that tenants can redeem by a code.';
comment on column pgledger.coupons.key is 'Internal key.';
comment on column pgledger.coupons.id is 'Public id: cpn_ and a ULID.';
comment on column pgledger.coupons.app_id is 'App that it belongs to.';
comment on column pgledger.coupons.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column pgledger.coupons.code is 'What is typed to redeem it, for example WELCOME20.';
comment on column pgledger.coupons.name is 'Name for people; stands on invoices.';
comment on column pgledger.coupons.percentage is
  'Percent off, above 0 and at most 100 (null if it takes off an amount), or null.';
comment on column pgledger.coupons.amount is
  'Amount off, in its currency (null if it takes off a percentage), or null.';
comment on column pgledger.coupons.currency is
  'Currency of its amounts; if it has one, it reduces only invoices in that currency, or null.';
comment on column pgledger.coupons.duration is
  'How many invoices a redemption reduces; repeating means duration_invoices of them; one of: '
  'once, repeating, forever.';
comment on column pgledger.coupons.duration_invoices is
  'How many invoices a redemption reduces if duration is repeating, or null.';
comment on column pgledger.coupons.applies_to is
  'Which lines it reduces: keys of features, base for the base fee, items of one-off lines (null '
  'for the whole invoice), or null.';
comment on column pgledger.coupons.minimum_subtotal is
  'Least sum of an invoice''s lines, before discounts, for it to apply, or null.';
comment on column pgledger.coupons.valid_from is
  'First moment at which it can be redeemed (null for any time), or null.';
comment on column pgledger.coupons.valid_until is
  'First moment at which it can no longer be redeemed (null for never), or null.';
comment on column pgledger.coupons.max_redemptions is
  'How often it can be redeemed in all (null for any number), or null.';
comment on column pgledger.coupons.max_redemptions_per_tenant is
  'How often one tenant can redeem it (null for any number), or null.';
comment on column pgledger.coupons.redemptions is 'How often it has been redeemed.';
comment on column pgledger.coupons.status is
  'State; an archived coupon can no longer be redeemed, and earlier redemptions stay; one of: '
  'active, archived.';
comment on column pgledger.coupons.version is
  'Counts changes, from 1; a redemption is not a change.';
comment on column pgledger.coupons.metadata is 'JSON object of the app''s own, or null.';
comment on column pgledger.coupons.created_at is 'When it was created.';
comment on column pgledger.coupons.updated_at is 'When it was last changed.';

create table pgledger.coupon_redemptions (
  key bigint generated always as identity (minvalue 1 maxvalue 4294967295),
  id text collate "C" not null,
  coupon_key bigint not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  subscription_key bigint,
  uses_left integer,
  amount_left numeric,
  created_at timestamptz not null,
  constraint coupon_redemptions_key_pk primary key (key),
  constraint coupon_redemptions_id_key unique (id),
  constraint coupon_redemptions_coupon_key_fk foreign key (coupon_key)
  references pgledger.coupons (key),
  constraint coupon_redemptions_subscription_key_fk foreign key (subscription_key)
  references pgledger.subscriptions (key),
  constraint coupon_redemptions_uses_left_is_not_negative_check check (uses_left >= 0),
  constraint coupon_redemptions_amount_left_is_not_negative_check check (amount_left >= 0)
) with (fillfactor = 80);

create index coupon_redemptions_app_id_tenant_id_idx
on pgledger.coupon_redemptions (app_id, tenant_id);
create index coupon_redemptions_coupon_key_tenant_id_idx
on pgledger.coupon_redemptions (coupon_key, tenant_id);
create index coupon_redemptions_subscription_key_idx
on pgledger.coupon_redemptions (subscription_key);

comment on table pgledger.coupon_redemptions is 'Coupons that tenants have, and what is left.';
comment on column pgledger.coupon_redemptions.key is 'Internal key.';
comment on column pgledger.coupon_redemptions.id is 'Public id: red_ and a ULID.';
comment on column pgledger.coupon_redemptions.coupon_key is 'Coupon.';
comment on column pgledger.coupon_redemptions.app_id is 'App.';
comment on column pgledger.coupon_redemptions.tenant_id is 'Tenant who redeemed it.';
comment on column pgledger.coupon_redemptions.subscription_key is
  'Subscription whose invoices it reduces; null for all of the tenant''s.';
comment on column pgledger.coupon_redemptions.uses_left is
  'How many invoices it can still reduce (null for any number), or null.';
comment on column pgledger.coupon_redemptions.amount_left is
  'What is left of the amount, if the coupon takes off an amount once, or null.';
comment on column pgledger.coupon_redemptions.created_at is 'When it was redeemed.';

alter table pgledger.coupons enable row level security;
revoke all on table pgledger.coupons from public;
grant select on table pgledger.coupons to pgledger_auditor;
create policy auditors_read_all on pgledger.coupons
for select to pgledger_auditor using (true);
alter table pgledger.coupon_redemptions enable row level security;
revoke all on table pgledger.coupon_redemptions from public;
grant select on table pgledger.coupon_redemptions to pgledger_auditor;
create policy auditors_read_all on pgledger.coupon_redemptions
for select to pgledger_auditor using (true);

create type @extschema@.ledger_coupon as (
  id text collate "C",
  app_id text collate "C",
  tenant_id text collate "C",
  code text collate "C",
  name text,
  percentage numeric,
  amount numeric,
  currency text collate "C",
  duration text collate "C",
  duration_invoices integer,
  applies_to text array,
  minimum_subtotal numeric,
  valid_from timestamptz,
  valid_until timestamptz,
  max_redemptions bigint,
  max_redemptions_per_tenant bigint,
  redemptions bigint,
  status text collate "C",
  version bigint,
  metadata jsonb,
  created_at timestamptz,
  updated_at timestamptz
);

comment on type @extschema@.ledger_coupon is 'A discount that tenants can redeem.';
comment on column @extschema@.ledger_coupon.id is 'Public id: cpn_ and a ULID.';
comment on column @extschema@.ledger_coupon.app_id is 'App that it belongs to.';
comment on column @extschema@.ledger_coupon.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column @extschema@.ledger_coupon.code is
  'What is typed to redeem it, for example WELCOME20.';
comment on column @extschema@.ledger_coupon.name is 'Name for people; stands on invoices.';
comment on column @extschema@.ledger_coupon.percentage is
  'Percent off, above 0 and at most 100 (null if it takes off an amount), or null.';
comment on column @extschema@.ledger_coupon.amount is
  'Amount off, in its currency (null if it takes off a percentage), or null.';
comment on column @extschema@.ledger_coupon.currency is
  'Currency of its amounts; if it has one, it reduces only invoices in that currency, or null.';
comment on column @extschema@.ledger_coupon.duration is
  'How many invoices a redemption reduces; repeating means duration_invoices of them; one of: '
  'once, repeating, forever.';
comment on column @extschema@.ledger_coupon.duration_invoices is
  'How many invoices a redemption reduces if duration is repeating, or null.';
comment on column @extschema@.ledger_coupon.applies_to is
  'Which lines it reduces: keys of features, base for the base fee, items of one-off lines (null '
  'for the whole invoice), or null.';
comment on column @extschema@.ledger_coupon.minimum_subtotal is
  'Least sum of an invoice''s lines, before discounts, for it to apply, or null.';
comment on column @extschema@.ledger_coupon.valid_from is
  'First moment at which it can be redeemed (null for any time), or null.';
comment on column @extschema@.ledger_coupon.valid_until is
  'First moment at which it can no longer be redeemed (null for never), or null.';
comment on column @extschema@.ledger_coupon.max_redemptions is
  'How often it can be redeemed in all (null for any number), or null.';
comment on column @extschema@.ledger_coupon.max_redemptions_per_tenant is
  'How often one tenant can redeem it (null for any number), or null.';
comment on column @extschema@.ledger_coupon.redemptions is 'How often it has been redeemed.';
comment on column @extschema@.ledger_coupon.status is
  'State; an archived coupon can no longer be redeemed, and earlier redemptions stay; one of: '
  'active, archived.';
comment on column @extschema@.ledger_coupon.version is
  'Counts changes, from 1; a redemption is not a change.';
comment on column @extschema@.ledger_coupon.metadata is 'JSON object of the app''s own, or null.';
comment on column @extschema@.ledger_coupon.created_at is 'When it was created.';
comment on column @extschema@.ledger_coupon.updated_at is 'When it was last changed.';

revoke all on type @extschema@.ledger_coupon from public;
grant usage on type @extschema@.ledger_coupon to pgledger_reader;

create type @extschema@.ledger_coupon_redemption as (
  id text collate "C",
  app_id text collate "C",
  tenant_id text collate "C",
  coupon_id text collate "C",
  code text collate "C",
  subscription_id text collate "C",
  status text,
  uses_left integer,
  amount_left numeric,
  created_at timestamptz
);

comment on type @extschema@.ledger_coupon_redemption is
  'A coupon that a tenant has, and what is left of it.';
comment on column @extschema@.ledger_coupon_redemption.id is 'Public id: red_ and a ULID.';
comment on column @extschema@.ledger_coupon_redemption.app_id is 'App.';
comment on column @extschema@.ledger_coupon_redemption.tenant_id is 'Tenant who redeemed it.';
comment on column @extschema@.ledger_coupon_redemption.coupon_id is 'Id of the coupon.';
comment on column @extschema@.ledger_coupon_redemption.code is 'Code of the coupon.';
comment on column @extschema@.ledger_coupon_redemption.subscription_id is
  'Id of the subscription whose invoices it reduces (null for all of the tenant''s), or null.';
comment on column @extschema@.ledger_coupon_redemption.status is
  'State; nothing is left of a used redemption; one of: active, used.';
comment on column @extschema@.ledger_coupon_redemption.uses_left is
  'How many invoices it can still reduce (null for any number), or null.';
comment on column @extschema@.ledger_coupon_redemption.amount_left is
  'What is left of the amount, if the coupon takes off an amount once, or null.';
comment on column @extschema@.ledger_coupon_redemption.created_at is 'When it was redeemed.';

revoke all on type @extschema@.ledger_coupon_redemption from public;
grant usage on type @extschema@.ledger_coupon_redemption to pgledger_reader;
