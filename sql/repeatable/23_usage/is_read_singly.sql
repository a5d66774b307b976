/*
Whether invoices look at the single events of a tenant's feature, and not only at totals: at the
reports of a seat, and at usage of which each event has a price of its own, by any version of a plan
that the tenant has been on.
*/
create or replace function pgledger.is_read_singly(meter pgledger.meters)
returns boolean
language sql
stable
parallel safe
as $$
  select meter.type = 'seat' or exists (
    select
    from (
      select distinct subscription_changes.plan_key
      from pgledger.subscription_changes
      where subscription_changes.app_id = meter.app_id
        and subscription_changes.tenant_id = meter.tenant_id
    ) as taken
    inner join pgledger.plan_versions on taken.plan_key = plan_versions.plan_key
    cross join lateral jsonb_path_query(plan_versions.pricing, '$.prices[*]') as price (value)
    where price.value ->> 'feature' = meter.feature_key
      and price.value ?| array['event_minimum', 'event_maximum', 'free_events']
  )
$$;

comment on function pgledger.is_read_singly is
  'Whether invoices look at the single events of a tenant''s feature.';

revoke all on function pgledger.is_read_singly from public;
