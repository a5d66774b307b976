/*
Locks: the feature's row of invalidations.
Checks, in this order: app_id, feature_key, existence.
*/
create or replace function @extschema@.ledger_invalidate_feature_entitlements(
  app_id text,
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
  v_ok := pgledger.check_app(app_id);
  if feature_key is null then
    v_ok := pgledger.fail('NullArgument', array['feature_key']);
  elsif not exists (
    select
    from pgledger.features
    where features.app_id in (ledger_invalidate_feature_entitlements.app_id, '*')
      and features.key = ledger_invalidate_feature_entitlements.feature_key
  ) then
    v_ok := pgledger.fail(
      'FeatureNotFound',
      array[quote_literal(pgledger.abridged(feature_key)), pgledger.in_app(app_id)]
    );
  end if;
  perform pgledger.invalidate_feature(app_id, '', feature_key);
end;
$$;

comment on function @extschema@.ledger_invalidate_feature_entitlements is
$$Forgets the remembered entitlements to a feature, of all tenants.

What pgledger itself changes needs no such call: that is seen anyway.

app_id: App.
feature_key: Key of the feature.

Errors: NullArgument, InvalidScope, FeatureNotFound (no tenant of this app has
  a feature of this key).$$;

revoke all on function @extschema@.ledger_invalidate_feature_entitlements from public;
grant execute on function @extschema@.ledger_invalidate_feature_entitlements to pgledger_poster;
