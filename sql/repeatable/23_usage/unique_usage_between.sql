/*
How many different values the named member of metadata has among a meter's events in [starts_at,
ends_at). With only_value it is 1 if that value is among them, and 0 if not. The range has the parts
that it has in pgledger.usage_sums.
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
as $$
declare
  v_whole record;
begin
  v_whole := pgledger.whole_hours(meter_key, starts_at, ends_at);
  return (
    select count(distinct part.value)
    from (
      select usage_values.value
      from pgledger.usage_values
      where usage_values.meter_key = unique_usage_between.meter_key
        and usage_values.span = 1
        and usage_values.starts_at >= v_whole.first_day
        and usage_values.starts_at < v_whole.last_day
      union all
      select usage_values.value
      from pgledger.usage_values
      where usage_values.meter_key = unique_usage_between.meter_key
        and usage_values.span = 2
        and usage_values.starts_at >= v_whole.first_hour
        and usage_values.starts_at < least(v_whole.first_day, v_whole.last_hour)
      union all
      select usage_values.value
      from pgledger.usage_values
      where usage_values.meter_key = unique_usage_between.meter_key
        and usage_values.span = 2
        and usage_values.starts_at >= greatest(v_whole.first_day, v_whole.last_day)
        and usage_values.starts_at < v_whole.last_hour
      union all
      select pgledger.counted_value(usage_events.metadata, unique_usage_between.unique_key)
      from pgledger.usage_events
      where usage_events.meter_key = unique_usage_between.meter_key
        and usage_events.event_at >= v_whole.starts_at
        and usage_events.event_at < least(v_whole.first_hour, v_whole.ends_at)
        and usage_events.quantity is not null
      union all
      select pgledger.counted_value(usage_events.metadata, unique_usage_between.unique_key)
      from pgledger.usage_events
      where usage_events.meter_key = unique_usage_between.meter_key
        and usage_events.event_at >= greatest(v_whole.first_hour, v_whole.last_hour)
        and usage_events.event_at < v_whole.ends_at
        and usage_events.quantity is not null
    ) as part
    where part.value = coalesce(only_value, part.value)
  );
end;
$$;

comment on function pgledger.unique_usage_between is
  'How many different values a member of metadata has among a meter''s events in a range of time.';

revoke all on function pgledger.unique_usage_between from public;
