/*
Refuses a plan that has a wrong value. Its slug, currency and JSON are checked elsewhere. The order
of the checks is that of the arguments.

Errors: NullArgument, InvalidArgument, InvalidMetadata.
*/
create or replace function pgledger.check_plan(plan pgledger.plans)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_text('name', plan.name, 255, allow_invisible => true);

  if plan.features is null then
    v_ok := pgledger.fail('NullArgument', array['features']);
  elsif plan.pricing is null then
    v_ok := pgledger.fail('NullArgument', array['pricing']);
  elsif plan.description is not null then
    v_ok := pgledger.check_text(
      'description', plan.description, 10000, allow_invisible => true, minimum => 0
    );
  end if;

  if plan.trial_days is null then
    v_ok := pgledger.fail('NullArgument', array['trial_days']);
  elsif plan.trial_days not between 0 and 3650 then
    v_ok := pgledger.fail(
      'InvalidArgument', array['trial_days', plan.trial_days::text, 'it is not between 0 and 3650']
    );
  elsif plan.anchor_at_trial_end is null then
    v_ok := pgledger.fail('NullArgument', array['anchor_at_trial_end']);
  elsif plan.add_on is null then
    v_ok := pgledger.fail('NullArgument', array['add_on']);
  elsif plan.priority is null then
    v_ok := pgledger.fail('NullArgument', array['priority']);
  end if;

  return pgledger.check_metadata(plan.metadata);
end;
$$;

comment on function pgledger.check_plan is
  'Raises the first thing that is wrong with a plan''s name, texts, trial, choices or metadata.';

revoke all on function pgledger.check_plan from public;
