/*
The ULID of an id that is not stored but computed from what is: when the record was written
(milliseconds, 48 bits) and two numbers (the low 40 bits of each).
*/
create or replace function pgledger.derived_ulid(
  created_at timestamptz,
  upper_number bigint,
  lower_number bigint
)
returns text
language plpgsql
immutable
parallel safe
as $$
declare
  v_milliseconds bigint := floor(extract(epoch from derived_ulid.created_at) * 1000);
  v_time bigint := pgledger.base32_lanes(v_milliseconds);
  v_upper bigint := pgledger.base32_lanes(derived_ulid.upper_number);
  v_lower bigint := pgledger.base32_lanes(derived_ulid.lower_number);
begin
  -- 48 bits are two bits short of ten characters: the first two hold the upper eight bits.
  return pgledger.base32_pair((v_milliseconds >> 40)::integer)
    || pgledger.base32_text(v_time)
    || pgledger.base32_text(v_upper)
    || pgledger.base32_text(v_lower);
end;
$$;

comment on function pgledger.derived_ulid is
  'ULID made of a time in milliseconds and the low 40 bits of two numbers.';

revoke all on function pgledger.derived_ulid from public;
