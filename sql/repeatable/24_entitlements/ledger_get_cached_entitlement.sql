/*
The remembered entitlement is served only if all versions of what it was made from still stand.
Checks, in this order: app_id, tenant_id, feature_key, quantity.
*/
create or replace function @extschema@.ledger_get_cached_entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric default 1
)
returns setof @extschema@.ledger_entitlement
language plpgsql
stable
parallel safe
rows 1
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  if feature_key is null then
    v_ok := pgledger.fail('NullArgument', array['feature_key']);
  end if;
  v_ok := pgledger.check_quantity('quantity', quantity);
  return query
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
    entitlement_cache.soft_limit, entitlement_cache.reason, quantity
  ) as answer
  where entitlement_cache.app_id = ledger_get_cached_entitlement.app_id
    and entitlement_cache.tenant_id = ledger_get_cached_entitlement.tenant_id
    and entitlement_cache.feature_key = ledger_get_cached_entitlement.feature_key
    -- If the clock was put back, an entry that had expired must not come back.
    and v_now >= entitlement_cache.created_at
    and v_now < entitlement_cache.expires_at
    -- No version tells that a feature was deleted, which is an error and not an answer.
    and (
      pgledger.find_feature(
        entitlement_cache.app_id, entitlement_cache.feature_key, entitlement_cache.tenant_id
      )
    ).id is not null
    and entitlement_cache.plan_version = versions.plan_version
    and entitlement_cache.subscription_version = versions.subscription_version
    and entitlement_cache.usage_version = versions.usage_version
    and entitlement_cache.tenant_version = versions.tenant_version
    and entitlement_cache.feature_version = versions.feature_version;
end;
$$;

comment on function @extschema@.ledger_get_cached_entitlement is
$$Returns an entitlement that ledger_set_cached_entitlement remembered.

app_id: App.
tenant_id: Tenant whose it is.
feature_key: Key of the feature.
quantity: How much more, on top of what was used, 0 or more.

Returns: What ledger_check_entitlement would return, if that is remembered, is
  still in time and is made from nothing that has changed since, or no row.

Errors: NullArgument, InvalidScope, InvalidQuantity (the quantity is not in
  range).$$;

revoke all on function @extschema@.ledger_get_cached_entitlement from public;
grant execute on function @extschema@.ledger_get_cached_entitlement to pgledger_reader;
