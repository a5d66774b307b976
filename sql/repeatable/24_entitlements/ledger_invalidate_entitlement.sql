/*
Locks: the row that counts invalidations of the feature for this tenant.
Checks, in this order: app_id, tenant_id, feature_key, existence.
*/
create or replace function @extschema@.ledger_invalidate_entitlement(
  app_id text,
  tenant_id text,
  feature_key text
)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_feature_exists(app_id, tenant_id, feature_key);
  perform pgledger.invalidate_feature(app_id, tenant_id, feature_key);
end;
$$;

comment on function @extschema@.ledger_invalidate_entitlement is
$$Forgets the remembered entitlement of a tenant to one feature.

What pgledger itself changes needs no such call: that is seen anyway.

app_id: App.
tenant_id: Tenant whose it is.
feature_key: Key of the feature.

Errors: NullArgument, InvalidScope, FeatureNotFound (there is no feature of
  this key for this app and tenant).$$;

revoke all on function @extschema@.ledger_invalidate_entitlement from public;
grant execute on function @extschema@.ledger_invalidate_entitlement to pgledger_poster;
