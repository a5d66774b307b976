/*
Inserts those events of a batch that have a meter and whose idempotency key is new for that meter.
Returns the meter of each event that was inserted, in its place, and null in the places of the
others.

As a rule no key is taken, and to ask for each would cost a third of the insert. So all events are
first inserted as if no key were taken. If one is, that insert is undone, and a second one asks for
each key and leaves out the events whose keys are taken.

Locks: idempotency keys, ascending by meter and key.
*/
create or replace function pgledger.insert_usage(
  first_key bigint,
  now timestamptz,
  tenant_keys integer[],
  meter_keys integer[],
  quantities numeric[],
  event_ats timestamptz[],
  idempotency_keys text[],
  metadatas jsonb[]
)
returns integer[]
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_inserted integer[];
begin
  begin
    insert into pgledger.usage_events (
      key, event_at, created_at, tenant_key, meter_key, quantity, idempotency_key, metadata
    )
    select
      first_key + event.place, coalesce(event.event_at, now), now, event.tenant_key,
      event.meter_key, event.quantity, event.idempotency_key, event.metadata
    from unnest(
      tenant_keys, meter_keys, quantities, event_ats, idempotency_keys, metadatas
    ) with ordinality as event (
      tenant_key, meter_key, quantity, event_at, idempotency_key, metadata, place
    )
    where event.meter_key is not null
    -- In this order, because sessions may wait for each other's keys.
    order by event.meter_key, event.idempotency_key, event.place;
    return meter_keys;
  exception
    when unique_violation then null;
  end;

  with inserted as (
    insert into pgledger.usage_events (
      key, event_at, created_at, tenant_key, meter_key, quantity, idempotency_key, metadata
    )
    select
      first_key + event.place, coalesce(event.event_at, now), now, event.tenant_key,
      event.meter_key, event.quantity, event.idempotency_key, event.metadata
    from unnest(
      tenant_keys, meter_keys, quantities, event_ats, idempotency_keys, metadatas
    ) with ordinality as event (
      tenant_key, meter_key, quantity, event_at, idempotency_key, metadata, place
    )
    where event.meter_key is not null
    order by event.meter_key, event.idempotency_key, event.place
    on conflict on constraint usage_events_meter_key_idempotency_key_key do nothing
    returning usage_events.key, usage_events.meter_key
  )
  select array_agg(inserted.meter_key order by place.number)
  into v_inserted
  from generate_series(1, cardinality(insert_usage.meter_keys)) as place (number)
  left join inserted on first_key + place.number = inserted.key;
  return v_inserted;
end;
$$;

comment on function pgledger.insert_usage is
  'Inserts those events of a batch that have a meter and whose idempotency key is new.';

revoke all on function pgledger.insert_usage from public;
