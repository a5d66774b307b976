/*
What usage in stays adds to what a price asks, rounded: the cost of what had been used at the end of
each stay, less the cost of what had been used at its start. What the price asks without any usage
is left to the first plan's first stay. The quantities that cost nothing are free.

part and whole are the share of the period for which amounts are due that a price has prorated.
*/
create or replace function pgledger.charge_by_difference(
  price jsonb,
  free numeric,
  sinces numeric[],
  untils numeric[],
  is_first boolean,
  part numeric,
  whole numeric,
  exponent integer,
  out quantity numeric,
  out amount numeric,
  out cap numeric
)
language plpgsql
immutable
parallel safe
as $$
declare
  v_signs integer[];
  v_used numeric[];
  v_billable numeric;
  v_cost record;
  v_amount numeric;
begin
  quantity := 0;
  amount := round(0::numeric, exponent);
  cap := amount;
  for v_stay in 1 .. cardinality(untils) loop
    if v_stay > 1 or not is_first then
      v_signs := array[1, -1];
      v_used := array[untils[v_stay], sinces[v_stay]];
    elsif sinces[v_stay] > 0 then
      v_signs := array[1, -1, 1];
      v_used := array[untils[v_stay], sinces[v_stay], 0];
    else
      v_signs := array[1];
      v_used := array[untils[v_stay]];
    end if;
    for v_place in 1 .. cardinality(v_signs) loop
      v_billable := greatest(v_used[v_place] - free, 0);
      v_cost := pgledger.price_amounts(price, v_billable, part, whole);
      v_amount := pgledger.rounded_quotient(v_cost.amount, whole, exponent);
      quantity := quantity + v_signs[v_place] * v_billable;
      amount := amount + v_signs[v_place] * v_amount;
      cap := cap + v_signs[v_place] * (
        pgledger.rounded_quotient(v_cost.amount + v_cost.cap, whole, exponent) - v_amount
      );
    end loop;
  end loop;
end;
$$;

comment on function pgledger.charge_by_difference is
  'What usage in stays adds to what a price asks, rounded.';

revoke all on function pgledger.charge_by_difference from public;
