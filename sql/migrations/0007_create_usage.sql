/*
Usage: events as they were reported, and roll-ups, which the statement that records events keeps up
to date.

Most rows of the billing store are events, so an event holds internal keys instead of texts:
tenant_key stands for (app_id, tenant_id), meter_key for these two and the feature. The indexes of
events lead with these keys.
Events and roll-ups have no CHECK constraints and no foreign keys, for the reasons given for
accounts and transfers.
*/
create table pgledger.meters (
  key integer generated always as identity,
  tenant_key integer not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  feature_key text collate "C" not null,
  type text collate "C" not null,
  unique_key text collate "C",
  turn bigint default 0 not null,
  constraint meters_key_pk primary key (key),
  constraint meters_app_id_tenant_id_feature_key_key unique (app_id, tenant_id, feature_key),
  constraint meters_tenant_key_fk foreign key (tenant_key) references pgledger.tenants (key)
) with (fillfactor = 80);

create index meters_tenant_key_idx on pgledger.meters (tenant_key);
create index meters_feature_key_idx on pgledger.meters (feature_key);
create index meters_app_id_tenant_id_seat_idx on pgledger.meters (app_id, tenant_id)
where type = 'seat';

comment on table pgledger.meters is
  'One row for each feature that a tenant has used, made by the first event.';
comment on column pgledger.meters.key is 'Internal key of (app_id, tenant_id, feature_key).';
comment on column pgledger.meters.tenant_key is 'Internal key of (app_id, tenant_id).';
comment on column pgledger.meters.app_id is 'App.';
comment on column pgledger.meters.tenant_id is 'Tenant.';
comment on column pgledger.meters.feature_key is 'Key of the feature.';
comment on column pgledger.meters.type is 'metered or seat, as the feature was at the first event.';
comment on column pgledger.meters.unique_key is
  'Member of metadata whose different values are kept, as the feature was at the first event.';
comment on column pgledger.meters.turn is
  'Counts the calls that needed the usage to stand still: calls that consume, reports of seats, '
  'and corrections, of which one that removes an event counts twice. With it the count of events '
  'never goes back.';

-- Each call that records usage takes one number; an event's key is that number and its place.
create sequence pgledger.usage_calls_seq as bigint maxvalue 8796093022207;

comment on sequence pgledger.usage_calls_seq is
  'Numbers of the calls that recorded usage; the upper 43 bits of their events'' keys.';

create table pgledger.usage_events (
  key bigint not null,
  event_at timestamptz not null,
  created_at timestamptz not null,
  tenant_key integer not null,
  meter_key integer not null,
  quantity numeric,
  idempotency_key text collate "C",
  metadata jsonb,
  constraint usage_events_meter_key_event_at_key_pk primary key (meter_key, event_at, key),
  constraint usage_events_meter_key_idempotency_key_key unique (meter_key, idempotency_key)
);

comment on table pgledger.usage_events is
  'Usage as it was reported, with corrections. Purging removes old rows.';
comment on column pgledger.usage_events.key is
  'Unique key: the number of the call times 2^20, plus the event''s place within the call. Part '
  'of the public id.';
comment on column pgledger.usage_events.event_at is
  'When it happened, as reported. The event counts in the period that this time lies in.';
comment on column pgledger.usage_events.created_at is 'When it was recorded.';
comment on column pgledger.usage_events.tenant_key is 'Internal key of (app_id, tenant_id).';
comment on column pgledger.usage_events.meter_key is
  'Internal key of (app_id, tenant_id, feature_key).';
comment on column pgledger.usage_events.quantity is
  'How much was used; for a seat, how many there are. 0 or more, below 1e30, at most 18 decimal '
  'places. Null for an event that was removed: it counts nowhere, and its idempotency key stays '
  'taken.';
comment on column pgledger.usage_events.idempotency_key is
  'Key of the event, as given (a second event of the tenant and feature with this key is not '
  'counted), or null.';
comment on column pgledger.usage_events.metadata is 'JSON object given with the event, or null.';

create table pgledger.usage_corrections (
  meter_key integer not null,
  event_at timestamptz not null,
  event_key bigint not null,
  version integer not null,
  event_id text collate "C" not null,
  quantity numeric not null,
  corrected_quantity numeric,
  reason text,
  created_at timestamptz not null,
  constraint usage_corrections_meter_key_event_at_event_key_version_pk
  primary key (meter_key, event_at, event_key, version)
);

