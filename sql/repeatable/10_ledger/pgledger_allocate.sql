/*
Splits an amount by weights. The units of the last decimal place are divided as whole numbers, so
nothing is rounded before it is compared. pgledger.split_amount gives each part its whole units and
the missing ones to the largest remainders; a remainder is handed to it as a decimal fraction that
is smaller than one, which keeps the order of remainders, and equal ones equal.

Errors: NullArgument, InvalidBatch, BatchTooLarge, InvalidArgument, InvalidAmount.
*/
create or replace function @extschema@.pgledger_allocate(
  amount numeric,
  weights numeric[],
  scale integer
)
returns numeric[]
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_units numeric;
  v_total numeric;
  v_digits integer;
  v_shares numeric[];
  v_ok boolean;
begin
  v_ok := pgledger.check_allocation(amount, weights, scale);

  -- Weights are brought to whole numbers; this changes no ratio.
  select sum(weight.value * 1e18)
  into v_total
  from unnest(weights) as weight (value);
  v_units := abs(amount) * ('1e' || scale::text)::numeric;
  v_digits := char_length(trim_scale(v_total)::text);

  v_shares := array(
    select
      sign(amount) * (
        div(v_units * weight.value * 1e18, v_total)
        + mod(v_units * weight.value * 1e18, v_total) * ('1e-' || v_digits::text)::numeric
      ) * ('1e-' || scale::text)::numeric
    from unnest(weights) with ordinality as weight (value, place)
    order by weight.place
  );

  return pgledger.split_amount(v_shares, amount, scale);
end;
$$;

comment on function @extschema@.pgledger_allocate is
$$Splits an amount into parts by weights, so that the parts add up to it.

Each part is cut to the decimal places. What is missing then goes, a unit of
the last place each, to the parts that lost most; among equal ones, to the
first. Of 100 by 1, 1, 1 without decimals that makes 34, 33, 33, and of -100
the same with the other sign.

amount: What to split: above -1e30, below 1e30, with at most as many decimal
  places as scale says.
weights: How large the parts are beside one another, 1 to 100,000 numbers from
  0 to below 1e30 with at most 18 decimal places, not all of them zero.
scale: Decimal places of the parts, 0 to 18; those of the currency.

Returns: The parts, one for each weight, in their order.

Errors: NullArgument, InvalidBatch (the weights are not one row of numbers),
  BatchTooLarge (more than 100,000 weights), InvalidArgument (a weight is
  negative or not a number, all are zero, or scale is not 0 to 18),
  InvalidAmount (the amount is not in range, or has more decimal places than
  scale).$$;

revoke all on function @extschema@.pgledger_allocate from public;
grant execute on function @extschema@.pgledger_allocate to pgledger_reader;
