/*
Usage events as applications see them. A condition on app, tenant or feature finds the meters first;
each meter leads to its events in order of time.
*/
create or replace view @extschema@.ledger_usage_events as
select
  pgledger.event_id(usage_events.created_at, usage_events.key) collate "C" as id,
  meters.app_id,
  meters.tenant_id,
  meters.feature_key,
  usage_events.quantity,
  usage_events.event_at,
  usage_events.idempotency_key,
  usage_events.metadata,
  usage_events.created_at
from pgledger.usage_events
inner join pgledger.meters on usage_events.meter_key = meters.key
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only
where usage_events.quantity is not null;

comment on view @extschema@.ledger_usage_events is 'One row a usage event, until it is purged.';
comment on column @extschema@.ledger_usage_events.id is 'Public id: evt_ and a ULID.';
comment on column @extschema@.ledger_usage_events.app_id is 'App.';
comment on column @extschema@.ledger_usage_events.tenant_id is 'Tenant whose usage it is.';
comment on column @extschema@.ledger_usage_events.feature_key is
  'Key of the feature that was used.';
comment on column @extschema@.ledger_usage_events.quantity is
  'How much was used; for a seat, how many there are.';
comment on column @extschema@.ledger_usage_events.event_at is
  'When it happened, as reported. The event counts in the period that this time lies in.';
comment on column @extschema@.ledger_usage_events.idempotency_key is
  'Key of the event, as given (a second event of the tenant and feature with this key is not '
  'counted), or null.';
comment on column @extschema@.ledger_usage_events.metadata is
  'JSON object given with the event, or null.';
comment on column @extschema@.ledger_usage_events.created_at is 'When it was recorded.';

revoke all on table @extschema@.ledger_usage_events from public;
grant select on table @extschema@.ledger_usage_events to pgledger_reader;
