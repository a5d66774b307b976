/*
The answer has one row for each event, in the order of the arrays.
An event before the purge line is told of its key if that is taken at the end of the call, also by
an event of the same call; else it is rejected, as nobody knows whether it was counted. So an event
that counts raises no alarm.
Locks: those of pgledger.take_usage and of its caller.
*/
create or replace function @extschema@.ledger_ingest_usage(
  app_id text,
  tenant_ids text[],
  feature_keys text[],
  quantities numeric[],
  event_ats timestamptz[] default null,
  idempotency_keys text[] default null,
  metadatas jsonb[] default null
)
returns setof @extschema@.ledger_usage_answer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
-- A plan for the arrays at hand would hold copies of all metadata.
set plan_cache_mode = force_generic_plan
set enable_nestloop = off
set enable_mergejoin = off
set jit = off
as $$
declare
  v_taken record;
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);
  v_ok := pgledger.check_arrays(
    array[
      'tenant_ids', 'feature_keys', 'quantities', 'event_ats', 'idempotency_keys', 'metadatas'
    ],
    array[
      cardinality(tenant_ids), cardinality(feature_keys), cardinality(quantities),
      cardinality(event_ats), cardinality(idempotency_keys), cardinality(metadatas)
    ],
    array[
      array_ndims(tenant_ids), array_ndims(feature_keys), array_ndims(quantities),
      array_ndims(event_ats), array_ndims(idempotency_keys), array_ndims(metadatas)
    ],
    3,
    pg_column_size(metadatas)
  );
  v_taken := pgledger.take_usage(
    app_id, tenant_ids, feature_keys, quantities, event_ats, idempotency_keys, metadatas, null
  );
  if array_position(v_taken.meter_keys, null) is null then
    return query
    select
      place.number,
      'inserted',
      v_taken.id_head
      || pgledger.base32_pair((place.number >> 10)::integer)
      || pgledger.base32_pair((place.number & 1023)::integer),
      null::text,
      null::text
    from generate_series(1, cardinality(tenant_ids)::bigint) as place (number);
  else
    return query
    select
      answer.event_index,
      answer.status,
      answer.id,
      case when answer.error is not null then pgledger.error_code(answer.error) end,
      case
        when answer.error is not null then pgledger.error_text(answer.error, answer.arguments)
      end
    from pgledger.usage_answers(
      app_id, tenant_ids, feature_keys, quantities, event_ats, idempotency_keys, metadatas,
      v_taken.now, v_taken.latest, v_taken.id_head, v_taken.sound_keys, v_taken.meter_keys
    ) as answer;
  end if;
  perform pgledger.roll_up_usage(
    v_taken.first_key, v_taken.now, v_taken.meter_keys, quantities, event_ats
  );
  if v_taken.has_values then
    perform pgledger.count_usage_values(v_taken.now, v_taken.meter_keys, event_ats, metadatas);
  end if;
end;
$$;

comment on function @extschema@.ledger_ingest_usage is
$$Records up to 100,000 usage events, of any of an app's tenants.

The events are given as parallel arrays: the first elements of all arrays are
the first event, and so on.

An event that is wrong is rejected alone, and the others are recorded. An
event whose idempotency key its tenant has used before for this feature is a
duplicate and not counted again. So a batch in which every event has a key may
be sent as often as it takes. If it has another quantity than the first one,
or another event_at is given, it is rejected (IdempotencyConflict).

app_id: App.
tenant_ids: Tenants that used something, 1 to 128 characters each.
feature_keys: Keys of the features that they used.
quantities: How much, 0 or more, below 1e30, at most 18 decimal places; for a
  seat, how many there are now.
event_ats: When each happened, from 1970 on, not further ahead of the clock
  than ledger_set_usage_skew allows; null for now (an element or all of it).
idempotency_keys: The reporter's own names of the events, 1 to 255 characters,
  unique for a tenant and feature; each event without one counts, or null.
metadatas: JSON objects to store with them, at most 64 KiB each and 64 MiB in
  all, or null.

Returns: One answer for each event, in their order; no rows for no events.

Errors: NullArgument, InvalidScope, InvalidBatch, BatchTooLarge (more than
  100,000 events or 64 MiB of metadata).$$;

revoke all on function @extschema@.ledger_ingest_usage from public;
grant execute on function @extschema@.ledger_ingest_usage to pgledger_poster;
