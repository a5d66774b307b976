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
  -- The event that has the key may just have been purged.
  select
    event.place, coalesce(answer.status, 'duplicate'), answer.id, answer.error, answer.arguments
  from unnest(
    sound_meter_keys, inserted_meter_keys, quantities, event_ats, idempotency_keys
  ) with ordinality as event (
    sound_key, inserted_key, quantity, event_at, idempotency_key, place
  )
  left join lateral pgledger.repeated_usage(
    event.sound_key, event.idempotency_key, event.quantity, event.event_at
  ) as answer on true
  where event.sound_key is not null and event.inserted_key is null
  union all
  select
    event.place,
    coalesce(counted.status, 'rejected'),
    counted.id,
    case when counted.status is null then fault.error else counted.error end,
    case when counted.status is null then fault.arguments else counted.arguments end
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
    select repeated.status, repeated.id, repeated.error, repeated.arguments
    from pgledger.meters
    cross join lateral pgledger.repeated_usage(
      meters.key, event.idempotency_key, event.quantity, event.event_at
    ) as repeated
    where fault.error = 'UsagePurged'
      and meters.app_id = usage_answers.app_id
      and meters.tenant_id = event.tenant_id
      and meters.feature_key = event.feature_key
  ) as counted on true
  where event.sound_key is null
  order by 1;
end;
$$;

comment on function pgledger.usage_answers is
  'What became of each event of a batch, and why those that were rejected were.';

revoke all on function pgledger.usage_answers from public;
