/*
Cached entitlements. An entry holds the versions of what it was made from and is served only while
they all still stand, so nothing that changes has to find it; usage never writes here.
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
comment on column pgledger.entitlement_cache.used is 'Usage in the limit''s period, or seats.';
comment on column pgledger.entitlement_cache.quota is 'Limit; -1 for unlimited.';
comment on column pgledger.entitlement_cache.soft_limit is 'Whether usage may go beyond the limit.';
comment on column pgledger.entitlement_cache.reason is
  'Why nothing is allowed at all; empty where the limit decides.';
comment on column pgledger.entitlement_cache.starts_at is
  'Start of what the usage was counted in, inclusive; null where none was.';
comment on column pgledger.entitlement_cache.ends_at is
  'End of what the usage was counted in, exclusive; null where none was.';
comment on column pgledger.entitlement_cache.plan_version is
  'Sum of the versions of the plans it was made from.';
comment on column pgledger.entitlement_cache.subscription_version is
  'Sum of the versions of all the tenant''s subscriptions when it was made.';
comment on column pgledger.entitlement_cache.usage_version is
  'Count of the events between starts_at and ends_at when it was made.';
comment on column pgledger.entitlement_cache.tenant_version is
  'Invalidations of the tenant when it was made.';
comment on column pgledger.entitlement_cache.feature_version is
  'Invalidations of the feature when it was made.';
comment on column pgledger.entitlement_cache.created_at is 'When it was made.';
comment on column pgledger.entitlement_cache.expires_at is
  'Earliest of its time to live, the end of the limit''s period, trial end and cancellation.';

create table pgledger.feature_invalidations (
  app_id text collate "C" not null,
  feature_key text collate "C" not null,
  version bigint not null,
  constraint feature_invalidations_app_id_feature_key_pk primary key (app_id, feature_key)
);

comment on table pgledger.feature_invalidations is
  'Counts how often the cached entitlements of a feature were invalidated for all tenants.';
comment on column pgledger.feature_invalidations.app_id is 'App.';
comment on column pgledger.feature_invalidations.feature_key is 'Key of the feature.';
comment on column pgledger.feature_invalidations.version is 'Count of invalidations.';

alter table pgledger.entitlement_cache enable row level security;
revoke all on table pgledger.entitlement_cache from public;
grant select on table pgledger.entitlement_cache to pgledger_auditor;
revoke all on table pgledger.feature_invalidations from public;
grant select on table pgledger.feature_invalidations to pgledger_auditor;
