/*
With an exponent, each line is the difference of two rounded running totals. So the lines add up to
the rounded total, and where a minimum or a maximum decides, that total is just this, rounded.
*/
create or replace function @extschema@.ledger_price_usage(
  price jsonb,
  quantity numeric,
  allowance numeric default 0,
  exponent integer default null,
  event_quantities jsonb default null
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
    ledger_price_usage.exponent,
    ledger_price_usage.event_quantities
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
    from pgledger.charged_usage(
      ledger_price_usage.price,
      ledger_price_usage.quantity,
      ledger_price_usage.allowance,
      ledger_price_usage.event_quantities
    ) as charged
    cross join lateral unnest(
      pgledger.price_lines(
        ledger_price_usage.price, charged.quantity, charged.events, charged.raised, charged.cut
      )
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
event_quantities: JSON array of the quantities of the events, in the order of
  their times, for a price that asks something for each event, for example
  ["10", "80"]; together they are the quantity; null for any other price.

Returns: A line for each tier that is reached, in order; then what is asked
  for each event, by kind: the fee, what charges are raised by, and what they
  are cut by; then one with what is missing to the minimum, or what is above
  the maximum, if anything is. The amount of a line of usage is
  quantity * unit_amount + flat_amount, unless all three are null; the
  quantity of packages is their number.

Errors: NullArgument, InvalidPlan (the price, or a quantity of an event, is
  not valid; the message names the path), InvalidQuantity (the quantity or the
  allowance is not in range), InvalidArgument (the exponent is out of range,
  or event_quantities are missing, for another price, or not the quantity).$$;

revoke all on function @extschema@.ledger_price_usage from public;
grant execute on function @extschema@.ledger_price_usage to pgledger_reader;
