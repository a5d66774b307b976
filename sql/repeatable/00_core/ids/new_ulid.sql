/*
A new ULID for that time, whose bits are a UUIDv7 of RFC 9562: 48 bits of milliseconds, the version,
12 bits of the fraction of the millisecond (each microsecond has its own value, so ids of different
microseconds sort by them), the variant, and random bits. Made by hand on every major: a server's
own uuidv7() cannot be told the time, and a stranger may have one of the same name.

A transaction that makes one transfer runs this once, so what counts is the number of operators,
each of which is set up anew. Hence the halvings of pgledger.base32_lanes written out over
variables, and a tail of twelve hexadecimal digits, which are digits of Crockford's alphabet as
they stand: 48 random bits within a microsecond, the other bits zero.
*/
create or replace function pgledger.new_ulid(at timestamptz)
returns text
language plpgsql
volatile
parallel safe
as $$
declare
  v_microseconds bigint := extract(epoch from at) * 1000000;
  -- Eight characters: milliseconds but their last ten bits.
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

  -- Added to each byte is the code of '0'; the characters that follow '9' there become letters.
  return translate(
    encode(
      int8send(v_head + 3472328296227680304)
      || substring(int8send(v_rest + 3472328296227680304) from 3),
      'escape'
    ),
    ':;<=>?@ABCDEFGHIJKLMNO',
    'ABCDEFGHJKMNPQRSTVWXYZ'
  )
  -- The last group of a UUID's text holds neither its version nor its variant.
  || translate(right(gen_random_uuid()::text, 12), 'abcdef', 'ABCDEF');
end;
$$;

comment on function pgledger.new_ulid is
  'A new ULID of that time, 26 characters; underneath it is a UUIDv7.';

revoke all on function pgledger.new_ulid from public;
