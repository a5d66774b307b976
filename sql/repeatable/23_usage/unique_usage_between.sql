/*
How many different values the named member of metadata has among a meter's events in [starts_at,
ends_at). With only_value it is 1 if that value is among them, and 0 if not.

The values of an hour that the range splits are read from its events, however many there are: sets
of values for parts of an hour could be as large as all its events.
*/
create or replace function pgledger.unique_usage_between(
  meter_key integer,
  unique_key text,
  starts_at timestamptz,
  ends_at timestamptz,
  only_value text default null
)
returns numeric
language plpgsql
stable
parallel safe
-- As for pgledger.usage_sums.
set plan_cache_mode = force_generic_plan
as $$
begin
  return (
    select count(distinct part.value)
    from pgledger.usage_pieces(meter_key, starts_at, ends_at, finest => 2) as piece
    cross join lateral (
      select usage_values.value
      from pgledger.usage_values
      where piece.span > 0
        and usage_values.meter_key = unique_usage_between.meter_key
        and usage_values.span = piece.span
        and usage_values.starts_at >= piece.since
        and usage_values.starts_at < piece.until
      union all
      select pgledger.counted_value(usage_events.metadata, unique_usage_between.unique_key)
      from pgledger.usage_events
      where piece.span = 0
        and usage_events.meter_key = unique_usage_between.meter_key
        and usage_events.event_at >= piece.since
        and usage_events.event_at < piece.until
        and usage_events.quantity is not null
    ) as part
    where part.value = coalesce(only_value, part.value)
  );
end;
$$;

comment on function pgledger.unique_usage_between is
  'How many different values a member of metadata has among a meter''s events in a range of time.';

revoke all on function pgledger.unique_usage_between from public;
