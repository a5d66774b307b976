/*
Checks, in this order: app_id, tenant_id, status, page_size, page_offset.
*/
create or replace function @extschema@.ledger_list_subscriptions(
  app_id text,
  tenant_id text,
  status text default null,
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
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  if status is not null then
    v_ok := pgledger.check_choice(
      'status', status, array['scheduled', 'trialing', 'active', 'paused', 'canceled']
    );
  end if;
  v_ok := pgledger.check_page(page_size, page_offset);

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
  where subscriptions.app_id = ledger_list_subscriptions.app_id
    and subscriptions.tenant_id = ledger_list_subscriptions.tenant_id
    and (
      ledger_list_subscriptions.status is null
      or subscriptions.status = ledger_list_subscriptions.status
    )
  order by subscriptions.id
  limit ledger_list_subscriptions.page_size
  offset ledger_list_subscriptions.page_offset;
end;
$$;

comment on function @extschema@.ledger_list_subscriptions is
$$Returns a page of a tenant's subscriptions, the oldest first.

They are as they are written down. The order is that of their ids, which for
generated ids is that of creation.

app_id: App.
tenant_id: Tenant whose they are.
status: Which ones; one of: scheduled, trialing, active, paused, canceled; null
  for all.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them, 0 or more.

Returns: The subscriptions of the page.

Errors: NullArgument, InvalidScope, InvalidArgument (there is no such status),
  InvalidPage.$$;

revoke all on function @extschema@.ledger_list_subscriptions from public;
grant execute on function @extschema@.ledger_list_subscriptions to pgledger_reader;
