/*
Cancels a subscription: at once, or when what has begun is over, which is the trial's end during a
trial and the period's end otherwise. Nothing is written if it is cancelled so already, or has
ended. Of one that is paused, a period that is over does not come back, so it ends at once.

What was paid in advance and is not used any more after a cancellation at once is kept, credited or
to be refunded, as asked, on the invoice of its last period.

Locks the subscription, and first writes down what the clock has decided about it.
Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, InvalidArgument.
*/
create or replace function ledger_cancel_subscription(
  app_id text,
  tenant_id text,
  id text,
  at_period_end boolean default true,
  unused_time text default 'none'
)
returns ledger_subscription
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
begin
  if at_period_end is null then
    perform pgledger.fail('NullArgument', array['at_period_end']);
  end if;
  perform pgledger.check_choice('unused_time', unused_time, array['none', 'credit', 'refund']);
  if at_period_end and unused_time <> 'none' then
    perform pgledger.fail(
      'InvalidArgument',
      array[
        'unused_time', quote_literal(unused_time), 'at the end of the period no time is unused'
      ]
    );
  elsif v_new.status = 'canceled' or (at_period_end and v_new.cancel_at is not null) then
    return pgledger.subscription_of(v_new.key);
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

comment on function ledger_cancel_subscription is
$$Ends a subscription.

[[was: Cancels a subscription and returns it.]]

app_id: App.
tenant_id: Whose it is.
id: The subscription's id.
at_period_end: At the end of the current period or of the trial, rather than
  now. [[was: true to let the trial or the current period go to its end, which
  ledger_resume_subscription can prevent; false to end it at once.]]
unused_time: What becomes of time that was paid and is not used, if it ends
  now: none, credit (kept for the tenant) or refund. [[was: what becomes of a
  base fee paid in advance for time after the end at once: none (it is kept),
  credit or refund, on the invoice of the last period.]]

Returns: The subscription; a second time it does not change.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidArgument (there is no such
  unused_time, or not at the period's end).$$;

revoke all on function ledger_cancel_subscription from public;
grant execute on function ledger_cancel_subscription to pgledger_poster;
