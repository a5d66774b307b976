/*
A remembered entitlement, if all versions of what it was made from still stand. No row otherwise.

Written so that it is inlined, and the whole becomes one statement that is planned once.
*/
create or replace function pgledger.cached_entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric,
  now timestamptz
)
returns table (
  allowed boolean,
  feature text,
  used_so_far numeric,
  "limit" numeric,
  remaining numeric,
  is_soft boolean,
  why text
)
language sql
stable
parallel safe
rows 1
as $$
  select
    answer.allowed, answer.feature, answer.used_so_far, answer."limit", answer.remaining,
    answer.is_soft, answer.why
  from pgledger.entitlement_cache
  cross join lateral pgledger.entitlement_versions(
    entitlement_cache.app_id,
    entitlement_cache.tenant_id,
    entitlement_cache.feature_key,
    entitlement_cache.starts_at,
    entitlement_cache.ends_at
  ) as versions
  cross join lateral pgledger.entitlement_answer(
    entitlement_cache.feature_key, entitlement_cache.used, entitlement_cache.quota,
    entitlement_cache.soft_limit, entitlement_cache.reason, cached_entitlement.quantity
  ) as answer
  where entitlement_cache.app_id = cached_entitlement.app_id
    and entitlement_cache.tenant_id = cached_entitlement.tenant_id
    and entitlement_cache.feature_key = cached_entitlement.feature_key
    -- If the clock was put back, an entry that had expired must not come back.
    and cached_entitlement.now >= entitlement_cache.created_at
    and cached_entitlement.now < entitlement_cache.expires_at
    -- No version tells that a feature was deleted, which is an error and not an answer.
    and exists (
      select
      from pgledger.features
      where features.key = entitlement_cache.feature_key
        and (features.app_id, features.tenant_id) in (
          (entitlement_cache.app_id, entitlement_cache.tenant_id), (entitlement_cache.app_id, ''),
          ('*', '')
        )
    )
    and entitlement_cache.plan_version = versions.plan_version
    and entitlement_cache.subscription_version = versions.subscription_version
    and entitlement_cache.usage_version = versions.usage_version
    and entitlement_cache.tenant_version = versions.tenant_version
    and entitlement_cache.feature_version = versions.feature_version
$$;

comment on function pgledger.cached_entitlement is
  'A remembered entitlement, if nothing that it was made from has changed.';

revoke all on function pgledger.cached_entitlement from public;
