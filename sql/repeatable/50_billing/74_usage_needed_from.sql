/*
Since when a tenant's usage events are still needed one by one: since the earliest start of what its
subscriptions count in now. Infinity if it has no subscription that goes on.
*/
create or replace function pgledger.usage_needed_from(app_id text, tenant_id text)
returns timestamptz
language sql
stable
parallel safe
as $$
  select coalesce(
    min(least(subscriptions.current_period_start, quota_period.starts_at)), 'infinity'
  )
  from pgledger.subscriptions
  left join pgledger.plan_features
    on subscriptions.plan_key = plan_features.plan_key
    and plan_features.period in ('day', 'week', 'month', 'year')
  left join lateral pgledger.quota_period(
    subscriptions, plan_features.period, pgledger.clock()
  ) as quota_period on plan_features.period is not null
  where subscriptions.app_id = usage_needed_from.app_id
    and subscriptions.tenant_id = usage_needed_from.tenant_id
    and subscriptions.status <> 'canceled'
$$;

comment on function pgledger.usage_needed_from is
  'Since when a tenant''s usage events are still needed one by one.';

revoke all on function pgledger.usage_needed_from from public;
