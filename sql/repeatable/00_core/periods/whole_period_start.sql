/*
Where the current period of a subscription would start if it were whole: a part of a period is
charged by its share of the whole one. A trial that ends at the anchor is a whole period of its own
length.
*/
create or replace function pgledger.whole_period_start(subscription pgledger.subscriptions)
returns timestamptz
language sql
stable
parallel safe
as $$
  select case
    when subscription.current_period_end = subscription.trial_end
      then subscription.current_period_start
    else least(
      subscription.current_period_start,
      pgledger.period_boundary(
        subscription.anchor_at,
        subscription.time_zone,
        subscription.billing_interval,
        subscription.interval_count,
        subscription.period_number
      )
    )
  end
$$;

comment on function pgledger.whole_period_start is
  'Where the current period of a subscription would start if it were whole.';

revoke all on function pgledger.whole_period_start from public;
