/*
Gives a usage event another quantity, or removes it where that is null, and puts right what it was
added up in. The first invoice that is drawn up after that bills the difference: a draft when it is
computed anew, else the next one, as with late usage.

A removed event stays without a quantity, so that its idempotency key stays taken and nobody who
sends it again brings it back. A repeated correction changes nothing.

Locks, in this order: those of pgledger.lock_usage_event; the roll-ups of its day and hour; values.
Errors: UsagePurged, UsageNotFound.
*/
create or replace function pgledger.correct_usage(
  app_id text,
  tenant_id text,
  id text,
  event_at timestamptz,
  quantity numeric,
  reason text
)
returns @extschema@.ledger_usage_event
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_event record;
  v_answer record;
  v_ok boolean;
begin
  v_event := pgledger.lock_usage_event(app_id, tenant_id, id, event_at, quantity is null);
  if event_at < v_event.purged_before then
    v_ok := pgledger.fail(
      'UsagePurged', array['event_at', event_at::text, v_event.purged_before::text]
    );
  elsif v_event.key is null
    or (v_event.quantity is null and correct_usage.quantity is not null) then
    v_ok := pgledger.fail(
      'UsageNotFound',
      array[quote_literal(pgledger.abridged(id)), event_at::text, pgledger.in_app(app_id)]
    );
  end if;

  if v_event.quantity is distinct from correct_usage.quantity then
    insert into pgledger.usage_corrections (
      meter_key, event_at, event_key, version, event_id, quantity, corrected_quantity, reason,
      created_at
    )
    select
      v_event.meter_key, v_event.event_at, v_event.key, count(*) + 1, correct_usage.id,
      v_event.quantity, correct_usage.quantity, correct_usage.reason, pgledger.clock()
    from pgledger.usage_corrections
    where usage_corrections.meter_key = v_event.meter_key
      and usage_corrections.event_at = v_event.event_at
      and usage_corrections.event_key = v_event.key;
    update pgledger.usage_events
    set quantity = correct_usage.quantity
    where usage_events.meter_key = v_event.meter_key
      and usage_events.event_at = v_event.event_at
      and usage_events.key = v_event.key;
    perform pgledger.total_usage_again(
      v_event.meter_key, v_event.event_at, correct_usage.quantity - v_event.quantity,
      v_event.quantity
    );
  end if;
  select
    correct_usage.id, correct_usage.app_id, correct_usage.tenant_id, v_event.feature_key,
    coalesce(correct_usage.quantity, v_event.quantity, v_event.removed_quantity), v_event.event_at,
    v_event.idempotency_key, v_event.metadata, v_event.created_at
  into v_answer;
  return v_answer;
end;
$$;

comment on function pgledger.correct_usage is
  'Gives a usage event another quantity or removes it, and puts right what it was added up in.';

revoke all on function pgledger.correct_usage from public;
