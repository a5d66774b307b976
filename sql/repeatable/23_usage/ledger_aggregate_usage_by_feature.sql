/*
Checks, in this order: app_id, tenant_id, feature_keys, starts_at, ends_at, purged hours, then each
key: for null, existence of the feature.
*/
create or replace function @extschema@.ledger_aggregate_usage_by_feature(
  app_id text,
  tenant_id text,
  feature_keys text[],
  starts_at timestamptz,
  ends_at timestamptz
)
returns setof @extschema@.ledger_feature_usage
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_arrays(
    array['feature_keys'], array[cardinality(feature_keys)], array[array_ndims(feature_keys)], 1
  );
  v_ok := pgledger.check_usage_range(app_id, tenant_id, starts_at, ends_at);
  return query
  select given.feature_key, total.aggregation, total.value
  from unnest(feature_keys) with ordinality as given (feature_key, place)
  cross join lateral pgledger.aggregate_usage(
    ledger_aggregate_usage_by_feature.app_id,
    ledger_aggregate_usage_by_feature.tenant_id,
    given.feature_key,
    ledger_aggregate_usage_by_feature.starts_at,
    ledger_aggregate_usage_by_feature.ends_at,
    null
  ) as total
  order by given.place;
end;
$$;

comment on function @extschema@.ledger_aggregate_usage_by_feature is
$$Returns what a tenant's usage of each of several features comes to.

Each is counted in the feature's own way. ledger_aggregate_usage counts one
feature in any way.

app_id: App.
tenant_id: Tenant that used them.
feature_keys: Keys of the features, at most 100,000.
starts_at: From when on, inclusive.
ends_at: Until when, exclusive; after starts_at.

Returns: One row for each key, in their order; 0 where there was no usage.

Errors: NullArgument, InvalidScope, InvalidBatch, BatchTooLarge (more than
  100,000 keys), InvalidTime (a time is outside the years 1 to 9999, or the
  end is not after the start), UsagePurged (a time splits an hour whose events
  may have been purged), FeatureNotFound (there is no feature of one of these
  keys for this app and tenant).$$;

revoke all on function @extschema@.ledger_aggregate_usage_by_feature from public;
grant execute on function @extschema@.ledger_aggregate_usage_by_feature to pgledger_reader;
