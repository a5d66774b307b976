/*
When a subscription ends that is cancelled at the end of its period: with the trial while that goes
on. A period that is over does not come back, so in a pause it can be at once.
*/
create or replace function pgledger.period_end_cancellation(
  subscription pgledger.subscriptions,
  at timestamptz
)
returns timestamptz
language sql
immutable
parallel safe
as $$
  select case
    when subscription.trial_end > at then subscription.trial_end
    else greatest(subscription.current_period_end, at)
  end
$$;

comment on function pgledger.period_end_cancellation is
  'When a subscription ends that is cancelled at the end of its period.';

revoke all on function pgledger.period_end_cancellation from public;
