/*
A plan that a tenant can subscribe to: one for the whole app or the tenant's own, and not archived.
Locked FOR SHARE, so that meanwhile it is not archived and its billing interval does not change.

Errors: NullArgument, InvalidId, PlanNotFound, Archived.
*/
create or replace function pgledger.subscribable_plan(
  app_id text,
  tenant_id text,
  plan_id text
)
returns pgledger.plans
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_plan pgledger.plans;
  v_ok boolean;
begin
  v_ok := pgledger.check_id('plan_id', plan_id, 'plan');

  perform
  from pgledger.plans
  where plans.id = subscribable_plan.plan_id
    and plans.app_id = subscribable_plan.app_id
    and plans.tenant_id in (subscribable_plan.tenant_id, '')
  for share;
  if not found then
    v_ok := pgledger.fail('PlanNotFound', array[plan_id, pgledger.in_catalogue(app_id, tenant_id)]);
  end if;

  v_plan := (select plans from pgledger.plans where plans.id = subscribable_plan.plan_id);
  if v_plan.status = 'archived' then
    v_ok := pgledger.fail('Archived', array['plan', plan_id]);
  end if;
  return v_plan;
end;
$$;

comment on function pgledger.subscribable_plan is
  'A plan that a tenant can subscribe to, locked; raises PlanNotFound or Archived.';

revoke all on function pgledger.subscribable_plan from public;
