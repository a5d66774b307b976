/*
Raises what a batch would only report.
Locks: those of pgledger.ingest_one_usage.
*/
create or replace function @extschema@.ledger_record_usage(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric default 1,
  event_at timestamptz default null,
  idempotency_key text default null,
  metadata jsonb default null
)
returns @extschema@.ledger_usage_receipt
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_answer record;
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);
  v_answer := pgledger.ingest_one_usage(
    app_id, tenant_id, feature_key, quantity, event_at, idempotency_key, metadata
  );
  return v_answer;
end;
$$;

comment on function @extschema@.ledger_record_usage is
$$Records one usage event.

An event whose idempotency key its tenant has used before for this feature is
a duplicate and not counted again. If it has another quantity than the first
one, or another event_at is given, that is an error (IdempotencyConflict).

Call it in FROM: (ledger_record_usage(...)).* calls it once for every column.

app_id: App.
tenant_id: Tenant that used it, 1 to 128 characters.
feature_key: Key of the feature.
quantity: How much, 0 or more, below 1e30, at most 18 decimal places; for a
  seat, how many there are now.
event_at: When it happened, from 1970 on, not further ahead of the clock than
  ledger_set_usage_skew allows; null for now.
idempotency_key: The reporter's own name of the event, 1 to 255 characters,
  unique for the tenant and feature; each event without one counts, or null.
metadata: JSON object to store with it, at most 64 KiB, or null.

Returns: Whether it was counted now or had been before, and its id.

Errors: NullArgument, InvalidScope, FeatureNotFound (there is no feature of
  this key for this app and tenant), InvalidArgument (the feature is on or
  off, so that its usage is not recorded, or the idempotency key is not
  valid), InvalidQuantity, InvalidTime (event_at is before 1970 or not
  finite), UsageInFuture (event_at is further ahead than the app allows),
  UsagePurged (event_at is so long ago that events of that time may have been
  purged), InvalidMetadata (it is not valid, or lacks the member whose values
  are counted), IdempotencyConflict (the key is taken by usage of another
  quantity or time).$$;

revoke all on function @extschema@.ledger_record_usage from public;
grant execute on function @extschema@.ledger_record_usage to pgledger_poster;
