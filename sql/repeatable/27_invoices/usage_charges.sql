/*
What usage comes to by the prices of a plan in the stays of a period in which they count, rounded: a
row for each price, in their order. quantity is how much is charged and amount what that costs;
true_up is what is missing to the price's minimum, and cap, below zero, what is beyond its maximum.
Usage is counted from counted_from to counted_until, the start of the period's first stay and the
end of its last one, whatever plan or subscription bills it; events is how many events lie in the
plan's own stays. Without such a stay there is no row, unless something is billed: then it is 0.

A price is charged in one of four ways:
- seats by the days or seconds for which they were taken;
- what has a level (max, latest): the level's cost, shared among plans by their active time;
- a volume or package price, or one with a maximum: the cost of all usage, shared by usage;
- any other by difference: the cost of all usage until the end of a stay, less that until its start.
A minimum is the first plan's.
*/
create or replace function pgledger.usage_charges(
  prices pgledger.priced_feature[],
  stays pgledger.billing_segment[],
  counted_from timestamptz,
  counted_until timestamptz,
  plan_key bigint,
  is_first boolean,
  is_billed boolean,
  time_zone text,
  exponent integer
)
returns pgledger.usage_charge[]
language plpgsql
stable
parallel safe
as $$
declare
  v_own pgledger.billing_segment[] := '{}';
  v_stay pgledger.billing_segment;
  v_stays integer;
  v_used record;
  v_price pgledger.priced_feature;
  v_charge pgledger.usage_charge;
  v_charges pgledger.usage_charge[] := '{}';
  v_cost record;
begin
  foreach v_stay in array stays loop
    if v_stay.plan_key = usage_charges.plan_key then
      v_own := v_own || v_stay;
    end if;
  end loop;
  v_stays := cardinality(v_own);
  if v_stays = 0 and not is_billed then
    return v_charges;
  end if;
  v_used := pgledger.usage_in_stays(prices, v_own, counted_from, counted_until);
  v_charge.plan_key := plan_key;
  v_charge.starts_at := coalesce(v_own[1].starts_at, counted_from);
  v_charge.ends_at := coalesce(v_own[v_stays].ends_at, counted_until);
  for v_place in 1 .. cardinality(prices) loop
    v_price := prices[v_place];
    v_charge.description := v_price.description;
    v_charge.feature_key := v_price.feature_key;
    v_charge.unit_amount := v_price.unit_amount;
    v_charge.basis := v_price.basis;
    v_charge.events := v_used.events[v_place];
    if v_price.basis ->> 'type' = 'seat' then
      v_cost := pgledger.seats_charge(
        v_price.basis, v_price.meter_key, v_own, time_zone, exponent
      );
      v_charge.true_up := v_cost.true_up;
      -- A report from before the first stay says how many seats were taken in it.
      v_charge.counted := pgledger.usage_between(
        v_price.meter_key, null, 'count', '-infinity', v_charge.ends_at
      );
    else
      v_cost := pgledger.metered_charge(
        v_price, stays, v_own, counted_from, v_used.wholes[v_place],
        v_used.sinces[(v_place - 1) * v_stays + 1:v_place * v_stays],
        v_used.untils[(v_place - 1) * v_stays + 1:v_place * v_stays],
        is_first, time_zone, exponent
      );
      v_charge.true_up := greatest(
        case when is_first and v_stays > 0 then v_cost.minimum - v_cost.amount - v_cost.cap end,
        0 * v_cost.amount
      );
      v_charge.counted := v_used.untils[v_place * v_stays];
    end if;
    v_charge.quantity := v_cost.quantity;
    v_charge.amount := v_cost.amount;
    v_charge.cap := v_cost.cap;
    v_charges[v_place] := v_charge;
  end loop;
  return v_charges;
end;
$$;

comment on function pgledger.usage_charges is
  'What usage comes to by the prices of a plan in the stays of a period in which they count.';

revoke all on function pgledger.usage_charges from public;
