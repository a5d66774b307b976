/*
What usage of meters in [starts_at, ends_at) adds up to, one row for each meter that was used then.
However long the range is, few rows are read: the events of the hours that it splits at its edges,
the hours of the days that it splits, and whole days. Each event is in exactly one of these parts.

Events that were removed have no quantity, and do not count.

The keys are read by a subquery, so that the planner assumes the same number of them every time and
keeps one plan.
*/
create or replace function pgledger.usage_sums(
  meter_keys integer[],
  starts_at timestamptz,
  ends_at timestamptz
)
returns table (
  meter_key integer,
  events numeric,
  quantity numeric,
  highest numeric
)
language plpgsql
stable
parallel safe
rows 10
as $$
begin
  return query
  select meter.key, used.events, used.quantity, used.highest
  from unnest((select usage_sums.meter_keys)) as meter (key)
  cross join lateral pgledger.whole_hours(
    meter.key, usage_sums.starts_at, usage_sums.ends_at
  ) as whole
  cross join lateral (
    select
      sum(part.events) as events, sum(part.quantity) as quantity, max(part.highest) as highest
    from (
      select usage_rollups.events, usage_rollups.quantity, usage_rollups.highest
      from pgledger.usage_rollups
      where usage_rollups.meter_key = meter.key
        and usage_rollups.span = 1
        and usage_rollups.starts_at >= whole.first_day
        and usage_rollups.starts_at < whole.last_day
      union all
      select usage_rollups.events, usage_rollups.quantity, usage_rollups.highest
      from pgledger.usage_rollups
      where usage_rollups.meter_key = meter.key
        and usage_rollups.span = 2
        and usage_rollups.starts_at >= whole.first_hour
        and usage_rollups.starts_at < least(whole.first_day, whole.last_hour)
      union all
      select usage_rollups.events, usage_rollups.quantity, usage_rollups.highest
      from pgledger.usage_rollups
      where usage_rollups.meter_key = meter.key
        and usage_rollups.span = 2
        and usage_rollups.starts_at >= greatest(whole.first_day, whole.last_day)
        and usage_rollups.starts_at < whole.last_hour
      union all
      select 1, usage_events.quantity, usage_events.quantity
      from pgledger.usage_events
      where usage_events.meter_key = meter.key
        and usage_events.event_at >= whole.starts_at
        and usage_events.event_at < least(whole.first_hour, whole.ends_at)
        and usage_events.quantity is not null
      union all
      select 1, usage_events.quantity, usage_events.quantity
      from pgledger.usage_events
      where usage_events.meter_key = meter.key
        and usage_events.event_at >= greatest(whole.first_hour, whole.last_hour)
        and usage_events.event_at < whole.ends_at
        and usage_events.quantity is not null
    ) as part
  ) as used
  where used.events > 0;
end;
$$;

comment on function pgledger.usage_sums is
  'What usage of meters in a range of time adds up to: events, sum and highest.';

revoke all on function pgledger.usage_sums from public;
