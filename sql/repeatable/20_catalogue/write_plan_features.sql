/*
Writes the rows of a plan's features, which has none, as they were read from its JSON. The caller
has locked the plan's row.
*/
create or replace function pgledger.write_plan_features(
  plan_key bigint,
  features pgledger.plan_features[]
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
begin
  insert into pgledger.plan_features (
    plan_key, feature_key, feature_id, place, type, quota, period, soft_limit, aggregation
  )
  select
    write_plan_features.plan_key, feature.feature_key, feature.feature_id, feature.place,
    feature.type, feature.quota, feature.period, feature.soft_limit, feature.aggregation
  from unnest(write_plan_features.features) as feature;
end;
$$;

comment on function pgledger.write_plan_features is
  'Writes the rows of the features of a plan that has none.';

revoke all on function pgledger.write_plan_features from public;
