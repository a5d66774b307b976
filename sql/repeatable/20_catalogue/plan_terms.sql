/*
What a plan asks and gives for nothing at a time: its pricing; how much of each feature costs
nothing, which is the feature's limit where that is soft; and by key what pgledger.plan_features had
of each feature then.
*/
create or replace function pgledger.plan_terms(
  plan_key bigint,
  at timestamptz,
  out pricing jsonb,
  out allowances jsonb,
  out features jsonb
)
language sql
stable
parallel safe
as $$
  select
    plans.pricing,
    coalesce(
      (
        select jsonb_object_agg(plan_features.feature_key, trim_scale(plan_features.quota)::text)
        from pgledger.plan_features
        where plan_features.plan_key = plans.key
          and plan_features.soft_limit
          and plan_features.quota >= 0
      ),
      '{}'
    ),
    coalesce(
      (
        select
          jsonb_object_agg(plan_features.feature_key, to_jsonb(plan_features) - 'plan_key')
        from pgledger.plan_features
        where plan_features.plan_key = plans.key
      ),
      '{}'
    )
  from pgledger.plans
  where plans.key = plan_terms.plan_key
$$;

comment on function pgledger.plan_terms is
  'What a plan asks, and what it gives for nothing, at a time.';

revoke all on function pgledger.plan_terms from public;
