/*
A trial that is over by now is over: nothing moves by the length of the pause. Nothing is written if
the subscription goes on anyway.

Locks the subscription, and the tenant's live one if its cancellation is due, ascending by id, and
then what is to start by now; first writes what has become due for all.
Checks, in this order: app_id, tenant_id, id, existence, status, time zone, whether the tenant has
another live subscription.
*/
create or replace function @extschema@.ledger_resume_subscription(
  app_id text,
  tenant_id text,
  id text
)
returns @extschema@.ledger_subscription
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz;
  v_new pgledger.subscriptions;
  v_change text := 'resumed';
  v_constraint text;
  v_ok boolean;
begin
  perform pgledger.end_overdue_subscription(app_id, tenant_id, id);
  perform pgledger.start_due_subscription(app_id, tenant_id);
  v_new := pgledger.lock_subscription(app_id, tenant_id, id);
  v_now := pgledger.subscription_clock(v_new);
  v_new := pgledger.advance_subscription(v_new, v_now);

  if v_new.status = 'canceled' then
    v_ok := pgledger.refuse_subscription_change(v_new, 'active');
  elsif v_new.status = 'paused' then
    v_new.status := case when v_new.trial_end > v_now then 'trialing' else 'active' end;
    v_new.paused_at := null;
    v_ok := pgledger.check_zones(v_new);
    v_new := pgledger.enter_period(v_new, v_now);
  elsif v_new.cancel_at is not null then
    v_change := 'cancellation_withdrawn';
  else
    return pgledger.subscription_with_key(v_new.key);
  end if;

  v_new.cancel_at := null;
  v_new.cancel_at_period_end := false;
  v_new.unused_time := 'none';
  v_new.canceled_at := null;
  v_new := pgledger.note_subscription_change(v_new, v_change, v_now, v_now);
  begin
    return pgledger.store_subscription(v_new);
  exception
    when unique_violation then
      get stacked diagnostics v_constraint = constraint_name;
      if v_constraint is distinct from 'subscriptions_app_id_tenant_id_live_idx' then
        raise;
      end if;
      v_ok := pgledger.refuse_second_subscription(app_id, tenant_id);
  end;
end;
$$;

comment on function @extschema@.ledger_resume_subscription is
$$Resumes a paused subscription, or takes back a cancellation that is not due.

Its periods are counted as if it had not been paused.

app_id: App.
tenant_id: Tenant whose it is.
id: Id of the subscription.

Returns: The subscription, in the period that now lies in.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidState (it has ended),
  UnknownTimeZone (the server does not know its time zone any more),
  ActiveSubscriptionExists (the tenant has taken another one meanwhile).$$;

revoke all on function @extschema@.ledger_resume_subscription from public;
grant execute on function @extschema@.ledger_resume_subscription to pgledger_poster;
