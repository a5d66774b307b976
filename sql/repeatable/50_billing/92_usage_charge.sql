/*
What usage of a feature costs by a price in the stays of a period on the price's plan, rounded, what
is missing to the price's minimum and beyond its maximum apart; how much is charged, what usage has
come to since counted_from, and of how many events in these stays.

Usage counts from the start of the period's first stay, and a stay is charged what its usage adds:
the price of all until its end less the price of all until its start. So neither a change of plan
nor a pause begins tiers and allowances again, or charges anything twice. What a price asks for no
usage at all falls to the plan that the period began with, and so does a minimum; what usage adds is
never less than nothing.
*/
create or replace function pgledger.usage_charge(
  basis jsonb,
  meter_key integer,
  unique_key text,
  counted_from timestamptz,
  stays pgledger.billing_segment[],
  is_first boolean,
  time_zone text,
  exponent integer,
  out quantity numeric,
  out amount numeric,
  out true_up numeric,
  out cap numeric,
  out counted numeric,
  out events bigint
)
language plpgsql
stable
parallel safe
as $$
declare
  v_allowance numeric := coalesce((basis ->> 'allowance')::numeric, 0);
  v_minimum numeric := coalesce((basis #>> '{price,minimum}')::numeric, 0);
  v_stay pgledger.billing_segment;
  v_usage record;
  v_cost record;
  v_before numeric;
  v_cap numeric := 0;
begin
  quantity := 0;
  amount := 0;
  events := 0;
  foreach v_stay in array stays loop
    v_usage := pgledger.usage_counted(
      meter_key, unique_key, basis ->> 'aggregation', counted_from, v_stay.ends_at
    );
    counted := v_usage.value;
    events := events + v_usage.events;
    if basis ->> 'type' = 'metered' then
      v_before := greatest(v_usage.value - v_allowance, 0);
      v_cost := pgledger.price_amounts(basis -> 'price', v_before);
      quantity := quantity + v_before;
      amount := amount + v_cost.amount;
      v_cap := v_cap + v_cost.cap;
    end if;
    continue when v_stay.starts_at = counted_from;

    v_usage := pgledger.usage_counted(
      meter_key, unique_key, basis ->> 'aggregation', counted_from, v_stay.starts_at
    );
    events := events - v_usage.events;
    if basis ->> 'type' = 'metered' then
      v_before := greatest(v_usage.value - v_allowance, 0);
      v_cost := pgledger.price_amounts(basis -> 'price', v_before);
      quantity := quantity - v_before;
      amount := amount - v_cost.amount;
      v_cap := v_cap - v_cost.cap;
    end if;
  end loop;

  if basis ->> 'type' = 'seat' then
    select charge.quantity, charge.amount, charge.true_up, charge.cap
    into usage_charge.quantity, usage_charge.amount, usage_charge.true_up, usage_charge.cap
    from pgledger.seats_charge(basis, meter_key, stays, time_zone, exponent) as charge;
    return;
  end if;
  v_cap := greatest(amount + v_cap, 0);
  v_minimum := case when is_first then greatest(amount, v_minimum) else amount end;
  amount := round(greatest(amount, 0), exponent);
  true_up := greatest(round(v_minimum, exponent) - amount, 0);
  cap := round(v_cap, exponent) - amount;
end;
$$;

comment on function pgledger.usage_charge is
  'What usage of a feature costs by a price in the stays of a period on the price''s plan.';

revoke all on function pgledger.usage_charge from public;
