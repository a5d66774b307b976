/*
Invoices: their lines, the payments made on them, the credits that lowered them, and the coupons
that reduced them. A draft is computed anew whenever it is refreshed; once an invoice is final, only
its state, its payments and its credits change.

The lines are also the record of what has been billed: a later invoice for the same time charges or
credits the difference to them.
*/
create type pgledger.billing_segment as (
  starts_at timestamptz,
  ends_at timestamptz,
  plan_key bigint,
  quantity numeric,
  status text,
  whole_start timestamptz,
  whole_end timestamptz
);

comment on type pgledger.billing_segment is
  'A part of a subscription''s period in which neither plan, quantity nor status changed.';
revoke all on type pgledger.billing_segment from public;

create type pgledger.invoice_occasion as (
  period_start timestamptz,
  place integer,
  change_version bigint,
  version bigint,
  kind text,
  has_next boolean
);

comment on type pgledger.invoice_occasion is
  'What a change of a subscription asks to be invoiced for: which invoice, its place among those '
  'of a period, and the version of the subscription after that change.';
revoke all on type pgledger.invoice_occasion from public;

create type pgledger.base_charge as (
  plan_key bigint,
  quantity numeric,
  plan_name text,
  price numeric,
  proration text,
  starts_at timestamptz,
  ends_at timestamptz,
  units numeric,
  length numeric,
  due numeric,
  gross numeric,
  net numeric
);

comment on type pgledger.base_charge is
  'What a plan''s base fee for a period comes to, for how many of the period''s days or seconds, '
  'and what has been billed of it.';
revoke all on type pgledger.base_charge from public;

create type pgledger.priced_feature as (
  description text,
  feature_key text,
  unit_amount numeric,
  meter_key integer,
  unique_key text,
  basis jsonb
);

comment on type pgledger.priced_feature is
  'A feature that has a price, with what a charge is computed from and the meter that counts it.';
revoke all on type pgledger.priced_feature from public;

create type pgledger.usage_charge as (
  plan_key bigint,
  starts_at timestamptz,
  ends_at timestamptz,
  description text,
  feature_key text,
  unit_amount numeric,
  basis jsonb,
  quantity numeric,
  amount numeric,
  true_up numeric,
  cap numeric,
  gross_amount numeric,
  gross_true_up numeric,
  gross_cap numeric,
  counted numeric,
  events bigint
);

comment on type pgledger.usage_charge is
  'What usage of a feature in a period comes to by a plan''s price, or what is left of it to bill. '
  'The gross amounts are those before a credit was reduced by a discount, or null.';
revoke all on type pgledger.usage_charge from public;

create type pgledger.billed_charge as (
  plan_key bigint,
  item text,
  quantity numeric,
  amount numeric,
  true_up numeric,
  cap numeric,
  net numeric,
  events bigint,
  basis jsonb
);

comment on type pgledger.billed_charge is
  'What invoices have billed for usage of a feature in a period by a plan''s price: before '
  'discounts, and net, after them.';
revoke all on type pgledger.billed_charge from public;

create type pgledger.rival_time as (
  subscription_key bigint,
  started_at timestamptz,
  created_at timestamptz,
  starts_at timestamptz,
  ends_at timestamptz,
  status text,
  priority integer,
  priced jsonb,
  allowances jsonb
);

comment on type pgledger.rival_time is
  'A time in which another subscription of the same tenant is active or in its trial, with the '
  'features that it has prices for and what it gives for nothing.';
revoke all on type pgledger.rival_time from public;

