/*
Locks: those of pgledger.correct_usage.

Checks: those of pgledger.check_correction, then those of pgledger.correct_usage.
*/
create or replace function @extschema@.ledger_correct_usage(
  app_id text,
  tenant_id text,
  id text,
  event_at timestamptz,
  quantity numeric,
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
    app_id, tenant_id, id, event_at, quantity, is_removed => false, reason => reason
  );

  v_answer := pgledger.correct_usage(app_id, tenant_id, id, event_at, quantity, reason);
  return v_answer;
end;
$$;

comment on function @extschema@.ledger_correct_usage is
$$Gives a usage event another quantity.

All totals change with it. An invoice that is final stays as it is: the next
one has a line of late usage for the difference, which is below zero where
less was used. To correct anything else, remove the event and record another
one under another key.

Nothing changes if the event has that quantity already. The event may be sent
again with its key and its first or its last quantity, and is a duplicate.

app_id: App.
tenant_id: Tenant whose usage it is.
id: Id of the event.
event_at: When it happened, as ledger_query_usage tells it.
quantity: How much it was, 0 or more, below 1e30, at most 18 decimal places;
  for a seat, how many there were.
reason: Why, 1 to 1,000 characters, or null.

Returns: The event as it is now.

Errors: NullArgument, InvalidScope, InvalidId, InvalidQuantity,
  InvalidArgument (the reason is not valid), UsagePurged (event_at is so long
  ago that events of that time may have been purged), UsageNotFound (the
  tenant has no such event, or it was removed).$$;

revoke all on function @extschema@.ledger_correct_usage from public;
grant execute on function @extschema@.ledger_correct_usage to pgledger_poster;
