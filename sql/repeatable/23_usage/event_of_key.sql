/*
The id of the usage event that a tenant's idempotency key names, or null if there is none. The event
has to be what the call asks to consume. A seat's event has the level that was reached and not the
quantity that was asked for, so of a seat only the feature is compared.
Errors: IdempotencyConflict.
*/
create or replace function pgledger.event_of_key(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric,
  idempotency_key text
)
returns text
language plpgsql
stable
parallel safe
as $$
declare
  v_event record;
  v_ok boolean;
begin
  select
    pgledger.event_id(usage_events.created_at, usage_events.key) as id,
    meters.feature_key = event_of_key.feature_key
    and (meters.type = 'seat' or usage_events.quantity = event_of_key.quantity) as is_same
  into v_event
  from pgledger.tenants
  inner join pgledger.usage_events on tenants.key = usage_events.tenant_key
  inner join pgledger.meters on usage_events.meter_key = meters.key
  where tenants.app_id = event_of_key.app_id
    and tenants.tenant_id = event_of_key.tenant_id
    and usage_events.idempotency_key = event_of_key.idempotency_key;
  if not v_event.is_same then
    v_ok := pgledger.fail(
      'IdempotencyConflict', array[quote_literal(pgledger.abridged(idempotency_key))]
    );
  end if;
  return v_event.id;
end;
$$;

comment on function pgledger.event_of_key is
  'Id of the usage event that an idempotency key names, or null; raises if it was for something '
  'else.';

revoke all on function pgledger.event_of_key from public;
