/*
The period of a subscription that a time lies in. The current one is what is written of it. The one
after it begins where it ends, even where the time zone was changed and another boundary would be
near. A trial that ends at the anchor is one period, however long it is: the last one before the
anchor. No period begins before the subscription.
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
declare
  v_end timestamptz := subscription.current_period_end;
  v_counted_at timestamptz := at;
  v_period record;
begin
  if at >= subscription.current_period_start and at < v_end then
    number := subscription.period_number;
    starts_at := subscription.current_period_start;
    ends_at := v_end;
    return;
  elsif at < subscription.trial_end and subscription.anchor_at = subscription.trial_end then
    number := -1;
    starts_at := subscription.started_at;
    ends_at := subscription.trial_end;
    return;
  elsif at >= v_end then
    v_counted_at := greatest(
      at,
      pgledger.period_boundary(
        subscription.anchor_at,
        subscription.time_zone,
        subscription.billing_interval,
        subscription.interval_count,
        subscription.period_number + 1
      )
    );
  end if;

  v_period := pgledger.period_at(
    subscription.anchor_at,
    subscription.time_zone,
    subscription.billing_interval,
    subscription.interval_count,
    v_counted_at
  );
  number := v_period.number;
  starts_at := case
    when at >= v_end
      and (number = subscription.period_number + 1 or v_period.starts_at < v_end) then v_end
    else greatest(v_period.starts_at, subscription.started_at)
  end;
  ends_at := v_period.ends_at;
end;
$$;

comment on function pgledger.subscription_period is
  'Number, start and end of the period of a subscription that a time lies in.';

revoke all on function pgledger.subscription_period from public;
