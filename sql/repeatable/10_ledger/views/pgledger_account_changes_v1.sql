/*
Changes of accounts as applications see them. Columns never change; a change of shape is a new
version.
*/
create or replace view @extschema@.pgledger_account_changes_v1 as
select
  accounts.id as account_id,
  account_changes.number,
  account_changes.changed_at,
  account_changes.version as account_version,
  account_changes.change,
  account_changes.from_name,
  account_changes.to_name,
  account_changes.from_metadata,
  account_changes.to_metadata,
  account_changes.from_min_balance,
  account_changes.to_min_balance,
  account_changes.from_max_balance,
  account_changes.to_max_balance,
  pgledger.account_status(account_changes.from_status) as from_status,
  pgledger.account_status(account_changes.to_status) as to_status,
  account_changes.changed_by,
  account_changes.changed_as,
  account_changes.reason,
  accounts.app_id,
  accounts.tenant_id
from pgledger.account_changes
inner join pgledger.accounts on account_changes.account_key = accounts.key;

comment on view @extschema@.pgledger_account_changes_v1 is
  'One row for each change of an account, with what it was before and after.';
comment on column @extschema@.pgledger_account_changes_v1.account_id is
  'Account that was changed.';
comment on column @extschema@.pgledger_account_changes_v1.number is
  'Number of the change on its account, from 1 without a gap.';
comment on column @extschema@.pgledger_account_changes_v1.changed_at is
  'When it was changed: later than everything recorded before on the account.';
comment on column @extschema@.pgledger_account_changes_v1.account_version is
  'Version of the account then: the entries up to it are from before the change.';
comment on column @extschema@.pgledger_account_changes_v1.change is
  'What the change was; one of: update, set_limits, freeze, unfreeze, close, reopen.';
comment on column @extschema@.pgledger_account_changes_v1.from_name is 'Name before.';
comment on column @extschema@.pgledger_account_changes_v1.to_name is 'Name after.';
comment on column @extschema@.pgledger_account_changes_v1.from_metadata is
  'Metadata before, or null.';
comment on column @extschema@.pgledger_account_changes_v1.to_metadata is
  'Metadata after, or null.';
comment on column @extschema@.pgledger_account_changes_v1.from_min_balance is
  'Lower limit before, or null.';
comment on column @extschema@.pgledger_account_changes_v1.to_min_balance is
  'Lower limit after, or null.';
comment on column @extschema@.pgledger_account_changes_v1.from_max_balance is
  'Upper limit before, or null.';
comment on column @extschema@.pgledger_account_changes_v1.to_max_balance is
  'Upper limit after, or null.';
comment on column @extschema@.pgledger_account_changes_v1.from_status is
  'Status before; one of: open, frozen_out, frozen_in, frozen_both, closed.';
comment on column @extschema@.pgledger_account_changes_v1.to_status is
  'Status after; one of: open, frozen_out, frozen_in, frozen_both, closed.';
comment on column @extschema@.pgledger_account_changes_v1.changed_by is
  'Who was logged in: session_user.';
comment on column @extschema@.pgledger_account_changes_v1.changed_as is
  'The setting role of that session; none if it had not changed its role.';
comment on column @extschema@.pgledger_account_changes_v1.reason is 'Why, as given, or null.';
comment on column @extschema@.pgledger_account_changes_v1.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column @extschema@.pgledger_account_changes_v1.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';

revoke all on table @extschema@.pgledger_account_changes_v1 from public;
grant select on table @extschema@.pgledger_account_changes_v1 to pgledger_reader;
