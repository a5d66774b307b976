/*
How many events an hour, or a part of it, has at most before it is divided into smaller parts. Up to
as many are read one by one where a time splits it. The parts of an hour are 6 to 10 rows for each
so many events: two bytes an event or less.
*/
create or replace function pgledger.most_undivided_usage()
returns integer
language sql
immutable
parallel safe
as $$
  select 2000
$$;

comment on function pgledger.most_undivided_usage is
  'How many events a part of an hour has at most before it is divided.';

revoke all on function pgledger.most_undivided_usage from public;
