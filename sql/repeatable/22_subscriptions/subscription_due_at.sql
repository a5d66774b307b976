/*
When the next thing happens to a subscription by the clock alone. While it is paused, its periods
stand still and its trial does not end, but a cancellation still takes effect.
*/
create or replace function pgledger.subscription_due_at(subscription pgledger.subscriptions)
returns timestamptz
language sql
immutable
parallel safe
as $$
  select case subscription.status
    when 'scheduled' then least(subscription.started_at, subscription.cancel_at)
    when 'trialing'
      then least(subscription.trial_end, subscription.cancel_at, subscription.current_period_end)
    when 'active' then least(subscription.cancel_at, subscription.current_period_end)
    when 'paused' then subscription.cancel_at
  end
$$;

comment on function pgledger.subscription_due_at is
  'Earliest of start, trial end, period end and cancellation that is still to come, or null.';

revoke all on function pgledger.subscription_due_at from public;
