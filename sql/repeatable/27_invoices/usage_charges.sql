/*
What usage costs by the prices of a plan in the stays of a period on it, rounded: a row for each
price, in their order. quantity is how much is charged and amount what that costs; true_up is what
is missing to the price's minimum, and cap, below zero, what is beyond its maximum. counted is what
usage has come to since counted_from, the start of the period's first stay; events is how many
events lie in these stays.

What a price asks for no usage at all falls to the plan that the period began with, and so does a
minimum. What usage adds never costs less than nothing.
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
  v_used record := pgledger.usage_in_stays(prices, counted_from, stays);
  v_price pgledger.priced_feature;
begin
  place := 0;
  foreach v_price in array prices loop
    place := place + 1;
    description := v_price.description;
    feature_key := v_price.feature_key;
    unit_amount := v_price.unit_amount;
    basis := v_price.basis;
    counted := v_used.counted[place];
    events := v_used.events[place];
    if basis ->> 'type' = 'seat' then
      select charge.quantity, charge.amount, charge.true_up, charge.cap
      into
        usage_charges.quantity, usage_charges.amount, usage_charges.true_up, usage_charges.cap
      from pgledger.seats_charge(
        v_price.basis, v_price.meter_key, stays, time_zone, exponent
      ) as charge;
    else
      quantity := v_used.quantities[place];
      amount := round(greatest(v_used.amounts[place], 0), exponent);
      true_up := greatest(
        case
          when is_first then round((basis #>> '{price,minimum}')::numeric, exponent) - amount
        end,
        0 * amount
      );
      cap := round(greatest(v_used.amounts[place] + v_used.caps[place], 0), exponent) - amount;
    end if;
    return next;
  end loop;
end;
$$;

comment on function pgledger.usage_charges is
  'What usage costs by the prices of a plan in the stays of a period on it.';

revoke all on function pgledger.usage_charges from public;