comment on table pgledger.usage_corrections is
  'Corrections of usage events. Rows never change; purging leaves them.';
comment on column pgledger.usage_corrections.meter_key is 'Meter of the event.';
comment on column pgledger.usage_corrections.event_at is 'When the event happened.';
comment on column pgledger.usage_corrections.event_key is 'Key of the event.';
comment on column pgledger.usage_corrections.version is 'Counts the event''s corrections, from 1.';
comment on column pgledger.usage_corrections.event_id is 'Public id of the event: evt_ and a ULID.';
comment on column pgledger.usage_corrections.quantity is 'What the event said before.';
comment on column pgledger.usage_corrections.corrected_quantity is
  'What it says since; null if it was removed.';
comment on column pgledger.usage_corrections.reason is 'Why, as given, or null.';
comment on column pgledger.usage_corrections.created_at is 'When it was corrected.';

create table pgledger.usage_rollups (
  meter_key integer not null,
  span smallint not null,
  starts_at timestamptz not null,
  events bigint not null,
  quantity numeric not null,
  highest numeric not null,
  latest_at timestamptz not null,
  latest_key bigint not null,
  latest numeric not null,
  constraint usage_rollups_meter_key_span_starts_at_pk primary key (meter_key, span, starts_at)
) with (fillfactor = 60);

comment on table pgledger.usage_rollups is
  'What the events of a meter come to in each UTC hour and each UTC day, exactly; also in parts of '
  'hours that hold very many. Kept by the call that records the events; purging leaves them.';
comment on column pgledger.usage_rollups.meter_key is 'Meter.';
comment on column pgledger.usage_rollups.span is
  '1: a day. 2: an hour. 3 to 12: 10 minutes, 1 minute, 10 seconds, a second, and tenths of it '
  'down to a microsecond, of what holds very many events.';
comment on column pgledger.usage_rollups.starts_at is
  'Start of the day, hour or part of an hour in UTC.';
comment on column pgledger.usage_rollups.events is 'Count of events.';
comment on column pgledger.usage_rollups.quantity is 'Sum of quantities.';
comment on column pgledger.usage_rollups.highest is 'Highest quantity; 0 without events.';
comment on column pgledger.usage_rollups.latest_at is
  'event_at of the latest event; the start without events.';
comment on column pgledger.usage_rollups.latest_key is
  'Key of the latest event; of events at the same time the one recorded last.';
comment on column pgledger.usage_rollups.latest is 'Quantity of the latest event.';

create table pgledger.usage_values (
  meter_key integer not null,
  span smallint not null,
  starts_at timestamptz not null,
  value text collate "C" not null,
  constraint usage_values_meter_key_span_starts_at_value_pk
  primary key (meter_key, span, starts_at, value)
);

comment on table pgledger.usage_values is
  'Different values of the named member of metadata in each UTC hour and day, for unique_count.';
comment on column pgledger.usage_values.meter_key is 'Meter.';
comment on column pgledger.usage_values.span is '1: a day. 2: an hour.';
comment on column pgledger.usage_values.starts_at is 'Start of the day or hour in UTC.';
comment on column pgledger.usage_values.value is 'The value as text, 1 to 255 characters.';

alter table pgledger.meters enable row level security;
revoke all on table pgledger.meters from public;
grant select on table pgledger.meters to pgledger_auditor;
revoke all on sequence pgledger.usage_calls_seq from public;
alter table pgledger.usage_events enable row level security;
revoke all on table pgledger.usage_events from public;
grant select on table pgledger.usage_events to pgledger_auditor;
revoke all on table pgledger.usage_corrections from public;
grant select on table pgledger.usage_corrections to pgledger_auditor;
revoke all on table pgledger.usage_rollups from public;
grant select on table pgledger.usage_rollups to pgledger_auditor;
revoke all on table pgledger.usage_values from public;
grant select on table pgledger.usage_values to pgledger_auditor;

create type @extschema@.ledger_usage_event as (
  id text collate "C",
  app_id text collate "C",
  tenant_id text collate "C",
  feature_key text collate "C",
  quantity numeric,
  event_at timestamptz,
  idempotency_key text collate "C",
  metadata jsonb,
  created_at timestamptz
);

