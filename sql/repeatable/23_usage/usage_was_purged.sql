/*
Whether a purge has committed that passed one of the events which this call has inserted: then the
key of that event may have been forgotten just before, and the event counted a second time.
A transaction that would not see such a purge locks its tenants instead, so that it fails if there
was one.
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
  'Whether a purge has committed that passed one of the events which a call has inserted.';

revoke all on function pgledger.usage_was_purged from public;
