/*
The plan with that id, its row locked: FOR UPDATE if it is to be deleted, so that nothing can begin
to refer to it, and FOR NO KEY UPDATE if it is to be changed.

Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound.
*/
create or replace function pgledger.lock_plan(
  app_id text,
  id text,
  to_delete boolean default false
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
  v_ok := pgledger.check_catalogue_scope(app_id);
  v_ok := pgledger.check_id('id', id, 'plan');

  if to_delete then
    v_plan := (
      select plans
      from pgledger.plans
      where plans.id = lock_plan.id and plans.app_id = lock_plan.app_id
      for update
    );
  else
    v_plan := (
      select plans
      from pgledger.plans
      where plans.id = lock_plan.id and plans.app_id = lock_plan.app_id
      for no key update
    );
  end if;

  if v_plan.id is null then
    v_ok := pgledger.fail('PlanNotFound', array[id, pgledger.in_catalogue(app_id, '')]);
  end if;

  return v_plan;
end;
$$;

comment on function pgledger.lock_plan is
  'The plan with that id, locked to be changed or deleted; raises PlanNotFound.';

revoke all on function pgledger.lock_plan from public;
