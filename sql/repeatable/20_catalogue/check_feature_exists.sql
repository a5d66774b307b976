/*
Refuses a key that names no feature for a tenant: neither the tenant's own, nor the app's, nor one
of all apps. An archived feature is one.

Errors: NullArgument, FeatureNotFound.
*/
create or replace function pgledger.check_feature_exists(
  app_id text,
  tenant_id text,
  feature_key text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if feature_key is null then
    v_ok := pgledger.fail('NullArgument', array['feature_key']);
  elsif (pgledger.find_feature(app_id, feature_key, tenant_id)).id is null then
    v_ok := pgledger.fail(
      'FeatureNotFound',
      array[quote_literal(pgledger.abridged(feature_key)), pgledger.in_app(app_id)]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_feature_exists is
  'Raises NullArgument or FeatureNotFound unless a key names a feature for a tenant.';

revoke all on function pgledger.check_feature_exists from public;
