/*
The versions of everything that an entitlement is made from, as the calling statement sees it. For
usage that is the count of events in the hours and days that the limit's time lies in, and the
meter's turn, which goes on when an event is corrected or removed: hours and days are few rows. No
version ever goes back, nor does a sum of versions of the same plans. If a tenant comes to have
other plans, the sum of its subscriptions' versions has grown.

Written so that it is inlined.
*/
create or replace function pgledger.entitlement_versions(
  app_id text,
  tenant_id text,
  feature_key text,
  starts_at timestamptz,
  ends_at timestamptz
)
returns table (
  plan_version bigint,
  subscription_version bigint,
  usage_version bigint,
  tenant_version bigint,
  feature_version bigint
)
language sql
stable
parallel safe
rows 1
as $$
  select
    coalesce(taken.plan_version, 0),
    coalesce(taken.subscription_version, 0),
    coalesce(
      (
        select meters.turn + coalesce(
          (
            select sum(part.events)
            from (
              select usage_rollups.events
              from pgledger.usage_rollups
              where usage_rollups.meter_key = meters.key
                and usage_rollups.span = 1
                and usage_rollups.starts_at >= entitlement_versions.starts_at
                and usage_rollups.starts_at < entitlement_versions.ends_at
              union all
              select usage_rollups.events
              from pgledger.usage_rollups
              where usage_rollups.meter_key = meters.key
                and usage_rollups.span = 2
                and usage_rollups.starts_at
                > entitlement_versions.starts_at - interval '1 hour'
                and usage_rollups.starts_at < date_bin(
                  '24 hours',
                  entitlement_versions.starts_at - interval '1 microsecond',
                  timestamptz '2000-01-01 00:00:00+00'
                ) + interval '24 hours'
            ) as part
          ),
          0
        )
        from pgledger.meters
        where meters.app_id = entitlement_versions.app_id
          and meters.tenant_id = entitlement_versions.tenant_id
          and meters.feature_key = entitlement_versions.feature_key
          and entitlement_versions.starts_at is not null
      ),
      0
    )::bigint,
    coalesce(
      (
        select tenants.cache_version
        from pgledger.tenants
        where tenants.app_id = entitlement_versions.app_id
          and tenants.tenant_id = entitlement_versions.tenant_id
      ),
      0
    ),
    coalesce(
      (
        select sum(feature_invalidations.version)
        from pgledger.feature_invalidations
        where feature_invalidations.app_id = entitlement_versions.app_id
          and feature_invalidations.feature_key = entitlement_versions.feature_key
          and feature_invalidations.tenant_id in ('', entitlement_versions.tenant_id)
      ),
      0
    )::bigint
  from (
    select
      sum(plans.version)::bigint as plan_version,
      sum(subscriptions.version)::bigint as subscription_version
    from pgledger.subscriptions
    inner join pgledger.plans on subscriptions.plan_key = plans.key
    where subscriptions.app_id = entitlement_versions.app_id
      and subscriptions.tenant_id = entitlement_versions.tenant_id
  ) as taken
$$;

comment on function pgledger.entitlement_versions is
  'Versions of everything that an entitlement is made from.';

revoke all on function pgledger.entitlement_versions from public;
