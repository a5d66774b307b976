/*
Cached entitlements. An entry holds the versions of everything it was made from, and is served only
while none of them has changed. So a change need not look for entries to remove, and recording usage
never writes here.
*/
create table pgledger.entitlement_cache (
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  feature_key text collate "C" not null,
  used numeric not null,
  quota numeric not null,
  soft_limit boolean not null,
  reason text collate "C" not null,
  starts_at timestamptz,
  ends_at timestamptz,
  plan_version bigint not null,
  subscription_version bigint not null,
  usage_version bigint not null,
  tenant_version bigint not null,
  feature_version bigint not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  constraint entitlement_cache_app_id_tenant_id_feature_key_pk
  primary key (app_id, tenant_id, feature_key)
) with (fillfactor = 70);

comment on table pgledger.entitlement_cache is
  'Answers of ledger_check_entitlement, kept for at most their time to live.';
comment on column pgledger.entitlement_cache.app_id is 'App.';
comment on column pgledger.entitlement_cache.tenant_id is 'Tenant.';
comment on column pgledger.entitlement_cache.feature_key is 'Key of the feature.';
comment on column pgledger.entitlement_cache.used is
  'Usage in the limit''s period, or seats taken.';
comment on column pgledger.entitlement_cache.quota is 'Limit; -1 for unlimited.';
comment on column pgledger.entitlement_cache.soft_limit is
  'Whether usage may go beyond the limit, at a price.';
comment on column pgledger.entitlement_cache.reason is
  'Why nothing is allowed at all; empty where the limit decides.';
comment on column pgledger.entitlement_cache.starts_at is
  'Start of the time in which usage was counted, inclusive; null where none was.';
comment on column pgledger.entitlement_cache.ends_at is
  'End of the time in which usage was counted, exclusive; null where none was.';
comment on column pgledger.entitlement_cache.plan_version is
  'Sum of the versions of the plans it was made from.';
comment on column pgledger.entitlement_cache.subscription_version is
  'Sum of the versions of all the tenant''s subscriptions when it was made.';
comment on column pgledger.entitlement_cache.usage_version is
  'Count of the events between starts_at and ends_at when it was made.';
comment on column pgledger.entitlement_cache.tenant_version is
  'Count of the tenant''s invalidations when it was made.';
comment on column pgledger.entitlement_cache.feature_version is
  'Count of the feature''s invalidations, for all tenants and for this one, when it was made.';
comment on column pgledger.entitlement_cache.created_at is 'When it was made.';
comment on column pgledger.entitlement_cache.expires_at is
  'When it expires: its time to live, the end of the limit''s period, trial end or cancellation, '
  'whichever is first.';

create table pgledger.feature_invalidations (
  app_id text collate "C" not null,
  feature_key text collate "C" not null,
  tenant_id text collate "C" not null,
  version bigint not null,
  constraint feature_invalidations_app_id_feature_key_tenant_id_pk
  primary key (app_id, feature_key, tenant_id)
);

comment on table pgledger.feature_invalidations is
  'Counts how often the cached entitlements of a feature were invalidated, for all tenants or one.';
comment on column pgledger.feature_invalidations.app_id is 'App.';
comment on column pgledger.feature_invalidations.feature_key is 'Key of the feature.';
comment on column pgledger.feature_invalidations.tenant_id is
  'Tenant whose entitlement it was; empty for all tenants.';
comment on column pgledger.feature_invalidations.version is 'Count of invalidations.';

alter table pgledger.entitlement_cache enable row level security;
revoke all on table pgledger.entitlement_cache from public;
grant select on table pgledger.entitlement_cache to pgledger_auditor;
alter table pgledger.feature_invalidations enable row level security;
revoke all on table pgledger.feature_invalidations from public;
grant select on table pgledger.feature_invalidations to pgledger_auditor;

create type @extschema@.ledger_entitlement as (
  allowed boolean,
  feature text collate "C",
  used numeric,
  "limit" numeric,
  remaining numeric,
  soft_limit boolean,
  reason text collate "C"
);

comment on type @extschema@.ledger_entitlement is 'Whether a tenant may use a feature.';
comment on column @extschema@.ledger_entitlement.allowed is
  'Whether the quantity asked for may be used.';
comment on column @extschema@.ledger_entitlement.feature is 'Key of the feature.';
comment on column @extschema@.ledger_entitlement.used is
  'Usage in the limit''s period, or seats taken.';
comment on column @extschema@.ledger_entitlement."limit" is 'Limit; -1 for unlimited.';
comment on column @extschema@.ledger_entitlement.remaining is
  'What is left of the limit; -1 for unlimited.';
comment on column @extschema@.ledger_entitlement.soft_limit is
  'Whether usage may go beyond the limit, at a price.';
comment on column @extschema@.ledger_entitlement.reason is
  'Why it is allowed or not; soft_limit means beyond the limit, at a price; one of: within_limit, '
  'unlimited, soft_limit, enabled, limit_exceeded, disabled, not_in_plan, no_subscription, '
  'paused.';

revoke all on type @extschema@.ledger_entitlement from public;
grant usage on type @extschema@.ledger_entitlement to pgledger_reader;

create type @extschema@.ledger_consumption as (
  allowed boolean,
  feature text collate "C",
  used numeric,
  "limit" numeric,
  remaining numeric,
  soft_limit boolean,
  reason text collate "C",
  event_id text collate "C"
);

comment on type @extschema@.ledger_consumption is
  'What became of a check of an entitlement that records the usage in the same step.';
comment on column @extschema@.ledger_consumption.allowed is
  'Whether the quantity was recorded as used.';
comment on column @extschema@.ledger_consumption.feature is 'Key of the feature.';
comment on column @extschema@.ledger_consumption.used is
  'Usage in the limit''s period afterwards, or seats taken.';
comment on column @extschema@.ledger_consumption."limit" is 'Limit; -1 for unlimited.';
comment on column @extschema@.ledger_consumption.remaining is
  'What is left of the limit afterwards; -1 for unlimited.';
comment on column @extschema@.ledger_consumption.soft_limit is
  'Whether usage may go beyond the limit, at a price.';
comment on column @extschema@.ledger_consumption.reason is
  'Why it is allowed or not; soft_limit means beyond the limit, at a price; duplicate means '
  'recorded before; one of: within_limit, unlimited, soft_limit, enabled, limit_exceeded, '
  'disabled, not_in_plan, no_subscription, paused, duplicate.';
comment on column @extschema@.ledger_consumption.event_id is
  'Public id of the usage event: evt_ and a ULID; for a duplicate the id of the first event (null '
  'if nothing was recorded), or null.';

revoke all on type @extschema@.ledger_consumption from public;
grant usage on type @extschema@.ledger_consumption to pgledger_reader;
