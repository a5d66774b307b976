/*
The feature that a key names for a tenant: the tenant's own, or else the app's, or else that of all
apps. The empty tenant_id stands for the whole app.

Errors: NullArgument, InvalidScope, FeatureNotFound.
*/
create or replace function ledger_get_feature_by_key(
  app_id text,
  key text,
  tenant_id text default ''
)
returns ledger_feature
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_feature pgledger.features;
begin
  perform pgledger.check_catalogue_scope(app_id, tenant_id, all_apps_allowed => true);

  if key is null then
    perform pgledger.fail('NullArgument', array['key']);
  end if;

  v_feature := pgledger.find_feature(app_id, key, tenant_id);
  if v_feature.id is null then
    perform pgledger.fail(
      'FeatureNotFound',
      array[quote_literal(pgledger.abridged(key)), pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;

  return pgledger.feature_of(v_feature.id);
end;
$$;

comment on function ledger_get_feature_by_key is
$$Returns the feature of a key.

[[was: The feature that a key names for a tenant: its own, or else the app's,
or else that of all apps.]]

app_id: App that asks.
key: Its key.
tenant_id: For whom: the tenant's own feature of that key comes before the
  app's, and that before a global one.

Returns: [[?]]

Errors: NullArgument, InvalidScope, FeatureNotFound (there is none for this
  app and tenant).$$;

revoke all on function ledger_get_feature_by_key from public;
grant execute on function ledger_get_feature_by_key to pgledger_reader;
