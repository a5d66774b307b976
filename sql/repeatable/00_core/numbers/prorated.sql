/*
The part of an amount that falls to the units (days, seconds) between two points of a whole length.
It is the difference between the rounded amounts that are reached at the end and at the start. So
the parts add up to the rounded whole, wherever it is cut, and a credit for a part is exactly what
was charged for it.
*/
create or replace function pgledger.prorated(
  amount numeric,
  from_unit numeric,
  to_unit numeric,
  length numeric,
  exponent integer
)
returns numeric
language sql
immutable
parallel safe
as $$
  select
    pgledger.rounded_quotient(
      prorated.amount * prorated.to_unit, prorated.length, prorated.exponent
    )
    - pgledger.rounded_quotient(
      prorated.amount * prorated.from_unit, prorated.length, prorated.exponent
    )
$$;

comment on function pgledger.prorated is
  'Part of an amount that falls to the units between two points of a length; the parts add up to '
  'the whole.';

revoke all on function pgledger.prorated from public;
