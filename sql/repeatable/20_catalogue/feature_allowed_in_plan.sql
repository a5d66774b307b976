/*
The feature that a key in a plan's features names. The plan may contain it if it exists and is not
archived; a plan that contains it already may keep an archived one.

Errors: FeatureNotFound, Archived.
*/
create or replace function pgledger.feature_allowed_in_plan(
  app_id text,
  tenant_id text,
  feature_key text,
  plan_key bigint
)
returns pgledger.features
language plpgsql
stable
parallel safe
as $$
declare
  v_feature pgledger.features := pgledger.find_feature(app_id, feature_key, tenant_id);
  v_ok boolean;
begin
  if v_feature.id is null then
    v_ok := pgledger.fail(
      'FeatureNotFound',
      array[
        quote_literal(pgledger.abridged(feature_key)), pgledger.in_catalogue(app_id, tenant_id)
      ]
    );
  elsif v_feature.status = 'archived' then
    if not exists (
      select
      from pgledger.plan_features
      where plan_features.plan_key = feature_allowed_in_plan.plan_key
        and plan_features.feature_id = v_feature.id
    ) then
      v_ok := pgledger.fail('Archived', array['feature', quote_literal(feature_key)]);
    end if;
  end if;

  return v_feature;
end;
$$;

comment on function pgledger.feature_allowed_in_plan is
  'The feature that a key in a plan names; raises unless the plan may contain it.';

revoke all on function pgledger.feature_allowed_in_plan from public;
