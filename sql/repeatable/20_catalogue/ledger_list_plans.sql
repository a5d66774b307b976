/*
Checks, in this order: app_id, tenant_id, status, page_size, page_offset.
*/
create or replace function @extschema@.ledger_list_plans(
  app_id text,
  status text default null,
  page_size integer default 100,
  page_offset bigint default 0,
  tenant_id text default null
)
returns setof @extschema@.ledger_plan
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, coalesce(tenant_id, ''));
  if status is not null then
    v_ok := pgledger.check_choice('status', status, array['active', 'archived']);
  end if;
  v_ok := pgledger.check_page(page_size, page_offset);

  return query
  select
    plans.id, plans.app_id, plans.tenant_id, plans.slug, plans.name, plans.description,
    plans.status, plans.currency, plans.features, terms.pricing, plans.billing_interval,
    plans.interval_count, plans.trial_days, plans.anchor_at_trial_end, plans.add_on,
    plans.version, plans.metadata, plans.created_at, plans.updated_at,
    pgledger.plan_priority(plans.key, greatest(v_now, plans.updated_at))
  from pgledger.plans
  cross join lateral pgledger.plan_terms(
    plans.key, greatest(v_now, plans.updated_at)
  ) as terms
  where plans.app_id = ledger_list_plans.app_id
    and (ledger_list_plans.status is null or plans.status = ledger_list_plans.status)
    and (
      ledger_list_plans.tenant_id is null or plans.tenant_id in (ledger_list_plans.tenant_id, '')
    )
  order by plans.id
  limit ledger_list_plans.page_size
  offset ledger_list_plans.page_offset;
end;
$$;

comment on function @extschema@.ledger_list_plans is
$$Returns a page of an app's plans, the oldest first.

The order is that of their ids, which for generated ids is that of creation.

app_id: App that they belong to.
status: Which ones; one of: active, archived; null for both.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them, 0 or more.
tenant_id: Tenant whose own ones are listed, with those for all tenants; the
  empty text for the latter alone; null for every tenant's.

Returns: The plans of the page.

Errors: NullArgument, InvalidScope, InvalidArgument (there is no such status),
  InvalidPage.$$;

revoke all on function @extschema@.ledger_list_plans from public;
grant execute on function @extschema@.ledger_list_plans to pgledger_reader;
