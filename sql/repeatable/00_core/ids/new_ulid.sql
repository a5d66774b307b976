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
  -- Six characters: those ten bits, version 7, the fraction, variant 2 and two zero bits.
  v_rest bigint :=
    (((v_microseconds / 1000) & 1023) << 20)
    | 458760
    | (((v_microseconds % 1000) * 4096 / 1000) << 4);
begin
  v_head := ((v_head & 1099510579200) << 12) | (v_head & 1048575);
  v_head := ((v_head & 4499201581906944) << 6) | (v_head & 4393751544831);
  v_head := ((v_head & 279227437569541088) << 3) | (v_head & 8725857424048159);
  v_rest := ((v_rest & 1099510579200) << 12) | (v_rest & 1048575);
  v_rest := ((v_rest & 4499201581906944) << 6) | (v_rest & 4393751544831);
  v_rest := ((v_rest & 279227437569541088) << 3) | (v_rest & 8725857424048159);

  -- The code of '0' is added to each byte; the characters that follow '9' are then made letters.
  return translate(
    encode(
      int8send(v_head + 3472328296227680304)
      || substring(int8send(v_rest + 3472328296227680304) from 3),
      'escape'
    ),
    ':;<=>?@ABCDEFGHIJKLMNO',
    'ABCDEFGHJKMNPQRSTVWXYZ'
  )
  -- The last group of a UUID's text is all random: version and variant stand before it.
  || translate(right(gen_random_uuid()::text, 12), 'abcdef', 'ABCDEF');
end;
$$;

comment on function pgledger.new_ulid is
  'A new ULID of that time, 26 characters; its bits are a UUIDv7.';

revoke all on function pgledger.new_ulid from public;
