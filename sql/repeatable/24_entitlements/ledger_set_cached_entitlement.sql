/*
One statement works the entitlement out and reads the versions of what it is made from, so both are
of the same moment.
Locks: the cache's row.
Checks, in this order: app_id, tenant_id, ttl, feature_key.
*/
create or replace function @extschema@.ledger_set_cached_entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  ttl interval default '30 seconds'
)
returns @extschema@.ledger_entitlement
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  -- Read before the statement below sees its data, so that nothing is served too long.
  v_now timestamptz := pgledger.clock();
  v_answer record;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  if ttl is null then
    v_ok := pgledger.fail('NullArgument', array['ttl']);
  elsif not (ttl > interval '0' and ttl <= interval '1 day') then
    v_ok := pgledger.fail(
      'InvalidArgument', array['ttl', quote_literal(ttl), 'it is not above 0 and at most a day']
    );
  end if;

  with stored as (
    insert into pgledger.entitlement_cache (
      app_id, tenant_id, feature_key, used, quota, soft_limit, reason, starts_at, ends_at,
      plan_version, subscription_version, usage_version, tenant_version, feature_version,
      created_at, expires_at
    )
    select
      ledger_set_cached_entitlement.app_id, ledger_set_cached_entitlement.tenant_id,
      ledger_set_cached_entitlement.feature_key, found.used, found.quota, found.soft_limit,
      found.reason, found.starts_at, found.ends_at, versions.plan_version,
      versions.subscription_version, versions.usage_version, versions.tenant_version,
      versions.feature_version, v_now, least(found.expires_at, v_now + ttl)
    from pgledger.entitlement(
      ledger_set_cached_entitlement.app_id,
      ledger_set_cached_entitlement.tenant_id,
      ledger_set_cached_entitlement.feature_key
    ) as found
    cross join lateral pgledger.entitlement_versions(
      ledger_set_cached_entitlement.app_id,
      ledger_set_cached_entitlement.tenant_id,
      ledger_set_cached_entitlement.feature_key,
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
  into v_answer
  from stored
  cross join lateral pgledger.entitlement_answer(
    stored.feature_key, stored.used, stored.quota, stored.soft_limit, stored.reason, 1
  ) as answer;

  return v_answer;
end;
$$;

comment on function @extschema@.ledger_set_cached_entitlement is
$$Checks an entitlement and remembers it for ledger_get_cached_entitlement.

It is served until its time is over, or until something that it was made from
changes: the plan, the subscription, usage, an invalidation, or the end of the
limit's period, of a trial or of a subscription.

app_id: App.
tenant_id: Tenant whose it is.
feature_key: Key of the feature.
ttl: How long it may be served at most, above 0 and at most a day.

Returns: What ledger_check_entitlement returns for a quantity of 1.

Errors: NullArgument, InvalidScope, InvalidArgument (ttl is out of range),
  FeatureNotFound (there is no feature of this key for this app and tenant),
  UnknownTimeZone (the server does not know the time zone of the tenant's
  subscription any more).$$;

revoke all on function @extschema@.ledger_set_cached_entitlement from public;
grant execute on function @extschema@.ledger_set_cached_entitlement to pgledger_poster;
