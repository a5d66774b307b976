/*
Since when a tenant's usage events are still needed one by one, or infinity if none is. It is the
earliest start of these periods of its subscriptions: the current one and that of each limit, if the
subscription goes on; one whose invoice is a draft; and, if a plan since then has prices, the one
that was current when ledger_advance last looked, for it is still to be invoiced.
*/
create or replace function pgledger.usage_needed_from(app_id text, tenant_id text)
returns timestamptz
language sql
stable
parallel unsafe
as $$
  select coalesce(
    min(
      least(
        case
          when subscriptions.status <> 'canceled'
            then least(subscriptions.current_period_start, quota_period.starts_at)
        end,
        uninvoiced.period_start,
        (
          select min(invoices.period_start)
          from pgledger.invoices
          where invoices.subscription_key = subscriptions.key and invoices.status = 'draft'
        )
      )
    ),
    'infinity'
  )
  from pgledger.subscriptions
  left join pgledger.plan_features
    on subscriptions.plan_key = plan_features.plan_key
    and plan_features.period in ('day', 'week', 'month', 'year', 'billing')
  left join lateral pgledger.quota_period(
    subscriptions, plan_features.period, pgledger.clock()
  ) as quota_period on plan_features.period is not null
  left join lateral (
    select min(change.period_start) as period_start
    from pgledger.subscription_changes as change
    where change.subscription_key = subscriptions.key
      and change.version >= greatest(subscriptions.invoiced_version, 1)
      and pgledger.has_prices(subscriptions.key, greatest(subscriptions.invoiced_version, 1))
  ) as uninvoiced on subscriptions.invoiced_version < subscriptions.version
  where subscriptions.app_id = usage_needed_from.app_id
    and subscriptions.tenant_id = usage_needed_from.tenant_id
$$;

comment on function pgledger.usage_needed_from is
  'Since when a tenant''s usage events are still needed one by one.';

revoke all on function pgledger.usage_needed_from from public;
