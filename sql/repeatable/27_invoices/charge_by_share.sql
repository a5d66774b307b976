/*
The share that stays have of what a total costs by a price, rounded: each stay is from one of sinces
to one of untils, out of length. The shares of all stays of a period add up to the rounded cost.

part and whole are the share of the period for which amounts are due that a price has prorated.
*/
create or replace function pgledger.charge_by_share(
  price jsonb,
  total numeric,
  sinces numeric[],
  untils numeric[],
  length numeric,
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
  v_cost record := pgledger.price_amounts(price, total, part, whole);
  v_share numeric := 0;
begin
  amount := round(0::numeric, exponent);
  cap := amount;
  for v_stay in 1 .. cardinality(untils) loop
    v_share := v_share + untils[v_stay] - sinces[v_stay];
    amount := amount + pgledger.prorated(
      v_cost.amount, sinces[v_stay], untils[v_stay], length * whole, exponent
    );
    cap := cap + pgledger.prorated(
      v_cost.amount + v_cost.cap, sinces[v_stay], untils[v_stay], length * whole, exponent
    );
  end loop;
  cap := cap - amount;
  -- All of it is exact, as a quotient is not.
  quantity := case
    when v_share = length then total
    else trim_scale(round(total * v_share / length, 6))
  end;
end;
$$;

comment on function pgledger.charge_by_share is
  'The share that stays have of what a total costs by a price, rounded.';

revoke all on function pgledger.charge_by_share from public;
