/*
Periods that are closed: until when, for each set of books, and how that came about. A row of
closed_periods may say that nothing is closed: a transaction whose snapshot is older than its lock
makes sure of that by inserting one.

Changes are rare, so a check and a primary key over text cost nothing that counts.
*/
create table pgledger.closed_periods (
  closed_until timestamptz,
  app_id text collate "C" not null,
  constraint closed_periods_app_id_pk primary key (app_id)
);

comment on table pgledger.closed_periods is
  'Until when the books of an app are closed. Calls that give event_at look here, and no others.';
comment on column pgledger.closed_periods.closed_until is
  'No event_at before it is accepted; null if nothing is closed.';
comment on column pgledger.closed_periods.app_id is 'Set of books.';

revoke all on table pgledger.closed_periods from public;
grant select on table pgledger.closed_periods to pgledger_auditor;

create table pgledger.period_changes (
  number bigint not null,
  changed_at timestamptz not null,
  newest_at timestamptz,
  from_until timestamptz,
  to_until timestamptz,
  app_id text collate "C" not null,
  change text collate "C" not null,
  changed_by text collate "C" not null,
  changed_as text collate "C" not null,
  reason text collate "C",
  constraint period_changes_app_id_number_pk primary key (app_id, number),
  constraint period_changes_number_is_above_0_check check (number > 0),
  constraint period_changes_change_is_known_check check (change in ('close', 'reopen'))
);

comment on table pgledger.period_changes is
  'One row each time that books were closed or reopened. Rows never change.';
comment on column pgledger.period_changes.number is
  'Number of the change in its app, from 1 without a gap.';
comment on column pgledger.period_changes.changed_at is
  'When it was changed: later than the change before it.';
comment on column pgledger.period_changes.newest_at is
  'Newest time of the app''s accounts then, which may be ahead of the clock; null if it has none. '
  'Transfers that gave event_at and were made before the change are not later.';
comment on column pgledger.period_changes.from_until is
  'Until when the books were closed before, or null.';
comment on column pgledger.period_changes.to_until is
  'Until when they are closed since, or null.';
comment on column pgledger.period_changes.app_id is 'Set of books.';
comment on column pgledger.period_changes.change is 'What was done: close or reopen.';
comment on column pgledger.period_changes.changed_by is 'Who was logged in: session_user.';
comment on column pgledger.period_changes.changed_as is 'The setting role of that session.';
comment on column pgledger.period_changes.reason is 'Why, as given, or null.';

revoke all on table pgledger.period_changes from public;
grant select on table pgledger.period_changes to pgledger_auditor;

create type @extschema@.pgledger_period as (
  closed_until timestamptz,
  changed_at timestamptz,
  app_id text collate "C",
  replayed boolean
);

comment on type @extschema@.pgledger_period is 'Until when a set of books is closed.';
comment on column @extschema@.pgledger_period.closed_until is
  'No event_at before it is accepted; null if nothing is closed.';
comment on column @extschema@.pgledger_period.changed_at is
  'When that was last changed, or null.';
comment on column @extschema@.pgledger_period.app_id is
  'Set of books; the empty text where there is only one.';
comment on column @extschema@.pgledger_period.replayed is
  'Whether the call changed nothing, because the books were so already.';

revoke all on type @extschema@.pgledger_period from public;
grant usage on type @extschema@.pgledger_period to pgledger_reader;

drop function if exists pgledger.check_reversal(
  pgledger.accounts, pgledger.accounts, numeric, boolean
);
