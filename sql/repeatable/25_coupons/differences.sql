/*
The differences of two lists of numbers, pair by pair.
*/
create or replace function pgledger.differences(minuends numeric[], subtrahends numeric[])
returns numeric[]
language sql
immutable
parallel safe
as $$
  select array_agg(pair.minuend - pair.subtrahend order by pair.place)
  from unnest(minuends, subtrahends) with ordinality as pair (minuend, subtrahend, place)
$$;

comment on function pgledger.differences is
  'The differences of two lists of numbers, pair by pair.';

revoke all on function pgledger.differences from public;
