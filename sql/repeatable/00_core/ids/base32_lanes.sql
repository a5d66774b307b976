/*
Spreads the low 40 bits of a number over eight bytes, five bits a byte, most significant first: its
digits in base 32. It takes three halvings (2 x 20 bits, 4 x 10, 8 x 5) instead of eight shifts. It
is one expression, so that the planner inlines it; pass a plain variable or column, because the
argument stands in it eight times. Constants are decimal because PostgreSQL 15 has no hexadecimal
ones.
*/
create or replace function pgledger.base32_lanes(bits bigint)
returns bigint
language sql
immutable
parallel safe
as $$
  select
    (
      (
        (
          ((((bits & 1099510579200) << 12) | (bits & 1048575)) & 4499201581906944) << 6
          | ((((bits & 1099510579200) << 12) | (bits & 1048575)) & 4393751544831)
        ) & 279227437569541088
      ) << 3
    )
    | (
      (
        ((((bits & 1099510579200) << 12) | (bits & 1048575)) & 4499201581906944) << 6
        | ((((bits & 1099510579200) << 12) | (bits & 1048575)) & 4393751544831)
      ) & 8725857424048159
    )
$$;

comment on function pgledger.base32_lanes is
  'The low 40 bits of a number as eight base-32 digits, one a byte.';

revoke all on function pgledger.base32_lanes from public;
