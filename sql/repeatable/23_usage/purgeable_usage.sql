/*
Where the oldest events of a tenant are that a purge may delete, at most so many. They stay there
while the caller holds the tenant: see pgledger.delete_usage_before.
*/
create or replace function pgledger.purgeable_usage(
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
set plan_cache_mode = force_generic_plan
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
    ) as event
    where meters.tenant_key = purgeable_usage.tenant_key
    limit max_events
  );
end;
$$;

comment on function pgledger.purgeable_usage is
  'Where the oldest events of a tenant are that a purge may delete.';

revoke all on function pgledger.purgeable_usage from public;
