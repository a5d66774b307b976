/*
What a tenant's usage of a feature comes to in [starts_at, ends_at): exact, from roll-ups of whole
hours and days and the events of the hours that the range breaks.
Errors: NullArgument, InvalidScope, InvalidTime, InvalidArgument, FeatureNotFound, UsagePurged.
*/
create or replace function ledger_aggregate_usage(
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
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_usage_range(app_id, tenant_id, starts_at, ends_at);
  return (
    pgledger.aggregate_usage(app_id, tenant_id, feature_key, starts_at, ends_at, aggregation)
  ).value;
end;
$$;

comment on function ledger_aggregate_usage is
$$Returns what usage of a feature comes to.

[[was: What a tenant's usage of a feature comes to from starts_at, inclusive,
to ends_at, exclusive; 0 where there is none.]]

app_id: App.
tenant_id: Who used it.
feature_key: What was used.
starts_at: From when on, inclusive.
ends_at: Until when, exclusive.
aggregation: How to count; null for the feature's own way. [[was: sum, count,
  max, unique_count or latest; null for the feature's own. Exact, and as fast
  however many events there are: it reads totals of days and hours, and events
  only of the hours that the range breaks.]], or null.

Returns: Zero where there was no usage.

Errors: NullArgument, InvalidScope, InvalidTime (a time is outside the years 1
  to 9999, or the end before the start), InvalidArgument (there is no such
  aggregation for this feature), FeatureNotFound (there is no feature of this
  key for this app and tenant), UsagePurged (a time splits an hour whose
  events may have been purged).$$;

revoke all on function ledger_aggregate_usage from public;
grant execute on function ledger_aggregate_usage to pgledger_reader;
