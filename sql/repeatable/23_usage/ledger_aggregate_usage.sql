/*
Reads roll-ups of whole hours and days, and events only of the hours that the range splits: the cost
does not grow with the number of events.

Checks, in this order: app_id, tenant_id, starts_at, ends_at, purged hours, feature_key for null,
aggregation, existence of the feature, its unique_key.
*/
create or replace function @extschema@.ledger_aggregate_usage(
  app_id text,
  tenant_id text,
  feature_key text,
  starts_at timestamptz,
  ends_at timestamptz,
  aggregation text default null
)
returns numeric
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
  v_ok := pgledger.check_usage_range(app_id, tenant_id, starts_at, ends_at);
  return (
    pgledger.aggregate_usage(app_id, tenant_id, feature_key, starts_at, ends_at, aggregation)
  ).value;
end;
$$;

comment on function @extschema@.ledger_aggregate_usage is
$$Returns what a tenant's usage of a feature comes to.

The answer is exact, and as fast however many events there are: it is read
from totals of hours and days, and from events only in the hours that the
range splits.

app_id: App.
tenant_id: Tenant that used it.
feature_key: Key of the feature.
starts_at: From when on, inclusive.
ends_at: Until when, exclusive; after starts_at.
aggregation: How to count; one of: sum, count, max, unique_count, latest; null
  for the feature's own way.

Returns: What it comes to; 0 where there was no usage.

Errors: NullArgument, InvalidScope, InvalidTime (a time is outside the years 1
  to 9999, or the end is not after the start), UsagePurged (a time splits an
  hour whose events may have been purged), InvalidArgument (there is no such
  aggregation, or not for this feature), FeatureNotFound (there is no feature
  of this key for this app and tenant).$$;

revoke all on function @extschema@.ledger_aggregate_usage from public;
grant execute on function @extschema@.ledger_aggregate_usage to pgledger_reader;
