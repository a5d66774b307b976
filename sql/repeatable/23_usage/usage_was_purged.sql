/*
Whether a purge has committed that moved the purge line past one of the events that this call has
inserted. The key of that event may have been forgotten just before, and then the event is counted a
second time.

A transaction of a higher isolation level cannot see such a purge. It locks its tenants instead,
which fails if there was one.
*/
create or replace function pgledger.usage_was_purged(
  app_id text,
  distinct_tenant_ids text[],
  tenant_ids text[],
  event_ats timestamptz[],
  meter_keys integer[]
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform
    from pgledger.tenants
    where tenants.app_id = usage_was_purged.app_id
      and tenants.tenant_id = any(distinct_tenant_ids)
    order by tenants.key
    for share;
  end if;
  return exists (
    select
    from unnest(tenant_ids, event_ats, meter_keys) as event (tenant_id, event_at, meter_key)
    inner join pgledger.tenants
      on tenants.app_id = usage_was_purged.app_id
      and tenants.tenant_id = any(distinct_tenant_ids)
      and event.tenant_id = tenants.tenant_id
    where event.meter_key is not null and event.event_at < tenants.purged_before
  );
end;
$$;

comment on function pgledger.usage_was_purged is
  'Whether a purge has committed that reached one of the events that a call has inserted.';

revoke all on function pgledger.usage_was_purged from public;
