/*
Nothing is written if the subscription has the plan already, even if it has ended.

Locks the subscription, then the plan FOR SHARE; in between writes what has become due.
Checks, in this order: app_id, tenant_id, id, existence, plan_id, invoice, trial, keep_anchor,
status, plan, time zone.
*/
create or replace function @extschema@.ledger_change_plan(
  app_id text,
  tenant_id text,
  id text,
  plan_id text,
  invoice text default null,
  trial text default 'keep',
  keep_anchor boolean default false
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
  v_before pgledger.subscriptions := pgledger.advance_subscription(v_old, v_now);
  v_new pgledger.subscriptions := v_before;
  v_plan pgledger.plans;
  v_ok boolean;
begin
  v_ok := pgledger.check_id('plan_id', plan_id, 'plan');
  if invoice is not null then
    v_ok := pgledger.check_choice('invoice', invoice, array['now', 'next']);
  end if;
  v_ok := pgledger.check_choice('trial', trial, array['keep', 'end', 'plan']);
  if keep_anchor is null then
    v_ok := pgledger.fail('NullArgument', array['keep_anchor']);
  end if;
  if exists (
    select
    from pgledger.plans
    where plans.key = v_new.plan_key and plans.id = ledger_change_plan.plan_id
  ) then
    return pgledger.subscription_with_key(v_new.key);
  elsif v_new.status = 'canceled' then
    v_ok := pgledger.refuse_subscription_change(v_new, 'one of plan ' || plan_id);
  end if;

  v_plan := pgledger.subscribable_plan(app_id, tenant_id, plan_id);
  v_ok := pgledger.check_plan_change(v_new, v_plan);

  v_ok := pgledger.check_zones(v_new);
  v_new := pgledger.moved_to_plan(v_new, v_plan, trial, keep_anchor, v_now);
  v_new := pgledger.note_subscription_change(
    v_new, 'plan_changed', v_now, v_now, pgledger.invoiced_at_once(invoice, v_before, v_new)
  );
  -- A trial that was to end now.
  v_new := pgledger.advance_subscription(v_new, v_now, to_store => false);
  return pgledger.store_subscription(v_new);
end;
$$;

comment on function @extschema@.ledger_change_plan is
$$Moves a subscription to another plan, now.

If both plans are billed at the same interval, the current period goes on. If
they are not, a new period starts now, and periods count from now; except in a
trial from whose end periods count: it goes on, and they still do. Whenever a
trial was to end, it ends then. trial and keep_anchor ask for something else.

A pause stays. A cancellation at the end of the period is at the end of the
period that then goes on; one at a given time stays. Limits go on: one for a
day, week, month or year is counted as before, and one for the billing period
begins anew only when the period that it was for is over. What has not begun
yet begins with the new plan.

app_id: App.
tenant_id: Tenant whose it is.
id: Id of the subscription.
plan_id: Id of the plan to move to: one for the whole app, or the tenant's
  own, of the same currency, and an add-on if the present one is.
invoice: When the change is invoiced, if the period goes on: now makes an
  invoice of its own due, next puts it on the period's; a period that starts
  now is invoiced in any case. One of: now, next; null for now where the
  period is longer than a month or 31 days, and else for next.
trial: What becomes of the trial. keep: one that goes on ends when it was to,
  and none begins. end: one that goes on ends now. plan: it is as long as the
  new plan's, counted from the start of the subscription; so one can begin now
  if the subscription is younger than that, and one that is over by then ends
  now. One of: keep, end, plan.
keep_anchor: Whether periods of another interval are counted from the anchor
  there is. Then the period that starts now is a part of a whole one, up to
  the next boundary, and costs its share; false counts them from now.

Returns: The subscription; if it has the plan already, it does not change,
  even where it is canceled.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidArgument (invoice or trial is none
  of its values, the plan has another currency, or one of both is an add-on),
  InvalidState (it is canceled, and has another plan), PlanNotFound (there is
  no such plan for this app and tenant), Archived (the plan is archived),
  UnknownTimeZone (the server does not know its time zone any more).$$;

revoke all on function @extschema@.ledger_change_plan from public;
grant execute on function @extschema@.ledger_change_plan to pgledger_poster;
