/*
Checks, in this order: app_id, id, page_size, page_offset, existence.
*/
create or replace function @extschema@.ledger_list_plan_versions(
  app_id text,
  id text,
  page_size integer default 100,
  page_offset bigint default 0
)
returns setof @extschema@.ledger_plan_version
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz;
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id);
  v_ok := pgledger.check_id('id', id, 'plan');
  v_ok := pgledger.check_page(page_size, page_offset);

  select plans.key, greatest(pgledger.clock(), plans.updated_at)
  into v_key, v_now
  from pgledger.plans
  where plans.id = ledger_list_plan_versions.id
    and plans.app_id = ledger_list_plan_versions.app_id;
  if not found then
    v_ok := pgledger.fail('PlanNotFound', array[id, pgledger.in_catalogue(app_id, '')]);
  end if;

  return query
  select
    ledger_list_plan_versions.id,
    listed.version,
    case
      when listed.effective_at > v_now then 'planned'
      when listed.version in (
        listed.features_version, listed.pricing_version, listed.priority_version
      ) then 'current'
      else 'past'
    end,
    nullif(listed.effective_at, '-infinity'),
    listed.features,
    listed.pricing,
    listed.created_at,
    listed.priority
  from (
    select
      plan_versions.version, plan_versions.effective_at, plan_versions.features,
      plan_versions.pricing, plan_versions.created_at, plan_versions.priority,
      -- Of what has begun, the last that has features, pricing, a priority.
      first_value(plan_versions.version) over (
        order by plan_versions.effective_at <= v_now and plan_versions.features is not null desc,
        plan_versions.effective_at desc, plan_versions.version desc
      ) as features_version,
      first_value(plan_versions.version) over (
        order by plan_versions.effective_at <= v_now and plan_versions.pricing is not null desc,
        plan_versions.effective_at desc, plan_versions.version desc
      ) as pricing_version,
      first_value(plan_versions.version) over (
        order by plan_versions.effective_at <= v_now and plan_versions.priority is not null desc,
        plan_versions.effective_at desc, plan_versions.version desc
      ) as priority_version
    from pgledger.plan_versions
    where plan_versions.plan_key = v_key
  ) as listed
  order by listed.effective_at, listed.version
  limit ledger_list_plan_versions.page_size
  offset ledger_list_plan_versions.page_offset;
end;
$$;

comment on function @extschema@.ledger_list_plan_versions is
$$Returns a page of a plan's prices and allowances, in order of their times.

The first are those that the plan was created with, which hold since ever. Of
those for the same time, the later written holds. A change of a plan that left
features, pricing and priority out is not among them.

app_id: App that it belongs to.
id: Id of the plan.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them, 0 or more.

Returns: The versions of the page.

Errors: NullArgument, InvalidScope, InvalidId, InvalidPage, PlanNotFound (the
  app has no such plan).$$;

revoke all on function @extschema@.ledger_list_plan_versions from public;
grant execute on function @extschema@.ledger_list_plan_versions to pgledger_reader;
