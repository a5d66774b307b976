/*
Whether there are events of a tenant in [starts_at, ends_at). It looks once for one of each feature.
*/
create or replace function pgledger.has_usage_between(
  tenant_key integer,
  starts_at timestamptz,
  ends_at timestamptz
)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  return exists (
    select
    from pgledger.meters
    cross join lateral (
      select
      from pgledger.usage_events
      where usage_events.meter_key = meters.key
        and usage_events.event_at >= has_usage_between.starts_at
        and usage_events.event_at < has_usage_between.ends_at
      limit 1
    ) as event
    where meters.tenant_key = has_usage_between.tenant_key
  );
end;
$$;

comment on function pgledger.has_usage_between is
  'Whether there are events of a tenant in a range of time.';

revoke all on function pgledger.has_usage_between from public;
