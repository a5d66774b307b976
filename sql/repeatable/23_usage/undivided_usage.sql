/*
The events that count in a part of time of a meter's usage, if they are all there; none if some of
them were purged.
*/
create or replace function pgledger.undivided_usage(
  meter_key integer,
  span integer,
  starts_at timestamptz
)
returns table (event_at timestamptz, key bigint, quantity numeric)
language plpgsql
stable
parallel safe
rows 5000
as $$
begin
  return query
  select usage_events.event_at, usage_events.key, usage_events.quantity
  from pgledger.usage_events
  where usage_events.meter_key = undivided_usage.meter_key
    and usage_events.event_at >= undivided_usage.starts_at
    and usage_events.event_at
    < undivided_usage.starts_at + pgledger.usage_part_length(undivided_usage.span)
    and usage_events.quantity is not null
    and (
      select usage_rollups.events
      from pgledger.usage_rollups
      where usage_rollups.meter_key = undivided_usage.meter_key
        and usage_rollups.span = undivided_usage.span
        and usage_rollups.starts_at = undivided_usage.starts_at
    ) = (
      select count(present.quantity)
      from pgledger.usage_events as present
      where present.meter_key = undivided_usage.meter_key
        and present.event_at >= undivided_usage.starts_at
        and present.event_at
        < undivided_usage.starts_at + pgledger.usage_part_length(undivided_usage.span)
    );
end;
$$;

comment on function pgledger.undivided_usage is
  'The events that count in a part of time of a meter''s usage, unless some were purged.';

revoke all on function pgledger.undivided_usage from public;
