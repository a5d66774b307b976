/*
Puts right the totals of the hour and the day of a usage event whose quantity has changed by step,
or which was removed and said quantity, if step is null. Sums change by that. What is highest and
latest is found among the hour's events, and then among the day's hours.

Who records usage adds it to these totals before it adds its values, so holding the totals keeps the
two apart.

Locks: the roll-ups, the day before the hour; values.
*/
create or replace function pgledger.total_usage_again(
  meter_key integer,
  event_at timestamptz,
  step numeric,
  quantity numeric
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_origin constant timestamptz := timestamptz '2000-01-01 00:00:00+00';
  v_day timestamptz := date_bin('24 hours', event_at, v_origin);
  v_hour timestamptz := date_bin('1 hour', event_at, v_origin);
begin
  perform
  from pgledger.usage_rollups
  where usage_rollups.meter_key = total_usage_again.meter_key
    and (usage_rollups.span, usage_rollups.starts_at) in ((1, v_day), (2, v_hour))
  order by usage_rollups.span
  for no key update;
  update pgledger.usage_rollups
  set
    events = usage_rollups.events - case when step is null then 1 else 0 end,
    quantity = usage_rollups.quantity + coalesce(step, -total_usage_again.quantity)
  where usage_rollups.meter_key = total_usage_again.meter_key
    and (usage_rollups.span, usage_rollups.starts_at) in ((1, v_day), (2, v_hour));

  update pgledger.usage_rollups
  set
    highest = coalesce(found.highest, 0),
    latest_at = coalesce(found.at[1], v_hour),
    latest_key = coalesce(found.key[1], 0),
    latest = coalesce(found.latest[1], 0)
  from (
    select
      max(event.quantity) as highest,
      array_agg(event.event_at order by event.event_at desc, event.key desc) as at,
      array_agg(event.key order by event.event_at desc, event.key desc) as key,
      array_agg(event.quantity order by event.event_at desc, event.key desc) as latest
    from pgledger.usage_events as event
    where event.meter_key = total_usage_again.meter_key
      and event.event_at >= v_hour
      and event.event_at < v_hour + interval '1 hour'
      and event.quantity is not null
  ) as found
  where usage_rollups.meter_key = total_usage_again.meter_key
    and usage_rollups.span = 2
    and usage_rollups.starts_at = v_hour;
  perform pgledger.total_day_again(meter_key, v_day);
  if step is null then
    perform pgledger.forget_usage_values(meter_key, v_hour, v_day);
  end if;
end;
$$;

comment on function pgledger.total_usage_again is
  'Puts right the totals of a usage event that has been corrected or removed.';

revoke all on function pgledger.total_usage_again from public;
