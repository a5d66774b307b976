/*
Creates the subscription that a checked request asks for, moves it to now if it starts in the past,
and returns its key. If the same call, made at the same time, has created it meanwhile, that
subscription's key is returned.

Locks the plan FOR SHARE. If another call is creating one with the same id, or another live one for
the tenant, this waits for it. Either constraint may be the one in conflict, so none is named.
Errors: NullArgument, InvalidId, PlanNotFound, Archived, InvalidTime, IdempotencyConflict,
ActiveSubscriptionExists.
*/
create or replace function pgledger.insert_subscription(
  request pgledger.subscriptions,
  plan_id text,
  trial_days integer
)
returns bigint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_plan pgledger.plans := pgledger.subscribable_plan(request.app_id, request.tenant_id, plan_id);
  v_new pgledger.subscriptions := pgledger.new_subscription(request, v_plan, trial_days);
  v_ok boolean;
begin
  insert into pgledger.subscriptions (
    id, app_id, tenant_id, plan_key, add_on, status, quantity, started_at, anchor_at, time_zone,
    billing_interval, interval_count, period_number, current_period_start, current_period_end,
    trial_end, due_at, tax_rates, invoice_due_at, advance_at, metadata, created_at, updated_at
  )
  values (
    v_new.id, v_new.app_id, v_new.tenant_id, v_new.plan_key, v_new.add_on, v_new.status,
    v_new.quantity, v_new.started_at, v_new.anchor_at, v_new.time_zone, v_new.billing_interval,
    v_new.interval_count, v_new.period_number, v_new.current_period_start,
    v_new.current_period_end, v_new.trial_end, v_new.due_at, v_new.tax_rates,
    v_new.started_at, v_new.started_at, v_new.metadata, v_new.created_at, v_new.created_at
  )
  on conflict do nothing
  returning subscriptions.key into v_new.key;

  if v_new.key is null then
    v_new.key := pgledger.repeated_subscription(request, plan_id, trial_days);
    if v_new.key is null then
      v_ok := pgledger.refuse_second_subscription(request.app_id, request.tenant_id);
    end if;
    return v_new.key;
  end if;

  v_new := pgledger.note_subscription_change(
    v_new, 'created', v_new.started_at, v_new.created_at
  );
  perform pgledger.advance_subscription(
    v_new, v_new.created_at, at_most => pgledger.moves_at_once()
  );
  return v_new.key;
end;
$$;

comment on function pgledger.insert_subscription is
  'Creates the subscription that a checked request asks for, and returns its key.';

revoke all on function pgledger.insert_subscription from public;
