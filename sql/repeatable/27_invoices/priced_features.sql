/*
The prices of a plan, in their order. basis is what a charge is computed from, and stands on the
line: the price, the feature's type and aggregation, the allowance if the plan gives one as a soft
limit, and for seats how they are prorated. With each, the meter that counts the subscription's
usage, if there is one.
*/
create or replace function pgledger.priced_features(
  subscription pgledger.subscriptions,
  plan_key bigint
)
returns setof pgledger.priced_feature
language sql
stable
parallel safe
as $$
  select
    format('%s: %s', plans.name, features.name) || case
      when given.allowance is not null then format(' beyond %s', given.allowance)
      else ''
    end,
    plan_features.feature_key,
    (price.value ->> 'unit_amount')::numeric,
    meters.key,
    meters.unique_key,
    jsonb_strip_nulls(
      jsonb_build_object(
        'price', price.value - 'feature',
        'type', plan_features.type,
        'aggregation', plan_features.aggregation,
        'allowance', given.allowance,
        'proration', given.proration
      )
    )
  from pgledger.plans
  cross join lateral jsonb_array_elements(
    coalesce(nullif(plans.pricing -> 'prices', 'null'), '[]')
  ) with ordinality as price (value, place)
  inner join pgledger.plan_features
    on plans.key = plan_features.plan_key
    and price.value ->> 'feature' = plan_features.feature_key
  inner join pgledger.features on plan_features.feature_id = features.id
  cross join lateral (
    select
      case
        when plan_features.soft_limit and plan_features.quota >= 0
          then trim_scale(plan_features.quota)::text
      end as allowance,
      case
        when plan_features.type = 'seat' then coalesce(plans.pricing #>> '{base,proration}', 'day')
      end as proration
  ) as given
  left join pgledger.meters
    on meters.app_id = subscription.app_id
    and meters.tenant_id = subscription.tenant_id
    and meters.feature_key = plan_features.feature_key
  where plans.key = priced_features.plan_key
  order by price.place
$$;

comment on function pgledger.priced_features is
  'The prices of a plan with what a charge is computed from, and the meters of a subscription.';

revoke all on function pgledger.priced_features from public;
