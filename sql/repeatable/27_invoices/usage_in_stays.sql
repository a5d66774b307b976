/*
What usage in the stays of a period on a plan adds to what the plan's prices ask, not rounded: an
array of each sum, with one element for each price.

A stay is charged what its usage adds: the price of all usage until its end, less the price of all
usage until its start. So neither a change of plan nor a pause begins tiers and allowances again, or
charges anything twice. Seats are only counted: they are charged by pgledger.seats_charge.
*/
create or replace function pgledger.usage_in_stays(
  prices pgledger.priced_feature[],
  counted_from timestamptz,
  stays pgledger.billing_segment[],
  out quantities numeric[],
  out amounts numeric[],
  out caps numeric[],
  out counted numeric[],
  out events numeric[]
)
language plpgsql
stable
parallel safe
as $$
declare
  -- Until when usage is counted: the ends of the stays, then the starts of those that begin later.
  v_times timestamptz[] := array(
    select time.value
    from unnest(stays) as stay
    cross join lateral (values (stay.ends_at, 1), (stay.starts_at, 2)) as time (value, edge)
    where time.edge = 1 or time.value > counted_from
    order by time.edge, time.value
  );
  v_ends integer := cardinality(stays);
  v_sign integer;
  v_meter_keys integer[] := array(select price.meter_key from unnest(prices) as price);
  v_zeros numeric[] := array_fill(0::numeric, array[cardinality(prices)]);
  v_used record;
  v_value numeric;
  v_is_seat boolean;
  v_cost record;
begin
  quantities := v_zeros;
  amounts := v_zeros;
  caps := v_zeros;
  counted := v_zeros;
  events := v_zeros;
  for v_time in 1 .. cardinality(v_times) loop
    v_sign := case when v_time <= v_ends then 1 else -1 end;
    for v_used in
      select
        price.place, price.meter_key, price.unique_key, price.basis, sums.events, sums.quantity,
        sums.highest
      from unnest(prices) with ordinality as price (
        description, feature_key, unit_amount, meter_key, unique_key, basis, place
      )
      left join pgledger.usage_sums(v_meter_keys, counted_from, v_times[v_time]) as sums
        on price.meter_key = sums.meter_key
    loop
      events[v_used.place] := events[v_used.place] + v_sign * coalesce(v_used.events, 0);
      v_is_seat := v_used.basis ->> 'type' = 'seat';
      continue when v_is_seat and v_time <> v_ends;

      v_value := coalesce(
        case
          when v_used.meter_key is null then 0
          when v_used.basis ->> 'aggregation' = 'sum' then v_used.quantity
          when v_used.basis ->> 'aggregation' = 'count' then v_used.events
          when v_used.basis ->> 'aggregation' = 'max' then v_used.highest
          else pgledger.usage_between(
            v_used.meter_key, v_used.unique_key, v_used.basis ->> 'aggregation', counted_from,
            v_times[v_time]
          )
        end,
        0
      );
      if v_time = v_ends then
        counted[v_used.place] := v_value;
      end if;
      continue when v_is_seat;

      v_value := greatest(
        v_value - coalesce((v_used.basis ->> 'allowance')::numeric, 0), 0
      );
      v_cost := pgledger.event_price_amounts(
        v_used.basis -> 'price', v_used.meter_key, counted_from, v_times[v_time], v_value,
        v_used.events
      );
      quantities[v_used.place] := quantities[v_used.place] + v_sign * v_value;
      amounts[v_used.place] := amounts[v_used.place] + v_sign * v_cost.amount;
      caps[v_used.place] := caps[v_used.place] + v_sign * v_cost.cap;
    end loop;
  end loop;
end;
$$;

comment on function pgledger.usage_in_stays is
  'What usage in the stays of a period on a plan adds to what the plan''s prices ask.';

revoke all on function pgledger.usage_in_stays from public;
