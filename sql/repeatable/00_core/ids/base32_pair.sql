/*
Two characters of Crockford's alphabet for ten bits: what is left over of 130 bits (26 characters)
after three groups of eight.
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
