/*
What a plan asks and gives for nothing at a time: its pricing; how much of each feature costs
nothing, which is the feature's limit where that is soft; and by key what pgledger.plan_features had
of each feature then. A period of a subscription uses, whole, what holds at its start, or, of a plan
that is entered later, what holds when it is entered.
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
    (
      select plan_versions.pricing
      from pgledger.plan_versions
      where plan_versions.plan_key = plan_terms.plan_key
        and plan_versions.effective_at <= plan_terms.at
        and plan_versions.pricing is not null
      order by plan_versions.effective_at desc, plan_versions.version desc
      limit 1
    ),
    given.allowances,
    given.feature_terms
  from (
    select plan_versions.allowances, plan_versions.feature_terms
    from pgledger.plan_versions
    where plan_versions.plan_key = plan_terms.plan_key
      and plan_versions.effective_at <= plan_terms.at
      and plan_versions.features is not null
    order by plan_versions.effective_at desc, plan_versions.version desc
    limit 1
  ) as given
$$;

comment on function pgledger.plan_terms is
  'What a plan asks, and what it gives for nothing, at a time.';

revoke all on function pgledger.plan_terms from public;
