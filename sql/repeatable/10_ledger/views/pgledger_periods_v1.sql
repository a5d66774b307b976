/*
Closed periods as applications see them: each time that books were closed or reopened. Columns never
change; a change of shape is a new version.
*/
create or replace view @extschema@.pgledger_periods_v1 as
select
  period_changes.app_id,
  period_changes.number,
  period_changes.changed_at,
  period_changes.change,
  period_changes.from_until,
  period_changes.to_until,
  period_changes.number
  = max(period_changes.number) over (partition by period_changes.app_id) as in_force,
  period_changes.changed_by,
  period_changes.changed_as,
  period_changes.reason
from pgledger.period_changes;

comment on view @extschema@.pgledger_periods_v1 is
  'One row each time that books were closed or reopened. Where in_force is true, to_until is until '
  'when they are closed now.';
comment on column @extschema@.pgledger_periods_v1.app_id is
  'Set of books; the empty text where there is only one.';
comment on column @extschema@.pgledger_periods_v1.number is
  'Number of the change in its app, from 1 without a gap.';
comment on column @extschema@.pgledger_periods_v1.changed_at is
  'When it was changed: later than the change before it.';
comment on column @extschema@.pgledger_periods_v1.change is
  'What was done; one of: close, reopen.';
comment on column @extschema@.pgledger_periods_v1.from_until is
  'Until when the books were closed before, or null.';
comment on column @extschema@.pgledger_periods_v1.to_until is
  'Until when they are closed since, or null.';
comment on column @extschema@.pgledger_periods_v1.in_force is
  'Whether it is the newest change of its app, and so holds now.';
comment on column @extschema@.pgledger_periods_v1.changed_by is
  'Who was logged in: session_user.';
comment on column @extschema@.pgledger_periods_v1.changed_as is
  'The setting role of that session; none if it had not changed its role.';
comment on column @extschema@.pgledger_periods_v1.reason is 'Why, as given, or null.';

revoke all on table @extschema@.pgledger_periods_v1 from public;
grant select on table @extschema@.pgledger_periods_v1 to pgledger_reader;
