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
  v_meter_keys integer[] := '{}';
  v_price pgledger.priced_feature;
  v_place integer := 0;
  v_sums record;
begin
  foreach v_price in array prices loop
    v_meter_keys := v_meter_keys || v_price.meter_key;
  end loop;
  used := array_fill(0::numeric, array[cardinality(prices)]);
  events := used;
  for v_sums in
    select sums.meter_key, sums.events, sums.quantity, sums.highest
    from pgledger.usage_sums(v_meter_keys, usage_until.starts_at, usage_until.ends_at) as sums
  loop
    v_place := array_position(v_meter_keys, v_sums.meter_key);
    v_price := prices[v_place];
    events[v_place] := v_sums.events;
    used[v_place] := case
      when v_price.basis ->> 'type' = 'seat' then 0
      when v_price.basis ->> 'aggregation' = 'sum' then v_sums.quantity
      when v_price.basis ->> 'aggregation' = 'count' then v_sums.events
      when v_price.basis ->> 'aggregation' = 'max' then v_sums.highest
      else pgledger.usage_between(
        v_price.meter_key, v_price.unique_key, v_price.basis ->> 'aggregation',
        usage_until.starts_at, usage_until.ends_at
      )
    end;
  end loop;
end;
$$;

comment on function pgledger.usage_until is
  'What usage in a range of time comes to for each price, and how many events it has.';

revoke all on function pgledger.usage_until from public;
