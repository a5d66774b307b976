/*
The newest version of pgledger_account_changes_v1, under the name that stays.
*/
create or replace view @extschema@.pgledger_account_changes_view as
select
  newest.account_id,
  newest.number,
  newest.changed_at,
  newest.account_version,
  newest.change,
  newest.from_name,
  newest.to_name,
  newest.from_metadata,
  newest.to_metadata,
  newest.from_min_balance,
  newest.to_min_balance,
  newest.from_max_balance,
  newest.to_max_balance,
  newest.from_status,
  newest.to_status,
  newest.changed_by,
  newest.changed_as,
  newest.reason,
  newest.app_id,
  newest.tenant_id
from @extschema@.pgledger_account_changes_v1 as newest;

comment on view @extschema@.pgledger_account_changes_view is
  'Changes of accounts: today''s version, pgledger_account_changes_v1.';
comment on column @extschema@.pgledger_account_changes_view.account_id is
  'Account that was changed.';
comment on column @extschema@.pgledger_account_changes_view.number is
  'Number of the change on its account, from 1 without a gap.';
comment on column @extschema@.pgledger_account_changes_view.changed_at is
  'When it was changed: later than everything recorded before on the account.';
comment on column @extschema@.pgledger_account_changes_view.account_version is
  'Version of the account then: the entries up to it are from before the change.';
comment on column @extschema@.pgledger_account_changes_view.change is
  'What the change was; one of: update, set_limits, freeze, unfreeze, close, reopen.';
comment on column @extschema@.pgledger_account_changes_view.from_name is 'Name before.';
comment on column @extschema@.pgledger_account_changes_view.to_name is 'Name after.';
comment on column @extschema@.pgledger_account_changes_view.from_metadata is
  'Metadata before, or null.';
comment on column @extschema@.pgledger_account_changes_view.to_metadata is
  'Metadata after, or null.';
comment on column @extschema@.pgledger_account_changes_view.from_min_balance is
  'Lower limit before, or null.';
comment on column @extschema@.pgledger_account_changes_view.to_min_balance is
  'Lower limit after, or null.';
comment on column @extschema@.pgledger_account_changes_view.from_max_balance is
  'Upper limit before, or null.';
comment on column @extschema@.pgledger_account_changes_view.to_max_balance is
  'Upper limit after, or null.';
comment on column @extschema@.pgledger_account_changes_view.from_status is
  'Status before; one of: open, frozen_out, frozen_in, frozen_both, closed.';
comment on column @extschema@.pgledger_account_changes_view.to_status is
  'Status after; one of: open, frozen_out, frozen_in, frozen_both, closed.';
comment on column @extschema@.pgledger_account_changes_view.changed_by is
  'Who was logged in: session_user.';
comment on column @extschema@.pgledger_account_changes_view.changed_as is
  'The setting role of that session; none if it had not changed its role.';
comment on column @extschema@.pgledger_account_changes_view.reason is 'Why, as given, or null.';
comment on column @extschema@.pgledger_account_changes_view.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column @extschema@.pgledger_account_changes_view.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';

revoke all on table @extschema@.pgledger_account_changes_view from public;
grant select on table @extschema@.pgledger_account_changes_view to pgledger_reader;
