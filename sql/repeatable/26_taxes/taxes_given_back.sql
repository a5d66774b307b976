/*
How much of each rate comes back where left remains of what was charged, below zero. billed is a row
of pgledger.billed_rates. is_credit: rounding may have returned more before than is to be returned
by now, and then nothing comes back.
*/
create or replace function pgledger.taxes_given_back(
  billed jsonb,
  charged numeric,
  left_of_it numeric,
  is_credit boolean,
  exponent integer
)
returns numeric[]
language sql
immutable
parallel safe
as $$
  select
    pgledger.split_amount(
      array_agg(
        pgledger.kept_tax(rate.tax, left_of_it, charged, exponent + 18)
        - (rate.tax - rate.returned)
        order by rate.nth
      ),
      least(
        pgledger.kept_tax(sum(rate.tax), left_of_it, charged, exponent)
        - sum(rate.tax - rate.returned),
        case when is_credit then 0 end
      ),
      exponent
    )
  from (
    select tax.value::numeric as tax, returned.value::numeric as returned, tax.nth
    from jsonb_array_elements_text(billed -> 'taxes') with ordinality as tax (value, nth)
    inner join
      jsonb_array_elements_text(billed -> 'returned') with ordinality as returned (value, nth)
      on tax.nth = returned.nth
  ) as rate
$$;

comment on function pgledger.taxes_given_back is
  'How much of each rate comes back where so much of what was charged remains.';

revoke all on function pgledger.taxes_given_back from public;
