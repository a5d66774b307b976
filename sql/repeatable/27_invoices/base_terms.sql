/*
What a plan asks as base fee in a period, by its parts: amount, billed and proration. It is what
the plan asked when the subscription entered it in that period.
*/
create or replace function pgledger.base_terms(
  plan_key bigint,
  segments pgledger.billing_segment[],
  for_period timestamptz
)
returns jsonb
language sql
stable
parallel safe
as $$
  select
    '{"billed": "advance", "proration": "day"}'::jsonb
    || coalesce(jsonb_strip_nulls(terms.pricing -> 'base'), '{}')
  from pgledger.plan_terms(
    base_terms.plan_key,
    coalesce(pgledger.plan_entered_at(segments, base_terms.plan_key), for_period)
  ) as terms
$$;

comment on function pgledger.base_terms is 'What a plan asks as base fee in a period.';

revoke all on function pgledger.base_terms from public;
