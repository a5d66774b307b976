/*
The plans that a tenant's own database role may see: the tenant's custom deals, and its app's plans.

Like all views ledger_tenant_*, it is guarded twice: by the row-security policies of the tables,
which bind its owner pgledger_tenant_views, and by its own condition, which also binds where there
are no roles of ours. Both go by current_user, which no setting changes. As a security barrier it
keeps the reader's own functions from seeing rows that are not the reader's.
*/
create or replace view ledger_tenant_plans with (security_barrier) as
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
  plans.updated_at
from pgledger.plans
inner join pgledger.tenant_roles as mapped
  on plans.app_id = mapped.app_id and plans.tenant_id in ('', mapped.tenant_id)
where mapped.role_name = current_user;

comment on view ledger_tenant_plans is
  'Plans that the tenant of the current database role can have: its own, and its app''s.';
comment on column ledger_tenant_plans.id is 'Id of the plan: plan_ and a ULID.';
comment on column ledger_tenant_plans.app_id is 'App that it belongs to.';
comment on column ledger_tenant_plans.tenant_id is
  'Tenant of a custom deal; empty for all tenants.';
comment on column ledger_tenant_plans.slug is 'Name in addresses and code, for example pro.';
comment on column ledger_tenant_plans.name is 'Name for people.';
comment on column ledger_tenant_plans.description is 'Text for people, or null.';
comment on column ledger_tenant_plans.status is
  'active, or archived: who has it keeps it, and nobody new may take it.';
comment on column ledger_tenant_plans.currency is 'Currency of every amount in pricing.';
comment on column ledger_tenant_plans.features is 'JSON array of features and limits.';
comment on column ledger_tenant_plans.pricing is 'JSON object of base fee and prices.';
comment on column ledger_tenant_plans.billing_interval is
  'Unit of the billing period: day, week, month or year.';
comment on column ledger_tenant_plans.interval_count is 'Units in a billing period.';
comment on column ledger_tenant_plans.trial_days is 'Days of trial that a new subscription gets.';
comment on column ledger_tenant_plans.anchor_at_trial_end is
  'Whether billing periods count from the end of the trial rather than from its start.';
comment on column ledger_tenant_plans.add_on is
  'Whether a tenant may have it beside another active subscription.';
comment on column ledger_tenant_plans.version is 'Counts changes, from 1.';
comment on column ledger_tenant_plans.metadata is 'JSON object of the app''s own, or null.';
comment on column ledger_tenant_plans.created_at is 'When it was created.';
comment on column ledger_tenant_plans.updated_at is 'When it was last changed.';

revoke all on table ledger_tenant_plans from public;
grant select on table ledger_tenant_plans to pgledger_tenant;
alter view ledger_tenant_plans owner to pgledger_tenant_views;