create table pgledger.invoices (
  key bigint generated always as identity (minvalue 1 maxvalue 4294967295),
  id text collate "C" not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  subscription_key bigint,
  kind text collate "C" not null,
  period_start timestamptz,
  period_end timestamptz,
  status text collate "C" default 'draft' not null,
  number bigint,
  currency text collate "C" not null,
  subtotal numeric not null,
  discount numeric not null,
  tax numeric not null,
  total numeric not null,
  credits_applied numeric default 0 not null,
  amount_due numeric not null,
  amount_paid numeric default 0 not null,
  refund_due numeric default 0 not null,
  unapplied numeric default 0 not null,
  tax_rates jsonb default '[]' not null,
  change_version bigint default 0 not null,
  rival_changes bigint,
  finalized_at timestamptz,
  due_at timestamptz,
  paid_at timestamptz,
  voided_at timestamptz,
  void_reason text,
  uncollectible_at timestamptz,
  version bigint default 1 not null,
  metadata jsonb,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint invoices_key_pk primary key (key),
  constraint invoices_id_key unique (id),
  constraint invoices_app_id_number_key unique (app_id, number),
  constraint invoices_subscription_key_fk foreign key (subscription_key)
  references pgledger.subscriptions (key),
  constraint invoices_kind_is_known_check
  check (kind in ('period', 'start', 'change', 'interim', 'one_off')),
  constraint invoices_only_one_off_ones_have_no_subscription_check
  check ((kind = 'one_off') = (subscription_key is null)),
  constraint invoices_status_is_known_check
  check (status in ('draft', 'pending', 'paid', 'past_due', 'voided', 'uncollectible')),
  constraint invoices_total_adds_up_check check (total = subtotal - discount + tax),
  constraint invoices_amount_due_adds_up_check
  check (amount_due = greatest(total - credits_applied, 0))
) with (fillfactor = 80);

create unique index invoices_subscription_key_kind_period_start_change_version_idx
on pgledger.invoices (subscription_key, kind, period_start, change_version)
where status <> 'voided';
create index invoices_app_id_tenant_id_idx on pgledger.invoices (app_id, tenant_id);
create index invoices_app_id_due_at_key_idx on pgledger.invoices (app_id, due_at, key)
where status = 'pending';

comment on table pgledger.invoices is 'Invoices, from the draft to the last payment.';
comment on column pgledger.invoices.key is 'Internal key.';
comment on column pgledger.invoices.id is 'Public id: inv_ and a ULID.';
comment on column pgledger.invoices.app_id is 'App.';
comment on column pgledger.invoices.tenant_id is 'Tenant who is billed.';
comment on column pgledger.invoices.subscription_key is 'Subscription; null for a one-off invoice.';
comment on column pgledger.invoices.kind is
  'What it is for. period: what a period has come to. start: a base fee that is due at the start '
  'of the time it pays for. change: what a change of plan or quantity comes to in its period. '
  'interim: usage within a period. one_off: lines that the app gave. One of: period, start, '
  'change, interim, one_off.';
comment on column pgledger.invoices.period_start is
  'Start of the period it is for, inclusive (null for a one-off invoice), or null.';
comment on column pgledger.invoices.period_end is
  'End of the period it is for, exclusive (null for a one-off invoice), or null.';
comment on column pgledger.invoices.status is
  'State; one of: draft, pending, paid, past_due, voided, uncollectible.';
comment on column pgledger.invoices.number is
  'Number within the app, from 1 without a gap (null for a draft), or null.';
comment on column pgledger.invoices.currency is 'Currency of all its amounts.';
comment on column pgledger.invoices.subtotal is 'Sum of its lines before discounts and taxes.';
comment on column pgledger.invoices.discount is 'Sum of what coupons take off.';
comment on column pgledger.invoices.tax is 'Sum of its taxes.';
comment on column pgledger.invoices.total is
  'What it comes to: subtotal less discount plus tax; below zero where it credits more than it '
  'charges.';
comment on column pgledger.invoices.credits_applied is
  'What credits of other invoices have paid of the total.';
comment on column pgledger.invoices.amount_due is
  'What is to be paid: total less credits_applied, at least 0.';
comment on column pgledger.invoices.amount_paid is 'Sum of the payments made on it.';
comment on column pgledger.invoices.refund_due is
  'What is to be paid back: the part of a total below zero that goes back as money.';
