/*
The billing store's catalogue: currencies, settings of an app, tenants, features and plans.

These rows are few and are read far more often than written, so their rules are constraints as well
as checks of the writing functions.
*/
create table pgledger.apps (
  app_id text collate "C" not null,
  usage_skew interval default interval '1 hour' not null,
  payment_terms integer default 30 not null,
  entitlement_ttl interval default interval '30 seconds' not null,
  invoice_number bigint default 0 not null,
  hook_schema text collate "C",
  hook_function text collate "C",
  hook_owner text collate "C",
  constraint apps_app_id_pk primary key (app_id),
  constraint apps_usage_skew_is_not_negative_check check (usage_skew >= interval '0'),
  constraint apps_payment_terms_are_not_negative_check check (payment_terms >= 0),
  constraint apps_entitlement_ttl_is_above_0_check check (entitlement_ttl > interval '0')
);

comment on table pgledger.apps is
  'Settings of an app of the billing store; an app without a row has the defaults.';
comment on column pgledger.apps.app_id is 'App.';
comment on column pgledger.apps.usage_skew is
  'How far ahead of the clock a usage event may be, for machines whose clocks differ.';
comment on column pgledger.apps.payment_terms is
  'Days from the moment an invoice is final to the moment it is due.';
comment on column pgledger.apps.entitlement_ttl is
  'How long a cached entitlement is served at most, unless the call says otherwise.';
comment on column pgledger.apps.invoice_number is
  'Number of the invoice finalised last. It is counted in this row and not by a sequence, so that '
  'a rollback leaves no gap.';
comment on column pgledger.apps.hook_schema is
  'Schema of the function that is told what happens in the app, or null.';
comment on column pgledger.apps.hook_function is 'Name of that function, or null.';
comment on column pgledger.apps.hook_owner is
  'Role that the function belonged to when it was set, with whose rights it runs, or null.';

create table pgledger.currencies (
  app_id text collate "C" not null,
  code text collate "C" not null,
  exponent integer not null,
  constraint currencies_app_id_code_pk primary key (app_id, code),
  constraint currencies_exponent_is_0_to_18_check check (exponent between 0 and 18)
);

comment on table pgledger.currencies is
  'Currencies that an app has defined itself, beside those of ISO 4217.';
comment on column pgledger.currencies.app_id is 'App that defined it.';
comment on column pgledger.currencies.code is 'Code, for example POINTS.';
comment on column pgledger.currencies.exponent is 'Decimal places that amounts are rounded to.';

create table pgledger.tenants (
  key integer generated always as identity,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  cache_version bigint default 0 not null,
  purged_before timestamptz default '-infinity' not null,
  purge_from timestamptz default '-infinity' not null,
  settled_before timestamptz default '-infinity' not null,
  settling_before timestamptz default '-infinity' not null,
  settling_since timestamptz default '-infinity' not null,
  constraint tenants_key_pk primary key (key),
  constraint tenants_app_id_tenant_id_key unique (app_id, tenant_id)
);

create index tenants_app_id_purged_before_idx on pgledger.tenants (app_id, purged_before)
where purged_before > '-infinity';

comment on table pgledger.tenants is
  'Tenants that have recorded usage or cached an entitlement. Each has an internal key, so that '
  'usage events need not repeat two texts, and what holds for a tenant as a whole.';
comment on column pgledger.tenants.key is 'Internal key of (app_id, tenant_id).';
comment on column pgledger.tenants.app_id is 'App.';
comment on column pgledger.tenants.tenant_id is 'Tenant of the app.';
comment on column pgledger.tenants.cache_version is
  'Counts invalidations of the tenant''s cached entitlements.';
comment on column pgledger.tenants.purged_before is
  'Usage events before this whole UTC hour may have been purged, so events that old are no longer '
  'taken.';
comment on column pgledger.tenants.purge_from is
  'Where the next purge begins to look: what is left of events before that is kept.';
comment on column pgledger.tenants.settled_before is
  'Periods that end here or before are settled: since no usage of them is taken, each subscription '
  'has had an invoice that looked at them. No invoice looks at them again.';
comment on column pgledger.tenants.settling_before is
  'What settled_before becomes when each subscription has had an invoice after settling_since.';
