/*
How many different values the named member of metadata has among a meter's events in
[starts_at, ends_at), put together as pgledger.usage_parts does it; everything if the start is
infinite. With only_value, whether that value is among them: one or none.
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
  v_origin constant timestamptz := timestamptz '2000-01-01 00:00:00+00';
  v_microsecond constant interval := interval '1 microsecond';
  v_first_hour timestamptz :=
    date_bin('1 hour', starts_at - v_microsecond, v_origin) + interval '1 hour';
  v_last_hour timestamptz := date_bin('1 hour', ends_at, v_origin);
  v_first_day timestamptz :=
    date_bin('24 hours', v_first_hour - v_microsecond, v_origin) + interval '24 hours';
  v_last_day timestamptz := date_bin('24 hours', v_last_hour, v_origin);
begin
  return (
    select count(distinct part.value)
    from (
      select usage_values.value
      from pgledger.usage_values
      where usage_values.meter_key = unique_usage_between.meter_key
        and usage_values.span = 1
        and usage_values.starts_at >= v_first_day
        and usage_values.starts_at < v_last_day
      union all
      select usage_values.value
      from pgledger.usage_values
      where usage_values.meter_key = unique_usage_between.meter_key
        and usage_values.span = 2
        and usage_values.starts_at >= v_first_hour
        and usage_values.starts_at < least(v_first_day, v_last_hour)
      union all
      select usage_values.value
      from pgledger.usage_values
      where usage_values.meter_key = unique_usage_between.meter_key
        and usage_values.span = 2
        and usage_values.starts_at >= greatest(v_first_day, v_last_day)
        and usage_values.starts_at < v_last_hour
      union all
      select usage_events.metadata ->> unique_usage_between.unique_key
      from pgledger.usage_events
      where usage_events.meter_key = unique_usage_between.meter_key
        and usage_events.event_at >= unique_usage_between.starts_at
        and usage_events.event_at < least(v_first_hour, unique_usage_between.ends_at)
      union all
      select usage_events.metadata ->> unique_usage_between.unique_key
      from pgledger.usage_events
      where usage_events.meter_key = unique_usage_between.meter_key
        and usage_events.event_at >= greatest(v_first_hour, v_last_hour)
        and usage_events.event_at < unique_usage_between.ends_at
    ) as part
    where part.value = coalesce(only_value, part.value)
  );
end;
$$;

comment on function pgledger.unique_usage_between is
  'Count of the different values of a member of metadata among a meter''s events.';

revoke all on function pgledger.unique_usage_between from public;
