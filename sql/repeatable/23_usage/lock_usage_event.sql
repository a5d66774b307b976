/*
Locks the meter of a usage event and the event itself, and returns it; nulls if there is none.
removed_quantity is what it said before it was removed. The meter's turn goes on, so that nothing is
served that was worked out before. purged_before is the tenant's, whether there is such an event or
not.

Locks, in this order: the meter; the tenant, FOR SHARE, so that no purge deletes the event or what
the totals of its hour are made of; the event. A purge locks the tenant and no events, so nobody may
lock an event first.
*/
create or replace function pgledger.lock_usage_event(
  app_id text,
  tenant_id text,
  id text,
  inout event_at timestamptz,
  to_remove boolean,
  out meter_key integer,
  out key bigint,
  out feature_key text,
  out quantity numeric,
  out removed_quantity numeric,
  out idempotency_key text,
  out metadata jsonb,
  out created_at timestamptz,
  out purged_before timestamptz
)
language plpgsql
volatile
parallel unsafe
as $$
begin
  update pgledger.meters
  set turn = meters.turn + case when to_remove then 2 else 1 end
  where meters.key = (
    select used.key
    from pgledger.meters as used
    inner join pgledger.usage_events on used.key = usage_events.meter_key
    where used.app_id = lock_usage_event.app_id
      and used.tenant_id = lock_usage_event.tenant_id
      and usage_events.event_at = lock_usage_event.event_at
      and pgledger.event_id(usage_events.created_at, usage_events.key) = lock_usage_event.id
  )
  returning meters.key, meters.feature_key
  into lock_usage_event.meter_key, lock_usage_event.feature_key;
  select tenants.purged_before
  into lock_usage_event.purged_before
  from pgledger.tenants
  where tenants.app_id = lock_usage_event.app_id and tenants.tenant_id = lock_usage_event.tenant_id
  for share;
  if lock_usage_event.meter_key is null then
    return;
  end if;

  select
    usage_events.key, usage_events.quantity, usage_events.idempotency_key, usage_events.metadata,
    usage_events.created_at
  into
    lock_usage_event.key, lock_usage_event.quantity, lock_usage_event.idempotency_key,
    lock_usage_event.metadata, lock_usage_event.created_at
  from pgledger.usage_events
  where usage_events.meter_key = lock_usage_event.meter_key
    and usage_events.event_at = lock_usage_event.event_at
    and pgledger.event_id(usage_events.created_at, usage_events.key) = lock_usage_event.id
  for update;
  if lock_usage_event.quantity is null then
    select usage_corrections.quantity
    into lock_usage_event.removed_quantity
    from pgledger.usage_corrections
    where usage_corrections.meter_key = lock_usage_event.meter_key
      and usage_corrections.event_at = lock_usage_event.event_at
      and usage_corrections.event_key = lock_usage_event.key
    order by usage_corrections.version desc
    limit 1;
  end if;
end;
$$;

comment on function pgledger.lock_usage_event is
  'Locks a usage event with its meter and its tenant.';

revoke all on function pgledger.lock_usage_event from public;
