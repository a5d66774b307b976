/*
Writes the features of a plan that was just made, and its first version, which holds since ever.
*/
create or replace function pgledger.begin_plan(
  key bigint,
  plan pgledger.plans,
  features pgledger.plan_features[]
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_version pgledger.plan_versions;
begin
  v_version.plan_key := key;
  v_version.version := plan.version;
  v_version.effective_at := '-infinity';
  v_version.created_at := plan.created_at;
  v_version.features := plan.features;
  v_version.pricing := plan.pricing;
  v_version.priority := plan.priority;
  perform pgledger.write_plan_version(v_version, begin_plan.features);
  perform pgledger.write_plan_features(key, begin_plan.features);
end;
$$;

comment on function pgledger.begin_plan is
  'Writes the features of a plan that was just made, and its first version.';

revoke all on function pgledger.begin_plan from public;