comment on type @extschema@.ledger_usage_event is 'Usage as it was reported.';
comment on column @extschema@.ledger_usage_event.id is 'Public id: evt_ and a ULID.';
comment on column @extschema@.ledger_usage_event.app_id is 'App.';
comment on column @extschema@.ledger_usage_event.tenant_id is 'Tenant whose usage it is.';
comment on column @extschema@.ledger_usage_event.feature_key is 'Key of the feature that was used.';
comment on column @extschema@.ledger_usage_event.quantity is
  'How much was used; for a seat, how many there are.';
comment on column @extschema@.ledger_usage_event.event_at is
  'When it happened, as reported. The event counts in the period that this time lies in.';
comment on column @extschema@.ledger_usage_event.idempotency_key is
  'Key of the event, as given (a second event of the tenant and feature with this key is not '
  'counted), or null.';
comment on column @extschema@.ledger_usage_event.metadata is
  'JSON object given with the event, or null.';
comment on column @extschema@.ledger_usage_event.created_at is 'When it was recorded.';

revoke all on type @extschema@.ledger_usage_event from public;
grant usage on type @extschema@.ledger_usage_event to pgledger_reader;

create type @extschema@.ledger_usage_answer as (
  event_index bigint,
  status text collate "C",
  id text collate "C",
  error text collate "C",
  reason text collate "C"
);

comment on type @extschema@.ledger_usage_answer is 'What became of one event of a batch.';
comment on column @extschema@.ledger_usage_answer.event_index is
  'Which event of the batch this is about, from 1.';
comment on column @extschema@.ledger_usage_answer.status is
  'What became of it; the key of a duplicate was counted before; one of: inserted, duplicate, '
  'rejected.';
comment on column @extschema@.ledger_usage_answer.id is
  'Public id of the event: evt_ and a ULID; for a duplicate the id of the first event, unless '
  'that one has just been purged (null for a rejected event), or null.';
comment on column @extschema@.ledger_usage_answer.error is
  'SQLSTATE of what is wrong with a rejected event, or null.';
comment on column @extschema@.ledger_usage_answer.reason is 'What is wrong, in words, or null.';

revoke all on type @extschema@.ledger_usage_answer from public;
grant usage on type @extschema@.ledger_usage_answer to pgledger_reader;

create type @extschema@.ledger_usage_receipt as (
  status text collate "C",
  id text collate "C"
);

comment on type @extschema@.ledger_usage_receipt is 'What became of a single event.';
comment on column @extschema@.ledger_usage_receipt.status is
  'What became of it; the key of a duplicate was counted before; one of: inserted, duplicate.';
comment on column @extschema@.ledger_usage_receipt.id is
  'Public id of the event: evt_ and a ULID; for a duplicate the id of the first event, unless '
  'that one has just been purged, or null.';

revoke all on type @extschema@.ledger_usage_receipt from public;
grant usage on type @extschema@.ledger_usage_receipt to pgledger_reader;

create type @extschema@.ledger_feature_usage as (
  feature_key text collate "C",
  aggregation text collate "C",
  value numeric
);

comment on type @extschema@.ledger_feature_usage is 'What usage of a feature comes to.';
comment on column @extschema@.ledger_feature_usage.feature_key is
  'Key of the feature that was used.';
comment on column @extschema@.ledger_feature_usage.aggregation is
  'How it was counted; one of: sum, count, max, unique_count, latest.';
comment on column @extschema@.ledger_feature_usage.value is 'What the usage comes to.';

revoke all on type @extschema@.ledger_feature_usage from public;
grant usage on type @extschema@.ledger_feature_usage to pgledger_reader;

create type @extschema@.ledger_usage_part as (
  starts_at timestamptz,
  ends_at timestamptz,
  value numeric
);

comment on type @extschema@.ledger_usage_part is
  'What usage comes to in a part of a range of time.';
comment on column @extschema@.ledger_usage_part.starts_at is 'Start of the part, inclusive.';
comment on column @extschema@.ledger_usage_part.ends_at is 'End of the part, exclusive.';
comment on column @extschema@.ledger_usage_part.value is 'What the usage in it comes to.';

revoke all on type @extschema@.ledger_usage_part from public;
grant usage on type @extschema@.ledger_usage_part to pgledger_reader;
