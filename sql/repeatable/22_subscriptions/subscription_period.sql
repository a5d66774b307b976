/*
The period of a subscription that a time lies in. A trial that ends at the anchor is one period,
however long it is: the last one before the anchor. No period begins before the subscription.
*/
create or replace function pgledger.subscription_period(
  subscription pgledger.subscriptions,
  at timestamptz,
  out number integer,
  out starts_at timestamptz,
  out ends_at timestamptz
)
language plpgsql
stable
parallel safe
as $$
begin
  if at < subscription.trial_end and subscription.anchor_at = subscription.trial_end then
    number := -1;
    starts_at := subscription.started_at;
    ends_at := subscription.trial_end;
    return;
  end if;

  select period.number, greatest(period.starts_at, subscription.started_at), period.ends_at
  into number, starts_at, ends_at
  from pgledger.period_at(
    subscription.anchor_at,
    subscription.time_zone,
    subscription.billing_interval,
    subscription.interval_count,
    at
  ) as period;
end;
$$;

comment on function pgledger.subscription_period is
  'Number, start and end of the period of a subscription that a time lies in.';

revoke all on function pgledger.subscription_period from public;
