/*
Rounds shares so that they add up to a total, which is a multiple of the unit. First each share is
rounded down. The missing units then go to the shares with the largest fractions, and among equal
fractions to the earlier ones. Shares may be negative, and need not add up to the total: if more
units are missing than there are shares, or there are too many, they are spread evenly. So the sum
is right, whatever divisions the shares come from.
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
  'Shares, rounded so that they add up to the total: missing units go to the largest fractions.';

revoke all on function pgledger.split_amount from public;
