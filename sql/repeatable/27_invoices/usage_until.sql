/*
What usage in a range of time comes to for each price, by the aggregation of its feature, and how
many events it has; 0 for seats, which are counted only.
*/
create or replace function pgledger.usage_until(
  prices pgledger.priced_feature[],
  starts_at timestamptz,
  ends_at timestamptz,
  out used numeric[],
  out events numeric[]
)
language plpgsql
stable
parallel safe
as $$
declare
  v_meter_keys integer[] := array(select price.meter_key from unnest(prices) as price);
begin
  select
    array_agg(
      coalesce(
        case
          when price.meter_key is null or price.basis ->> 'type' = 'seat' then 0
          when price.basis ->> 'aggregation' = 'sum' then sums.quantity
          when price.basis ->> 'aggregation' = 'count' then sums.events
          when price.basis ->> 'aggregation' = 'max' then sums.highest
          else pgledger.usage_between(
            price.meter_key, price.unique_key, price.basis ->> 'aggregation',
            usage_until.starts_at, usage_until.ends_at
          )
        end,
        0
      )
      order by price.place
    ),
    array_agg(coalesce(sums.events, 0) order by price.place)
  into usage_until.used, usage_until.events
  from unnest(prices) with ordinality as price (
    description, feature_key, unit_amount, meter_key, unique_key, basis, place
  )
  left join pgledger.usage_sums(
    v_meter_keys, usage_until.starts_at, usage_until.ends_at
  ) as sums on price.meter_key = sums.meter_key;
end;
$$;

comment on function pgledger.usage_until is
  'What usage in a range of time comes to for each price, and how many events it has.';

revoke all on function pgledger.usage_until from public;
