/*
Entries as applications see them: the two legs of each transfer.

A page of an account's newest entries is pgledger_account_entries: here, sorting means reading the
whole account first.
*/
create or replace view @extschema@.pgledger_entries_v1 as
select
  pgledger.entry_id(transfers.created_at, transfers.from_key, transfers.from_version)
  collate "C" as id,
  accounts.id as account_id,
  transfers.id as transfer_id,
  -transfers.amount as amount,
  transfers.from_balance + transfers.amount as account_previous_balance,
  transfers.from_balance as account_current_balance,
  transfers.from_version as account_version,
  transfers.created_at,
  coalesce(transfers.event_at, transfers.created_at) as event_at,
  transfers.metadata,
  accounts.name as account_name,
  accounts.currency,
  accounts.app_id,
  accounts.tenant_id
from pgledger.transfers
inner join pgledger.accounts on transfers.from_key = accounts.key
union all
select
  pgledger.entry_id(transfers.created_at, transfers.to_key, transfers.to_version)
  collate "C" as id,
  accounts.id as account_id,
  transfers.id as transfer_id,
  transfers.amount,
  transfers.to_balance - transfers.amount as account_previous_balance,
  transfers.to_balance as account_current_balance,
  transfers.to_version as account_version,
  transfers.created_at,
  coalesce(transfers.event_at, transfers.created_at) as event_at,
  transfers.metadata,
  accounts.name as account_name,
  accounts.currency,
  accounts.app_id,
  accounts.tenant_id
from pgledger.transfers
inner join pgledger.accounts on transfers.to_key = accounts.key;

comment on view @extschema@.pgledger_entries_v1 is
  'One row an entry: two for each transfer, one on each of its accounts. '
  'For pages of one account''s entries use pgledger_account_entries.';
comment on column @extschema@.pgledger_entries_v1.id is
  'Public id: pgle_ and a ULID; ascends along the account.';
comment on column @extschema@.pgledger_entries_v1.account_id is
  'Account that the entry belongs to.';
comment on column @extschema@.pgledger_entries_v1.transfer_id is
  'Transfer that the entry is one leg of.';
comment on column @extschema@.pgledger_entries_v1.amount is
  'What the entry adds to the balance: negative on the account that the amount left.';
comment on column @extschema@.pgledger_entries_v1.account_previous_balance is
  'Balance of the account right before the entry.';
comment on column @extschema@.pgledger_entries_v1.account_current_balance is
  'Balance of the account right after the entry.';
comment on column @extschema@.pgledger_entries_v1.account_version is
  'Number of the entry on its account, from 1 without a gap.';
comment on column @extschema@.pgledger_entries_v1.created_at is
  'When the transfer was recorded; ascends along the account.';
comment on column @extschema@.pgledger_entries_v1.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column @extschema@.pgledger_entries_v1.metadata is
  'JSON object given with the transfer, or null.';
comment on column @extschema@.pgledger_entries_v1.account_name is 'Name of the account.';
comment on column @extschema@.pgledger_entries_v1.currency is 'Currency of the account.';
comment on column @extschema@.pgledger_entries_v1.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column @extschema@.pgledger_entries_v1.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';

revoke all on table @extschema@.pgledger_entries_v1 from public;
grant select on table @extschema@.pgledger_entries_v1 to pgledger_reader;
