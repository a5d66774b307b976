/*
The ULID of a record whose id is not stored. It is computed from the time when the record was
written (milliseconds, 48 bits) and two numbers (the low 40 bits of each).
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
  -- Ten characters hold 50 bits and the time has 48: its upper 8 go into the first two.
  return pgledger.base32_pair((v_milliseconds >> 40)::integer)
    || pgledger.base32_text(v_time)
    || pgledger.base32_text(v_upper)
    || pgledger.base32_text(v_lower);
end;
$$;

comment on function pgledger.derived_ulid is
  'ULID made of a time in milliseconds and the low 40 bits of two numbers.';

revoke all on function pgledger.derived_ulid from public;
