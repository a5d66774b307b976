/*
A new ULID for that time. Its bits are a UUIDv7 of RFC 9562: 48 bits of milliseconds, the version,
12 bits of the fraction of the millisecond (each microsecond has its own value, so ids of different
microseconds sort by time), the variant, and random bits. A server's own uuidv7() is not used: it
cannot be told the time, and a stranger may have made a function of that name.

A transaction that makes one transfer runs this function once. PostgreSQL then sets up each of its
operators anew, so the number of operators is what it costs. That is why the halvings of
pgledger.base32_lanes are written out over variables, and why the tail is twelve hexadecimal digits,
which are digits of Crockford's alphabet as they stand: 48 random bits, the other bits zero.
*/
create or replace function pgledger.new_ulid(at timestamptz)
returns text
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_microseconds bigint := extract(epoch from at) * 1000000;
  -- Eight characters: the milliseconds without their last ten bits.
  v_head bigint := v_microseconds / 1024000;
  -- Six characters: those ten bits, then the fraction's twelve, between which the version goes.
  v_rest bigint := v_microseconds % 1024000 * 512 / 125;
begin
  v_head := ((v_head & 1099510579200) << 12) | (v_head & 1048575);
  v_head := ((v_head & 4499201581906944) << 6) | (v_head & 4393751544831);
  v_rest := ((v_rest & 4190208) << 20) | ((v_rest & 4032) << 10) | ((v_rest & 63) << 4);

  -- The code of '0' is added to each byte, and to the second half version 7 and variant 2 with two
  -- zero bits. The characters that follow '9' are then made letters.
  return translate(
    encode(
      int8send(
        (((v_head & 279227437569541088) << 3) | (v_head & 8725857424048159)) + 3472328296227680304
      )
      || substring(
        int8send(
          (((v_rest & 279227437569541088) << 3) | (v_rest & 8725857424048159))
          + 3472328296462561336
        )
        from 3
      ),
      'escape'
    ),
    ':;<=>?@ABCDEFGHIJKLMNO',
    'ABCDEFGHJKMNPQRSTVWXYZ'
  )
  -- The last group of a UUID's text is all random: version and variant stand before it.
  || upper(right(gen_random_uuid()::text, 12) collate "C");
end;
$$;

comment on function pgledger.new_ulid is
  'A new ULID of that time, 26 characters; its bits are a UUIDv7.';

revoke all on function pgledger.new_ulid from public;
