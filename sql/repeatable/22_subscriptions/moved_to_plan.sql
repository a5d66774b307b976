/*
A subscription as it is on another plan. Of another interval a period begins now, and periods count
from now, or with keep_anchor from where they did: then it is a part of a whole one. A trial from
whose end periods count goes on. What has not begun is counted anew from its start.

A cancellation at the end of the period moves to the end of the period that now lies in; one at a
fixed time stays. The limit for a billing period goes to its end first.
*/
create or replace function pgledger.moved_to_plan(
  subscription pgledger.subscriptions,
  plan pgledger.plans,
  trial text,
  keep_anchor boolean,
  at timestamptz
)
returns pgledger.subscriptions
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_quota record := pgledger.quota_period(subscription, 'billing', at);
  v_is_as_long boolean := pgledger.interval_length(plan.billing_interval, plan.interval_count)
  = pgledger.interval_length(subscription.billing_interval, subscription.interval_count);
  v_was_trial boolean := subscription.current_period_end = subscription.trial_end
  and subscription.current_period_end = subscription.anchor_at;
begin
  subscription.plan_key := plan.key;
  subscription.billing_interval := plan.billing_interval;
  subscription.interval_count := plan.interval_count;
  subscription := pgledger.plan_trial(subscription, plan, trial, at);

  if subscription.status = 'scheduled' then
    subscription.current_period_end := null;
    return pgledger.enter_period(subscription, subscription.started_at);
  elsif not v_is_as_long and (
    subscription.trial_end >= at
    and subscription.anchor_at = subscription.trial_end
    and (v_was_trial or subscription.current_period_end = subscription.trial_end)
  ) is not true then
    subscription.held_quotas := coalesce(subscription.held_quotas, '{}') || jsonb_build_object(
      'billing', jsonb_build_array(v_quota.starts_at, v_quota.ends_at, v_quota.ends_at)
    );
    if not keep_anchor then
      subscription.quota_anchor_at := coalesce(
        subscription.quota_anchor_at, subscription.anchor_at
      );
      subscription.anchor_at := at;
    end if;
    select period.number, period.ends_at
    into subscription.period_number, subscription.current_period_end
    from pgledger.period_at(
      subscription.anchor_at,
      subscription.time_zone,
      subscription.billing_interval,
      subscription.interval_count,
      at
    ) as period;
    subscription.current_period_start := at;
    subscription.whole_start := pgledger.whole_period_start(subscription);
  end if;

  if subscription.cancel_at_period_end then
    subscription.cancel_at := pgledger.period_end_cancellation(subscription, at);
  end if;
  return subscription;
end;
$$;

comment on function pgledger.moved_to_plan is
  'A subscription as it is on another plan: its periods, trial, cancellation and limits.';

revoke all on function pgledger.moved_to_plan from public;
