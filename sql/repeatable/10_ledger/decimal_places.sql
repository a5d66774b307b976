/*
A number of decimal places in words.
*/
create or replace function pgledger.decimal_places(scale integer)
returns text
language sql
immutable
parallel safe
as $$
  select scale || case scale when 1 then ' decimal place' else ' decimal places' end
$$;

comment on function pgledger.decimal_places is
  'A number of decimal places in words: 1 decimal place, 2 decimal places.';

revoke all on function pgledger.decimal_places from public;
