/*
The period around a time that a limit is for: the subscription's own, or a day, week, month or year
counted from its anchor. None begins before the subscription. What counts for a lifetime, and a
seat's level, has no bounds.

What was counted when the billing interval or the time zone changed goes to its end first: a change
begins no limit anew. When another interval moves the anchor, days, weeks, months and years are
counted on as before; quota_anchor_at says from where. The one after a held period begins where that
ends; it is the one around the boundary that the held one names.

Errors: UnknownTimeZone.
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
parallel unsafe
as $$
declare
  v_held jsonb := subscription.held_quotas -> period;
  v_held_end timestamptz := v_held ->> 1;
  v_next timestamptz := greatest(v_held_end, (v_held ->> 2)::timestamptz);
  v_ok boolean;
begin
  if period = 'lifetime' then
    starts_at := '-infinity';
    ends_at := 'infinity';
    return;
  elsif at < v_held_end then
    starts_at := v_held ->> 0;
    ends_at := v_held_end;
    return;
  end if;

  if subscription.time_zone <> 'UTC' then
    v_ok := pgledger.check_zones(subscription);
  end if;
  if period <> 'billing' then
    subscription.billing_interval := period;
    subscription.interval_count := 1;
    subscription.anchor_at := coalesce(subscription.quota_anchor_at, subscription.anchor_at);
    -- Only a billing period is as long as a trial, or as what is written of the current one.
    subscription.trial_end := null;
    subscription.current_period_end := null;
  end if;
  select case when found.starts_at <= v_next then v_held_end else found.starts_at end, found.ends_at
  into quota_period.starts_at, quota_period.ends_at
  from pgledger.subscription_period(subscription, greatest(at, v_next)) as found;
end;
$$;

comment on function pgledger.quota_period is 'The period that a limit is for, around a time.';

revoke all on function pgledger.quota_period from public;
