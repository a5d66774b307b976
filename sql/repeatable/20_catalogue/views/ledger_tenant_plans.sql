/*
The plans that a tenant's own database role may see: the tenant's custom deals, and its app's plans.

Like all views ledger_tenant_*, it is guarded twice. The row-security policies of the tables bind
its owner, pgledger_tenant_views. The view's own condition also holds in a database without
pgledger's roles. Both go by current_user, which no setting changes. The view is a security barrier,
so that functions of the reader's own cannot see rows of other tenants.
*/
create or replace view @extschema@.ledger_tenant_plans with (security_barrier) as
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
inner join pgledger.tenant_roles as mapped
  on plans.app_id = mapped.app_id and plans.tenant_id in ('', mapped.tenant_id)
where mapped.role_name = current_user;

comment on view @extschema@.ledger_tenant_plans is
  'Plans that the tenant of the current database role can have: its own, and its app''s.';
comment on column @extschema@.ledger_tenant_plans.id is 'Public id: plan_ and a ULID.';
comment on column @extschema@.ledger_tenant_plans.app_id is 'App that it belongs to.';
comment on column @extschema@.ledger_tenant_plans.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column @extschema@.ledger_tenant_plans.slug is
  'Name in addresses and code, for example pro.';
comment on column @extschema@.ledger_tenant_plans.name is 'Name for people.';
comment on column @extschema@.ledger_tenant_plans.description is 'Text for people, or null.';
comment on column @extschema@.ledger_tenant_plans.status is
  'State; subscriptions keep an archived plan, and no new one may take it; one of: active, '
  'archived.';
comment on column @extschema@.ledger_tenant_plans.currency is
  'Currency of every amount in pricing.';
comment on column @extschema@.ledger_tenant_plans.features is
  'JSON array of features and their limits, as given last.';
comment on column @extschema@.ledger_tenant_plans.pricing is
  'JSON object of base fee and prices, as given: those that hold last, planned ones included.';
comment on column @extschema@.ledger_tenant_plans.billing_interval is
  'Unit of the billing period; one of: day, week, month, year.';
comment on column @extschema@.ledger_tenant_plans.interval_count is 'Units in a billing period.';
comment on column @extschema@.ledger_tenant_plans.trial_days is
  'Days of trial that a new subscription gets.';
comment on column @extschema@.ledger_tenant_plans.anchor_at_trial_end is
  'Whether billing periods count from the end of the trial rather than from its start.';
comment on column @extschema@.ledger_tenant_plans.add_on is
  'Whether a tenant may have it beside another active subscription.';
comment on column @extschema@.ledger_tenant_plans.version is 'Counts changes, from 1.';
comment on column @extschema@.ledger_tenant_plans.metadata is
  'JSON object of the app''s own, or null.';
comment on column @extschema@.ledger_tenant_plans.created_at is 'When it was created.';
comment on column @extschema@.ledger_tenant_plans.updated_at is 'When it was last changed.';
comment on column @extschema@.ledger_tenant_plans.priority is
  'Of several subscriptions with a price for a feature, that of the lowest one bills its usage: '
  'the priority that holds last, planned ones included.';

revoke all on table @extschema@.ledger_tenant_plans from public;
grant select on table @extschema@.ledger_tenant_plans to pgledger_tenant;
alter view @extschema@.ledger_tenant_plans owner to pgledger_tenant_views;
