/*
Finds the meter of each event of a batch. tenant_keys and meter_keys have the keys of its tenant and
meter in the place of an event that can be taken, and nulls in the places of the others; why those
cannot be taken is for pgledger.usage_fault to say. has_values: values of metadata are to be
counted. has_seats: an event is of a seat. lacks_meters: some events have no meter and nothing else
that is wrong with them, as far as that can be known without one; those are in unopened.
*/
create or replace function pgledger.resolve_usage(
  app_id text,
  distinct_tenant_ids text[],
  tenant_ids text[],
  feature_keys text[],
  quantities numeric[],
  event_ats timestamptz[],
  idempotency_keys text[],
  metadatas jsonb[],
  now timestamptz,
  latest timestamptz,
  out tenant_keys integer[],
  out meter_keys integer[],
  out has_values boolean,
  out lacks_meters boolean,
  out has_seats boolean,
  out unopened bigint[]
)
language plpgsql
stable
parallel safe
as $$
begin
  select
    array_agg(case when event.is_sound then event.tenant_key end order by event.place),
    array_agg(case when event.is_sound then event.meter_key end order by event.place),
    coalesce(bool_or(event.unique_key is not null), false),
    coalesce(bool_or(event.meter_key is null and event.is_sound), false),
    coalesce(bool_or(event.type = 'seat'), false),
    array_agg(event.place) filter (where event.meter_key is null and event.is_sound)
  into tenant_keys, meter_keys, has_values, lacks_meters, has_seats, unopened
  from (
    select
      given.place,
      meter.key as meter_key,
      meter.tenant_key,
      meter.unique_key,
      meter.type,
      pgledger.quantity_fault(given.quantity) is null
      and coalesce(given.event_at, now) between
        coalesce(meter.earliest, timestamptz 'epoch') and latest
      and (given.idempotency_key is null or char_length(given.idempotency_key) between 1 and 255)
      and pgledger.metadata_fault(given.metadata) is null
      and (
        meter.unique_key is null
        or char_length(pgledger.counted_value(given.metadata, meter.unique_key))
        between 1 and 255
      ) as is_sound
    from unnest(
      tenant_ids, feature_keys, quantities, event_ats, idempotency_keys, metadatas
    ) with ordinality as given (
      tenant_id, feature_key, quantity, event_at, idempotency_key, metadata, place
    )
    left join (
      select
        meters.key, meters.tenant_key, meters.tenant_id, meters.feature_key, meters.unique_key,
        meters.type, greatest(tenants.purged_before, timestamptz 'epoch') as earliest
      from pgledger.meters
      inner join pgledger.tenants on meters.tenant_key = tenants.key
      where meters.app_id = resolve_usage.app_id
        and meters.tenant_id = any(distinct_tenant_ids)
        and tenants.app_id = resolve_usage.app_id
        and tenants.tenant_id = any(distinct_tenant_ids)
    ) as meter
      on given.tenant_id = meter.tenant_id
      and given.feature_key = meter.feature_key
  ) as event;
end;
$$;

comment on function pgledger.resolve_usage is
  'Keys of tenant and meter for each event of a batch that can be taken, nulls for the others.';

revoke all on function pgledger.resolve_usage from public;
