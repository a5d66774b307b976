/*
The only source of time. Wall-clock time, not the transaction's start: two overlapping transactions
would otherwise record times that contradict the order in which they changed an account.
Tests replace it; nothing else does.
*/
create or replace function pgledger.clock()
returns timestamptz
language sql
volatile
parallel safe
as $$
  select pg_catalog.clock_timestamp()
$$;

comment on function pgledger.clock is
  'The time now, at microsecond precision, advancing within a transaction. Only tests replace it.';

revoke all on function pgledger.clock from public;
