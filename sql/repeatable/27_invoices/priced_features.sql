/*
The prices that a plan has at a time, in their order. basis is what a charge is computed from, and
stands on the line: the price, the feature's type and aggregation, the allowance if the plan gives
one as a soft limit, how seats and prorated amounts are prorated, and which subscription bills it.
With each, the meter that counts the subscription's usage, if there is one.
*/
create or replace function pgledger.priced_features(
  subscription pgledger.subscriptions,
  plan_key bigint,
  at timestamptz
)
returns pgledger.priced_feature[]
language plpgsql
stable
parallel safe
as $$
declare
  v_terms record := pgledger.plan_terms(plan_key, at);
begin
  return array(
    select
      row(
        format('%s: %s', plans.name, coalesce(features.name, given.feature_key)) || case
          when v_terms.allowances ? given.feature_key
            then format(' beyond %s', v_terms.allowances ->> given.feature_key)
          else ''
        end,
        given.feature_key,
        (price.value ->> 'unit_amount')::numeric,
        meters.key,
        meters.unique_key,
        jsonb_strip_nulls(
          jsonb_build_object(
            'price', price.value - 'feature',
            'type', given.term ->> 'type',
            'aggregation', given.term ->> 'aggregation',
            'allowance', v_terms.allowances ->> given.feature_key,
            'proration',
            case
              when given.term ->> 'type' = 'seat' or price.value -> 'prorated' = 'true'
                then coalesce(v_terms.pricing #>> '{base,proration}', 'day')
            end,
            'billed_by', subscription.id
          )
        )
      )::pgledger.priced_feature
    from pgledger.plans
    cross join lateral jsonb_array_elements(
      coalesce(nullif(v_terms.pricing -> 'prices', 'null'), '[]')
    ) with ordinality as price (value, place)
    cross join lateral (
      select
        price.value ->> 'feature' as feature_key,
        v_terms.features -> (price.value ->> 'feature') as term
    ) as given
    -- A feature that the plan has no longer may be gone.
    left join pgledger.features on given.term ->> 'feature_id' = features.id
    left join pgledger.meters
      on meters.app_id = subscription.app_id
      and meters.tenant_id = subscription.tenant_id
      and meters.feature_key = given.feature_key
    where plans.key = priced_features.plan_key
    order by price.place
  );
end;
$$;

comment on function pgledger.priced_features is
  'The prices of a plan with what a charge is computed from, and the meters of a subscription.';

revoke all on function pgledger.priced_features from public;