comment on column pgledger.tenants.settling_since is
  'When usage before settling_before was no longer taken.';

create table pgledger.features (
  id text collate "C" not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  key text collate "C" not null,
  name text not null,
  description text,
  type text collate "C" not null,
  aggregation text collate "C",
  unique_key text collate "C",
  status text collate "C" default 'active' not null,
  version bigint default 1 not null,
  metadata jsonb,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  default_limit numeric,
  default_period text collate "C",
  default_soft_limit boolean,
  constraint features_id_pk primary key (id),
  constraint features_app_id_tenant_id_key_key unique (app_id, tenant_id, key),
  constraint features_type_is_known_check check (type in ('boolean', 'metered', 'seat')),
  constraint features_aggregation_is_known_check
  check (aggregation in ('sum', 'count', 'max', 'unique_count', 'latest')),
  constraint features_only_metered_ones_aggregate_check
  check ((type = 'metered') = (aggregation is not null)),
  constraint features_unique_key_is_for_metered_ones_check
  check (unique_key is null or type = 'metered'),
  constraint features_status_is_known_check check (status in ('active', 'archived')),
  constraint features_default_limit_is_not_below_unlimited_check
  check (default_limit = -1 or (default_limit >= 0 and default_limit < 1e30)),
  constraint features_default_period_is_for_metered_ones_check
  check (default_period is null or type = 'metered'),
  constraint features_default_soft_limit_is_for_limits_check
  check (type <> 'boolean' or default_soft_limit is not true)
);

comment on table pgledger.features is 'What plans can contain. A key names a feature for a tenant, '
  'an app (tenant_id empty) or all apps (app_id *); the narrowest one counts.';
comment on column pgledger.features.id is 'Public id: feat_ and a ULID.';
comment on column pgledger.features.app_id is 'App that it belongs to; * for all apps.';
comment on column pgledger.features.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column pgledger.features.key is 'Name in plans and usage events, for example api_calls.';
comment on column pgledger.features.name is 'Name for people.';
comment on column pgledger.features.description is 'Text for people, or null.';
comment on column pgledger.features.type is
  'What it is. boolean: on or off. metered: usage adds up over a period. seat: a level. One of: '
  'boolean, metered, seat.';
comment on column pgledger.features.aggregation is
  'How usage of a metered feature is counted (null for other types); one of: sum, count, max, '
  'unique_count, latest, or null.';
comment on column pgledger.features.unique_key is
  'Member of an event''s metadata whose different values unique_count counts; never changes.';
comment on column pgledger.features.status is
  'State; no new plan may contain an archived feature; one of: active, archived.';
comment on column pgledger.features.version is 'Counts changes, from 1.';
comment on column pgledger.features.metadata is 'JSON object of the app''s own, or null.';
comment on column pgledger.features.created_at is 'When it was created.';
comment on column pgledger.features.updated_at is 'When it was last changed.';
comment on column pgledger.features.default_limit is
  'Limit in plans that name none: -1 for unlimited (null for -1, of a boolean feature 1), or null.';
comment on column pgledger.features.default_period is
  'Period of a metered limit in plans that name none (null for billing); one of: day, week, month, '
  'year, billing, lifetime, or null.';
comment on column pgledger.features.default_soft_limit is
  'Whether usage may go beyond the limit in plans that do not say so (null for false), or null.';

create table pgledger.plans (
  key bigint generated always as identity (minvalue 1 maxvalue 4294967295),
  id text collate "C" not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  slug text collate "C" not null,
  name text not null,
  description text,
  status text collate "C" default 'active' not null,
  currency text collate "C" not null,
  features jsonb not null,
  pricing jsonb not null,
  billing_interval text collate "C" not null,
  interval_count integer not null,
  trial_days integer not null,
  anchor_at_trial_end boolean not null,
  add_on boolean not null,
  priority integer default 0 not null,
  version bigint default 1 not null,
  metadata jsonb,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint plans_key_pk primary key (key),
  constraint plans_id_key unique (id),
  constraint plans_status_is_known_check check (status in ('active', 'archived')),
  constraint plans_billing_interval_is_known_check
  check (billing_interval in ('day', 'week', 'month', 'year')),
  constraint plans_interval_count_is_positive_check check (interval_count > 0),
  constraint plans_trial_days_is_not_negative_check check (trial_days >= 0)
);

