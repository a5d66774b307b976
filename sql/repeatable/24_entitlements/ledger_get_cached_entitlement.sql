/*
What is remembered is looked up first: for it, the names were checked when it was.
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
-- As for pgledger.usage_sums.
set plan_cache_mode = force_generic_plan
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_ok boolean;
begin
  return query
  select
    answer.allowed, answer.feature, answer.used_so_far, answer."limit", answer.remaining,
    answer.is_soft, answer.why
  from pgledger.cached_entitlement(app_id, tenant_id, feature_key, quantity, v_now) as answer;
  if not found then
    v_ok := pgledger.check_billing_scope(app_id, tenant_id);
    if feature_key is null then
      v_ok := pgledger.fail('NullArgument', array['feature_key']);
    end if;
  end if;
  v_ok := pgledger.check_quantity('quantity', quantity);
end;
$$;

comment on function @extschema@.ledger_get_cached_entitlement is
$$Returns an entitlement that was remembered.

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
