/*
Inserts usage events. Each stands for itself: one that is wrong does not keep the others out. Who
calls this adds them to the roll-ups and the values in the same statement, so these always agree;
but it answers before that, because most other calls that record usage wait for the roll-ups.

sound_keys are the meters of the events that can be taken, meter_keys those of the events that were
inserted; both have nulls in the places of the others. id_head: the ids of the events but for the
last four characters, which are an event's place.

An event may be ahead of the clock by the app's skew, and in any case as far as latest_known_at, the
time of an event that is known already.

An idempotency key belongs to whoever commits first. Who finds it taken by a transaction in progress
waits for the end of that.

Purging: an event older than the tenant's purge line is not taken, because its key may have been
forgotten. A purge that commits while an old event waits for a lock is noticed afterwards, and
raises 40001. A purge that is in progress is not waited for, except at higher isolation levels.

Plans do not depend on the values, and one call may hold one event or 100,000. So who calls this
forces generic plans, which join by hashing.

Locks, in this order: those of pgledger.open_meters; meters of seats, ascending; idempotency keys,
ascending by meter and key. Then its caller takes: roll-ups, ascending by meter, days before
hours; values that are new, ascending. Values come after the roll-ups, because who removes an event
holds its roll-ups while looking whether another event has its value.
Errors: serialization_failure.
*/
create or replace function pgledger.take_usage(
  app_id text,
  tenant_ids text[],
  feature_keys text[],
  quantities numeric[],
  event_ats timestamptz[],
  idempotency_keys text[],
  metadatas jsonb[],
  latest_known_at timestamptz,
  out first_key bigint,
  out now timestamptz,
  out latest timestamptz,
  out sound_keys integer[],
  out meter_keys integer[],
  out has_values boolean,
  out id_head text
)
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_tenant_ids text[];
  v_earliest timestamptz;
  v_resolved record;
begin
  select
    array(select distinct given.id from unnest(tenant_ids) as given (id)),
    (select min(given.at) from unnest(event_ats) as given (at))
  into v_tenant_ids, v_earliest;
  first_key := nextval('pgledger.usage_calls_seq') << 20;
  for v_look in 1..2 loop
    now := pgledger.clock();
    latest := greatest(now + pgledger.usage_skew(app_id), latest_known_at);
    v_resolved := pgledger.resolve_usage(
      app_id, v_tenant_ids, tenant_ids, feature_keys, quantities, event_ats, idempotency_keys,
      metadatas, v_earliest, now, latest
    );
    exit when v_look = 2 or not (v_resolved.lacks_meters or v_resolved.has_seats);
    -- The second look sees what was made here or meanwhile. It reads the clock after the locks, so
    -- that a seat's new level is later than all levels before it.
    if v_resolved.lacks_meters then
      perform pgledger.open_meters(
        app_id, tenant_ids, feature_keys, event_ats, metadatas, v_resolved.unopened, now
      );
    end if;
    perform pgledger.lock_seat_meters(app_id, v_tenant_ids, feature_keys);
  end loop;
  sound_keys := v_resolved.meter_keys;
  has_values := v_resolved.has_values;
  meter_keys := pgledger.insert_usage(
    first_key, now, v_resolved.tenant_keys, sound_keys, quantities, event_ats, idempotency_keys,
    metadatas
  );
  -- Purges stay an hour behind the clock.
  if v_earliest < pgledger.clock() - interval '1 hour'
    and pgledger.usage_was_purged(app_id, v_tenant_ids, tenant_ids, event_ats, meter_keys)
  then
    raise exception using
      errcode = '40001',
      message = 'usage was purged while events of that time were being recorded',
      hint = 'Run the transaction again.';
  end if;
  id_head := left(pgledger.event_id(now, first_key), -4);
end;
$$;

comment on function pgledger.take_usage is
  'Inserts usage events, and says which of them were taken.';

revoke all on function pgledger.take_usage from public;
