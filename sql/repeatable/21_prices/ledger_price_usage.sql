/*
Prices usage by any price object, that of a plan or one that is only being thought of, as an
invoice does. Reads nothing but its arguments.

With an exponent each line is the difference of two rounded running totals, so that the lines add up
to the rounded total, and a minimum or a maximum is met as it stands, rounded.

Errors: NullArgument, InvalidPlan, InvalidQuantity, InvalidArgument.
*/
create or replace function ledger_price_usage(
  price jsonb,
  quantity numeric,
  allowance numeric default 0,
  exponent integer default null
)
returns setof ledger_price_line
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
  -- A minimum that is missed by less than can be charged leaves nothing to charge.
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

comment on function ledger_price_usage is
$$Says what a price comes to, whoever pays it.

[[was: What usage costs by a price: a line for each tier that it reaches (kind
usage), then one that brings the total up to the minimum (true_up) or down to
the maximum (cap). line counts from 1; amount is quantity * unit_amount +
flat_amount, of packages by their number.]]

price: A price as a plan's pricing has it, for example {"feature":
  "api_calls", "model": "per_unit", "unit_amount": Decimal("0.001")}. Numbers
  are Decimal, int or str. [[was: JSON object of a price as in a plan's
  pricing, with or without its feature.]]
quantity: How much is used, 0 or more. [[was: what was used, from 0.]]
allowance: How much of it is free. [[was: how much of that is not priced.]]
exponent: Decimal places that amounts are rounded to, so that the lines add up
  to the rounded total; null for exact amounts. [[was: decimal places that
  amounts are rounded to, half away from zero, so that lines add up to the
  rounded total; null for exact amounts.]], or null.

Returns: A line for each tier that is reached, then what the minimum or
  maximum adds or takes.

Errors: NullArgument, InvalidPlan (price is not valid; the message names the
  path), InvalidQuantity (the quantity or the allowance is not in range),
  InvalidArgument (the exponent is out of range).$$;

revoke all on function ledger_price_usage from public;
grant execute on function ledger_price_usage to pgledger_reader;
