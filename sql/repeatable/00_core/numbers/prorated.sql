/*
The part of an amount that falls to the units (days, seconds) between two of a whole length. It is
the difference of what is reached at its end and at its start, each rounded: so the parts of
whatever cuts add up to the rounded whole, and what is credited for a part is what was charged.
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
  'Part of an amount for the units from one to another of a length; parts add up to the whole.';

revoke all on function pgledger.prorated from public;
