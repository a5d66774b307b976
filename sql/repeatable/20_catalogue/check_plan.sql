/*
Refuses a plan that has a wrong value. Its slug, currency and JSON are checked elsewhere. The order
of the checks is that of the arguments.

Errors: NullArgument, InvalidArgument, InvalidMetadata.
*/
create or replace function pgledger.check_plan(plan pgledger.plans)
returns void
language plpgsql
stable
parallel safe
as $$
begin
  perform pgledger.check_text('name', plan.name, 255, allow_invisible => true);

  if plan.features is null then
    perform pgledger.fail('NullArgument', array['features']);
  elsif plan.pricing is null then
    perform pgledger.fail('NullArgument', array['pricing']);
  elsif plan.description is not null then
    perform pgledger.check_text(
      'description', plan.description, 10000, allow_invisible => true, minimum => 0
    );
  end if;

  if plan.trial_days is null then
    perform pgledger.fail('NullArgument', array['trial_days']);
  elsif plan.trial_days not between 0 and 3650 then
    perform pgledger.fail(
      'InvalidArgument', array['trial_days', plan.trial_days::text, 'it is not between 0 and 3650']
    );
  elsif plan.anchor_at_trial_end is null then
    perform pgledger.fail('NullArgument', array['anchor_at_trial_end']);
  elsif plan.add_on is null then
    perform pgledger.fail('NullArgument', array['add_on']);
  end if;

  perform pgledger.check_metadata(plan.metadata);
end;
$$;

comment on function pgledger.check_plan is
  'Raises the first thing that is wrong with a plan''s name, texts, trial, choices or metadata.';

revoke all on function pgledger.check_plan from public;
