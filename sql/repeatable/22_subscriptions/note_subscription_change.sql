/*
Writes a change of a subscription, which is given as it is after that, and notes it for the next
block of changes. Returns it with its next version, with the time of what is due next, and with the
time at which ledger_advance has to look at it. The subscription is locked, or new; the caller
writes its own row. invoice_now: the change is to be invoiced at once, and not with the period.
*/
create or replace function pgledger.note_subscription_change(
  subscription pgledger.subscriptions,
  change text,
  occurred_at timestamptz,
  created_at timestamptz,
  invoice_now boolean default false
)
returns pgledger.subscriptions
language plpgsql
volatile
parallel unsafe
as $$
begin
  subscription.version := subscription.version + 1;
  subscription.updated_at := created_at;
  subscription.due_at := pgledger.subscription_due_at(subscription);
  subscription.invoice_due_at := case
    -- There is nothing to be invoiced before it starts.
    when subscription.status = 'scheduled' then null
    when invoice_now or change in (
      'created', 'started', 'trial_ended', 'period_started', 'plan_changed', 'resumed', 'canceled'
    ) then coalesce(least(subscription.invoice_due_at, occurred_at), occurred_at)
    -- The period's usage is billed at its end, even though no other period follows.
    when change = 'paused'
      then coalesce(subscription.invoice_due_at, subscription.current_period_end)
    else subscription.invoice_due_at
  end;
  subscription.advance_at := least(subscription.due_at, subscription.invoice_due_at);

  perform pgledger.note_change(
    'subscription', subscription.id, note_subscription_change.change,
    note_subscription_change.created_at, subscription.app_id, subscription.tenant_id,
    jsonb_build_object(
      'occurred_at', pgledger.argument_time(note_subscription_change.occurred_at),
      'status', subscription.status,
      'quantity', subscription.quantity::text,
      'version', subscription.version,
      'plan_id', (select plans.id from pgledger.plans where plans.key = subscription.plan_key)
    )
  );
  perform pgledger.tell_hook(
    subscription.app_id,
    subscription.tenant_id,
    'subscription_' || note_subscription_change.change,
    subscription.id,
    note_subscription_change.occurred_at
  );
  insert into pgledger.subscription_changes (
    subscription_key, version, change, occurred_at, created_at, app_id, tenant_id, status,
    plan_key, quantity, period_number, period_start, period_end, whole_start, invoice_now
  )
  values (
    subscription.key,
    subscription.version,
    note_subscription_change.change,
    note_subscription_change.occurred_at,
    note_subscription_change.created_at,
    subscription.app_id,
    subscription.tenant_id,
    subscription.status,
    subscription.plan_key,
    subscription.quantity,
    subscription.period_number,
    subscription.current_period_start,
    subscription.current_period_end,
    subscription.whole_start,
    note_subscription_change.invoice_now
  );

  return subscription;
end;
$$;

comment on function pgledger.note_subscription_change is
  'Writes a change of a subscription, and returns it with its next version and due times.';

revoke all on function pgledger.note_subscription_change from public;