comment on column pgledger.invoices.unapplied is
  'What was paid too much, or credited beyond what was open and is not refunded: kept for the '
  'tenant, and not yet used.';
comment on column pgledger.invoices.tax_rates is
  'JSON array of the tax rates it was computed with, as given.';
comment on column pgledger.invoices.change_version is
  'For an invoice of kind change, the version of the subscription after that change; otherwise 0.';
comment on column pgledger.invoices.rival_changes is
  'For an invoice of kind period that was computed, how many changes of the tenant''s other '
  'subscriptions within the period it knew of; otherwise null.';
comment on column pgledger.invoices.finalized_at is 'When it became final, or null.';
comment on column pgledger.invoices.due_at is 'When it is to be paid, or null.';
comment on column pgledger.invoices.paid_at is 'When its payments covered it, or null.';
comment on column pgledger.invoices.voided_at is 'When it was voided, or null.';
comment on column pgledger.invoices.void_reason is 'Why it was voided, as given, or null.';
comment on column pgledger.invoices.uncollectible_at is
  'When it was given up as uncollectible, or null.';
comment on column pgledger.invoices.version is 'Counts changes, from 1.';
comment on column pgledger.invoices.metadata is 'JSON object of the app''s own, or null.';
comment on column pgledger.invoices.created_at is 'When it was drawn up.';
comment on column pgledger.invoices.updated_at is 'When it was last changed.';

create table pgledger.invoice_lines (
  invoice_key bigint not null,
  place integer not null,
  kind text collate "C" not null,
  description text not null,
  item text collate "C",
  period_start timestamptz,
  period_end timestamptz,
  quantity numeric,
  unit_amount numeric,
  amount numeric not null,
  discount numeric default 0 not null,
  tax numeric default 0 not null,
  subscription_key bigint,
  for_period timestamptz,
  plan_key bigint,
  gross numeric,
  counted numeric,
  events bigint,
  redemption_key bigint,
  basis jsonb,
  constraint invoice_lines_invoice_key_place_pk primary key (invoice_key, place),
  constraint invoice_lines_kind_is_known_check
  check (
    kind in (
      'base_fee', 'proration', 'usage', 'overage', 'seats', 'true_up', 'cap', 'late_usage', 'item',
      'discount', 'tax'
    )
  )
);

create index invoice_lines_subscription_key_for_period_idx
on pgledger.invoice_lines (subscription_key, for_period)
where subscription_key is not null;

comment on table pgledger.invoice_lines is
  'Lines of invoices. The amounts of all lines of an invoice add up to its total.';
comment on column pgledger.invoice_lines.invoice_key is 'Invoice.';
comment on column pgledger.invoice_lines.place is 'Place on the invoice, from 1.';
comment on column pgledger.invoice_lines.kind is
  'What it is. base_fee, proration, usage, overage, seats, true_up, cap, late_usage and item '
  'charge or credit something; discount and tax follow from these.';
comment on column pgledger.invoice_lines.description is 'Text for people.';
comment on column pgledger.invoice_lines.item is
  'What it is for, as coupons and tax rates name it: the key of a feature, or base; null for '
  'discounts and taxes.';
comment on column pgledger.invoice_lines.period_start is 'Start of the time it is for, inclusive.';
comment on column pgledger.invoice_lines.period_end is 'End of the time it is for, exclusive.';
comment on column pgledger.invoice_lines.quantity is 'How much is charged for.';
comment on column pgledger.invoice_lines.unit_amount is 'Price of one unit, where there is one.';
comment on column pgledger.invoice_lines.amount is
  'Amount, rounded to the currency''s exponent; credits and discounts are below zero.';
comment on column pgledger.invoice_lines.discount is
  'This line''s share of the invoice''s discounts; 0 for discounts and taxes.';
comment on column pgledger.invoice_lines.tax is
  'This line''s share of the invoice''s taxes; 0 for discounts and taxes.';
