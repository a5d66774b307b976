/*
Adds up the events of hours that hold very many in smaller parts, and those of such parts again, so
that a time that splits an hour splits no more than a few thousand events. Of what was divided
before, the events of the batch are added to the parts that they lie in; what is not divided yet is
added up from all its events. If some of these were purged, it stays undivided. The body is long,
because it is one statement for each span: a split would write the events down again.

The session holds the roll-ups of these hours, as everybody does who changes what they are made of.
So it sees all events that they count.
Locks: parts of hours, by span, ascending by meter and time.
*/
create or replace function pgledger.divide_usage(
  divided_keys integer[],
  divided_starts timestamptz[],
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
  v_origin constant timestamptz := timestamptz '2000-01-01 00:00:00+00';
  v_keys integer[] := divided_keys;
  v_starts timestamptz[] := divided_starts;
  v_length interval;
  v_part_length interval;
begin
  for v_span in 3..12 loop
    v_length := pgledger.usage_part_length(v_span - 1);
    v_part_length := pgledger.usage_part_length(v_span);
    with whole as materialized (
      select
        given.meter_key, given.starts_at,
        pgledger.usage_is_divided(given.meter_key, v_span - 1, given.starts_at) as is_divided
      from unnest(v_keys, v_starts) as given (meter_key, starts_at)
    ),
    event as (
      select
        whole.meter_key, batch.quantity, coalesce(batch.event_at, now) as event_at,
        first_key + batch.place as key
      from whole
      inner join unnest(meter_keys, quantities, event_ats) with ordinality
        as batch (meter_key, quantity, event_at, place)
        on whole.meter_key = batch.meter_key
        and whole.starts_at = date_bin(v_length, coalesce(batch.event_at, now), v_origin)
      where whole.is_divided
      union all
      select whole.meter_key, present.quantity, present.event_at, present.key
      from whole
      cross join lateral pgledger.undivided_usage(
        whole.meter_key, v_span - 1, whole.starts_at
      ) as present
      where not whole.is_divided
    ),
    part as (
      select
        event.meter_key,
        date_bin(v_part_length, event.event_at, v_origin) as starts_at,
        count(*) as events,
        sum(event.quantity) as quantity,
        max(event.quantity) as highest,
        max(event.event_at) as latest_at,
        (array_agg(event.key order by event.event_at desc, event.key desc))[1] as latest_key,
        (array_agg(event.quantity order by event.event_at desc, event.key desc))[1] as latest
      from event
      group by event.meter_key, date_bin(v_part_length, event.event_at, v_origin)
    ),
    stored as (
      insert into pgledger.usage_rollups (
        meter_key, span, starts_at, events, quantity, highest, latest_at, latest_key, latest
      )
      select
        part.meter_key, v_span, part.starts_at, part.events, part.quantity, part.highest,
        part.latest_at, part.latest_key, part.latest
      from part
      order by part.meter_key, part.starts_at
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
      returning usage_rollups.meter_key, usage_rollups.starts_at, usage_rollups.events
    )
    select array_agg(stored.meter_key), array_agg(stored.starts_at)
    into v_keys, v_starts
    from stored
    where stored.events >= pgledger.most_undivided_usage();
    exit when v_keys is null;
  end loop;
end;
$$;

comment on function pgledger.divide_usage is
  'Adds up the events of hours that hold very many in smaller parts.';

revoke all on function pgledger.divide_usage from public;
