/*
Until when the books of an app are closed, or null, and keeps it so until the transaction ends. Only
calls that give event_at ask.

The row is read once the lock is held, so under read committed as it is then, and it is not locked:
a row that all such calls lock is written by each of them, and whoever waits to update it could wait
for ever. An app that was never closed has no row, and the lock holds for it as well.

A snapshot that is older than the lock may miss a change, and then the transaction has to run again.
A row that it sees and that has changed says so when it is locked; one that it cannot see says so
when another is inserted in its place. Only such transactions insert, once an app.

Locks: the app's closed periods, shared; under repeatable read and serializable their row, FOR
SHARE.
Errors: PostgreSQL's serialization_failure.
*/
create or replace function pgledger.closed_until(app_id text)
returns timestamptz
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_until timestamptz;
begin
  if
    pg_advisory_xact_lock_shared(pgledger.periods_lock(app_id)) is not null
    and current_setting('transaction_isolation') in ('read committed', 'read uncommitted')
  then
    return (
      select closed_periods.closed_until
      from pgledger.closed_periods
      where closed_periods.app_id = closed_until.app_id
    );
  end if;

  select closed_periods.closed_until
  into v_until
  from pgledger.closed_periods
  where closed_periods.app_id = closed_until.app_id
  for share;

  if not found then
    insert into pgledger.closed_periods (app_id)
    values (closed_until.app_id)
    on conflict on constraint closed_periods_app_id_pk do nothing;
  end if;

  return v_until;
end;
$$;

comment on function pgledger.closed_until is
  'Until when the books of an app are closed, or null; it stays so until the transaction ends.';

revoke all on function pgledger.closed_until from public;
