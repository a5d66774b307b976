/*
Says what is wrong with a time that a caller gives, or null if nothing is.
*/
create or replace function pgledger.time_fault(at timestamptz)
returns text
language sql
immutable
parallel safe
as $$
  select case
    when at >= '0001-01-01 00:00:00+00' and at < '10000-01-01 00:00:00+00' then null
    when at is null then 'it is null'
    when not isfinite(at) then 'it is not finite'
    when at < '0001-01-01 00:00:00+00' then 'it is before the year 1'
    else 'it is after the year 9999'
  end
$$;

comment on function pgledger.time_fault is 'What is wrong with a time given by a caller, or null.';

revoke all on function pgledger.time_fault from public;
