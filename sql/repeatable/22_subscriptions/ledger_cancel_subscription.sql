/*
A paused subscription whose period is over ends at once, because that period does not come back. So
does one that has not begun. Nothing is written if the subscription is already cancelled in that
way, or has ended.

Locks the subscription, and first writes what has become due for it.
Checks, in this order: app_id, tenant_id, id, existence, at_period_end, unused_time, cancel_at.
*/
create or replace function @extschema@.ledger_cancel_subscription(
  app_id text,
  tenant_id text,
  id text,
  at_period_end boolean default true,
  unused_time text default null,
  cancel_at timestamptz default null
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
  v_with_period boolean := at_period_end and cancel_at is null and v_new.status <> 'scheduled';
  v_unused text := coalesce(unused_time, case when cancel_at is null then 'none' else 'credit' end);
  v_end timestamptz := case
    when cancel_at is not null then cancel_at
    when v_with_period then pgledger.period_end_cancellation(v_new, v_now)
    else v_now
  end;
  v_ok boolean;
begin
  v_ok := pgledger.check_cancellation(at_period_end, unused_time, cancel_at);
  if v_new.status = 'canceled' or (
    v_end > v_now
    and v_new.cancel_at = v_end
    and (v_new.cancel_at_period_end, v_new.unused_time) = (v_with_period, v_unused)
  ) then
    return pgledger.subscription_with_key(v_new.key);
  elsif cancel_at < v_now then
    v_ok := pgledger.fail('InvalidTime', array['cancel_at', cancel_at::text, 'it is in the past']);
  end if;

  v_new.canceled_at := v_now;
  v_new.unused_time := v_unused;
  v_new.cancel_at := v_end;
  v_new.cancel_at_period_end := v_with_period;
  if v_end > v_now then
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
$$Cancels a subscription, at the end of its period, at once, or at a time.

Until it has ended, ledger_resume_subscription takes the cancellation back,
and this call can name another end. An end with the period moves if a change
of plan or of the trial moves that; one at a given time stays. What has not
begun, or is paused and past its period, has no period to go to the end of: it
ends at once.

app_id: App.
tenant_id: Tenant whose it is.
id: Id of the subscription.
at_period_end: Whether the current period, or during a trial the trial, goes
  to its end first; false ends the subscription at once.
unused_time: What becomes of a base fee that was paid in advance for time
  after the end: it is kept, credited or to be refunded, on the invoice of the
  last period; one of: none, credit, refund; null for none, and with cancel_at
  for credit.
cancel_at: When it ends, now or at any later time, in any period; the base fee
  is due up to then. It is what counts, whatever at_period_end says; null for
  what that says.

Returns: The subscription; the same call again changes nothing.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidArgument (there is no such
  unused_time, it is none with cancel_at, or it is not none although the
  period goes to its end), InvalidTime (cancel_at is in the past, or outside
  the years 1 to 9999).$$;

revoke all on function @extschema@.ledger_cancel_subscription from public;
grant execute on function @extschema@.ledger_cancel_subscription to pgledger_poster;
