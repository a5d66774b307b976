/*
Lets a subscription go on: one that is paused, and one that is cancelled but has not ended yet, or
both. The current period is then the one that now lies in; nothing moves by the length of the pause.
A trial that is over by now is over. Nothing is written if it goes on anyway.

Locks the subscription, and the tenant's live one if that was to end by now, ascending by id; first
writes down what the clock has decided about both.
Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, InvalidState,
ActiveSubscriptionExists.
*/
create or replace function ledger_resume_subscription(
  app_id text,
  tenant_id text,
  id text
)
returns ledger_subscription
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
begin
  perform pgledger.make_way(app_id, tenant_id, id);
  v_new := pgledger.lock_subscription(app_id, tenant_id, id);
  v_now := pgledger.subscription_clock(v_new);
  v_new := pgledger.advance_subscription(v_new, v_now);

  if v_new.status = 'canceled' then
    perform pgledger.refuse_move(v_new, 'active');
  elsif v_new.status = 'paused' then
    v_new.status := case when v_new.trial_end > v_now then 'trialing' else 'active' end;
    v_new.paused_at := null;
    select period.number, period.starts_at, period.ends_at
    into v_new.period_number, v_new.current_period_start, v_new.current_period_end
    from pgledger.subscription_period(v_new, v_now) as period;
  elsif v_new.cancel_at is not null then
    v_change := 'cancellation_withdrawn';
  else
    return pgledger.subscription_of(v_new.key);
  end if;

  v_new.cancel_at := null;
  v_new.canceled_at := null;
  v_new := pgledger.note_subscription_change(v_new, v_change, v_now, v_now);
  begin
    return pgledger.store_subscription(v_new);
  exception
    when unique_violation then
      perform pgledger.refuse_second_subscription(app_id, tenant_id);
  end;
end;
$$;

comment on function ledger_resume_subscription is
$$Resumes a paused subscription, or keeps one.

A cancellation that is decided and has not come is withdrawn.

[[was: Lets a subscription go on that is paused, or cancelled and not at its
end yet, and returns it. Its periods are counted as if it had not been
paused.]]

app_id: App.
tenant_id: Whose it is.
id: The subscription's id.

Returns: The subscription; in the period that now lies in.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidState (it is canceled),
  ActiveSubscriptionExists (the tenant has taken another one meanwhile).$$;

revoke all on function ledger_resume_subscription from public;
grant execute on function ledger_resume_subscription to pgledger_poster;
