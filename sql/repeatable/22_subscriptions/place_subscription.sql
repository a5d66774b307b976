/*
Inserts a subscription and returns its key; null if its id is taken, or its tenant has another live
one. Whoever is writing either now is waited for.
*/
create or replace function pgledger.place_subscription(subscription pgledger.subscriptions)
returns bigint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_new pgledger.subscriptions := subscription;
  v_key bigint;
  v_constraint text;
begin
  insert into pgledger.subscriptions (
    id, app_id, tenant_id, plan_key, add_on, status, quantity, started_at, anchor_at, time_zone,
    billing_interval, interval_count, period_number, current_period_start, current_period_end,
    whole_start, trial_end, due_at, tax_rates, invoice_due_at, advance_at, metadata, created_at,
    updated_at
  )
  values (
    v_new.id, v_new.app_id, v_new.tenant_id, v_new.plan_key, v_new.add_on, v_new.status,
    v_new.quantity, v_new.started_at, v_new.anchor_at, v_new.time_zone, v_new.billing_interval,
    v_new.interval_count, v_new.period_number, v_new.current_period_start,
    v_new.current_period_end, v_new.whole_start, v_new.trial_end, v_new.due_at, v_new.tax_rates,
    case when v_new.status <> 'scheduled' then v_new.started_at end, v_new.started_at,
    v_new.metadata, v_new.created_at, v_new.created_at
  )
  on conflict on constraint subscriptions_id_key do nothing
  returning subscriptions.key into v_key;
  return v_key;
exception
  when unique_violation then
    get stacked diagnostics v_constraint = constraint_name;
    if v_constraint is distinct from 'subscriptions_app_id_tenant_id_live_idx' then
      raise;
    end if;
    return null;
end;
$$;

comment on function pgledger.place_subscription is
  'Inserts a subscription, unless its id is taken or its tenant has another live one.';

revoke all on function pgledger.place_subscription from public;
