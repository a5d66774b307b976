/*
The last moment before a time: times have microseconds. Before the year 1 nothing happens, so what
is earlier is answered with one moment, which can be reckoned with.
*/
create or replace function pgledger.moment_before(at timestamptz)
returns timestamptz
language sql
immutable
parallel safe
as $$
  select greatest(at, timestamptz '0001-01-01 00:00:00+00') - interval '1 microsecond'
$$;

comment on function pgledger.moment_before is
  'The last moment before a time, and not before the year 1.';

revoke all on function pgledger.moment_before from public;
