/*
Checks a plan's pricing against the rows of its features, and returns the billing period that it
sets.

Errors: InvalidPlan.
*/
create or replace function pgledger.read_pricing(
  pricing jsonb,
  features pgledger.plan_features[],
  out billing_interval text,
  out interval_count integer
)
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_prices jsonb := coalesce(nullif(pricing -> 'prices', 'null'), '[]');
  v_places jsonb := (
    select coalesce(jsonb_object_agg(feature.feature_key, feature.ordinality), '{}')
    from unnest(features) with ordinality as feature
  );
  v_base record;
  v_feature pgledger.plan_features;
  v_price jsonb;
  v_keys text[] := '{}';
  v_key text;
  v_path text;
  v_fault text;
  v_ok boolean;
begin
  v_ok := pgledger.check_json_size(pricing, '$.pricing', false);
  v_ok := pgledger.check_json_object(pricing, '$.pricing', array['base', 'prices']);

  v_base := pgledger.read_plan_base(coalesce(nullif(pricing -> 'base', 'null'), '{}'));
  billing_interval := v_base.billing_interval;
  interval_count := v_base.interval_count;

  v_ok := pgledger.check_json_array(v_prices, '$.pricing.prices');
  for v_price in
    select price.value
    from jsonb_array_elements(v_prices) with ordinality as price (value, place)
    order by price.place
  loop
    v_path := format('$.pricing.prices[%s]', cardinality(v_keys));
    v_ok := pgledger.check_price_object(v_price, v_path);
    v_key := pgledger.json_text(v_price, v_path, 'feature');
    v_feature := features[(v_places ->> v_key)::integer];
    v_fault := case
      when v_key = any(v_keys) then format(
        'has a price at $.pricing.prices[%s] already', array_position(v_keys, v_key) - 1
      )
      when v_feature.feature_key is null then 'is not among the plan''s features'
      when v_feature.type = 'boolean' then 'is a boolean feature, which has no quantity'
    end;
    if v_fault is not null then
      v_ok := pgledger.refuse_json(v_price -> 'feature', v_path || '.feature', v_fault);
    end if;
    v_ok := pgledger.check_priced_limit(v_feature, billing_interval, interval_count);
    v_ok := pgledger.check_price(v_price, v_path);
    v_ok := pgledger.check_event_feature(v_price, v_path, v_feature);
    v_keys := v_keys || v_key;
  end loop;

  v_ok := pgledger.check_json_size(pricing, '$.pricing', true);
end;
$$;

comment on function pgledger.read_pricing is
  'The billing period that a plan''s pricing sets; raises InvalidPlan unless the pricing is sound.';

revoke all on function pgledger.read_pricing from public;
