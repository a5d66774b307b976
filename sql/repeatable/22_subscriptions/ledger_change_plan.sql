/*
Nothing is written if the subscription has the plan already, even if it has ended.

Locks the subscription, then the plan FOR SHARE; in between writes what has become due.
Checks, in this order: app_id, tenant_id, id, existence, plan_id, status, plan.
*/
create or replace function @extschema@.ledger_change_plan(
  app_id text,
  tenant_id text,
  id text,
  plan_id text
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
  v_plan pgledger.plans;
  v_ok boolean;
begin
  v_ok := pgledger.check_id('plan_id', plan_id, 'plan');
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

  if pgledger.interval_length(v_plan.billing_interval, v_plan.interval_count)
    <> pgledger.interval_length(v_new.billing_interval, v_new.interval_count)
    and (v_now < v_new.trial_end and v_new.anchor_at = v_new.trial_end) is not true then
    v_new.anchor_at := v_now;
    v_new.period_number := 0;
    v_new.current_period_start := v_now;
    v_new.current_period_end := pgledger.period_boundary(
      v_now, v_new.time_zone, v_plan.billing_interval, v_plan.interval_count, 1
    );
  end if;

  v_new.plan_key := v_plan.key;
  v_new.billing_interval := v_plan.billing_interval;
  v_new.interval_count := v_plan.interval_count;
  v_new := pgledger.note_subscription_change(v_new, 'plan_changed', v_now, v_now);
  return pgledger.store_subscription(v_new);
end;
$$;

comment on function @extschema@.ledger_change_plan is
$$Moves a subscription to another plan, now.

If the other plan's billing interval is as long, periods stay as they are; if
not, a new period starts now. A trial that is going on ends when it was to
end, and if periods count from its end they still do. A pause or a decided
cancellation stays.

app_id: App.
tenant_id: Tenant whose it is.
id: Id of the subscription.
plan_id: Id of the plan to move to: one for the whole app, or the tenant's
  own, of the same currency, and an add-on if the present one is.

Returns: The subscription; it does not change if it has the plan already.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidState (it is canceled),
  PlanNotFound (there is no such plan for this app and tenant), Archived (the
  plan is archived), InvalidArgument (the plan has another currency, or one of
  both is an add-on).$$;

revoke all on function @extschema@.ledger_change_plan from public;
grant execute on function @extschema@.ledger_change_plan to pgledger_poster;
