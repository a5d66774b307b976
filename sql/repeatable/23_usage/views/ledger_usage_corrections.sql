/*
Corrections of usage events as applications see them.
*/
create or replace view @extschema@.ledger_usage_corrections as
select
  usage_corrections.event_id collate "C" as event_id,
  meters.app_id,
  meters.tenant_id,
  meters.feature_key,
  usage_corrections.event_at,
  usage_corrections.version,
  usage_corrections.quantity,
  usage_corrections.corrected_quantity,
  usage_corrections.reason,
  usage_corrections.created_at
from pgledger.usage_corrections
inner join pgledger.meters on usage_corrections.meter_key = meters.key
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view @extschema@.ledger_usage_corrections is
  'One row each time a usage event was corrected or removed.';
comment on column @extschema@.ledger_usage_corrections.event_id is
  'Public id of the event: evt_ and a ULID.';
comment on column @extschema@.ledger_usage_corrections.app_id is 'App.';
comment on column @extschema@.ledger_usage_corrections.tenant_id is 'Tenant whose usage it is.';
comment on column @extschema@.ledger_usage_corrections.feature_key is
  'Key of the feature that was used.';
comment on column @extschema@.ledger_usage_corrections.event_at is 'When the event happened.';
comment on column @extschema@.ledger_usage_corrections.version is
  'Counts the event''s corrections, from 1.';
comment on column @extschema@.ledger_usage_corrections.quantity is 'What the event said before.';
comment on column @extschema@.ledger_usage_corrections.corrected_quantity is
  'What it says since; null if it was removed.';
comment on column @extschema@.ledger_usage_corrections.reason is 'Why, as given, or null.';
comment on column @extschema@.ledger_usage_corrections.created_at is 'When it was corrected.';

revoke all on table @extschema@.ledger_usage_corrections from public;
grant select on table @extschema@.ledger_usage_corrections to pgledger_reader;
