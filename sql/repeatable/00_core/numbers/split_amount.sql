/*
Rounds shares so that they add up to a total, which is a multiple of the unit. First each share is
rounded towards zero. The missing units then go to the shares of the same sign as what is missing,
those with the largest fractions first; then to the others, the nearest first; among equal ones the
earlier. So shares and a total of the other sign are split into the same parts with the other sign.
Shares need not add up to the total: if more units are missing than there are shares, or there are
too many, they are spread evenly. So the sum is right, whatever divisions the shares come from.
*/
create or replace function pgledger.split_amount(
  shares numeric[],
  total numeric,
  exponent integer
)
returns numeric[]
language sql
immutable
parallel safe
as $$
  with share as (
    select
      element.place,
      element.value * ('1e' || split_amount.exponent::text)::numeric as units
    from unnest(split_amount.shares) with ordinality as element (value, place)
  ),
  rounded as (
    select
      share.place,
      share.units as exact,
      trunc(share.units) as units,
      count(*) over () as parts,
      split_amount.total * ('1e' || split_amount.exponent::text)::numeric
      - sum(trunc(share.units)) over () as missing
    from share
  ),
  ranked as (
    select
      rounded.place,
      rounded.units,
      rounded.parts,
      sign(rounded.missing) as unit,
      abs(rounded.missing) - row_number() over (
        order by
          sign(rounded.exact) <> sign(rounded.missing),
          (rounded.exact - rounded.units) * sign(rounded.missing) desc,
          rounded.place
      ) as beyond
    from rounded
  )
  select coalesce(
    array_agg(
      (
        ranked.units + ranked.unit * (
          -- floor(beyond / parts) + 1, but exact, as a quotient is not.
          div(ranked.beyond, ranked.parts)
          + case when mod(ranked.beyond, ranked.parts) < 0 then 0 else 1 end
        )
      ) * ('1e-' || split_amount.exponent::text)::numeric
      order by ranked.place
    ),
    '{}'
  )
  from ranked
$$;

comment on function pgledger.split_amount is
  'Shares, rounded so that they add up to the total: missing units go to the largest fractions.';

revoke all on function pgledger.split_amount from public;
