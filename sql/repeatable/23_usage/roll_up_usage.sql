/*
Adds the events of a batch that have a meter to the roll-ups of their hours and days. One number
finds the latest event of an hour: the microseconds into the hour, then the place in the batch.
Hours that hold very many events by now are added up in smaller parts, too. The body is long,
because it is one statement: every batch runs it, and a split would write its events down again.
Locks: roll-ups, ascending by meter, days before hours, then parts of these.
*/
create or replace function pgledger.roll_up_usage(
  first_key bigint,
  now timestamptz,
  meter_keys integer[],
  quantities numeric[],
  event_ats timestamptz[]
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_meter_keys integer[];
  v_hours timestamptz[];
begin
  with event as (
    select
      given.place,
      given.meter_key,
      given.quantity,
      -- Exact in double precision until the year 2242, and to a microsecond for longer.
      round(date_part('epoch', coalesce(given.event_at, now)) * 1000000)::bigint as microseconds
    from unnest(meter_keys, quantities, event_ats) with ordinality
      as given (meter_key, quantity, event_at, place)
    where given.meter_key is not null
    -- Kept apart, so that the microseconds are computed once.
    offset 0
  ),
  of_hour as materialized (
    select
      event.meter_key,
      event.microseconds / 3600000000 as hour,
      count(*) as events,
      sum(event.quantity) as quantity,
      max(event.quantity) as highest,
      max(((event.microseconds % 3600000000) << 20) | event.place) as latest
    from event
    group by event.meter_key, event.microseconds / 3600000000
  ),
  part as (
    select
      of_hour.meter_key, 2 as span, of_hour.hour, of_hour.events, of_hour.quantity,
      of_hour.highest, of_hour.latest
    from of_hour
    union all
    select
      of_hour.meter_key, 1, of_hour.hour / 24 * 24, sum(of_hour.events)::bigint,
      sum(of_hour.quantity), max(of_hour.highest),
      max(((of_hour.hour % 24 * 3600000000) << 20) + of_hour.latest)
    from of_hour
    group by of_hour.meter_key, of_hour.hour / 24
  ),
  stored as (
    insert into pgledger.usage_rollups (
      meter_key, span, starts_at, events, quantity, highest, latest_at, latest_key, latest
    )
    select
      part.meter_key, part.span, to_timestamp(part.hour * 3600) as starts_at, part.events,
      part.quantity, part.highest,
      coalesce(event_ats[(part.latest & 1048575)::integer], now),
      first_key + (part.latest & 1048575),
      quantities[(part.latest & 1048575)::integer]
    from part
    order by part.meter_key, part.span, starts_at
    on conflict on constraint usage_rollups_meter_key_span_starts_at_pk do update
    set
      events = usage_rollups.events + excluded.events,
      quantity = usage_rollups.quantity + excluded.quantity,
      highest = greatest(usage_rollups.highest, excluded.highest),
      latest_at = greatest(usage_rollups.latest_at, excluded.latest_at),
      latest_key = case
        when (excluded.latest_at, excluded.latest_key)
          > (usage_rollups.latest_at, usage_rollups.latest_key)
          then excluded.latest_key
        else usage_rollups.latest_key
      end,
      latest = case
        when (excluded.latest_at, excluded.latest_key)
          > (usage_rollups.latest_at, usage_rollups.latest_key)
          then excluded.latest
        else usage_rollups.latest
      end
    returning
      usage_rollups.meter_key, usage_rollups.span, usage_rollups.starts_at, usage_rollups.events
  )
  select array_agg(stored.meter_key), array_agg(stored.starts_at)
  into v_meter_keys, v_hours
  from stored
  where stored.span = 2 and stored.events >= pgledger.most_undivided_usage();
  if v_hours is not null then
    perform pgledger.divide_usage(
      v_meter_keys, v_hours, first_key, now, roll_up_usage.meter_keys, quantities, event_ats
    );
  end if;
end;
$$;

comment on function pgledger.roll_up_usage is
  'Adds the events of a batch that have a meter to the roll-ups of their hours and days.';

revoke all on function pgledger.roll_up_usage from public;
