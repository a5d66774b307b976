/*
Checks, in this order: app_id, tenant_id, slug, existence.
*/
create or replace function @extschema@.ledger_get_plan_by_slug(
  app_id text,
  slug text,
  tenant_id text default ''
)
returns @extschema@.ledger_plan
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, tenant_id);

  if slug is null then
    v_ok := pgledger.fail('NullArgument', array['slug']);
  end if;

  select plans.key
  into v_key
  from pgledger.plans
  where plans.app_id = ledger_get_plan_by_slug.app_id
    and plans.tenant_id in (ledger_get_plan_by_slug.tenant_id, '')
    and plans.slug = ledger_get_plan_by_slug.slug
  order by plans.tenant_id = '', plans.status = 'archived', plans.key desc
  limit 1;

  if not found then
    v_ok := pgledger.fail(
      'PlanNotFound',
      array[quote_literal(pgledger.abridged(slug)), pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;

  return pgledger.plan_with_key(v_key);
end;
$$;

comment on function @extschema@.ledger_get_plan_by_slug is
$$Returns the plan that a slug names for a tenant.

An archived plan is found too, unless another has taken its slug: then that
one is.

app_id: App that it belongs to.
slug: Slug of the plan.
tenant_id: Tenant that it is for: its own plan of that slug comes before the
  app's. The empty text leaves tenants' own ones out.

Returns: The plan.

Errors: NullArgument, InvalidScope, PlanNotFound (there is none for this app
  and tenant).$$;

revoke all on function @extschema@.ledger_get_plan_by_slug from public;
grant execute on function @extschema@.ledger_get_plan_by_slug to pgledger_reader;
