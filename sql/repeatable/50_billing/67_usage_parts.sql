/*
The parts that usage of a meter in [starts_at, ends_at) is put together from, whatever its length:
events of the broken hours at its edges, hours of the broken days, and whole days. Each event is in
exactly one part.
*/
create or replace function pgledger.usage_parts(
  meter_key integer,
  starts_at timestamptz,
  ends_at timestamptz
)
returns table (
  events bigint,
  quantity numeric,
  highest numeric,
  latest_at timestamptz,
  latest_key bigint,
  latest numeric
)
language plpgsql
stable
parallel safe
rows 60
as $$
declare
  v_whole record;
begin
  v_whole := pgledger.whole_hours(starts_at, ends_at);
  return query
  select
    usage_rollups.events, usage_rollups.quantity, usage_rollups.highest, usage_rollups.latest_at,
    usage_rollups.latest_key, usage_rollups.latest
  from pgledger.usage_rollups
  where usage_rollups.meter_key = usage_parts.meter_key
    and usage_rollups.span = 1
    and usage_rollups.starts_at >= v_whole.first_day
    and usage_rollups.starts_at < v_whole.last_day
  union all
  select
    usage_rollups.events, usage_rollups.quantity, usage_rollups.highest, usage_rollups.latest_at,
    usage_rollups.latest_key, usage_rollups.latest
  from pgledger.usage_rollups
  where usage_rollups.meter_key = usage_parts.meter_key
    and usage_rollups.span = 2
    and usage_rollups.starts_at >= v_whole.first_hour
    and usage_rollups.starts_at < least(v_whole.first_day, v_whole.last_hour)
  union all
  select
    usage_rollups.events, usage_rollups.quantity, usage_rollups.highest, usage_rollups.latest_at,
    usage_rollups.latest_key, usage_rollups.latest
  from pgledger.usage_rollups
  where usage_rollups.meter_key = usage_parts.meter_key
    and usage_rollups.span = 2
    and usage_rollups.starts_at >= greatest(v_whole.first_day, v_whole.last_day)
    and usage_rollups.starts_at < v_whole.last_hour
  union all
  select
    1::bigint, usage_events.quantity, usage_events.quantity, usage_events.event_at,
    usage_events.key, usage_events.quantity
  from pgledger.usage_events
  where usage_events.meter_key = usage_parts.meter_key
    and usage_events.event_at >= usage_parts.starts_at
    and usage_events.event_at < least(v_whole.first_hour, usage_parts.ends_at)
  union all
  select
    1::bigint, usage_events.quantity, usage_events.quantity, usage_events.event_at,
    usage_events.key, usage_events.quantity
  from pgledger.usage_events
  where usage_events.meter_key = usage_parts.meter_key
    and usage_events.event_at >= greatest(v_whole.first_hour, v_whole.last_hour)
    and usage_events.event_at < usage_parts.ends_at;
end;
$$;

comment on function pgledger.usage_parts is
  'Roll-ups and single events that usage of a meter in a range of time consists of.';

revoke all on function pgledger.usage_parts from public;
