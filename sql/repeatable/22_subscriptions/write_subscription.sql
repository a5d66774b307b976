/*
Writes a subscription, as it is given, over its locked row. Columns that never change are left out.
*/
create or replace function pgledger.write_subscription(subscription pgledger.subscriptions)
returns void
language plpgsql
volatile
parallel unsafe
as $$
begin
  update pgledger.subscriptions
  set
    plan_key = subscription.plan_key,
    status = subscription.status,
    quantity = subscription.quantity,
    anchor_at = subscription.anchor_at,
    time_zone = subscription.time_zone,
    earlier_zones = subscription.earlier_zones,
    billing_interval = subscription.billing_interval,
    interval_count = subscription.interval_count,
    period_number = subscription.period_number,
    current_period_start = subscription.current_period_start,
    current_period_end = subscription.current_period_end,
    whole_start = subscription.whole_start,
    quota_anchor_at = subscription.quota_anchor_at,
    held_quotas = subscription.held_quotas,
    trial_end = subscription.trial_end,
    cancel_at = subscription.cancel_at,
    cancel_at_period_end = subscription.cancel_at_period_end,
    canceled_at = subscription.canceled_at,
    paused_at = subscription.paused_at,
    ended_at = subscription.ended_at,
    due_at = subscription.due_at,
    unused_time = subscription.unused_time,
    tax_rates = subscription.tax_rates,
    invoiced_version = subscription.invoiced_version,
    invoice_due_at = subscription.invoice_due_at,
    advance_at = subscription.advance_at,
    version = subscription.version,
    metadata = subscription.metadata,
    updated_at = subscription.updated_at
  where subscriptions.key = subscription.key;
end;
$$;

comment on function pgledger.write_subscription is
  'Writes a changed subscription over its locked row.';

revoke all on function pgledger.write_subscription from public;
