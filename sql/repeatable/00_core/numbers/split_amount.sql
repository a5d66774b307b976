/*
Rounds shares so that they add up to a total: each down, and the units that are then missing to the
largest fractions, of equal ones to the earlier. The total is a multiple of the unit. Shares may be
negative, and need not add up to the total: units that are missing beyond one for each, or that are
too many, are spread evenly, so the sum is right whatever divisions the shares have come from.
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
  ranked as (
    select
      share.place,
      floor(share.units) as units,
      row_number() over (order by share.units - floor(share.units) desc, share.place) as rank,
      count(*) over () as parts,
      split_amount.total * ('1e' || split_amount.exponent::text)::numeric
      - sum(floor(share.units)) over () as missing
    from share
  )
  select coalesce(
    array_agg(
      (
        ranked.units
        -- floor((missing - rank) / parts) + 1, but exact, as a quotient is not.
        + div(ranked.missing - ranked.rank, ranked.parts)
        + case when mod(ranked.missing - ranked.rank, ranked.parts) < 0 then 0 else 1 end
      ) * ('1e-' || split_amount.exponent::text)::numeric
      order by ranked.place
    ),
    '{}'
  )
  from ranked
$$;

comment on function pgledger.split_amount is
  'Shares rounded so that they add up to the total, by largest remainder.';

revoke all on function pgledger.split_amount from public;
