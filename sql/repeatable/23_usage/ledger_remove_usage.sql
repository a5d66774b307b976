/*
Locks: those of pgledger.correct_usage.

Checks: those of pgledger.check_correction, then those of pgledger.correct_usage.
*/
create or replace function @extschema@.ledger_remove_usage(
  app_id text,
  tenant_id text,
  id text,
  event_at timestamptz,
  reason text default null
)
returns @extschema@.ledger_usage_event
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
  v_ok := pgledger.check_correction(
    app_id, tenant_id, id, event_at, null, is_removed => true, reason => reason
  );

  v_answer := pgledger.correct_usage(app_id, tenant_id, id, event_at, null, reason);
  return v_answer;
end;
$$;

comment on function @extschema@.ledger_remove_usage is
$$Removes a usage event that was wrong.

It counts nowhere any more. An invoice that is final stays as it is: the next
one has a line of late usage that gives back what the event has cost.

Its idempotency key stays taken, so whoever sends the event again does not
bring it back. Removing it again changes nothing.

app_id: App.
tenant_id: Tenant whose usage it was.
id: Id of the event.
event_at: When it happened, as ledger_query_usage tells it.
reason: Why, 1 to 1,000 characters, or null.

Returns: The event as it was.

Errors: NullArgument, InvalidScope, InvalidId, InvalidArgument (the reason is
  not valid), UsagePurged (event_at is so long ago that events of that time
  may have been purged), UsageNotFound (the tenant has no such event).$$;

revoke all on function @extschema@.ledger_remove_usage from public;
grant execute on function @extschema@.ledger_remove_usage to pgledger_poster;
