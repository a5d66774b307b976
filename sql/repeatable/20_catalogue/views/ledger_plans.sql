/*
Plans as applications see them. Columns never change.
*/
create or replace view @extschema@.ledger_plans as
select
  plans.id,
  plans.app_id,
  plans.tenant_id,
  plans.slug,
  plans.name,
  plans.description,
  plans.status,
  plans.currency,
  plans.features,
  plans.pricing,
  plans.billing_interval,
  plans.interval_count,
  plans.trial_days,
  plans.anchor_at_trial_end,
  plans.add_on,
  plans.version,
  plans.metadata,
  plans.created_at,
  plans.updated_at,
  plans.priority
from pgledger.plans
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view @extschema@.ledger_plans is
  'One row a plan: what a subscription to it gives and what it costs.';
comment on column @extschema@.ledger_plans.id is 'Public id: plan_ and a ULID.';
comment on column @extschema@.ledger_plans.app_id is 'App that it belongs to.';
comment on column @extschema@.ledger_plans.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column @extschema@.ledger_plans.slug is 'Name in addresses and code, for example pro.';
comment on column @extschema@.ledger_plans.name is 'Name for people.';
comment on column @extschema@.ledger_plans.description is 'Text for people, or null.';
comment on column @extschema@.ledger_plans.status is
  'State; subscriptions keep an archived plan, and no new one may take it; one of: active, '
  'archived.';
comment on column @extschema@.ledger_plans.currency is 'Currency of every amount in pricing.';
comment on column @extschema@.ledger_plans.features is
  'JSON array of features and their limits, as given last.';
comment on column @extschema@.ledger_plans.pricing is
  'JSON object of base fee and prices, as given: those that hold last, planned ones included.';
comment on column @extschema@.ledger_plans.billing_interval is
  'Unit of the billing period; one of: day, week, month, year.';
comment on column @extschema@.ledger_plans.interval_count is 'Units in a billing period.';
comment on column @extschema@.ledger_plans.trial_days is
  'Days of trial that a new subscription gets.';
comment on column @extschema@.ledger_plans.anchor_at_trial_end is
  'Whether billing periods count from the end of the trial rather than from its start.';
comment on column @extschema@.ledger_plans.add_on is
  'Whether a tenant may have it beside another active subscription.';
comment on column @extschema@.ledger_plans.version is 'Counts changes, from 1.';
comment on column @extschema@.ledger_plans.metadata is 'JSON object of the app''s own, or null.';
comment on column @extschema@.ledger_plans.created_at is 'When it was created.';
comment on column @extschema@.ledger_plans.updated_at is 'When it was last changed.';
comment on column @extschema@.ledger_plans.priority is
  'Of several subscriptions with a price for a feature, that of the lowest one bills its usage: '
  'the priority that holds last, planned ones included.';

revoke all on table @extschema@.ledger_plans from public;
grant select on table @extschema@.ledger_plans to pgledger_reader;
