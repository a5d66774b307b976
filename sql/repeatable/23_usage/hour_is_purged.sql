/*
Whether events of a meter's hour have been purged: then there are fewer than its total counts.
*/
create or replace function pgledger.hour_is_purged(meter_key integer, hour timestamptz)
returns boolean
language sql
stable
parallel safe
as $$
  select coalesce(
    (
      select usage_rollups.events
      from pgledger.usage_rollups
      where usage_rollups.meter_key = hour_is_purged.meter_key
        and usage_rollups.span = 2
        and usage_rollups.starts_at = hour_is_purged.hour
    ) > (
      select count(usage_events.quantity)
      from pgledger.usage_events
      where usage_events.meter_key = hour_is_purged.meter_key
        and usage_events.event_at >= hour_is_purged.hour
        and usage_events.event_at < hour_is_purged.hour + interval '1 hour'
    ),
    false
  )
$$;

comment on function pgledger.hour_is_purged is 'Whether events of a meter''s hour were purged.';

revoke all on function pgledger.hour_is_purged from public;
