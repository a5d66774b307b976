/*
Writes ten bits as two characters of Crockford's alphabet. A ULID's 26 characters are 130 bits:
three groups of eight characters, and these two.
*/
create or replace function pgledger.base32_pair(bits integer)
returns text
language sql
immutable
parallel safe
as $$
  select
    substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', ((bits >> 5) & 31) + 1, 1)
    || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', (bits & 31) + 1, 1)
$$;

comment on function pgledger.base32_pair is
  'Ten bits as two characters of Crockford''s alphabet.';

revoke all on function pgledger.base32_pair from public;
