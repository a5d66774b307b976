/*
Deletes an app's usage events from before a time, at most so many, and returns how many. None that a
tenant's subscriptions still need is deleted. Whole UTC hours are given up: the tenant's purge line
moves behind the hour of the latest event deleted, and nothing older is taken any more, because
idempotency keys are forgotten with their events.

Locks: the events, without those that somebody else is purging; then their tenants, ascending, on
which recording takes no lock. Who records an event whose key is being deleted waits for the end of
the transaction.
*/
create or replace function pgledger.delete_usage_before(
  app_id text,
  before timestamptz,
  max_events integer
)
returns bigint
language plpgsql
volatile
parallel unsafe
-- The index has a meter's events in the order in which they are deleted.
set enable_bitmapscan = off
set enable_seqscan = off
as $$
declare
  v_deleted bigint;
begin
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
      where meters.app_id = delete_usage_before.app_id
        and exists (
          select
          from pgledger.usage_events
          where usage_events.meter_key = meters.key
            and usage_events.event_at < delete_usage_before.before
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

comment on function pgledger.delete_usage_before is
  'Deletes an app''s usage events from before a time, at most so many, and moves the purge line.';

revoke all on function pgledger.delete_usage_before from public;
