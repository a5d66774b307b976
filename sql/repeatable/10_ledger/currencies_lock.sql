/*
The advisory lock of an app's currencies. Who opens an account holds it shared until its transaction
ends, so openings do not wait for one another; who changes decimal places holds it alone. So the
change finds every account, or the account finds the change.

One lock an app, not one a currency: a transaction that opens accounts of several currencies takes
it once, so in no order that could lead to a deadlock with a change of several. An app's name that
has the same hash shares its lock, and waits more often than it needs to.
*/
create or replace function pgledger.currencies_lock(app_id text)
returns bigint
language sql
immutable
parallel safe
as $$
  select pg_catalog.hashtextextended('pgledger.currencies ' || app_id, 0)
$$;

comment on function pgledger.currencies_lock is
  'Number of the advisory lock between new accounts of an app and changes of decimal places.';

revoke all on function pgledger.currencies_lock from public;