comment on column pgledger.invoice_lines.subscription_key is
  'Subscription; only on lines that later invoices charge or credit the difference to.';
comment on column pgledger.invoice_lines.for_period is
  'Start of the subscription''s period that it belongs to.';
comment on column pgledger.invoice_lines.plan_key is 'Plan that it was charged by.';
comment on column pgledger.invoice_lines.gross is
  'For a base fee, its amount before those discounts that a credit gives back in part.';
comment on column pgledger.invoice_lines.counted is
  'What usage had come to, from the start of the period to the end of the time that the line is '
  'for; of seats, how many reports of them there had been.';
comment on column pgledger.invoice_lines.events is
  'Count of the events that were looked at; for late usage, of the events added.';
comment on column pgledger.invoice_lines.redemption_key is
  'For a discount, the redemption of the coupon that gives it.';
comment on column pgledger.invoice_lines.basis is
  'JSON object of what it was computed from: the price, the allowance, the rate.';

create table pgledger.invoice_payments (
  key bigint generated always as identity (minvalue 1 maxvalue 4294967295),
  id text collate "C" not null,
  invoice_key bigint not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  amount numeric not null,
  reference text,
  paid_at timestamptz not null,
  created_at timestamptz not null,
  constraint invoice_payments_key_pk primary key (key),
  constraint invoice_payments_id_key unique (id),
  constraint invoice_payments_invoice_key_fk foreign key (invoice_key)
  references pgledger.invoices (key),
  constraint invoice_payments_amount_is_positive_check check (amount > 0)
);

create index invoice_payments_invoice_key_idx on pgledger.invoice_payments (invoice_key);
create index invoice_payments_app_id_tenant_id_idx
on pgledger.invoice_payments (app_id, tenant_id);

comment on table pgledger.invoice_payments is 'Payments made on invoices. Rows never change.';
comment on column pgledger.invoice_payments.key is 'Internal key.';
comment on column pgledger.invoice_payments.id is 'Public id: pay_ and a ULID.';
comment on column pgledger.invoice_payments.invoice_key is 'Invoice.';
comment on column pgledger.invoice_payments.app_id is 'App.';
comment on column pgledger.invoice_payments.tenant_id is 'Tenant who paid.';
comment on column pgledger.invoice_payments.amount is 'Amount in the invoice''s currency.';
comment on column pgledger.invoice_payments.reference is
  'What the payment is called where it was made, or null.';
comment on column pgledger.invoice_payments.paid_at is 'When it was paid.';
comment on column pgledger.invoice_payments.created_at is 'When it was written down.';

create table pgledger.invoice_credits (
  from_invoice_key bigint not null,
  to_invoice_key bigint not null,
  amount numeric not null,
  refund numeric not null,
  created_at timestamptz not null,
  taken_back_at timestamptz,
  constraint invoice_credits_from_invoice_key_to_invoice_key_pk
  primary key (from_invoice_key, to_invoice_key),
  constraint invoice_credits_from_invoice_key_fk foreign key (from_invoice_key)
  references pgledger.invoices (key),
  constraint invoice_credits_to_invoice_key_fk foreign key (to_invoice_key)
  references pgledger.invoices (key),
  constraint invoice_credits_amounts_are_not_negative_check
  check (amount >= 0 and refund >= 0 and amount + refund > 0)
);

create index invoice_credits_to_invoice_key_idx on pgledger.invoice_credits (to_invoice_key);

comment on table pgledger.invoice_credits is
  'Which invoices the credits of others have lowered, and of whose payments money goes back.';
comment on column pgledger.invoice_credits.from_invoice_key is
  'Invoice that gives: its total is below zero.';
comment on column pgledger.invoice_credits.to_invoice_key is
  'Invoice that gets: it billed what is given back.';
comment on column pgledger.invoice_credits.amount is 'How much less is due on it.';
comment on column pgledger.invoice_credits.refund is
  'How much of what was paid on it is to be paid back.';
