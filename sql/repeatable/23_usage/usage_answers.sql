/*
What became of each event of a batch of which not all were inserted. sound_meter_keys has the meter
of each event that could be taken, inserted_meter_keys the meter of each that was inserted; both
have nulls for the others. A duplicate has the id of the event that counts.
*/
create or replace function pgledger.usage_answers(
  app_id text,
  tenant_ids text[],
  feature_keys text[],
  quantities numeric[],
  event_ats timestamptz[],
  idempotency_keys text[],
  metadatas jsonb[],
  now timestamptz,
  latest timestamptz,
  id_head text,
  tenant_keys integer[],
  sound_meter_keys integer[],
  inserted_meter_keys integer[]
)
returns table (event_index bigint, status text, id text, error text, arguments text[])
language plpgsql
stable
parallel safe
set enable_nestloop = on
as $$
begin
  return query
  select
    event.place,
    'inserted',
    id_head
    || pgledger.base32_pair((event.place >> 10)::integer)
    || pgledger.base32_pair((event.place & 1023)::integer),
    null::text,
    null::text[]
  from unnest(inserted_meter_keys) with ordinality as event (inserted_key, place)
  where event.inserted_key is not null
  union all
  select
    event.place,
    'duplicate',
    pgledger.event_id(usage_events.created_at, usage_events.key),
    null,
    null
  from unnest(
    sound_meter_keys, inserted_meter_keys, tenant_keys, idempotency_keys
  ) with ordinality as event (sound_key, inserted_key, tenant_key, idempotency_key, place)
  left join pgledger.usage_events
    on event.tenant_key = usage_events.tenant_key
    and event.idempotency_key = usage_events.idempotency_key
  where event.sound_key is not null and event.inserted_key is null
  union all
  select
    event.place,
    case when counted.id is null then 'rejected' else 'duplicate' end,
    counted.id,
    case when counted.id is null then fault.error end,
    case when counted.id is null then fault.arguments end
  from unnest(
    sound_meter_keys, tenant_ids, feature_keys, quantities, event_ats, idempotency_keys, metadatas
  ) with ordinality as event (
    sound_key, tenant_id, feature_key, quantity, event_at, idempotency_key, metadata, place
  )
  cross join lateral pgledger.usage_fault(
    usage_answers.app_id, event.tenant_id, event.feature_key, event.quantity,
    coalesce(event.event_at, now), event.idempotency_key, event.metadata, now, latest
  ) as fault
  -- Before the purge line some are left, and the batch itself may have taken the key: whatever has
  -- it counts.
  left join lateral (
    select pgledger.event_id(usage_events.created_at, usage_events.key) as id
    from pgledger.tenants
    inner join pgledger.usage_events on tenants.key = usage_events.tenant_key
    where fault.error = 'UsagePurged'
      and tenants.app_id = usage_answers.app_id
      and tenants.tenant_id = event.tenant_id
      and usage_events.idempotency_key = event.idempotency_key
  ) as counted on true
  where event.sound_key is null
  order by 1;
end;
$$;

comment on function pgledger.usage_answers is
  'What became of each event of a batch, and why those that were rejected were.';

revoke all on function pgledger.usage_answers from public;
