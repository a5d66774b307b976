/*
The period around a time that a limit is for: the subscription's own, or a day, week, month or year
counted from its anchor. None begins before the subscription. What counts for a lifetime, and a
seat's level, has no bounds.
*/
create or replace function pgledger.quota_period(
  subscription pgledger.subscriptions,
  period text,
  at timestamptz,
  out starts_at timestamptz,
  out ends_at timestamptz
)
language plpgsql
stable
parallel safe
as $$
begin
  if period = 'lifetime' then
    starts_at := '-infinity';
    ends_at := 'infinity';
    return;
  end if;
  if period <> 'billing' then
    subscription.billing_interval := period;
    subscription.interval_count := 1;
    -- Only a billing period is as long as a trial.
    subscription.trial_end := null;
  end if;
  select found.starts_at, found.ends_at
  into quota_period.starts_at, quota_period.ends_at
  from pgledger.subscription_period(subscription, at) as found;
end;
$$;

comment on function pgledger.quota_period is 'The period that a limit is for, around a time.';

revoke all on function pgledger.quota_period from public;
