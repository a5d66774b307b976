/*
Id of the usage event that a tenant's idempotency key names; null if there is none.
*/
create or replace function pgledger.event_of_key(
  app_id text,
  tenant_id text,
  idempotency_key text
)
returns text
language sql
stable
parallel safe
as $$
  select pgledger.event_id(usage_events.created_at, usage_events.key)
  from pgledger.tenants
  inner join pgledger.usage_events on tenants.key = usage_events.tenant_key
  where tenants.app_id = event_of_key.app_id
    and tenants.tenant_id = event_of_key.tenant_id
    and usage_events.idempotency_key = event_of_key.idempotency_key
$$;

comment on function pgledger.event_of_key is
  'Id of the usage event that a tenant''s idempotency key names, or null.';

revoke all on function pgledger.event_of_key from public;
