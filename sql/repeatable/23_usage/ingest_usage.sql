/*
Records usage events. Each stands for itself: one that is wrong does not keep the others out. One
call writes the events, their roll-ups and their values, so these always agree.

An event may be ahead of the clock by the app's skew, and in any case as far as latest_known_at, the
time of an event that is known already.

An idempotency key belongs to whoever commits first. Who finds it taken by a transaction in progress
waits for the end of that.

Purging: an event older than the tenant's purge line is not taken, because its key may have been
forgotten. A purge that commits while an old event waits for a lock is noticed afterwards, and
raises 40001. A purge that is in progress is not waited for, except at higher isolation levels.

Locks, in this order: those of pgledger.open_meters; meters of seats, ascending; idempotency keys,
ascending by meter and key; roll-ups, ascending by meter, days before hours; values that are new,
ascending. Values come after the roll-ups, because who removes an event holds its roll-ups while
looking whether another event has its value.
Errors: serialization_failure.
*/
create or replace function pgledger.ingest_usage(
  app_id text,
  tenant_ids text[],
  feature_keys text[],
  quantities numeric[],
  event_ats timestamptz[],
  idempotency_keys text[],
  metadatas jsonb[],
  latest_known_at timestamptz default null
)
returns table (event_index bigint, status text, id text, error text, arguments text[])
language plpgsql
volatile
parallel unsafe
-- Plans do not depend on the values, and one call may hold one event or 100,000.
set plan_cache_mode = force_generic_plan
set enable_nestloop = off
set enable_mergejoin = off
set jit = off
as $$
declare
  v_tenant_ids text[] := array(select distinct given.id from unnest(tenant_ids) as given (id));
  v_earliest timestamptz := (select min(given.at) from unnest(event_ats) as given (at));
  v_first_key bigint := nextval('pgledger.usage_calls_seq') << 20;
  v_now timestamptz;
  v_latest timestamptz;
  v_resolved record;
  v_meter_keys integer[];
  v_id_head text;
begin
  for v_look in 1..2 loop
    v_now := pgledger.clock();
    v_latest := greatest(v_now + pgledger.usage_skew(app_id), latest_known_at);
    v_resolved := pgledger.resolve_usage(
      app_id, v_tenant_ids, tenant_ids, feature_keys, quantities, event_ats, idempotency_keys,
      metadatas, v_now, v_latest
    );
    exit when v_look = 2 or not (v_resolved.lacks_meters or v_resolved.has_seats);
    -- The second look sees what was made here or meanwhile. It reads the clock after the locks, so
    -- that a seat's new level is later than all levels before it.
    if v_resolved.lacks_meters then
      perform pgledger.open_meters(
        app_id, tenant_ids, feature_keys, event_ats, metadatas, v_resolved.unopened, v_now
      );
    end if;
    perform pgledger.lock_seat_meters(app_id, v_tenant_ids, feature_keys);
  end loop;
  v_meter_keys := pgledger.insert_usage(
    v_first_key, v_now, v_resolved.tenant_keys, v_resolved.meter_keys, quantities, event_ats,
    idempotency_keys, metadatas
  );
  -- Purges stay an hour behind the clock.
  if v_earliest < pgledger.clock() - interval '1 hour'
    and pgledger.usage_was_purged(app_id, v_tenant_ids, tenant_ids, event_ats, v_meter_keys)
  then
    raise exception using
      errcode = '40001',
      message = 'usage was purged while events of that time were being recorded',
      hint = 'Run the transaction again.';
  end if;

  -- The last four characters of an event's id are its place.
  v_id_head := left(pgledger.event_id(v_now, v_first_key), -4);
  if array_position(v_meter_keys, null) is null then
    return query
    select
      place.number,
      'inserted',
      v_id_head
      || pgledger.base32_pair((place.number >> 10)::integer)
      || pgledger.base32_pair((place.number & 1023)::integer),
      null::text,
      null::text[]
    from generate_series(1, cardinality(tenant_ids)::bigint) as place (number);
  else
    return query
    select answer.event_index, answer.status, answer.id, answer.error, answer.arguments
    from pgledger.usage_answers(
      app_id, tenant_ids, feature_keys, quantities, event_ats, idempotency_keys, metadatas, v_now,
      v_latest, v_id_head, v_resolved.meter_keys, v_meter_keys
    ) as answer;
  end if;

  -- Last, because most other calls that record usage wait for these rows.
  perform pgledger.roll_up_usage(v_first_key, v_now, v_meter_keys, quantities, event_ats);
  if v_resolved.has_values then
    perform pgledger.count_usage_values(v_now, v_meter_keys, event_ats, metadatas);
  end if;
end;
$$;

comment on function pgledger.ingest_usage is
  'Records usage events and their roll-ups; says of each what became of it, and why.';

revoke all on function pgledger.ingest_usage from public;
