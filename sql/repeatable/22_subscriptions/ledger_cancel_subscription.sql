/*
A paused subscription whose period is over ends at once, because that period does not come back.
Nothing is written if the subscription is already cancelled in that way, or has ended.

Locks the subscription, and first writes what has become due for it.
Checks, in this order: app_id, tenant_id, id, existence, at_period_end, unused_time.
*/
create or replace function @extschema@.ledger_cancel_subscription(
  app_id text,
  tenant_id text,
  id text,
  at_period_end boolean default true,
  unused_time text default 'none'
)
returns @extschema@.ledger_subscription
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.subscriptions := pgledger.lock_subscription(app_id, tenant_id, id);
  v_now timestamptz := pgledger.subscription_clock(v_old);
  v_new pgledger.subscriptions := pgledger.advance_subscription(v_old, v_now);
  v_ok boolean;
begin
  if at_period_end is null then
    v_ok := pgledger.fail('NullArgument', array['at_period_end']);
  end if;
  v_ok := pgledger.check_choice('unused_time', unused_time, array['none', 'credit', 'refund']);
  if at_period_end and unused_time <> 'none' then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'unused_time', quote_literal(unused_time), 'at the end of the period no time is unused'
      ]
    );
  elsif v_new.status = 'canceled' or (at_period_end and v_new.cancel_at is not null) then
    return pgledger.subscription_with_key(v_new.key);
  end if;

  v_new.canceled_at := v_now;
  v_new.unused_time := unused_time;
  v_new.cancel_at := case
    when not at_period_end then v_now
    when v_new.trial_end > v_now then v_new.trial_end
    else greatest(v_new.current_period_end, v_now)
  end;

  if v_new.cancel_at > v_now then
    v_new := pgledger.note_subscription_change(v_new, 'cancellation_scheduled', v_now, v_now);
  else
    v_new.status := 'canceled';
    v_new.paused_at := null;
    v_new.ended_at := v_now;
    v_new := pgledger.note_subscription_change(v_new, 'canceled', v_now, v_now);
  end if;
  return pgledger.store_subscription(v_new);
end;
$$;

comment on function @extschema@.ledger_cancel_subscription is
$$Cancels a subscription, at the end of its period or at once.

Until it has ended, ledger_resume_subscription takes the cancellation back.

app_id: App.
tenant_id: Tenant whose it is.
id: Id of the subscription.
at_period_end: Whether the current period, or during a trial the trial, goes
  to its end first; false ends the subscription at once.
unused_time: What becomes of a base fee that was paid in advance for time
  after an end at once: it is kept, credited or to be refunded, on the invoice
  of the last period; one of: none, credit, refund.

Returns: The subscription; the same call again changes nothing.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidArgument (there is no such
  unused_time, or it is not none although the period goes to its end).$$;

revoke all on function @extschema@.ledger_cancel_subscription from public;
grant execute on function @extschema@.ledger_cancel_subscription to pgledger_poster;
