/*
Gives up the values of a meter's hour that no event in it has any more, and those of its day that no
hour in it has.
Locks: values, those of the hour before those of the day.
*/
create or replace function pgledger.forget_usage_values(
  meter_key integer,
  hour timestamptz,
  day timestamptz
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
begin
  delete from pgledger.usage_values
  where usage_values.meter_key = forget_usage_values.meter_key
    and usage_values.span = 2
    and usage_values.starts_at = hour
    and usage_values.value not in (
      select pgledger.counted_value(event.metadata, meters.unique_key)
      from pgledger.meters
      inner join pgledger.usage_events as event on meters.key = event.meter_key
      where meters.key = forget_usage_values.meter_key
        and event.event_at >= hour
        and event.event_at < hour + interval '1 hour'
        and event.quantity is not null
    );
  delete from pgledger.usage_values
  where usage_values.meter_key = forget_usage_values.meter_key
    and usage_values.span = 1
    and usage_values.starts_at = day
    and usage_values.value not in (
      select part.value
      from pgledger.usage_values as part
      where part.meter_key = forget_usage_values.meter_key
        and part.span = 2
        and part.starts_at >= day
        and part.starts_at < day + interval '24 hours'
    );
end;
$$;

comment on function pgledger.forget_usage_values is
  'Gives up values of a meter''s hour and day that no event has any more.';

revoke all on function pgledger.forget_usage_values from public;
