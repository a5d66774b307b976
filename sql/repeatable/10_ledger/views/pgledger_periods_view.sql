/*
The newest version of pgledger_periods_v1, under the name that stays.
*/
create or replace view @extschema@.pgledger_periods_view as
select
  newest.app_id,
  newest.number,
  newest.changed_at,
  newest.change,
  newest.from_until,
  newest.to_until,
  newest.in_force,
  newest.changed_by,
  newest.changed_as,
  newest.reason
from @extschema@.pgledger_periods_v1 as newest;

comment on view @extschema@.pgledger_periods_view is
  'Closed periods and how they came about: today''s version, pgledger_periods_v1.';
comment on column @extschema@.pgledger_periods_view.app_id is
  'Set of books; the empty text where there is only one.';
comment on column @extschema@.pgledger_periods_view.number is
  'Number of the change in its app, from 1 without a gap.';
comment on column @extschema@.pgledger_periods_view.changed_at is
  'When it was changed: later than the change before it.';
comment on column @extschema@.pgledger_periods_view.change is
  'What was done; one of: close, reopen.';
comment on column @extschema@.pgledger_periods_view.from_until is
  'Until when the books were closed before, or null.';
comment on column @extschema@.pgledger_periods_view.to_until is
  'Until when they are closed since, or null.';
comment on column @extschema@.pgledger_periods_view.in_force is
  'Whether it is the newest change of its app, and so holds now.';
comment on column @extschema@.pgledger_periods_view.changed_by is
  'Who was logged in: session_user.';
comment on column @extschema@.pgledger_periods_view.changed_as is
  'The setting role of that session; none if it had not changed its role.';
comment on column @extschema@.pgledger_periods_view.reason is 'Why, as given, or null.';

revoke all on table @extschema@.pgledger_periods_view from public;
grant select on table @extschema@.pgledger_periods_view to pgledger_reader;
