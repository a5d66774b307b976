/*
By internal key, which is the order in which they were written down, whatever their ids.

Checks, in this order: app_id, status, plan_id, page_size, page_offset, whether the plan exists.
*/
create or replace function @extschema@.ledger_list_app_subscriptions(
  app_id text,
  status text default null,
  plan_id text default null,
  page_size integer default 100,
  page_offset bigint default 0
)
returns setof @extschema@.ledger_subscription
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_plan_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);
  if status is not null then
    v_ok := pgledger.check_choice(
      'status', status, array['scheduled', 'trialing', 'active', 'paused', 'canceled']
    );
  end if;
  if plan_id is not null then
    v_ok := pgledger.check_id('plan_id', plan_id, 'plan');
  end if;
  v_ok := pgledger.check_page(page_size, page_offset);
  if plan_id is not null then
    select plans.key
    into v_plan_key
    from pgledger.plans
    where plans.id = ledger_list_app_subscriptions.plan_id
      and plans.app_id = ledger_list_app_subscriptions.app_id;
    if not found then
      v_ok := pgledger.fail('PlanNotFound', array[plan_id, pgledger.in_app(app_id)]);
    end if;
  end if;

  return query
  select
    subscriptions.id, subscriptions.app_id, subscriptions.tenant_id, plans.id, plans.slug,
    subscriptions.status, subscriptions.quantity, subscriptions.started_at,
    subscriptions.anchor_at, subscriptions.time_zone, subscriptions.billing_interval,
    subscriptions.interval_count, subscriptions.current_period_start,
    subscriptions.current_period_end, subscriptions.trial_end, subscriptions.cancel_at,
    subscriptions.cancel_at_period_end, subscriptions.canceled_at, subscriptions.paused_at,
    subscriptions.ended_at, subscriptions.add_on, subscriptions.unused_time,
    subscriptions.tax_rates, subscriptions.version, subscriptions.metadata,
    subscriptions.created_at, subscriptions.updated_at
  from pgledger.subscriptions
  inner join pgledger.plans on subscriptions.plan_key = plans.key
  where subscriptions.app_id = ledger_list_app_subscriptions.app_id
    and (
      ledger_list_app_subscriptions.status is null
      or subscriptions.status = ledger_list_app_subscriptions.status
    )
    and (v_plan_key is null or subscriptions.plan_key = v_plan_key)
  order by subscriptions.key desc
  limit ledger_list_app_subscriptions.page_size
  offset ledger_list_app_subscriptions.page_offset;
end;
$$;

comment on function @extschema@.ledger_list_app_subscriptions is
$$Returns a page of the subscriptions of all tenants of an app, newest first.

They are as they are written down. The order is that of creation, the last one
first, whatever their ids.

app_id: App whose they are.
status: Which ones; one of: scheduled, trialing, active, paused, canceled; null
  for all.
plan_id: Only those that have this plan now; null for all plans.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them, 0 or more.

Returns: The subscriptions of the page.

Errors: NullArgument, InvalidScope, InvalidArgument (there is no such status),
  InvalidId, InvalidPage, PlanNotFound (the app has no such plan).$$;

revoke all on function @extschema@.ledger_list_app_subscriptions from public;
grant execute on function @extschema@.ledger_list_app_subscriptions to pgledger_reader;