-- The slug of an archived plan is free for another.
create unique index plans_app_id_tenant_id_slug_active_idx
on pgledger.plans (app_id, tenant_id, slug)
where status = 'active';
create index plans_app_id_tenant_id_slug_idx on pgledger.plans (app_id, tenant_id, slug);

comment on table pgledger.plans is 'Plans: what a subscription gives and what it costs.';
comment on column pgledger.plans.key is 'Internal key.';
comment on column pgledger.plans.id is 'Public id: plan_ and a ULID.';
comment on column pgledger.plans.app_id is 'App that it belongs to.';
comment on column pgledger.plans.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column pgledger.plans.slug is 'Name in addresses and code, for example pro.';
comment on column pgledger.plans.name is 'Name for people.';
comment on column pgledger.plans.description is 'Text for people, or null.';
comment on column pgledger.plans.status is
  'State; subscriptions keep an archived plan, and no new one may take it; one of: active, '
  'archived.';
comment on column pgledger.plans.currency is 'Currency of every amount in pricing.';
comment on column pgledger.plans.features is
  'JSON array of features and their limits, as given last.';
comment on column pgledger.plans.pricing is
  'JSON object of base fee and prices, as given: those that hold last, planned ones included. '
  'pgledger.plan_terms says what holds when.';
comment on column pgledger.plans.billing_interval is
  'Unit of the billing period, copied from pricing; one of: day, week, month, year.';
comment on column pgledger.plans.interval_count is
  'Units in a billing period, copied from pricing.';
comment on column pgledger.plans.trial_days is 'Days of trial that a new subscription gets.';
comment on column pgledger.plans.anchor_at_trial_end is
  'Whether billing periods count from the end of the trial rather than from its start.';
comment on column pgledger.plans.add_on is
  'Whether a tenant may have it beside another active subscription.';
comment on column pgledger.plans.priority is
  'Of several subscriptions with a price for a feature, that of the lowest one bills its usage: '
  'the priority that holds last.';
comment on column pgledger.plans.version is 'Counts changes, from 1.';
comment on column pgledger.plans.metadata is 'JSON object of the app''s own, or null.';
comment on column pgledger.plans.created_at is 'When it was created.';
comment on column pgledger.plans.updated_at is 'When it was last changed.';

create table pgledger.plan_features (
  plan_key bigint not null,
  feature_key text collate "C" not null,
  feature_id text collate "C" not null,
  place integer not null,
  type text collate "C" not null,
  quota numeric not null,
  period text collate "C" not null,
  soft_limit boolean not null,
  aggregation text collate "C" not null,
  constraint plan_features_plan_key_feature_key_pk primary key (plan_key, feature_key),
  constraint plan_features_plan_key_fk foreign key (plan_key)
  references pgledger.plans (key) on delete cascade,
  constraint plan_features_feature_id_fk foreign key (feature_id)
  references pgledger.features (id),
  constraint plan_features_quota_is_not_below_unlimited_check
  check (quota = -1 or (quota >= 0 and quota < 1e30)),
  constraint plan_features_period_is_known_check
  check (period in ('day', 'week', 'month', 'year', 'billing', 'lifetime'))
);

create index plan_features_feature_id_idx on pgledger.plan_features (feature_id);

comment on table pgledger.plan_features is
  'Features of plans, one row each: copied from pgledger.plans.features, with defaults filled in.';
comment on column pgledger.plan_features.plan_key is 'Plan.';
comment on column pgledger.plan_features.feature_key is 'Key of the feature.';
comment on column pgledger.plan_features.feature_id is 'Id of the feature in the catalogue.';
comment on column pgledger.plan_features.place is 'Index in the plan''s array, from 0.';
comment on column pgledger.plan_features.type is 'boolean, metered or seat: that of the feature.';
comment on column pgledger.plan_features.quota is
  'Limit: -1 for unlimited; of a boolean feature 1 for on, 0 for off.';
