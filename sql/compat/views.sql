/*
The earlier project's tables and views, as views of the set of books without a name. They have its
columns in its order, so that code which declares rows of them and selects all of them works. What
wrote to its tables has no place here: nobody writes past the functions.

Their columns are those of pgledger's first versions of views, which stay. So no upgrade changes
what functions and views of users are made of.

Run by `pgledger migrate --compat`, and by each later migration that finds another file.
*/

create or replace view @compat@.pgledger_accounts as
select
  given.id,
  given.name,
  given.currency,
  given.balance,
  given.version,
  given.allow_negative_balance,
  given.allow_positive_balance,
  given.metadata,
  given.created_at,
  given.updated_at
from @extschema@.pgledger_accounts_v1 as given
where given.app_id = '';

comment on view @compat@.pgledger_accounts is
  'Accounts, with the columns that the earlier project''s table has.';

revoke all on table @compat@.pgledger_accounts from public;
grant select on table @compat@.pgledger_accounts to pgledger_reader;

create or replace view @compat@.pgledger_accounts_view as
select
  given.id,
  given.name,
  given.currency,
  given.balance,
  given.version,
  given.allow_negative_balance,
  given.allow_positive_balance,
  given.metadata,
  given.created_at,
  given.updated_at
from @extschema@.pgledger_accounts_v1 as given
where given.app_id = '';

comment on view @compat@.pgledger_accounts_view is
  'Accounts, with the columns that the earlier project''s view has.';

revoke all on table @compat@.pgledger_accounts_view from public;
grant select on table @compat@.pgledger_accounts_view to pgledger_reader;

create or replace view @compat@.pgledger_transfers as
select
  given.id,
  given.from_account_id,
  given.to_account_id,
  given.amount,
  given.created_at,
  given.event_at,
  given.metadata
from @extschema@.pgledger_transfers_v1 as given
where given.app_id = '';

comment on view @compat@.pgledger_transfers is
  'Transfers, with the columns that the earlier project''s table has.';

revoke all on table @compat@.pgledger_transfers from public;
grant select on table @compat@.pgledger_transfers to pgledger_reader;

create or replace view @compat@.pgledger_transfers_view as
select
  given.id,
  given.from_account_id,
  given.to_account_id,
  given.amount,
  given.created_at,
  given.event_at,
  given.metadata
from @extschema@.pgledger_transfers_v1 as given
where given.app_id = '';

comment on view @compat@.pgledger_transfers_view is
  'Transfers, with the columns that the earlier project''s view has.';

revoke all on table @compat@.pgledger_transfers_view from public;
grant select on table @compat@.pgledger_transfers_view to pgledger_reader;

create or replace view @compat@.pgledger_entries as
select
  given.id,
  given.account_id,
  given.transfer_id,
  given.amount,
  given.account_previous_balance,
  given.account_current_balance,
  given.account_version,
  given.created_at
from @extschema@.pgledger_entries_v1 as given
where given.app_id = '';

comment on view @compat@.pgledger_entries is
  'Entries, with the columns that the earlier project''s table has.';

revoke all on table @compat@.pgledger_entries from public;
grant select on table @compat@.pgledger_entries to pgledger_reader;

create or replace view @compat@.pgledger_entries_view as
select
  given.id,
  given.account_id,
  given.transfer_id,
  given.amount,
  given.account_previous_balance,
  given.account_current_balance,
  given.account_version,
  given.created_at,
  given.event_at,
  given.metadata
from @extschema@.pgledger_entries_v1 as given
where given.app_id = '';

comment on view @compat@.pgledger_entries_view is
  'Entries, with the columns that the earlier project''s view has.';

revoke all on table @compat@.pgledger_entries_view from public;
grant select on table @compat@.pgledger_entries_view to pgledger_reader;
