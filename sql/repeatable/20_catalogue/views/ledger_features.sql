/*
The catalogue of features as applications see it. Columns never change.
*/
create or replace view @extschema@.ledger_features as
select
  features.id,
  features.app_id,
  features.tenant_id,
  features.key,
  features.name,
  features.description,
  features.type,
  features.aggregation,
  features.unique_key,
  features.status,
  features.version,
  features.metadata,
  features.created_at,
  features.updated_at,
  features.default_limit,
  features.default_period,
  features.default_soft_limit
from pgledger.features
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view @extschema@.ledger_features is
  'One row a feature that plans can contain. A key may be there for a tenant, for an app and for '
  'all apps; the narrowest one counts.';
comment on column @extschema@.ledger_features.id is 'Public id: feat_ and a ULID.';
comment on column @extschema@.ledger_features.app_id is 'App that it belongs to; * for all apps.';
comment on column @extschema@.ledger_features.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column @extschema@.ledger_features.key is
  'Name in plans and usage events, for example api_calls.';
comment on column @extschema@.ledger_features.name is 'Name for people.';
comment on column @extschema@.ledger_features.description is 'Text for people, or null.';
comment on column @extschema@.ledger_features.type is
  'What it is. boolean: on or off. metered: usage adds up over a period. seat: a level. One of: '
  'boolean, metered, seat.';
comment on column @extschema@.ledger_features.aggregation is
  'How usage of a metered feature is counted (null for other types); one of: sum, count, max, '
  'unique_count, latest, or null.';
comment on column @extschema@.ledger_features.unique_key is
  'Member of an event''s metadata whose different values unique_count counts, or null.';
comment on column @extschema@.ledger_features.status is
  'State; no new plan may contain an archived feature; one of: active, archived.';
comment on column @extschema@.ledger_features.version is 'Counts changes, from 1.';
comment on column @extschema@.ledger_features.metadata is 'JSON object of the app''s own, or null.';
comment on column @extschema@.ledger_features.created_at is 'When it was created.';
comment on column @extschema@.ledger_features.updated_at is 'When it was last changed.';
comment on column @extschema@.ledger_features.default_limit is
  'Limit in plans that name none: -1 for unlimited (null for -1, of a boolean feature 1), or null.';
comment on column @extschema@.ledger_features.default_period is
  'Period of a metered limit in plans that name none (null for billing); one of: day, week, month, '
  'year, billing, lifetime, or null.';
comment on column @extschema@.ledger_features.default_soft_limit is
  'Whether usage may go beyond the limit in plans that do not say so (null for false), or null.';

revoke all on table @extschema@.ledger_features from public;
grant select on table @extschema@.ledger_features to pgledger_reader;
