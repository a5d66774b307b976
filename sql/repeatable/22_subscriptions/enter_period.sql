/*
Puts a subscription into the period that a time lies in, as it is counted by now. One that follows
the current one is whole, even if a change of the time zone made it some hours longer or shorter.
*/
create or replace function pgledger.enter_period(
  subscription pgledger.subscriptions,
  at timestamptz
)
returns pgledger.subscriptions
language plpgsql
stable
parallel safe
as $$
declare
  v_end timestamptz := subscription.current_period_end;
  v_period record;
begin
  v_period := pgledger.subscription_period(subscription, at);
  subscription.period_number := v_period.number;
  subscription.current_period_start := v_period.starts_at;
  subscription.current_period_end := v_period.ends_at;
  subscription.whole_start := case
    when subscription.current_period_start = v_end then v_end
    else pgledger.whole_period_start(subscription)
  end;
  return subscription;
end;
$$;

comment on function pgledger.enter_period is
  'Puts a subscription into the period that a time lies in.';

revoke all on function pgledger.enter_period from public;
