/*
The quantity of a meter's latest event in [starts_at, ends_at), or zero if there is none. Of
each of its pieces only the newest row is read.
*/
create or replace function pgledger.latest_usage_between(
  meter_key integer,
  starts_at timestamptz,
  ends_at timestamptz
)
returns numeric
language plpgsql
stable
parallel safe
-- As for pgledger.usage_sums.
set plan_cache_mode = force_generic_plan
as $$
declare
  v_value numeric;
begin
  if starts_at = '-infinity' and ends_at = 'infinity' then
    -- A seat's level is asked for more often than anything, and needs one row.
    select usage_rollups.latest
    into v_value
    from pgledger.usage_rollups
    where usage_rollups.meter_key = latest_usage_between.meter_key
      and usage_rollups.span = 1
      and usage_rollups.events > 0
    order by usage_rollups.starts_at desc
    limit 1;
    return coalesce(v_value, 0);
  end if;

  select part.latest
  into v_value
  from pgledger.usage_pieces(meter_key, starts_at, ends_at) as piece
  cross join lateral (
    (
      select usage_rollups.latest_at, usage_rollups.latest_key, usage_rollups.latest
      from pgledger.usage_rollups
      where piece.span > 0
        and usage_rollups.meter_key = latest_usage_between.meter_key
        and usage_rollups.span = piece.span
        and usage_rollups.starts_at >= piece.since
        and usage_rollups.starts_at < piece.until
        and usage_rollups.events > 0
      order by usage_rollups.starts_at desc
      limit 1
    )
    union all
    (
      select usage_events.event_at, usage_events.key, usage_events.quantity
      from pgledger.usage_events
      where piece.span = 0
        and usage_events.meter_key = latest_usage_between.meter_key
        and usage_events.event_at >= piece.since
        and usage_events.event_at < piece.until
        and usage_events.quantity is not null
      order by usage_events.event_at desc, usage_events.key desc
      limit 1
    )
  ) as part
  order by part.latest_at desc, part.latest_key desc
  limit 1;
  return coalesce(v_value, 0);
end;
$$;

comment on function pgledger.latest_usage_between is
  'Quantity of a meter''s latest event in a range of time, or zero.';

revoke all on function pgledger.latest_usage_between from public;