comment on column pgledger.invoice_credits.created_at is
  'When the invoice that gives became final.';
comment on column pgledger.invoice_credits.taken_back_at is
  'When the invoice that gives was voided; null if it stands.';

create table pgledger.coupon_applications (
  invoice_key bigint not null,
  redemption_key bigint not null,
  discount numeric not null,
  takes_use boolean not null,
  created_at timestamptz not null,
  returned_at timestamptz,
  constraint coupon_applications_invoice_key_redemption_key_pk
  primary key (invoice_key, redemption_key),
  constraint coupon_applications_invoice_key_fk foreign key (invoice_key)
  references pgledger.invoices (key),
  constraint coupon_applications_redemption_key_fk foreign key (redemption_key)
  references pgledger.coupon_redemptions (key)
);

create index coupon_applications_redemption_key_idx
on pgledger.coupon_applications (redemption_key);

comment on table pgledger.coupon_applications is 'What redemptions have taken off final invoices.';
comment on column pgledger.coupon_applications.invoice_key is 'Invoice.';
comment on column pgledger.coupon_applications.redemption_key is 'Redemption.';
comment on column pgledger.coupon_applications.discount is 'What it took off.';
comment on column pgledger.coupon_applications.takes_use is
  'Whether it took a use; false where the use that the same period has taken goes on.';
comment on column pgledger.coupon_applications.created_at is 'When the invoice became final.';
comment on column pgledger.coupon_applications.returned_at is
  'When the invoice was voided and the discount given back; null if it stands.';

revoke all on table pgledger.coupon_applications from public;
grant select on table pgledger.coupon_applications to pgledger_auditor;

/*
Tenants' own database roles read their invoices under the same policies as their other rows.
*/
alter table pgledger.invoices enable row level security;
revoke all on table pgledger.invoices from public;
grant select on table pgledger.invoices to pgledger_auditor;
create policy auditors_read_all on pgledger.invoices
for select to pgledger_auditor using (true);
grant select on table pgledger.invoices to pgledger_tenant_views;
create policy tenants_read_their_own on pgledger.invoices
for select to pgledger_tenant_views
using (
  (invoices.app_id, invoices.tenant_id) = (
    select
      mapped.app_id,
      mapped.tenant_id
    from pgledger.tenant_roles as mapped
    where mapped.role_name = current_user
  )
);

alter table pgledger.invoice_lines enable row level security;
revoke all on table pgledger.invoice_lines from public;
grant select on table pgledger.invoice_lines to pgledger_auditor;
create policy auditors_read_all on pgledger.invoice_lines
for select to pgledger_auditor using (true);
grant select on table pgledger.invoice_lines to pgledger_tenant_views;
create policy tenants_read_their_own on pgledger.invoice_lines
for select to pgledger_tenant_views
using (
  exists (
    select
    from pgledger.invoices
    inner join pgledger.tenant_roles as mapped
      on invoices.app_id = mapped.app_id and invoices.tenant_id = mapped.tenant_id
    where invoices.key = invoice_lines.invoice_key and mapped.role_name = current_user
  )
);

alter table pgledger.invoice_credits enable row level security;
revoke all on table pgledger.invoice_credits from public;
grant select on table pgledger.invoice_credits to pgledger_auditor;
create policy auditors_read_all on pgledger.invoice_credits
for select to pgledger_auditor using (true);
grant select on table pgledger.invoice_credits to pgledger_tenant_views;
create policy tenants_read_their_own on pgledger.invoice_credits
for select to pgledger_tenant_views
using (
  exists (
    select
    from pgledger.invoices
    inner join pgledger.tenant_roles as mapped
      on invoices.app_id = mapped.app_id and invoices.tenant_id = mapped.tenant_id
    where invoices.key = invoice_credits.from_invoice_key and mapped.role_name = current_user
  )
);

