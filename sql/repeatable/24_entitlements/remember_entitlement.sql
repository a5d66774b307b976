/*
Works out an entitlement, remembers it for that long, and answers for the quantity. One statement
works it out and reads the versions of what it is made from, so both are of the same moment. The
time was read before that, so that nothing is served too long.

Locks: the cache's row.
Errors: those of pgledger.entitlement.
*/
create or replace function pgledger.remember_entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric,
  ttl interval,
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
language plpgsql
volatile
parallel unsafe
rows 1
as $$
begin
  return query
    with stored as (
      insert into pgledger.entitlement_cache (
        app_id, tenant_id, feature_key, used, quota, soft_limit, reason, starts_at, ends_at,
        plan_version, subscription_version, usage_version, tenant_version, feature_version,
        created_at, expires_at
      )
      select
        remember_entitlement.app_id, remember_entitlement.tenant_id,
        remember_entitlement.feature_key, found.used, found.quota, found.soft_limit,
        found.reason, found.starts_at, found.ends_at, versions.plan_version,
        versions.subscription_version, versions.usage_version, versions.tenant_version,
        versions.feature_version, remember_entitlement.now,
        least(found.expires_at, remember_entitlement.now + remember_entitlement.ttl)
      from pgledger.entitlement(
        remember_entitlement.app_id,
        remember_entitlement.tenant_id,
        remember_entitlement.feature_key
      ) as found
      cross join lateral pgledger.entitlement_versions(
        remember_entitlement.app_id,
        remember_entitlement.tenant_id,
        remember_entitlement.feature_key,
        found.starts_at,
        found.ends_at
      ) as versions
      on conflict on constraint entitlement_cache_app_id_tenant_id_feature_key_pk do update
      set
        used = excluded.used,
        quota = excluded.quota,
        soft_limit = excluded.soft_limit,
        reason = excluded.reason,
        starts_at = excluded.starts_at,
        ends_at = excluded.ends_at,
        plan_version = excluded.plan_version,
        subscription_version = excluded.subscription_version,
        usage_version = excluded.usage_version,
        tenant_version = excluded.tenant_version,
        feature_version = excluded.feature_version,
        created_at = excluded.created_at,
        expires_at = excluded.expires_at
      returning
        entitlement_cache.feature_key, entitlement_cache.used, entitlement_cache.quota,
        entitlement_cache.soft_limit, entitlement_cache.reason
    )
    select
      answer.allowed, answer.feature, answer.used_so_far, answer."limit", answer.remaining,
      answer.is_soft, answer.why
    from stored
    cross join lateral pgledger.entitlement_answer(
      stored.feature_key, stored.used, stored.quota, stored.soft_limit, stored.reason,
      remember_entitlement.quantity
    ) as answer;
end;
$$;

comment on function pgledger.remember_entitlement is
  'Works out an entitlement and remembers it.';

revoke all on function pgledger.remember_entitlement from public;
