/*
What happened to the subscriptions that a tenant's own database role may see. Guarded as
ledger_tenant_plans is.
*/
create or replace view @extschema@.ledger_tenant_subscription_changes with (security_barrier) as
select
  subscriptions.id as subscription_id,
  subscription_changes.app_id,
  subscription_changes.tenant_id,
  subscription_changes.version,
  subscription_changes.change,
  subscription_changes.occurred_at,
  subscription_changes.status,
  plans.id as plan_id,
  subscription_changes.quantity,
  subscription_changes.period_start,
  subscription_changes.period_end,
  subscription_changes.invoice_now,
  subscription_changes.created_at
from pgledger.subscription_changes
inner join pgledger.tenant_roles as mapped
  on
    subscription_changes.app_id = mapped.app_id
    and subscription_changes.tenant_id = mapped.tenant_id
inner join pgledger.subscriptions on subscription_changes.subscription_key = subscriptions.key
inner join pgledger.plans on subscription_changes.plan_key = plans.key
where mapped.role_name = current_user;

comment on view @extschema@.ledger_tenant_subscription_changes is
  'Changes of the subscriptions of the tenant of the current database role, one row each.';
comment on column @extschema@.ledger_tenant_subscription_changes.subscription_id is
  'Id of the subscription.';
comment on column @extschema@.ledger_tenant_subscription_changes.app_id is 'App.';
comment on column @extschema@.ledger_tenant_subscription_changes.tenant_id is
  'Tenant who subscribes.';
comment on column @extschema@.ledger_tenant_subscription_changes.version is
  'The subscription''s version after the change: 1, 2, 3 and so on without a gap.';
comment on column @extschema@.ledger_tenant_subscription_changes.change is
  'What happened; one of: created, started, updated, plan_changed, trial_changed, trial_ended, '
  'time_zone_changed, period_started, cancellation_scheduled, cancellation_withdrawn, canceled, '
  'paused, resumed.';
comment on column @extschema@.ledger_tenant_subscription_changes.occurred_at is
  'When it took effect; for a change that the clock makes due, the boundary itself.';
comment on column @extschema@.ledger_tenant_subscription_changes.status is 'Status afterwards.';
comment on column @extschema@.ledger_tenant_subscription_changes.plan_id is
  'Id of the plan afterwards.';
comment on column @extschema@.ledger_tenant_subscription_changes.quantity is 'Quantity afterwards.';
comment on column @extschema@.ledger_tenant_subscription_changes.period_start is
  'Start of the period afterwards.';
comment on column @extschema@.ledger_tenant_subscription_changes.period_end is
  'End of the period afterwards.';
comment on column @extschema@.ledger_tenant_subscription_changes.invoice_now is
  'Whether the change is to be invoiced at once, and not with the period.';
comment on column @extschema@.ledger_tenant_subscription_changes.created_at is
  'When it was written down.';

revoke all on table @extschema@.ledger_tenant_subscription_changes from public;
grant select on table @extschema@.ledger_tenant_subscription_changes to pgledger_tenant;
alter view @extschema@.ledger_tenant_subscription_changes owner to pgledger_tenant_views;