comment on column pgledger.plan_features.period is
  'Period that a metered limit is for: day, week, month, year, billing (the subscription''s own '
  'period) or lifetime.';
comment on column pgledger.plan_features.soft_limit is
  'Whether usage beyond the limit is allowed, and priced.';
comment on column pgledger.plan_features.aggregation is
  'How usage is counted; latest for a seat and for a boolean.';

create table pgledger.plan_versions (
  plan_key bigint not null,
  version bigint not null,
  effective_at timestamptz not null,
  created_at timestamptz not null,
  features jsonb,
  feature_terms jsonb,
  allowances jsonb,
  pricing jsonb,
  priority integer,
  constraint plan_versions_plan_key_version_pk primary key (plan_key, version),
  constraint plan_versions_plan_key_fk foreign key (plan_key)
  references pgledger.plans (key) on delete cascade,
  constraint plan_versions_change_something_check
  check (num_nonnulls(features, pricing, priority) > 0),
  constraint plan_versions_features_are_whole_check
  check (num_nonnulls(features, feature_terms, allowances) in (0, 3))
);

create index plan_versions_plan_key_effective_at_version_features_idx
on pgledger.plan_versions (plan_key, effective_at, version)
where features is not null;
create index plan_versions_plan_key_effective_at_version_pricing_idx
on pgledger.plan_versions (plan_key, effective_at, version)
where pricing is not null;
create index plan_versions_plan_key_effective_at_version_priority_idx
on pgledger.plan_versions (plan_key, effective_at, version)
where priority is not null;

comment on table pgledger.plan_versions is
  'What plans have asked, and what they have given for nothing, since when. Of several that have '
  'begun, the one that began last holds, or of these the last written: for features, pricing and '
  'priority each by itself, because a change may leave some of them out.';
comment on column pgledger.plan_versions.plan_key is 'Plan.';
comment on column pgledger.plan_versions.version is 'Version of the plan that the change made.';
comment on column pgledger.plan_versions.effective_at is
  'Since when it holds, for periods that begin from then on; -infinity for what the plan was '
  'created with.';
comment on column pgledger.plan_versions.created_at is 'When it was written.';
comment on column pgledger.plan_versions.features is
  'JSON array of features and their limits, as given (null if the change left them out), or null.';
comment on column pgledger.plan_versions.feature_terms is
  'JSON object: for each of these features, by its key, what pgledger.plan_features has of it, or '
  'null.';
comment on column pgledger.plan_versions.allowances is
  'JSON object: by key, how much of a feature costs nothing, as text, or null.';
comment on column pgledger.plan_versions.pricing is
  'JSON object of base fee and prices, as given (null if the change left them out), or null.';
comment on column pgledger.plan_versions.priority is
  'Of several subscriptions with a price for a feature, that of the lowest one bills its usage '
  '(null if the change left it out), or null.';

revoke all on table pgledger.apps from public;
grant select on table pgledger.apps to pgledger_auditor;
revoke all on table pgledger.currencies from public;
grant select on table pgledger.currencies to pgledger_auditor;
alter table pgledger.tenants enable row level security;
revoke all on table pgledger.tenants from public;
grant select on table pgledger.tenants to pgledger_auditor;
alter table pgledger.features enable row level security;
revoke all on table pgledger.features from public;
grant select on table pgledger.features to pgledger_auditor;
alter table pgledger.plans enable row level security;
revoke all on table pgledger.plans from public;
grant select on table pgledger.plans to pgledger_auditor;
revoke all on table pgledger.plan_features from public;
grant select on table pgledger.plan_features to pgledger_auditor;
revoke all on table pgledger.plan_versions from public;
grant select on table pgledger.plan_versions to pgledger_auditor;

create type @extschema@.ledger_currency as (
  app_id text collate "C",
  code text collate "C",
  exponent integer
);

comment on type @extschema@.ledger_currency is
  'To how many decimal places amounts of a currency are rounded.';
comment on column @extschema@.ledger_currency.app_id is 'App that defined it; * for ISO 4217.';
comment on column @extschema@.ledger_currency.code is 'Code, for example JPY or POINTS.';
comment on column @extschema@.ledger_currency.exponent is
  'Decimal places that amounts are rounded to.';

