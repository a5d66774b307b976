/*
The advisory lock of an app's closed periods. Who gives event_at holds it shared until its
transaction ends, so such calls do not wait for one another; who closes or reopens holds it alone,
and queues for it: calls that come later wait behind it, so many of them cannot keep it out for
ever. An app's name that has the same hash shares its lock, and waits more often than it needs to.
*/
create or replace function pgledger.periods_lock(app_id text)
returns bigint
language sql
immutable
parallel safe
as $$
  select pg_catalog.hashtextextended('pgledger.closed_periods ' || app_id, 0)
$$;

comment on function pgledger.periods_lock is
  'Number of the advisory lock between calls that give event_at and changes of closed periods.';

revoke all on function pgledger.periods_lock from public;
