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
begin
  select period.number, period.starts_at, period.ends_at
  into
    subscription.period_number,
    subscription.current_period_start,
    subscription.current_period_end
  from pgledger.subscription_period(subscription, at) as period;
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
