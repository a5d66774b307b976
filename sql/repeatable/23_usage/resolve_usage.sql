/*
Finds the meter of each event of a batch. tenant_keys and meter_keys have the keys of its tenant and
meter in the place of an event that can be taken, and nulls in the places of the others; why those
cannot be taken is for pgledger.usage_fault to say. earliest is the time of the first event, of
those that have one. has_values: values of metadata are to be
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
  earliest timestamptz,
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
      meters.key as meter_key,
      meters.tenant_key,
      meters.unique_key,
      meters.type,
      pgledger.quantity_fault(given.quantity) is null
      and coalesce(given.event_at, now) between
        greatest(purged.purged_before, timestamptz 'epoch') and latest
      and (given.idempotency_key is null or char_length(given.idempotency_key) between 1 and 255)
      and pgledger.metadata_fault(given.metadata) is null
      and (
        meters.unique_key is null
        or char_length(pgledger.counted_value(given.metadata, meters.unique_key))
        between 1 and 255
      ) as is_sound
    from unnest(
      tenant_ids, feature_keys, quantities, event_ats, idempotency_keys, metadatas
    ) with ordinality as given (
      tenant_id, feature_key, quantity, event_at, idempotency_key, metadata, place
    )
    left join pgledger.meters
      on meters.app_id = resolve_usage.app_id
      and meters.tenant_id = any(distinct_tenant_ids)
      and given.tenant_id = meters.tenant_id
      and given.feature_key = meters.feature_key
    left join (
      select tenants.key, tenants.purged_before
      from pgledger.tenants
      where (
          select max(last.purged_before)
          from pgledger.tenants as last
          where last.app_id = resolve_usage.app_id and last.purged_before > '-infinity'
        ) > least(earliest, now)
        and tenants.app_id = resolve_usage.app_id
        and tenants.tenant_id = any(distinct_tenant_ids)
      -- Kept apart, so that no tenant is read as long as no purge line lies behind any event.
      offset 0
    ) as purged
      on meters.tenant_key = purged.key
    -- Kept apart, so that an event is looked at once, and not for each of the sums.
    offset 0
  ) as event;
end;
$$;

comment on function pgledger.resolve_usage is
  'Keys of tenant and meter for each event of a batch that can be taken, nulls for the others.';

revoke all on function pgledger.resolve_usage from public;
