/*
The advisory lock of whoever makes blocks. It is tried and never waited for: one maker at a time
suffices, and who is not the maker reads what is finished.
*/
create or replace function pgledger.blocks_lock()
returns bigint
language sql
immutable
parallel safe
as $$
  select pg_catalog.hashtextextended('pgledger.blocks', 0)
$$;

comment on function pgledger.blocks_lock is
  'Number of the advisory lock of whoever makes blocks of changes.';

revoke all on function pgledger.blocks_lock from public;
