/*
Finds what is highest and latest in a meter's day, among its hours.
Locks: the roll-up of the day.
*/
create or replace function pgledger.total_day_again(meter_key integer, day timestamptz)
returns void
language sql
volatile
parallel unsafe
as $$
  update pgledger.usage_rollups
  set
    highest = coalesce(found.highest, 0),
    latest_at = coalesce(found.latest_at, total_day_again.day),
    latest_key = coalesce(found.latest_key, 0),
    latest = coalesce(found.latest, 0)
  from (
    select newest.latest_at, newest.latest_key, newest.latest, highest.highest
    from (
      select max(hour.highest) as highest
      from pgledger.usage_rollups as hour
      where hour.meter_key = total_day_again.meter_key
        and hour.span = 2
        and hour.starts_at >= total_day_again.day
        and hour.starts_at < total_day_again.day + interval '24 hours'
        and hour.events > 0
    ) as highest
    left join (
      select hour.latest_at, hour.latest_key, hour.latest
      from pgledger.usage_rollups as hour
      where hour.meter_key = total_day_again.meter_key
        and hour.span = 2
        and hour.starts_at >= total_day_again.day
        and hour.starts_at < total_day_again.day + interval '24 hours'
        and hour.events > 0
      order by hour.starts_at desc
      limit 1
    ) as newest on true
  ) as found
  where usage_rollups.meter_key = total_day_again.meter_key
    and usage_rollups.span = 1
    and usage_rollups.starts_at = total_day_again.day
$$;

comment on function pgledger.total_day_again is
  'Finds what is highest and latest in a meter''s day, among its hours.';

revoke all on function pgledger.total_day_again from public;
