/*
How many seats were taken when, in a range of a period. since and until count the days or seconds of
the period that were over. The last report of a day counts for the whole day.
*/
create or replace function pgledger.seat_levels(
  meter_key integer,
  starts_at timestamptz,
  ends_at timestamptz,
  whole_start timestamptz,
  whole_end timestamptz,
  time_zone text,
  proration text
)
returns table (level numeric, since numeric, until numeric)
language sql
stable
parallel safe
as $$
  select
    part.level,
    part.since,
    coalesce(
      lead(part.since) over (order by part.since),
      pgledger.proration_unit(ends_at, whole_start, whole_end, time_zone, proration)
    )
  from (
    select distinct on (unit.since)
      report.level,
      unit.since
    from (
      select
        pgledger.usage_between(meter_key, null, 'latest', '-infinity', starts_at) as level,
        starts_at as event_at,
        0::bigint as key
      union all
      select usage_events.quantity, usage_events.event_at, usage_events.key
      from pgledger.usage_events
      where usage_events.meter_key = seat_levels.meter_key
        and usage_events.event_at >= seat_levels.starts_at
        and usage_events.event_at < seat_levels.ends_at
        and usage_events.quantity is not null
    ) as report
    cross join lateral (
      select
        pgledger.proration_unit(report.event_at, whole_start, whole_end, time_zone, proration)
        as since
    ) as unit
    order by unit.since, report.event_at desc, report.key desc
  ) as part
$$;

comment on function pgledger.seat_levels is
  'How many seats were taken when, in a range of a period.';

revoke all on function pgledger.seat_levels from public;