revoke all on type @extschema@.ledger_currency from public;
grant usage on type @extschema@.ledger_currency to pgledger_reader;

create type @extschema@.ledger_feature as (
  id text collate "C",
  app_id text collate "C",
  tenant_id text collate "C",
  key text collate "C",
  name text,
  description text,
  type text collate "C",
  aggregation text collate "C",
  unique_key text collate "C",
  status text collate "C",
  version bigint,
  metadata jsonb,
  created_at timestamptz,
  updated_at timestamptz,
  default_limit numeric,
  default_period text collate "C",
  default_soft_limit boolean
);

comment on type @extschema@.ledger_feature is 'What plans can contain.';
comment on column @extschema@.ledger_feature.id is 'Public id: feat_ and a ULID.';
comment on column @extschema@.ledger_feature.app_id is 'App that it belongs to; * for all apps.';
comment on column @extschema@.ledger_feature.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column @extschema@.ledger_feature.key is
  'Name in plans and usage events, for example api_calls.';
comment on column @extschema@.ledger_feature.name is 'Name for people.';
comment on column @extschema@.ledger_feature.description is 'Text for people, or null.';
comment on column @extschema@.ledger_feature.type is
  'What it is. boolean: on or off. metered: usage adds up over a period. seat: a level. One of: '
  'boolean, metered, seat.';
comment on column @extschema@.ledger_feature.aggregation is
  'How usage of a metered feature is counted (null for other types); one of: sum, count, max, '
  'unique_count, latest, or null.';
comment on column @extschema@.ledger_feature.unique_key is
  'Member of an event''s metadata whose different values unique_count counts, or null.';
comment on column @extschema@.ledger_feature.status is
  'State; no new plan may contain an archived feature; one of: active, archived.';
comment on column @extschema@.ledger_feature.version is 'Counts changes, from 1.';
comment on column @extschema@.ledger_feature.metadata is 'JSON object of the app''s own, or null.';
comment on column @extschema@.ledger_feature.created_at is 'When it was created.';
comment on column @extschema@.ledger_feature.updated_at is 'When it was last changed.';
comment on column @extschema@.ledger_feature.default_limit is
  'Limit in plans that name none: -1 for unlimited (null for -1, of a boolean feature 1), or null.';
comment on column @extschema@.ledger_feature.default_period is
  'Period of a metered limit in plans that name none (null for billing); one of: day, week, month, '
  'year, billing, lifetime, or null.';
comment on column @extschema@.ledger_feature.default_soft_limit is
  'Whether usage may go beyond the limit in plans that do not say so (null for false), or null.';

revoke all on type @extschema@.ledger_feature from public;
grant usage on type @extschema@.ledger_feature to pgledger_reader;

create type @extschema@.ledger_plan as (
  id text collate "C",
  app_id text collate "C",
  tenant_id text collate "C",
  slug text collate "C",
  name text,
  description text,
  status text collate "C",
  currency text collate "C",
  features jsonb,
  pricing jsonb,
  billing_interval text collate "C",
  interval_count integer,
  trial_days integer,
  anchor_at_trial_end boolean,
  add_on boolean,
  version bigint,
  metadata jsonb,
  created_at timestamptz,
  updated_at timestamptz,
  priority integer
);

comment on type @extschema@.ledger_plan is 'What a subscription gives and what it costs.';
comment on column @extschema@.ledger_plan.id is 'Public id: plan_ and a ULID.';
comment on column @extschema@.ledger_plan.app_id is 'App that it belongs to.';
comment on column @extschema@.ledger_plan.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column @extschema@.ledger_plan.slug is 'Name in addresses and code, for example pro.';
comment on column @extschema@.ledger_plan.name is 'Name for people.';
comment on column @extschema@.ledger_plan.description is 'Text for people, or null.';
comment on column @extschema@.ledger_plan.status is
  'State; subscriptions keep an archived plan, and no new one may take it; one of: active, '
  'archived.';
comment on column @extschema@.ledger_plan.currency is 'Currency of every amount in pricing.';
comment on column @extschema@.ledger_plan.features is
  'JSON array of features and their limits, as given last.';
comment on column @extschema@.ledger_plan.pricing is
  'JSON object of base fee and prices, as given: those in force now.';
