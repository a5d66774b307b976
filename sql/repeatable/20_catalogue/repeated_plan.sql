/*
The key of the plan that an earlier call with that id has created, or null if none has. Once the
plan has been updated, only what an update cannot change is compared.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.repeated_plan(request pgledger.plans)
returns bigint
language plpgsql
stable
parallel safe
as $$
declare
  v_plan pgledger.plans := (
    select plans
    from pgledger.plans
    where plans.id = request.id
  );
  v_ok boolean;
begin
  if v_plan.id is null then
    return null;
  elsif (v_plan.app_id, v_plan.tenant_id, v_plan.slug, v_plan.currency, v_plan.add_on)
    is distinct from (
      request.app_id, request.tenant_id, request.slug, request.currency, request.add_on
    )
    or (
      v_plan.version = 1
      and (
        v_plan.name, v_plan.description, v_plan.features, v_plan.pricing, v_plan.trial_days,
        v_plan.anchor_at_trial_end, v_plan.metadata
      ) is distinct from (
        request.name, request.description, request.features, request.pricing, request.trial_days,
        request.anchor_at_trial_end, request.metadata
      )
    ) then
    v_ok := pgledger.fail('IdempotencyConflict', array[request.id]);
  end if;

  return v_plan.key;
end;
$$;

comment on function pgledger.repeated_plan is
  'Key of the plan that has that id already, or null; raises if another request created it.';

revoke all on function pgledger.repeated_plan from public;
