/*
What a tenant's usage of several features comes to in [starts_at, ends_at), each by the feature's
own aggregation, in the order of the keys.
Errors: NullArgument, InvalidScope, InvalidBatch, BatchTooLarge, InvalidTime, FeatureNotFound,
UsagePurged.
*/
create or replace function ledger_aggregate_usage_by_feature(
  app_id text,
  tenant_id text,
  feature_keys text[],
  starts_at timestamptz,
  ends_at timestamptz
)
returns setof ledger_feature_usage
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_arrays(
    array['feature_keys'], array[cardinality(feature_keys)], array[array_ndims(feature_keys)], 1
  );
  perform pgledger.check_usage_range(app_id, tenant_id, starts_at, ends_at);
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

comment on function ledger_aggregate_usage_by_feature is
$$Returns what usage of each of many features comes to.

The function behind it is ledger_aggregate_usage_by_feature.

[[was: What a tenant's usage of several features comes to from starts_at,
inclusive, to ends_at, exclusive: one row a key, in their order, with the
aggregation that the feature has.]]

app_id: App.
tenant_id: Who used them.
feature_keys: What was used.
starts_at: From when on, inclusive.
ends_at: Until when, exclusive.

Returns: One row for each key, in their order.

Errors: NullArgument, InvalidScope, InvalidBatch, BatchTooLarge (more than
  100,000 keys), InvalidTime (a time is outside the years 1 to 9999, or the
  end before the start), FeatureNotFound (there is no feature of one of these
  keys for this app and tenant), UsagePurged (a time splits an hour whose
  events may have been purged).$$;

revoke all on function ledger_aggregate_usage_by_feature from public;
grant execute on function ledger_aggregate_usage_by_feature to pgledger_reader;
