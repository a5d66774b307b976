/*
Ingests a batch of usage events, given as parallel arrays. Each event is taken or refused by itself:
the answer has one row for each, in the order of the arrays.
An event before the purge line is a duplicate if its key is taken at the end of the call, also by an
event of the same call; else it is rejected, as nobody knows whether it was counted. So the order of
a batch's events makes no difference, and an event whose key counts raises no alarm.
Locks: those of pgledger.ingest_usage.
Errors: NullArgument, InvalidScope, InvalidBatch, BatchTooLarge.
*/
create or replace function ledger_ingest_usage(
  app_id text,
  tenant_ids text[],
  feature_keys text[],
  quantities numeric[],
  event_ats timestamptz[] default null,
  idempotency_keys text[] default null,
  metadatas jsonb[] default null
)
returns setof ledger_usage_answer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  perform pgledger.check_app(app_id);
  perform pgledger.check_arrays(
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
    3
  );
  return query
  select
    answer.event_index,
    answer.status,
    answer.id,
    answer.code,
    case
      when answer.code is not null then pgledger.error_text(answer.code, answer.arguments)
    end
  from pgledger.ingest_usage(
    ledger_ingest_usage.app_id, tenant_ids, feature_keys, quantities, event_ats, idempotency_keys,
    metadatas
  ) as answer;
end;
$$;

comment on function ledger_ingest_usage is
  'Ingests usage events, at most 100000 in a call, given as parallel arrays, and says what became '
  'of each: inserted (with its id), duplicate (its idempotency key is taken: the first event of '
  'that key counts, and the id is its) or rejected (error is the SQLSTATE of pgledger_errors_v1, '
  'reason its message). One wrong event rejects itself only. quantities: 0 or more, below 1e30, at '
  'most 18 decimal places; for a seat, how many there are now. event_ats: when each happened, null '
  'for now; not further ahead of the clock than ledger_set_usage_skew allows. idempotency_keys: '
  'the reporter''s own names, 1 to 255 characters, unique for a tenant; without one, each event '
  'counts. metadatas: JSON objects, at most 64 KiB each. Errors: NullArgument, InvalidScope, '
  'InvalidBatch, BatchTooLarge.';

revoke all on function ledger_ingest_usage from public;
grant execute on function ledger_ingest_usage to pgledger_poster;
