/*
The subscription that a checked request asks for, with what it leaves out taken from the plan: as it
is at its start, or scheduled for that, with version 0, to be inserted. Its trial counts from its
start. Its periods count from the anchor requested, or else from the end of the trial if the plan
says so, or else from its start.

Errors: InvalidTime.
*/
create or replace function pgledger.new_subscription(
  request pgledger.subscriptions,
  plan pgledger.plans,
  trial_days integer
)
returns pgledger.subscriptions
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_new pgledger.subscriptions := request;
  v_ok boolean;
begin
  v_new.id := coalesce(request.id, 'sub_' || pgledger.new_ulid(request.created_at));
  v_new.plan_key := plan.key;
  v_new.add_on := plan.add_on;
  v_new.billing_interval := plan.billing_interval;
  v_new.interval_count := plan.interval_count;
  v_new.started_at := coalesce(request.started_at, request.created_at);
  v_new.trial_end := pgledger.trial_end(
    v_new.started_at, v_new.time_zone, coalesce(trial_days, plan.trial_days)
  );
  v_new.anchor_at := coalesce(
    request.anchor_at,
    case when plan.anchor_at_trial_end then v_new.trial_end end,
    v_new.started_at
  );
  v_new.status := case
    when v_new.started_at > v_new.created_at then 'scheduled'
    when v_new.trial_end is null then 'active'
    else 'trialing'
  end;
  v_new := pgledger.enter_period(v_new, v_new.started_at);
  v_new.due_at := pgledger.subscription_due_at(v_new);
  v_new.unused_time := 'none';
  v_new.cancel_at_period_end := false;
  v_new.invoiced_version := 0;
  v_new.version := 0;

  -- Each period since the start will be a row.
  if v_new.created_at > v_new.started_at and (
    pgledger.subscription_period(v_new, v_new.created_at)
  ).number > v_new.period_number + 10000 then
    v_ok := pgledger.fail(
      'InvalidTime',
      array['started_at', v_new.started_at::text, 'it is more than 10000 periods ago'],
      hint => 'Begin it later, or take a plan with a longer interval.'
    );
  end if;
  return v_new;
end;
$$;

comment on function pgledger.new_subscription is
  'The subscription that a request asks for, defaults filled in, as it is at its start.';

revoke all on function pgledger.new_subscription from public;
