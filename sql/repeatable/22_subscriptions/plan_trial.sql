/*
A subscription that is moved to a plan, with the trial that was asked for: keep leaves it as it is,
end ends one that goes on, and plan gives it the plan's days, counted from the subscription's start,
however much of them is over. Where a plan that counts periods from the trial's end makes a trial
begin now, that is a period by itself.
*/
create or replace function pgledger.plan_trial(
  subscription pgledger.subscriptions,
  plan pgledger.plans,
  trial text,
  at timestamptz
)
returns pgledger.subscriptions
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_end timestamptz := case
    when trial = 'plan' then pgledger.trial_end(
      subscription.started_at, subscription.time_zone, plan.trial_days
    )
  end;
begin
  if trial = 'keep' then
    return subscription;
  elsif subscription.status = 'scheduled' then
    if subscription.anchor_at in (subscription.started_at, subscription.trial_end) then
      subscription.anchor_at := coalesce(
        case when plan.anchor_at_trial_end then v_end end, subscription.started_at
      );
    end if;
    subscription.trial_end := v_end;
  elsif subscription.trial_end > at then
    subscription := pgledger.with_trial_end(
      subscription, greatest(coalesce(v_end, at), at), at
    );
  elsif v_end > at then
    subscription.trial_end := v_end;
    if subscription.status = 'active' then
      subscription.status := 'trialing';
    end if;
    if plan.anchor_at_trial_end then
      subscription.anchor_at := v_end;
      subscription.period_number := -1;
      subscription.current_period_start := at;
      subscription.current_period_end := v_end;
      subscription.whole_start := at;
    end if;
  end if;
  return subscription;
end;
$$;

comment on function pgledger.plan_trial is
  'A subscription that is moved to a plan, with the trial that was asked for.';

revoke all on function pgledger.plan_trial from public;
