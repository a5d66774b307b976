/*
Deletes usage events that happened before a time, at most so many in a call, and keeps their
roll-ups. Of a tenant with subscriptions nothing is deleted that they still count in. Whole UTC
hours are deleted, and the tenant's purge line moves with them: nothing older is taken any more,
because the idempotency keys are forgotten with the events.
Locks: the tenants concerned, ascending (ingestion takes no lock on them); events that nobody else
is purging. Whoever ingests a key that is being deleted waits for the end of this transaction.
Errors: NullArgument, InvalidScope, InvalidTime, InvalidArgument.
*/
create or replace function ledger_purge_usage(
  app_id text,
  before timestamptz,
  max_events integer default 10000
)
returns bigint
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
-- The index has a meter's events in the order in which they are deleted.
set enable_bitmapscan = off
set enable_seqscan = off
as $$
declare
  v_latest timestamptz := pgledger.clock() - interval '1 hour';
  v_deleted bigint;
begin
  perform pgledger.check_app(app_id);
  if before is null then
    perform pgledger.fail('NullArgument', array['before']);
  elsif pgledger.time_fault(before) is not null then
    perform pgledger.fail(
      'InvalidTime', array['before', before::text, pgledger.time_fault(before)]
    );
  elsif before > v_latest then
    perform pgledger.fail(
      'InvalidTime',
      array[
        'before', before::text, format('it is less than an hour ago: at most %s can be', v_latest)
      ]
    );
  elsif (max_events between 1 and 1000000) is not true then
    perform pgledger.fail(
      'InvalidArgument',
      array[
        'max_events', coalesce(max_events::text, 'null'), 'it is not between 1 and 1000000'
      ]
    );
  end if;

  with doomed as materialized (
    select event.ctid, event.tenant_key, event.event_at
    from (
      select
        meters.key,
        date_bin(
          '1 hour',
          least(before, pgledger.usage_needed_from(meters.app_id, meters.tenant_id)),
          timestamptz '2000-01-01 00:00:00+00'
        ) as before
      from pgledger.meters
      where meters.app_id = ledger_purge_usage.app_id
        and exists (
          select
          from pgledger.usage_events
          where usage_events.meter_key = meters.key
            and usage_events.event_at < ledger_purge_usage.before
        )
      offset 0
    ) as line
    cross join lateral (
      select usage_events.ctid, usage_events.tenant_key, usage_events.event_at
      from pgledger.usage_events
      where usage_events.meter_key = line.key
        and usage_events.event_at < line.before
      order by usage_events.event_at
      limit max_events
      for update skip locked
    ) as event
    limit max_events
  ),
  line as materialized (
    select
      doomed.tenant_key,
      date_bin('1 hour', max(doomed.event_at), timestamptz '2000-01-01 00:00:00+00')
      + interval '1 hour' as before
    from doomed
    group by doomed.tenant_key
  ),
  locked as materialized (
    select tenants.key
    from pgledger.tenants
    where tenants.key in (select line.tenant_key from line)
    order by tenants.key
    for no key update
  ),
  moved as (
    update pgledger.tenants
    set purged_before = line.before
    from locked
    inner join line on locked.key = line.tenant_key
    where tenants.key = locked.key and tenants.purged_before < line.before
  )
  delete from pgledger.usage_events
  -- Through the locked tenants, so that none is locked after the first event is deleted.
  where usage_events.ctid = any(
    array(
      select doomed.ctid
      from doomed
      inner join locked on doomed.tenant_key = locked.key
    )
  );
  get diagnostics v_deleted = row_count;
  return v_deleted;
end;
$$;

comment on function ledger_purge_usage is
$$Deletes old usage events and keeps what they come to.

Call it, each time in a transaction of its own, until it returns 0.

[[was: Deletes an app's usage events that happened before a time, oldest first
within a feature, and returns how many: call it, each time in a transaction of
its own, until that is 0. What subscriptions that go on still count in is
kept, and so are all totals.]]

app_id: App.
before: Events from then on are kept; counts to whole UTC hours. [[was: at
  least an hour ago.]]
max_events: How many to delete at most. [[was: at most so many in this call, 1
  to 1000000. Of the tenants concerned, events of the hours deleted are
  refused from then on (UsagePurged).]]

Returns: How many were deleted.

Errors: NullArgument, InvalidScope, InvalidTime (before is outside the years 1
  to 9999 or in the future), InvalidArgument (max_events is out of range).$$;

revoke all on function ledger_purge_usage from public;
grant execute on function ledger_purge_usage to pgledger_poster;
