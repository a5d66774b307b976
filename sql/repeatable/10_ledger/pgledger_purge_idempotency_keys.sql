/*
Deletes old keys of an app. It waits for nobody: rows are never changed, so only another purge can
hold one, and what that holds is left to it.

A request whose key is purged while it is repeated is answered from the row that it has read, or is
made as a new one.

Checks, in this order: app_id, before, max_keys.
Locks: the rows that it deletes.
Errors: NullArgument, InvalidScope, InvalidTime, InvalidArgument.
*/
create or replace function @extschema@.pgledger_purge_idempotency_keys(
  before timestamptz,
  max_keys integer default 10000,
  allow_recent boolean default false,
  app_id text default ''
)
returns bigint
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_latest timestamptz := pgledger.clock() - interval '7 days';
  v_count bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  if before is null then
    v_ok := pgledger.fail('NullArgument', array['before']);
  elsif pgledger.time_fault(before) is not null then
    v_ok := pgledger.fail(
      'InvalidTime', array['before', before::text, pgledger.time_fault(before)]
    );
  elsif before > v_latest and allow_recent is not true then
    v_ok := pgledger.fail(
      'InvalidTime',
      array[
        'before', before::text,
        format('it is less than 7 days ago: at most %s can be', v_latest)
      ],
      hint => 'Give an earlier time, or allow_recent => true if nobody will repeat those requests.'
    );
  elsif (max_keys between 1 and 1000000) is not true then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array['max_keys', coalesce(max_keys::text, 'null'), 'it is not between 1 and 1000000']
    );
  end if;

  delete from pgledger.idempotency_keys
  where idempotency_keys.ctid = any(
    array(
      select old.ctid
      from pgledger.idempotency_keys as old
      where old.created_at < before
        and old.app_id = pgledger_purge_idempotency_keys.app_id
      limit max_keys
      for update skip locked
    )
  );
  get diagnostics v_count = row_count;

  return v_count;
end;
$$;

comment on function @extschema@.pgledger_purge_idempotency_keys is
$$Deletes old idempotency keys of an app.

Call it now and then, each time in a transaction of its own, until it returns
0; any number of sessions may. A request whose key was deleted is a new one:
made again, it takes effect again, unless it also has an id. So keep keys for
longer than anybody repeats a request.

before: Keys that were used before that time are deleted; at least 7 days ago
  unless allow_recent.
max_keys: How many to delete at most, 1 to 1,000,000.
allow_recent: Whether before may be less than 7 days ago.
app_id: Set of books whose keys are deleted.

Returns: How many were deleted.

Errors: NullArgument, InvalidScope, InvalidTime (before is outside the years 1
  to 9999, or less than 7 days ago), InvalidArgument (max_keys is out of
  range).$$;

revoke all on function @extschema@.pgledger_purge_idempotency_keys from public;
grant execute on function @extschema@.pgledger_purge_idempotency_keys to pgledger_poster;
