/*
With an exponent, each line is the difference of two rounded running totals. So the lines add up to
the rounded total, and where a minimum or a maximum decides, that total is just this, rounded.
*/
create or replace function @extschema@.ledger_price_usage(
  price jsonb,
  quantity numeric,
  allowance numeric default 0,
  exponent integer default null
)
returns setof @extschema@.ledger_price_line
language sql
immutable
parallel safe
rows 3
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
  select pgledger.check_price_usage(
    ledger_price_usage.price,
    ledger_price_usage.quantity,
    ledger_price_usage.allowance,
    ledger_price_usage.exponent
  );

  with exact as (
    select
      part.place,
      part.kind,
      part.description,
      part.quantity,
      part.unit_amount,
      part.flat_amount,
      part.amount,
      sum(part.amount) over (order by part.place) as total
    from pgledger.price_lines(
      ledger_price_usage.price,
      trim_scale(greatest(ledger_price_usage.quantity - ledger_price_usage.allowance, 0))
    ) with ordinality as part (
      kind, description, quantity, unit_amount, flat_amount, amount, place
    )
  ),
  rounded as (
    select
      exact.place,
      exact.kind,
      exact.description,
      exact.quantity,
      exact.unit_amount,
      exact.flat_amount,
      case
        when ledger_price_usage.exponent is null then exact.amount
        else
          round(exact.total, ledger_price_usage.exponent)
          - round(exact.total - exact.amount, ledger_price_usage.exponent)
      end as amount
    from exact
  )
  -- What is missing to a minimum may be too little to charge: it is rounded to 0.
  select
    rounded.place::integer,
    rounded.kind,
    rounded.description,
    rounded.quantity,
    rounded.unit_amount,
    rounded.flat_amount,
    rounded.amount
  from rounded
  where rounded.kind = 'usage' or rounded.amount <> 0
  order by rounded.place
$$;

comment on function @extschema@.ledger_price_usage is
$$Says what usage costs by a price, as an invoice would.

It reads nothing but its arguments, so a price can be tried before any plan
has it.

price: JSON object of a price as a plan's pricing has it, with or without its
  feature, for example {"model": "per_unit", "unit_amount": "0.001"}.
quantity: How much was used, 0 or more.
allowance: How much of it is free, 0 or more.
exponent: Decimal places that amounts are rounded to, half away from zero, so
  that the lines add up to the rounded total, 0 to 18; null for exact amounts.

Returns: A line for each tier that is reached, in order; then one with what is
  missing to the minimum, or what is above the maximum, if anything is. The
  amount of a line of usage is quantity * unit_amount + flat_amount; the
  quantity of packages is their number.

Errors: NullArgument, InvalidPlan (the price is not valid; the message names
  the path), InvalidQuantity (the quantity or the allowance is not in range),
  InvalidArgument (the exponent is out of range).$$;

revoke all on function @extschema@.ledger_price_usage from public;
grant execute on function @extschema@.ledger_price_usage to pgledger_reader;
