/*
A quotient, rounded half away from zero, once and exactly. round() of a division would round twice:
a division stops after some 16 digits, so a quotient just below a half of the last place would
become that half, and then be rounded up. The divisor is above 0.
*/
create or replace function pgledger.rounded_quotient(
  dividend numeric,
  divisor numeric,
  exponent integer
)
returns numeric
language sql
immutable
parallel safe
as $$
  select
    sign(dividend)
    * div(2 * abs(dividend) * ('1e' || exponent::text)::numeric + divisor, 2 * divisor)
    * ('1e-' || exponent::text)::numeric
$$;

comment on function pgledger.rounded_quotient is
  'Quotient, rounded half away from zero to that many decimal places; the divisor is above 0.';

revoke all on function pgledger.rounded_quotient from public;
