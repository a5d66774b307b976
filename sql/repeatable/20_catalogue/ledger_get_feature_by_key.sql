/*
Checks, in this order: app_id, tenant_id, key, existence.
*/
create or replace function @extschema@.ledger_get_feature_by_key(
  app_id text,
  key text,
  tenant_id text default ''
)
returns @extschema@.ledger_feature
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_feature pgledger.features;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, tenant_id, all_apps_allowed => true);

  if key is null then
    v_ok := pgledger.fail('NullArgument', array['key']);
  end if;

  v_feature := pgledger.find_feature(app_id, key, tenant_id);
  if v_feature.id is null then
    v_ok := pgledger.fail(
      'FeatureNotFound',
      array[quote_literal(pgledger.abridged(key)), pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;

  return pgledger.feature_with_id(v_feature.id);
end;
$$;

comment on function @extschema@.ledger_get_feature_by_key is
$$Returns the feature that a key names for a tenant.

An archived feature is found too.

app_id: App that asks; * to look among the features of all apps alone.
key: Key of the feature.
tenant_id: Tenant that it is for: its own feature of that key comes before the
  app's, and that before the one of all apps. The empty text leaves tenants'
  own ones out.

Returns: The feature.

Errors: NullArgument, InvalidScope, FeatureNotFound (there is none for this
  app and tenant).$$;

revoke all on function @extschema@.ledger_get_feature_by_key from public;
grant execute on function @extschema@.ledger_get_feature_by_key to pgledger_reader;
