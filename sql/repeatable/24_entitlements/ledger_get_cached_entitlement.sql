/*
A remembered entitlement, if everything that it was made from still stands; otherwise no row.
Errors: NullArgument, InvalidScope, InvalidQuantity.
*/
create or replace function ledger_get_cached_entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric default 1
)
returns setof ledger_entitlement
language plpgsql
stable
parallel safe
rows 1
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  if feature_key is null then
    perform pgledger.fail('NullArgument', array['feature_key']);
  end if;
  perform pgledger.check_quantity('quantity', quantity);
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
  cross join lateral pgledger.allowance(
    entitlement_cache.feature_key, entitlement_cache.used, entitlement_cache.quota,
    entitlement_cache.soft_limit, entitlement_cache.reason, quantity
  ) as answer
  where entitlement_cache.app_id = ledger_get_cached_entitlement.app_id
    and entitlement_cache.tenant_id = ledger_get_cached_entitlement.tenant_id
    and entitlement_cache.feature_key = ledger_get_cached_entitlement.feature_key
    -- A clock that was put back must not give an entry a second life.
    and v_now >= entitlement_cache.created_at
    and v_now < entitlement_cache.expires_at
    -- The only thing that a version does not tell: a deleted feature is an error, not an answer.
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

comment on function ledger_get_cached_entitlement is
$$Returns an answer that was remembered.

[[was: What ledger_set_cached_entitlement remembered, for a quantity of now;
no row if there is nothing, its time is over, or anything that it was made
from has changed since.]]

app_id: App.
tenant_id: Whose.
feature_key: To what.
quantity: How much of it, on top of what was used.

Returns: What ledger_check_entitlement would return; null if there is none, or
  it has expired, or what it was made from has changed since.

Errors: NullArgument, InvalidScope, InvalidQuantity (the quantity is not in
  range).$$;

revoke all on function ledger_get_cached_entitlement from public;
grant execute on function ledger_get_cached_entitlement to pgledger_reader;
