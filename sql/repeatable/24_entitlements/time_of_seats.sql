/*
When seats that are consumed now are recorded: not before the latest event, which has the current
level, and whose clock may have been ahead of ours. Null before the first event.
*/
create or replace function pgledger.time_of_seats(
  app_id text,
  tenant_id text,
  feature_key text
)
returns timestamptz
language plpgsql
stable
parallel safe
as $$
begin
  return (
    select greatest(usage_rollups.latest_at, pgledger.clock())
    from pgledger.meters
    inner join pgledger.usage_rollups on meters.key = usage_rollups.meter_key
    where meters.app_id = time_of_seats.app_id
      and meters.tenant_id = time_of_seats.tenant_id
      and meters.feature_key = time_of_seats.feature_key
      and usage_rollups.span = 1
      and usage_rollups.events > 0
    order by usage_rollups.starts_at desc
    limit 1
  );
end;
$$;

comment on function pgledger.time_of_seats is 'When seats that are consumed now are recorded.';

revoke all on function pgledger.time_of_seats from public;
