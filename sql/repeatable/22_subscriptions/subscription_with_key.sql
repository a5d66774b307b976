/*
The subscription with that internal key as applications see it, or null.
*/
create or replace function pgledger.subscription_with_key(key bigint)
returns @extschema@.ledger_subscription
language sql
stable
parallel safe
as $$
  select
    subscriptions.id, subscriptions.app_id, subscriptions.tenant_id, plans.id, plans.slug,
    subscriptions.status, subscriptions.quantity, subscriptions.started_at,
    subscriptions.anchor_at, subscriptions.time_zone, subscriptions.billing_interval,
    subscriptions.interval_count, subscriptions.current_period_start,
    subscriptions.current_period_end, subscriptions.trial_end, subscriptions.cancel_at,
    subscriptions.cancel_at_period_end, subscriptions.canceled_at, subscriptions.paused_at,
    subscriptions.ended_at, subscriptions.add_on, subscriptions.unused_time,
    subscriptions.tax_rates, subscriptions.version, subscriptions.metadata,
    subscriptions.created_at, subscriptions.updated_at
  from pgledger.subscriptions
  inner join pgledger.plans on subscriptions.plan_key = plans.key
  where subscriptions.key = subscription_with_key.key
$$;

comment on function pgledger.subscription_with_key is
  'The subscription with that internal key as applications see it, or null.';

revoke all on function pgledger.subscription_with_key from public;