alter table pgledger.invoice_payments enable row level security;
revoke all on table pgledger.invoice_payments from public;
grant select on table pgledger.invoice_payments to pgledger_auditor;
create policy auditors_read_all on pgledger.invoice_payments
for select to pgledger_auditor using (true);
grant select on table pgledger.invoice_payments to pgledger_tenant_views;
create policy tenants_read_their_own on pgledger.invoice_payments
for select to pgledger_tenant_views
using (
  (invoice_payments.app_id, invoice_payments.tenant_id) = (
    select
      mapped.app_id,
      mapped.tenant_id
    from pgledger.tenant_roles as mapped
    where mapped.role_name = current_user
  )
);

create type @extschema@.ledger_invoice as (
  id text collate "C",
  app_id text collate "C",
  tenant_id text collate "C",
  subscription_id text collate "C",
  kind text collate "C",
  period_start timestamptz,
  period_end timestamptz,
  status text collate "C",
  number bigint,
  currency text collate "C",
  subtotal numeric,
  discount numeric,
  tax numeric,
  total numeric,
  credits_applied numeric,
  amount_due numeric,
  amount_paid numeric,
  amount_remaining numeric,
  refund_due numeric,
  unapplied numeric,
  line_items jsonb,
  tax_rates jsonb,
  finalized_at timestamptz,
  due_at timestamptz,
  paid_at timestamptz,
  voided_at timestamptz,
  void_reason text,
  uncollectible_at timestamptz,
  version bigint,
  metadata jsonb,
  created_at timestamptz,
  updated_at timestamptz
);

comment on type @extschema@.ledger_invoice is 'An invoice with its lines.';
comment on column @extschema@.ledger_invoice.id is 'Public id: inv_ and a ULID.';
comment on column @extschema@.ledger_invoice.app_id is 'App.';
comment on column @extschema@.ledger_invoice.tenant_id is 'Tenant who is billed.';
comment on column @extschema@.ledger_invoice.subscription_id is
  'Id of the subscription (null for a one-off invoice), or null.';
comment on column @extschema@.ledger_invoice.kind is
  'What it is for. period: what a period has come to. start: a base fee that is due at the start '
  'of the time it pays for. change: what a change of plan or quantity comes to in its period. '
  'interim: usage within a period. one_off: lines that the app gave. One of: period, start, '
  'change, interim, one_off.';
comment on column @extschema@.ledger_invoice.period_start is
  'Start of the period it is for, inclusive (null for a one-off invoice), or null.';
comment on column @extschema@.ledger_invoice.period_end is
  'End of the period it is for, exclusive (null for a one-off invoice), or null.';
comment on column @extschema@.ledger_invoice.status is
  'State; one of: draft, pending, paid, past_due, voided, uncollectible.';
comment on column @extschema@.ledger_invoice.number is
  'Number within the app, from 1 without a gap (null for a draft), or null.';
comment on column @extschema@.ledger_invoice.currency is 'Currency of all its amounts.';
comment on column @extschema@.ledger_invoice.subtotal is
  'Sum of its lines before discounts and taxes.';
comment on column @extschema@.ledger_invoice.discount is 'Sum of what coupons take off.';
comment on column @extschema@.ledger_invoice.tax is 'Sum of its taxes.';
comment on column @extschema@.ledger_invoice.total is
  'What it comes to: subtotal less discount plus tax; below zero where it credits more than it '
  'charges.';
comment on column @extschema@.ledger_invoice.credits_applied is
  'What credits of other invoices have paid of the total.';
comment on column @extschema@.ledger_invoice.amount_due is
  'What is to be paid: total less credits_applied, at least 0.';
comment on column @extschema@.ledger_invoice.amount_paid is 'Sum of the payments made on it.';
comment on column @extschema@.ledger_invoice.amount_remaining is
  'What is still to be paid; 0 for a voided invoice.';
comment on column @extschema@.ledger_invoice.refund_due is
  'What is to be paid back: the part of a total below zero that goes back as money.';
comment on column @extschema@.ledger_invoice.unapplied is
  'What was paid too much, or credited beyond what was open and is not refunded: kept for the '
  'tenant, and not yet used.';
