/*
The share of a tax that stays where left_of_it remains of what was charged; nothing where nothing
was.
*/
create or replace function pgledger.kept_tax(
  tax numeric,
  left_of_it numeric,
  charged numeric,
  exponent integer
)
returns numeric
language sql
immutable
parallel safe
as $$
  select
    case
      when charged > 0 then pgledger.rounded_quotient(tax * left_of_it, charged, exponent)
      else 0
    end
$$;

comment on function pgledger.kept_tax is
  'The share of a tax that stays where so much of what was charged remains.';

revoke all on function pgledger.kept_tax from public;
