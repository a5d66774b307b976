/*
Checks, in this order: app_id, tenant_id, starts_at, ends_at, purged hours at these, feature_key for
null, aggregation, existence of the feature, its unique_key, unit, time_zone, number of parts,
purged hours at their edges.
*/
create or replace function @extschema@.ledger_usage_by_time(
  app_id text,
  tenant_id text,
  feature_key text,
  starts_at timestamptz,
  ends_at timestamptz,
  unit text default 'day',
  time_zone text default null,
  aggregation text default null
)
returns setof @extschema@.ledger_usage_part
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_zone text := coalesce(time_zone, pgledger.time_zone_of_tenant(app_id, tenant_id));
  v_edges timestamptz[];
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_usage_range(app_id, tenant_id, starts_at, ends_at);
  perform pgledger.aggregate_usage(
    app_id, tenant_id, feature_key, starts_at, starts_at, aggregation
  );
  v_ok := pgledger.check_choice('unit', unit, array['hour', 'day', 'month']);
  v_ok := pgledger.check_time_zone(v_zone);
  v_edges := pgledger.edges_of_parts(starts_at, ends_at, unit, v_zone);
  v_ok := pgledger.check_usage_edges(app_id, tenant_id, 'time_zone', v_edges);

  return query
  select part.starts_at, part.ends_at, usage.value
  from (
    select edge.at as starts_at, lead(edge.at) over (order by edge.at) as ends_at
    from unnest(v_edges) as edge (at)
  ) as part
  cross join lateral pgledger.aggregate_usage(
    ledger_usage_by_time.app_id,
    ledger_usage_by_time.tenant_id,
    ledger_usage_by_time.feature_key,
    part.starts_at,
    part.ends_at,
    ledger_usage_by_time.aggregation
  ) as usage
  where part.ends_at is not null
  order by part.starts_at;
end;
$$;

comment on function @extschema@.ledger_usage_by_time is
$$Returns what a tenant's usage comes to in each hour, day or month.

The parts begin where hours, days or months begin in the time zone, also where
its clocks change. The first one and the last one end with the range.

app_id: App.
tenant_id: Tenant that used it.
feature_key: Key of the feature.
starts_at: From when on, inclusive.
ends_at: Until when, exclusive; after starts_at.
unit: How long the parts are; one of: hour, day, month.
time_zone: Time zone, such as Europe/Berlin; null for that of the tenant's
  subscription, or UTC without one.
aggregation: How to count; one of: sum, count, max, unique_count, latest; null
  for the feature's own way.

Returns: One row for each part, in order; 0 where there was no usage.

Errors: NullArgument, InvalidScope, InvalidTime (a time is outside the years 1
  to 9999, the end is not after the start, or there are more than 10,000
  parts), UsagePurged (a part begins or ends within an hour whose events may
  have been purged), InvalidArgument (there is no such aggregation, unit or
  time zone), FeatureNotFound (there is no feature of this key for this app
  and tenant).$$;

revoke all on function @extschema@.ledger_usage_by_time from public;
grant execute on function @extschema@.ledger_usage_by_time to pgledger_reader;
