/*
What usage costs by the prices of a plan in the stays of a period on it, in the order of the prices,
rounded, with what is missing to a price's minimum and beyond its maximum apart; how much is
charged, what usage has come to since counted_from, the start of the period's first stay, and of how
many events in these stays.

A stay is charged what its usage adds: the price of all until its end less the price of all until
its start. So neither a change of plan nor a pause begins tiers and allowances again, or charges
anything twice. What a price asks for no usage at all falls to the plan that the period began with,
and so does a minimum; what usage adds is never less than nothing.
*/
create or replace function pgledger.usage_charges(
  prices pgledger.priced_feature[],
  counted_from timestamptz,
  stays pgledger.billing_segment[],
  is_first boolean,
  time_zone text,
  exponent integer
)
returns table (
  place integer,
  description text,
  feature_key text,
  unit_amount numeric,
  basis jsonb,
  quantity numeric,
  amount numeric,
  true_up numeric,
  cap numeric,
  counted numeric,
  events bigint
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
  v_quantities numeric[] := v_zeros;
  v_amounts numeric[] := v_zeros;
  v_caps numeric[] := v_zeros;
  v_counted numeric[] := v_zeros;
  v_events numeric[] := v_zeros;
  v_used record;
  v_value numeric;
  v_is_seat boolean;
  v_cost record;
  v_price pgledger.priced_feature;
begin
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
      v_events[v_used.place] := v_events[v_used.place] + v_sign * coalesce(v_used.events, 0);
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
        v_counted[v_used.place] := v_value;
      end if;
      continue when v_is_seat;

      v_value := greatest(
        v_value - coalesce((v_used.basis ->> 'allowance')::numeric, 0), 0
      );
      v_cost := pgledger.price_amounts(v_used.basis -> 'price', v_value);
      v_quantities[v_used.place] := v_quantities[v_used.place] + v_sign * v_value;
      v_amounts[v_used.place] := v_amounts[v_used.place] + v_sign * v_cost.amount;
      v_caps[v_used.place] := v_caps[v_used.place] + v_sign * v_cost.cap;
    end loop;
  end loop;

  place := 0;
  foreach v_price in array prices loop
    place := place + 1;
    description := v_price.description;
    feature_key := v_price.feature_key;
    unit_amount := v_price.unit_amount;
    basis := v_price.basis;
    counted := v_counted[place];
    events := v_events[place];
    if basis ->> 'type' = 'seat' then
      select charge.quantity, charge.amount, charge.true_up, charge.cap
      into
        usage_charges.quantity, usage_charges.amount, usage_charges.true_up, usage_charges.cap
      from pgledger.seats_charge(
        v_price.basis, v_price.meter_key, stays, time_zone, exponent
      ) as charge;
    else
      quantity := v_quantities[place];
      amount := round(greatest(v_amounts[place], 0), exponent);
      true_up := greatest(
        case
          when is_first then round((basis #>> '{price,minimum}')::numeric, exponent) - amount
        end,
        0 * amount
      );
      cap := round(greatest(v_amounts[place] + v_caps[place], 0), exponent) - amount;
    end if;
    return next;
  end loop;
end;
$$;

comment on function pgledger.usage_charges is
  'What usage costs by the prices of a plan in the stays of a period on it.';

revoke all on function pgledger.usage_charges from public;
