/*
Writes eight base-32 digits, one a byte, in Crockford's alphabet. Each digit is added to the code of
'0'. From digit 10 on, where letters begin, 7 more are added, and 1 more for each of the letters I,
L, O and U that is passed over. Each comparison is one addition over all eight bytes: a carry into a
byte's sixth bit says "at least".
*/
create or replace function pgledger.base32_text(lanes bigint)
returns text
language sql
immutable
parallel safe
as $$
  select encode(
    int8send(
      lanes + 3472328296227680304
      + 7 * (((lanes + 1591483802437686806) >> 5) & 72340172838076673)
      + (((lanes + 1012762419733073422) >> 5) & 72340172838076673)
      + (((lanes + 868082074056920076) >> 5) & 72340172838076673)
      + (((lanes + 723401728380766730) >> 5) & 72340172838076673)
      + (((lanes + 361700864190383365) >> 5) & 72340172838076673)
    ),
    'escape'
  )
$$;

comment on function pgledger.base32_text is
  'Eight base-32 digits, one a byte, as eight characters of Crockford''s alphabet.';

revoke all on function pgledger.base32_text from public;
