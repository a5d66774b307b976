/*
Adds the values that a batch's events have in the named member of their metadata to the sets of
their hours and days.
Locks: values that are new, ascending.
*/
create or replace function pgledger.count_usage_values(
  now timestamptz,
  meter_keys integer[],
  event_ats timestamptz[],
  metadatas jsonb[]
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_origin constant timestamptz := timestamptz '2000-01-01 00:00:00+00';
begin
  insert into pgledger.usage_values (meter_key, span, starts_at, value)
  select distinct
    meters.key,
    bucket.span,
    date_bin(bucket.size, coalesce(event.event_at, now), v_origin) as starts_at,
    pgledger.counted_value(event.metadata, meters.unique_key) as value
  from unnest(meter_keys, event_ats, metadatas) as event (meter_key, event_at, metadata)
  inner join pgledger.meters
    on meters.key = any(meter_keys) and event.meter_key = meters.key
  cross join (values (1, interval '24 hours'), (2, interval '1 hour')) as bucket (span, size)
  where meters.unique_key is not null
  order by meters.key, bucket.span, starts_at, value
  on conflict on constraint usage_values_meter_key_span_starts_at_value_pk do nothing;
end;
$$;

comment on function pgledger.count_usage_values is
  'Adds the values in the metadata of a batch''s events to the sets of their hours and days.';

revoke all on function pgledger.count_usage_values from public;
