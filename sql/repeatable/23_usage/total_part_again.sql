/*
Finds what is highest and latest in a part of time of a meter's usage: among the smaller parts that
it has been divided into, or else among its events.
Locks: the roll-up of the part.
*/
create or replace function pgledger.total_part_again(
  meter_key integer,
  span integer,
  starts_at timestamptz
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_end timestamptz := starts_at + pgledger.usage_part_length(span);
  v_highest numeric;
  v_latest record;
begin
  if span = 1 or pgledger.usage_is_divided(meter_key, span, starts_at) then
    v_highest := (
      select max(part.highest)
      from pgledger.usage_rollups as part
      where part.meter_key = total_part_again.meter_key
        and part.span = total_part_again.span + 1
        and part.starts_at >= total_part_again.starts_at
        and part.starts_at < v_end
        and part.events > 0
    );
    select part.latest_at as at, part.latest_key as key, part.latest as quantity
    into v_latest
    from pgledger.usage_rollups as part
    where part.meter_key = total_part_again.meter_key
      and part.span = total_part_again.span + 1
      and part.starts_at >= total_part_again.starts_at
      and part.starts_at < v_end
      and part.events > 0
    order by part.starts_at desc
    limit 1;
  else
    v_highest := (
      select max(event.quantity)
      from pgledger.usage_events as event
      where event.meter_key = total_part_again.meter_key
        and event.event_at >= total_part_again.starts_at
        and event.event_at < v_end
    );
    select event.event_at as at, event.key, event.quantity
    into v_latest
    from pgledger.usage_events as event
    where event.meter_key = total_part_again.meter_key
      and event.event_at >= total_part_again.starts_at
      and event.event_at < v_end
      and event.quantity is not null
    order by event.event_at desc, event.key desc
    limit 1;
  end if;

  update pgledger.usage_rollups
  set
    highest = coalesce(v_highest, 0),
    latest_at = coalesce(v_latest.at, total_part_again.starts_at),
    latest_key = coalesce(v_latest.key, 0),
    latest = coalesce(v_latest.quantity, 0)
  where usage_rollups.meter_key = total_part_again.meter_key
    and usage_rollups.span = total_part_again.span
    and usage_rollups.starts_at = total_part_again.starts_at;
end;
$$;

comment on function pgledger.total_part_again is
  'Finds what is highest and latest in a part of time of a meter''s usage.';

revoke all on function pgledger.total_part_again from public;
