/*
Locks the oldest events of a tenant that a purge may delete, at most so many, and returns where they
are. Events that somebody else holds are left out.
*/
create or replace function pgledger.lock_purgeable_usage(
  tenant_key integer,
  singly_before timestamptz,
  gap_starts timestamptz[],
  gap_ends timestamptz[],
  max_events integer
)
returns tid[]
language plpgsql
volatile
parallel unsafe
-- The index has a meter's events in the order in which they are deleted.
set enable_bitmapscan = off
set enable_seqscan = off
as $$
begin
  return array(
    select event.ctid
    from pgledger.meters
    cross join lateral (
      select coalesce(pgledger.is_read_singly(meters), false) as is_read_singly
      offset 0
    ) as meter
    cross join lateral unnest(gap_starts, gap_ends) as gap (starts_at, ends_at)
    cross join lateral (
      select usage_events.ctid
      from pgledger.usage_events
      where usage_events.meter_key = meters.key
        and usage_events.event_at >= gap.starts_at
        and usage_events.event_at < case
          when meter.is_read_singly then least(gap.ends_at, singly_before) else gap.ends_at
        end
      order by usage_events.event_at
      limit max_events
      for update skip locked
    ) as event
    where meters.tenant_key = lock_purgeable_usage.tenant_key
    limit max_events
  );
end;
$$;

comment on function pgledger.lock_purgeable_usage is
  'Locks the oldest events of a tenant that a purge may delete.';

revoke all on function pgledger.lock_purgeable_usage from public;
