/*
Records one usage event, and raises what a batch would only report.
Locks: those of pgledger.ingest_usage.
Errors: NullArgument, InvalidScope, FeatureNotFound, InvalidArgument, InvalidQuantity, InvalidTime,
UsageInFuture, UsagePurged, InvalidMetadata.
*/
create or replace function ledger_record_usage(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric default 1,
  event_at timestamptz default null,
  idempotency_key text default null,
  metadata jsonb default null
)
returns setof ledger_usage_receipt
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_answer record;
begin
  perform pgledger.check_app(app_id);
  v_answer := pgledger.ingest_one_usage(
    app_id, tenant_id, feature_key, quantity, event_at, idempotency_key, metadata
  );
  return query
  select v_answer.status, v_answer.id;
end;
$$;

comment on function ledger_record_usage is
$$Records one event of usage.

[[was: Records one usage event and says whether it was inserted, with its id,
or is a duplicate: its idempotency key is taken, the first event of that key
counts, and the id is its.]]

app_id: App.
tenant_id: Who used it.
feature_key: What was used.
quantity: How much, 0 or more. [[was: 0 or more, below 1e30, at most 18
  decimal places; for a seat, how many there are now.]]
event_at: When it happened; null for now. [[was: when it happened, null for
  now.]], or null.
idempotency_key: The tenant's own name of the event: a second one is not
  counted, or null.
metadata: JSON object to store with it. [[was: JSON object, at most 64 KiB, or
  null.]], or null.

Returns: Whether it was counted now or had been before, and its id.

Errors: NullArgument, InvalidScope, FeatureNotFound (there is no feature of
  this key for this app and tenant), InvalidArgument (the feature is not one
  that usage is recorded of, or a key or a value that it counts by is not
  valid), InvalidQuantity (the quantity is not in range), InvalidTime
  (event_at is outside the years 1 to 9999), UsageInFuture (event_at is
  further ahead than the app allows), UsagePurged (event_at is so long ago
  that events may have been purged), InvalidMetadata.$$;

revoke all on function ledger_record_usage from public;
grant execute on function ledger_record_usage to pgledger_poster;
