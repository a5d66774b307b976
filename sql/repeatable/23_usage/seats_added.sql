/*
How many seats an event added: its level less that of the event before it. Who reports or consumes
seats holds their meter, so the event before is the latest of those that were recorded before it.
Null where that cannot be told: if events of the meter were purged or corrected.
*/
create or replace function pgledger.seats_added(
  meter_key integer,
  event_at timestamptz,
  created_at timestamptz,
  event_key bigint,
  quantity numeric
)
returns numeric
language sql
stable
parallel safe
as $$
  select
    case
      when tenants.purged_before > '-infinity' or exists (
        select
        from pgledger.usage_corrections
        where usage_corrections.meter_key = seats_added.meter_key
      ) then null
      else seats_added.quantity - coalesce(
        (
          select usage_events.quantity
          from pgledger.usage_events
          where usage_events.meter_key = seats_added.meter_key
            and usage_events.event_at <= seats_added.event_at
            and (usage_events.created_at, usage_events.key)
            < (seats_added.created_at, seats_added.event_key)
          order by usage_events.event_at desc, usage_events.key desc
          limit 1
        ),
        0
      )
    end
  from pgledger.meters
  inner join pgledger.tenants on meters.tenant_key = tenants.key
  where meters.key = seats_added.meter_key
$$;

comment on function pgledger.seats_added is
  'How many seats an event added, or null where that cannot be told.';

revoke all on function pgledger.seats_added from public;
