/*
The versions of everything that an entitlement is made from, as the calling statement sees it; for
usage, the count of events in the time that the limit counts, and the meter's turn, which goes on
when an event is corrected or removed. No version ever goes back, nor does a
sum of versions of the same plans. If a tenant comes to have other plans, the sum of its
subscriptions' versions has grown.
*/
create or replace function pgledger.entitlement_versions(
  app_id text,
  tenant_id text,
  feature_key text,
  starts_at timestamptz,
  ends_at timestamptz,
  out plan_version bigint,
  out subscription_version bigint,
  out usage_version bigint,
  out tenant_version bigint,
  out feature_version bigint
)
language sql
stable
parallel safe
as $$
  select
    coalesce(taken.plan_version, 0),
    coalesce(taken.subscription_version, 0),
    coalesce(
      (
        select pgledger.usage_between(
          meters.key, null, 'count', entitlement_versions.starts_at, entitlement_versions.ends_at
        ) + meters.turn
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
