/*
Makes everything cached of a feature unservable for all tenants of an app, also what is being worked
out at this moment.
Locks: the feature's row.
Errors: NullArgument, InvalidScope, FeatureNotFound.
*/
create or replace function ledger_invalidate_feature_entitlements(
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
begin
  perform pgledger.check_app(app_id);
  if feature_key is null then
    perform pgledger.fail('NullArgument', array['feature_key']);
  elsif not exists (
    select
    from pgledger.features
    where features.app_id in (ledger_invalidate_feature_entitlements.app_id, '*')
      and features.key = ledger_invalidate_feature_entitlements.feature_key
  ) then
    perform pgledger.fail(
      'FeatureNotFound',
      array[quote_literal(pgledger.abridged(feature_key)), pgledger.in_app(app_id)]
    );
  end if;
  insert into pgledger.feature_invalidations (app_id, feature_key, version)
  values (
    ledger_invalidate_feature_entitlements.app_id,
    ledger_invalidate_feature_entitlements.feature_key,
    1
  )
  on conflict on constraint feature_invalidations_app_id_feature_key_pk do update
  set version = feature_invalidations.version + 1;
end;
$$;

comment on function ledger_invalidate_feature_entitlements is
$$Forgets remembered answers about a feature, for all tenants.

The function behind it is ledger_invalidate_feature_entitlements.

[[was: Stops serving whatever is cached of a feature, for all tenants of the
app. What pgledger itself changes does that by itself.]]

app_id: App.
feature_key: To what.

Returns: [[?]]

Errors: NullArgument, InvalidScope, FeatureNotFound (no tenant of this app has
  a feature of this key).$$;

revoke all on function ledger_invalidate_feature_entitlements from public;
grant execute on function ledger_invalidate_feature_entitlements to pgledger_poster;
