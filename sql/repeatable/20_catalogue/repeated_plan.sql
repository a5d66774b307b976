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
  v_fields text[] := array['app_id', 'tenant_id', 'slug', 'currency', 'add_on'];
  v_ok boolean;
begin
  if v_plan.id is null then
    return null;
  elsif v_plan.version = 1 then
    v_fields := v_fields || array[
      'name', 'description', 'features', 'pricing', 'trial_days', 'anchor_at_trial_end', 'metadata',
      'priority'
    ];
  end if;

  v_ok := pgledger.check_repeated(
    request.id, pgledger.picked(to_jsonb(request), v_fields), to_jsonb(v_plan)
  );
  return v_plan.key;
end;
$$;

comment on function pgledger.repeated_plan is
  'Key of the plan that has that id already, or null; raises if another request created it.';

revoke all on function pgledger.repeated_plan from public;
