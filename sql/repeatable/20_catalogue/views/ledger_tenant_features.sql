/*
The features that a tenant's own database role may see: the tenant's, its app's, and those of all
apps. Guarded as ledger_tenant_plans is.
*/
create or replace view @extschema@.ledger_tenant_features with (security_barrier) as
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
inner join pgledger.tenant_roles as mapped
  on
    features.app_id in ('*', mapped.app_id) and features.tenant_id in ('', mapped.tenant_id)
where mapped.role_name = current_user;

comment on view @extschema@.ledger_tenant_features is
  'Features that the tenant of the current database role can have: its own, its app''s and '
  'global ones.';
comment on column @extschema@.ledger_tenant_features.id is 'Public id: feat_ and a ULID.';
comment on column @extschema@.ledger_tenant_features.app_id is
  'App that it belongs to; * for all apps.';
comment on column @extschema@.ledger_tenant_features.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column @extschema@.ledger_tenant_features.key is
  'Name in plans and usage events, for example api_calls.';
comment on column @extschema@.ledger_tenant_features.name is 'Name for people.';
comment on column @extschema@.ledger_tenant_features.description is 'Text for people, or null.';
comment on column @extschema@.ledger_tenant_features.type is
  'What it is. boolean: on or off. metered: usage adds up over a period. seat: a level. One of: '
  'boolean, metered, seat.';
comment on column @extschema@.ledger_tenant_features.aggregation is
  'How usage of a metered feature is counted (null for other types); one of: sum, count, max, '
  'unique_count, latest, or null.';
comment on column @extschema@.ledger_tenant_features.unique_key is
  'Member of an event''s metadata whose different values unique_count counts, or null.';
comment on column @extschema@.ledger_tenant_features.status is
  'State; no new plan may contain an archived feature; one of: active, archived.';
comment on column @extschema@.ledger_tenant_features.version is 'Counts changes, from 1.';
comment on column @extschema@.ledger_tenant_features.metadata is
  'JSON object of the app''s own, or null.';
comment on column @extschema@.ledger_tenant_features.created_at is 'When it was created.';
comment on column @extschema@.ledger_tenant_features.updated_at is 'When it was last changed.';
comment on column @extschema@.ledger_tenant_features.default_limit is
  'Limit in plans that name none: -1 for unlimited (null for -1, of a boolean feature 1), or null.';
comment on column @extschema@.ledger_tenant_features.default_period is
  'Period of a metered limit in plans that name none (null for billing); one of: day, week, month, '
  'year, billing, lifetime, or null.';
comment on column @extschema@.ledger_tenant_features.default_soft_limit is
  'Whether usage may go beyond the limit in plans that do not say so (null for false), or null.';

revoke all on table @extschema@.ledger_tenant_features from public;
grant select on table @extschema@.ledger_tenant_features to pgledger_tenant;
alter view @extschema@.ledger_tenant_features owner to pgledger_tenant_views;