comment on column @extschema@.ledger_plan.billing_interval is
  'Unit of the billing period; one of: day, week, month, year.';
comment on column @extschema@.ledger_plan.interval_count is 'Units in a billing period.';
comment on column @extschema@.ledger_plan.trial_days is
  'Days of trial that a new subscription gets.';
comment on column @extschema@.ledger_plan.anchor_at_trial_end is
  'Whether billing periods count from the end of the trial rather than from its start.';
comment on column @extschema@.ledger_plan.add_on is
  'Whether a tenant may have it beside another active subscription.';
comment on column @extschema@.ledger_plan.version is 'Counts changes, from 1.';
comment on column @extschema@.ledger_plan.metadata is 'JSON object of the app''s own, or null.';
comment on column @extschema@.ledger_plan.created_at is 'When it was created.';
comment on column @extschema@.ledger_plan.updated_at is 'When it was last changed.';
comment on column @extschema@.ledger_plan.priority is
  'Of several subscriptions with a price for a feature, that of the lowest one bills its usage.';

revoke all on type @extschema@.ledger_plan from public;
grant usage on type @extschema@.ledger_plan to pgledger_reader;

create type @extschema@.ledger_plan_version as (
  plan_id text collate "C",
  version bigint,
  status text collate "C",
  effective_at timestamptz,
  features jsonb,
  pricing jsonb,
  created_at timestamptz,
  priority integer
);

comment on type @extschema@.ledger_plan_version is
  'Prices, or allowances, or both, that a plan has from a time on.';
comment on column @extschema@.ledger_plan_version.plan_id is 'Id of the plan.';
comment on column @extschema@.ledger_plan_version.version is
  'Version of the plan that the change made.';
comment on column @extschema@.ledger_plan_version.status is
  'Whether it is still to come, or holds for periods that begin now, in part at least; one of: '
  'past, current, planned.';
comment on column @extschema@.ledger_plan_version.effective_at is
  'Since when it holds, for periods that begin from then on; null for ever.';
comment on column @extschema@.ledger_plan_version.features is
  'JSON array of features and their limits, as given (null if the change left them out), or null.';
comment on column @extschema@.ledger_plan_version.pricing is
  'JSON object of base fee and prices, as given (null if the change left them out), or null.';
comment on column @extschema@.ledger_plan_version.created_at is 'When it was written.';
comment on column @extschema@.ledger_plan_version.priority is
  'Of several subscriptions with a price for a feature, that of the lowest one bills its usage '
  '(null if the change left it out), or null.';

revoke all on type @extschema@.ledger_plan_version from public;
grant usage on type @extschema@.ledger_plan_version to pgledger_reader;

create type pgledger.price_line as (
  kind text,
  description text,
  quantity numeric,
  unit_amount numeric,
  flat_amount numeric,
  amount numeric
);

comment on type pgledger.price_line is 'One line of what usage costs, exactly.';
revoke all on type pgledger.price_line from public;

create type @extschema@.ledger_price_line as (
  line integer,
  kind text collate "C",
  description text collate "C",
  quantity numeric,
  unit_amount numeric,
  flat_amount numeric,
  amount numeric
);

comment on type @extschema@.ledger_price_line is 'One line of what usage costs.';
comment on column @extschema@.ledger_price_line.line is 'Number of the line, from 1.';
comment on column @extschema@.ledger_price_line.kind is
  'What it is for. usage: what was used. true_up: what is missing to the minimum. cap: what is '
  'above the maximum, taken off again and so below zero. One of: usage, true_up, cap.';
comment on column @extschema@.ledger_price_line.description is 'Text for people.';
comment on column @extschema@.ledger_price_line.quantity is 'How much is charged for, or null.';
comment on column @extschema@.ledger_price_line.unit_amount is 'Price of one unit, or null.';
comment on column @extschema@.ledger_price_line.flat_amount is
  'Amount that is due whatever the quantity, or null.';
comment on column @extschema@.ledger_price_line.amount is 'Amount of the line.';

revoke all on type @extschema@.ledger_price_line from public;
grant usage on type @extschema@.ledger_price_line to pgledger_reader;