comment on column @extschema@.ledger_invoice.line_items is
  'JSON array of its lines, in their order.';
comment on column @extschema@.ledger_invoice.tax_rates is
  'JSON array of the tax rates it was computed with, as given.';
comment on column @extschema@.ledger_invoice.finalized_at is 'When it became final, or null.';
comment on column @extschema@.ledger_invoice.due_at is 'When it is to be paid, or null.';
comment on column @extschema@.ledger_invoice.paid_at is 'When its payments covered it, or null.';
comment on column @extschema@.ledger_invoice.voided_at is 'When it was voided, or null.';
comment on column @extschema@.ledger_invoice.void_reason is 'Why it was voided, as given, or null.';
comment on column @extschema@.ledger_invoice.uncollectible_at is
  'When it was given up as uncollectible, or null.';
comment on column @extschema@.ledger_invoice.version is 'Counts changes, from 1.';
comment on column @extschema@.ledger_invoice.metadata is 'JSON object of the app''s own, or null.';
comment on column @extschema@.ledger_invoice.created_at is 'When it was drawn up.';
comment on column @extschema@.ledger_invoice.updated_at is 'When it was last changed.';

revoke all on type @extschema@.ledger_invoice from public;
grant usage on type @extschema@.ledger_invoice to pgledger_reader;

create type @extschema@.ledger_invoice_preview as (
  id text collate "C",
  app_id text collate "C",
  tenant_id text collate "C",
  subscription_id text collate "C",
  kind text collate "C",
  period_start timestamptz,
  period_end timestamptz,
  status text collate "C",
  number bigint,
  currency text collate "C",
  subtotal numeric,
  discount numeric,
  tax numeric,
  total numeric,
  credits_applied numeric,
  amount_due numeric,
  amount_paid numeric,
  amount_remaining numeric,
  refund_due numeric,
  unapplied numeric,
  line_items jsonb,
  tax_rates jsonb,
  finalized_at timestamptz,
  due_at timestamptz,
  paid_at timestamptz,
  voided_at timestamptz,
  void_reason text,
  uncollectible_at timestamptz,
  version bigint,
  metadata jsonb,
  created_at timestamptz,
  updated_at timestamptz
);

comment on type @extschema@.ledger_invoice_preview is
  'An invoice as it would be drawn up now, or as it was drawn up.';
comment on column @extschema@.ledger_invoice_preview.id is
  'Public id: inv_ and a ULID (null as long as it is not written down), or null.';
comment on column @extschema@.ledger_invoice_preview.app_id is 'App.';
comment on column @extschema@.ledger_invoice_preview.tenant_id is 'Tenant who is billed.';
comment on column @extschema@.ledger_invoice_preview.subscription_id is
  'Id of the subscription (null for a one-off invoice), or null.';
comment on column @extschema@.ledger_invoice_preview.kind is
  'What it is for. period: what a period has come to. start: a base fee that is due at the start '
  'of the time it pays for. change: what a change of plan or quantity comes to in its period. '
  'interim: usage within a period. one_off: lines that the app gave. One of: period, start, '
  'change, interim, one_off.';
comment on column @extschema@.ledger_invoice_preview.period_start is
  'Start of the period it is for, inclusive (null for a one-off invoice), or null.';
comment on column @extschema@.ledger_invoice_preview.period_end is
  'End of the period it is for, exclusive (null for a one-off invoice), or null.';
comment on column @extschema@.ledger_invoice_preview.status is
  'State; one of: draft, pending, paid, past_due, voided, uncollectible.';
comment on column @extschema@.ledger_invoice_preview.number is
  'Number within the app, from 1 without a gap (null for a draft), or null.';
comment on column @extschema@.ledger_invoice_preview.currency is 'Currency of all its amounts.';
comment on column @extschema@.ledger_invoice_preview.subtotal is
  'Sum of its lines before discounts and taxes.';
