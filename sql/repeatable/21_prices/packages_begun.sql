/*
How many packages a quantity begins. Counted with div() and mod(), which are exact: a quotient is
not, and rounded up it could be one package less.
*/
create or replace function pgledger.packages_begun(
  quantity numeric,
  package_size numeric
)
returns numeric
language sql
immutable
parallel safe
as $$
  select div(quantity, package_size) + sign(mod(quantity, package_size))
$$;

comment on function pgledger.packages_begun is
  'How many packages of that size it takes to hold a quantity from 0.';

revoke all on function pgledger.packages_begun from public;
