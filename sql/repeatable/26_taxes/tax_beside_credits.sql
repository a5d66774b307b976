/*
What a tax rate comes to on charges that come to base, beside credits that were billed with the same
rate and give back their own part of it. Together it is the rate on the sum of both, rounded once;
but charges never get more or less than their own tax, rounded up or down. Without credits, theirs
are null.
*/
create or replace function pgledger.tax_beside_credits(
  base numeric,
  percentage numeric,
  exponent integer,
  credit_base numeric,
  credit_tax numeric
)
returns numeric
language sql
immutable
parallel safe
as $$
  select
    case
      when abs(rest.tax - base * percentage * 0.01) * ('1e' || exponent::text)::numeric < 1
        then rest.tax
      else round(base * percentage * 0.01, exponent)
    end
  from (
    select round((base + credit_base) * percentage * 0.01, exponent) - credit_tax as tax
  ) as rest
$$;

comment on function pgledger.tax_beside_credits is
  'What a tax rate comes to on charges beside credits that give back their own part of it.';

revoke all on function pgledger.tax_beside_credits from public;