comment on column @extschema@.ledger_invoice_preview.discount is 'Sum of what coupons take off.';
comment on column @extschema@.ledger_invoice_preview.tax is 'Sum of its taxes.';
comment on column @extschema@.ledger_invoice_preview.total is
  'What it comes to: subtotal less discount plus tax; below zero where it credits more than it '
  'charges.';
comment on column @extschema@.ledger_invoice_preview.credits_applied is
  'What credits of other invoices have paid of the total.';
comment on column @extschema@.ledger_invoice_preview.amount_due is
  'What is to be paid: total less credits_applied, at least 0.';
comment on column @extschema@.ledger_invoice_preview.amount_paid is
  'Sum of the payments made on it.';
comment on column @extschema@.ledger_invoice_preview.amount_remaining is
  'What is still to be paid; 0 for a voided invoice.';
comment on column @extschema@.ledger_invoice_preview.refund_due is
  'What is to be paid back: the part of a total below zero that goes back as money.';
comment on column @extschema@.ledger_invoice_preview.unapplied is
  'What was paid too much, or credited beyond what was open and is not refunded: kept for the '
  'tenant, and not yet used.';
comment on column @extschema@.ledger_invoice_preview.line_items is
  'JSON array of its lines, in their order.';
comment on column @extschema@.ledger_invoice_preview.tax_rates is
  'JSON array of the tax rates it was computed with, as given.';
comment on column @extschema@.ledger_invoice_preview.finalized_at is
  'When it became final, or null.';
comment on column @extschema@.ledger_invoice_preview.due_at is 'When it is to be paid, or null.';
comment on column @extschema@.ledger_invoice_preview.paid_at is
  'When its payments covered it, or null.';
comment on column @extschema@.ledger_invoice_preview.voided_at is 'When it was voided, or null.';
comment on column @extschema@.ledger_invoice_preview.void_reason is
  'Why it was voided, as given, or null.';
comment on column @extschema@.ledger_invoice_preview.uncollectible_at is
  'When it was given up as uncollectible, or null.';
comment on column @extschema@.ledger_invoice_preview.version is
  'Counts changes, from 1 (null as long as it is not written down), or null.';
comment on column @extschema@.ledger_invoice_preview.metadata is
  'JSON object of the app''s own, or null.';
comment on column @extschema@.ledger_invoice_preview.created_at is
  'When it was drawn up (null as long as it is not written down), or null.';
comment on column @extschema@.ledger_invoice_preview.updated_at is
  'When it was last changed (null as long as it is not written down), or null.';

revoke all on type @extschema@.ledger_invoice_preview from public;
grant usage on type @extschema@.ledger_invoice_preview to pgledger_reader;

create type @extschema@.ledger_payment as (
  id text collate "C",
  app_id text collate "C",
  tenant_id text collate "C",
  invoice_id text collate "C",
  amount numeric,
  currency text collate "C",
  reference text,
  paid_at timestamptz,
  created_at timestamptz
);

comment on type @extschema@.ledger_payment is 'A payment made on an invoice.';
comment on column @extschema@.ledger_payment.id is 'Public id: pay_ and a ULID.';
comment on column @extschema@.ledger_payment.app_id is 'App.';
comment on column @extschema@.ledger_payment.tenant_id is 'Tenant who paid.';
comment on column @extschema@.ledger_payment.invoice_id is 'Id of the invoice.';
comment on column @extschema@.ledger_payment.amount is 'Amount in the invoice''s currency.';
comment on column @extschema@.ledger_payment.currency is 'Currency of the amount.';
comment on column @extschema@.ledger_payment.reference is
  'What the payment is called where it was made, or null.';
comment on column @extschema@.ledger_payment.paid_at is 'When it was paid.';
comment on column @extschema@.ledger_payment.created_at is 'When it was written down.';

revoke all on type @extschema@.ledger_payment from public;
grant usage on type @extschema@.ledger_payment to pgledger_reader;
