/*
Writes since when a plan has other prices, features or priority. The rows are those of its features, as
pgledger.plan_features has them; they count only where the features are given. The caller has locked
the plan's row, or has just made it.
*/
create or replace function pgledger.write_plan_version(
  plan_version pgledger.plan_versions,
  feature_rows pgledger.plan_features[]
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
begin
  insert into pgledger.plan_versions (
    plan_key, version, effective_at, created_at, features, feature_terms, allowances, pricing,
    priority
  )
  select
    plan_version.plan_key, plan_version.version, plan_version.effective_at,
    plan_version.created_at, plan_version.features, given.feature_terms, given.allowances,
    plan_version.pricing, plan_version.priority
  from (
    select
      coalesce(jsonb_object_agg(feature.feature_key, to_jsonb(feature) - 'plan_key'), '{}')
      as feature_terms,
      coalesce(
        jsonb_object_agg(feature.feature_key, trim_scale(feature.quota)::text)
        filter (where feature.soft_limit and feature.quota >= 0),
        '{}'
      ) as allowances
    from unnest(feature_rows) as feature
    where plan_version.features is not null
    having plan_version.features is not null
  ) as given
  right join (select) as always on true;
end;
$$;

comment on function pgledger.write_plan_version is
  'Writes since when a plan has other prices or features.';

revoke all on function pgledger.write_plan_version from public;
