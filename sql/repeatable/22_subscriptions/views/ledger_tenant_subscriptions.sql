/*
Subscriptions that a tenant's own database role may see. Guarded as ledger_tenant_plans is.
*/
create or replace view @extschema@.ledger_tenant_subscriptions with (security_barrier) as
select
  subscriptions.id,
  subscriptions.app_id,
  subscriptions.tenant_id,
  plans.id as plan_id,
  plans.slug as plan_slug,
  subscriptions.status,
  subscriptions.quantity,
  subscriptions.started_at,
  subscriptions.anchor_at,
  subscriptions.time_zone,
  subscriptions.billing_interval,
  subscriptions.interval_count,
  subscriptions.current_period_start,
  subscriptions.current_period_end,
  subscriptions.trial_end,
  subscriptions.cancel_at,
  subscriptions.cancel_at_period_end,
  subscriptions.canceled_at,
  subscriptions.paused_at,
  subscriptions.ended_at,
  subscriptions.add_on,
  subscriptions.unused_time,
  subscriptions.tax_rates,
  subscriptions.version,
  subscriptions.metadata,
  subscriptions.created_at,
  subscriptions.updated_at
from pgledger.subscriptions
inner join pgledger.tenant_roles as mapped
  on subscriptions.app_id = mapped.app_id and subscriptions.tenant_id = mapped.tenant_id
inner join pgledger.plans on subscriptions.plan_key = plans.key
where mapped.role_name = current_user;

comment on view @extschema@.ledger_tenant_subscriptions is
  'Subscriptions of the tenant of the current database role.';
comment on column @extschema@.ledger_tenant_subscriptions.id is 'Public id: sub_ and a ULID.';
comment on column @extschema@.ledger_tenant_subscriptions.app_id is 'App.';
comment on column @extschema@.ledger_tenant_subscriptions.tenant_id is 'Tenant who subscribes.';
comment on column @extschema@.ledger_tenant_subscriptions.plan_id is 'Id of the current plan.';
comment on column @extschema@.ledger_tenant_subscriptions.plan_slug is 'Slug of the current plan.';
comment on column @extschema@.ledger_tenant_subscriptions.status is
  'State; canceled is final; one of: scheduled, trialing, active, paused, canceled.';
comment on column @extschema@.ledger_tenant_subscriptions.quantity is
  'How many times the plan is taken.';
comment on column @extschema@.ledger_tenant_subscriptions.started_at is
  'Start of the first period or trial.';
comment on column @extschema@.ledger_tenant_subscriptions.anchor_at is
  'Boundary 0 of its periods: every other boundary is a whole number of billing periods from it.';
comment on column @extschema@.ledger_tenant_subscriptions.time_zone is
  'IANA time zone in which the days and months of its periods are counted.';
comment on column @extschema@.ledger_tenant_subscriptions.billing_interval is
  'Unit of the billing period; one of: day, week, month, year.';
comment on column @extschema@.ledger_tenant_subscriptions.interval_count is
  'Units in a billing period.';
comment on column @extschema@.ledger_tenant_subscriptions.current_period_start is
  'Start of the current period, inclusive.';
comment on column @extschema@.ledger_tenant_subscriptions.current_period_end is
  'End of the current period, exclusive.';
comment on column @extschema@.ledger_tenant_subscriptions.trial_end is
  'When the trial ends or ended (null without a trial), or null.';
comment on column @extschema@.ledger_tenant_subscriptions.cancel_at is
  'When it will end, if that is decided, or null.';
comment on column @extschema@.ledger_tenant_subscriptions.cancel_at_period_end is
  'Whether cancel_at is the end of the period, or of the trial, and moves with it.';
comment on column @extschema@.ledger_tenant_subscriptions.canceled_at is
  'When its cancellation was asked for, or null.';
comment on column @extschema@.ledger_tenant_subscriptions.paused_at is
  'Since when it is paused, or null.';
comment on column @extschema@.ledger_tenant_subscriptions.ended_at is 'When it ended, or null.';
comment on column @extschema@.ledger_tenant_subscriptions.add_on is
  'Whether the plan was an add-on when it was taken: others may be active beside it.';
comment on column @extschema@.ledger_tenant_subscriptions.unused_time is
  'What becomes of time that was paid and is left unused by a cancellation; one of: none, credit, '
  'refund.';
comment on column @extschema@.ledger_tenant_subscriptions.tax_rates is
  'JSON array of the tax rates of its invoices, as given; an invoice may be given others.';
comment on column @extschema@.ledger_tenant_subscriptions.version is 'Counts changes, from 1.';
comment on column @extschema@.ledger_tenant_subscriptions.metadata is
  'JSON object of the app''s own, or null.';
comment on column @extschema@.ledger_tenant_subscriptions.created_at is 'When it was created.';
comment on column @extschema@.ledger_tenant_subscriptions.updated_at is 'When it was last changed.';

revoke all on table @extschema@.ledger_tenant_subscriptions from public;
grant select on table @extschema@.ledger_tenant_subscriptions to pgledger_tenant;
alter view @extschema@.ledger_tenant_subscriptions owner to pgledger_tenant_views;
