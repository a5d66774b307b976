/*
History from elsewhere. What is to be imported is first written into tables of its own, as it is
there, and emptied by the transaction that imports it. They are not logged: after a crash they are
empty, and nothing that was imported refers to them.

Rows have numbers only for messages, and so that a file's order is kept.
*/
create unlogged table pgledger.import_accounts (
  number bigint generated always as identity (minvalue 1 maxvalue 4294967295),
  created_at timestamptz,
  version bigint,
  balance numeric,
  min_balance numeric,
  max_balance numeric,
  allow_negative_balance boolean,
  allow_positive_balance boolean,
  id text collate "C",
  currency text collate "C",
  name text collate "C",
  tenant_id text collate "C",
  metadata jsonb,
  constraint import_accounts_number_pk primary key (number)
);

comment on table pgledger.import_accounts is
  'Accounts that are to be imported; empty otherwise.';
comment on column pgledger.import_accounts.number is 'Number of the row, in the order given.';
comment on column pgledger.import_accounts.created_at is 'When the account was recorded.';
comment on column pgledger.import_accounts.version is
  'Count of the account''s entries, to compare; null if it is not known.';
comment on column pgledger.import_accounts.balance is
  'Sum of the account''s entries, to compare; null if it is not known.';
comment on column pgledger.import_accounts.min_balance is 'Lower limit, or null.';
comment on column pgledger.import_accounts.max_balance is 'Upper limit, or null.';
comment on column pgledger.import_accounts.allow_negative_balance is
  'False for a lower limit of 0; null for true.';
comment on column pgledger.import_accounts.allow_positive_balance is
  'False for an upper limit of 0; null for true.';
comment on column pgledger.import_accounts.id is 'Public id: pgla_ and a ULID.';
comment on column pgledger.import_accounts.currency is 'Unit of the balance.';
comment on column pgledger.import_accounts.name is 'Name for people.';
comment on column pgledger.import_accounts.tenant_id is
  'Tenant whose account it is; null for none.';
comment on column pgledger.import_accounts.metadata is 'JSON object, or null.';

revoke all on table pgledger.import_accounts from public;
grant select on table pgledger.import_accounts to pgledger_auditor;

create unlogged table pgledger.import_transfers (
  number bigint generated always as identity (minvalue 1 maxvalue 4294967295),
  created_at timestamptz,
  event_at timestamptz,
  amount numeric,
  id text collate "C",
  from_account_id text collate "C",
  to_account_id text collate "C",
  group_id text collate "C",
  metadata jsonb,
  constraint import_transfers_number_pk primary key (number)
);

comment on table pgledger.import_transfers is
  'Transfers that are to be imported; empty otherwise.';
comment on column pgledger.import_transfers.number is 'Number of the row, in the order given.';
comment on column pgledger.import_transfers.created_at is 'When the transfer was recorded.';
comment on column pgledger.import_transfers.event_at is
  'When it happened in the world; null for when it was recorded.';
comment on column pgledger.import_transfers.amount is 'What moved, in units of the currency.';
comment on column pgledger.import_transfers.id is 'Public id: pglt_ and a ULID.';
comment on column pgledger.import_transfers.from_account_id is 'Account that the amount left.';
comment on column pgledger.import_transfers.to_account_id is 'Account that the amount reached.';
comment on column pgledger.import_transfers.group_id is
  'Name that joins the transfers of one call, or null.';
comment on column pgledger.import_transfers.metadata is 'JSON object, or null.';

revoke all on table pgledger.import_transfers from public;
grant select on table pgledger.import_transfers to pgledger_auditor;

create unlogged table pgledger.import_entries (
  number bigint generated always as identity (minvalue 1 maxvalue 4294967295),
  account_version bigint,
  amount numeric,
  account_previous_balance numeric,
  account_current_balance numeric,
  id text collate "C",
  account_id text collate "C",
  transfer_id text collate "C",
  constraint import_entries_number_pk primary key (number)
);

comment on table pgledger.import_entries is
  'Entries of the transfers that are to be imported, if there are any; empty otherwise. They say '
  'in which order the transfers of an account were made.';
comment on column pgledger.import_entries.number is 'Number of the row, in the order given.';
comment on column pgledger.import_entries.account_version is
  'Number of the entry on its account, from 1 without a gap.';
comment on column pgledger.import_entries.amount is
  'What the entry added to the balance: negative on the account that the amount left.';
comment on column pgledger.import_entries.account_previous_balance is
  'Balance of the account right before the entry; null if it is not known.';
comment on column pgledger.import_entries.account_current_balance is
  'Balance of the account right after the entry; null if it is not known.';
comment on column pgledger.import_entries.id is 'Id of the entry where it comes from.';
comment on column pgledger.import_entries.account_id is 'Account that the entry belongs to.';
comment on column pgledger.import_entries.transfer_id is 'Transfer that the entry is one leg of.';

revoke all on table pgledger.import_entries from public;
grant select on table pgledger.import_entries to pgledger_auditor;

-- What the import works out on its way.
create unlogged table pgledger.import_legs (
  transfer_number bigint not null,
  account_number bigint not null,
  version bigint not null,
  place bigint not null,
  next_transfer_number bigint,
  earliest_at timestamptz not null,
  is_to boolean not null,
  amount numeric not null,
  balance numeric not null,
  given_previous_balance numeric,
  given_balance numeric,
  entry_id text collate "C",
  constraint import_legs_account_number_place_pk primary key (account_number, place)
);

comment on table pgledger.import_legs is
  'Both legs of each transfer that is imported, with what the import works out; empty otherwise.';
comment on column pgledger.import_legs.transfer_number is 'Number of the transfer.';
comment on column pgledger.import_legs.account_number is 'Number of the account.';
comment on column pgledger.import_legs.version is
  'Version of the account right after the transfer.';
comment on column pgledger.import_legs.place is
  'Place among the legs of the account; another one than its version is a fault.';
comment on column pgledger.import_legs.next_transfer_number is
  'Transfer that comes next on the account, or null.';
comment on column pgledger.import_legs.earliest_at is
  'The transfer''s created_at, or what is just later than the account''s, if that is later.';
comment on column pgledger.import_legs.is_to is 'Whether the account is the one that it reached.';
comment on column pgledger.import_legs.amount is
  'What the leg adds to the balance: negative on the account that the amount left.';
comment on column pgledger.import_legs.balance is
  'Balance of the account right after the transfer: the sum of its legs up to this one.';
comment on column pgledger.import_legs.given_previous_balance is
  'The balance before it that the entry says, or null.';
comment on column pgledger.import_legs.given_balance is
  'The balance after it that the entry says, or null.';
comment on column pgledger.import_legs.entry_id is 'Id of the entry, or null.';

revoke all on table pgledger.import_legs from public;
grant select on table pgledger.import_legs to pgledger_auditor;

create unlogged table pgledger.import_times (
  transfer_number bigint not null,
  recorded_at timestamptz not null,
  constraint import_times_transfer_number_pk primary key (transfer_number)
);

comment on table pgledger.import_times is
  'The created_at that each transfer gets which is imported; empty otherwise.';
comment on column pgledger.import_times.transfer_number is 'Number of the transfer.';
comment on column pgledger.import_times.recorded_at is
  'Its own created_at, or, where that is not later than what was before on an account, the next '
  'microsecond.';

revoke all on table pgledger.import_times from public;
grant select on table pgledger.import_times to pgledger_auditor;

create table pgledger.imported_entries (
  account_key bigint not null,
  account_version bigint not null,
  id text collate "C" not null,
  constraint imported_entries_id_pk primary key (id)
);

comment on table pgledger.imported_entries is
  'One row for each entry that was imported with its id, which is another one here.';
comment on column pgledger.imported_entries.account_key is 'Account of the entry.';
comment on column pgledger.imported_entries.account_version is
  'Number of the entry on its account.';
comment on column pgledger.imported_entries.id is 'Id of the entry where it came from.';

revoke all on table pgledger.imported_entries from public;
grant select on table pgledger.imported_entries to pgledger_auditor;

create table pgledger.imported_times (
  created_at timestamptz not null,
  transfer_id text collate "C" not null,
  constraint imported_times_transfer_id_pk primary key (transfer_id)
);

comment on table pgledger.imported_times is
  'One row for each transfer that was imported with a later created_at than it had.';
comment on column pgledger.imported_times.created_at is 'Its created_at where it came from.';
comment on column pgledger.imported_times.transfer_id is 'The transfer.';

revoke all on table pgledger.imported_times from public;
grant select on table pgledger.imported_times to pgledger_auditor;

create type @extschema@.pgledger_import_fault as (
  kind text collate "C",
  row_number bigint,
  id text collate "C",
  reason text
);

comment on type @extschema@.pgledger_import_fault is 'Why a row cannot be imported.';
comment on column @extschema@.pgledger_import_fault.kind is
  'What the row is; one of: account, transfer, entry.';
comment on column @extschema@.pgledger_import_fault.row_number is
  'Which row it is, counted from 1 in the order in which they were given.';
comment on column @extschema@.pgledger_import_fault.id is 'Its id, as given, or null.';
comment on column @extschema@.pgledger_import_fault.reason is 'What is wrong with it, in words.';

revoke all on type @extschema@.pgledger_import_fault from public;
grant usage on type @extschema@.pgledger_import_fault to pgledger_reader;

create type @extschema@.pgledger_import_result as (
  accounts bigint,
  transfers bigint,
  entry_ids bigint,
  lifted_times bigint,
  later_limits bigint
);

comment on type @extschema@.pgledger_import_result is 'What an import has brought.';
comment on column @extschema@.pgledger_import_result.accounts is 'How many accounts.';
comment on column @extschema@.pgledger_import_result.transfers is 'How many transfers.';
comment on column @extschema@.pgledger_import_result.entry_ids is
  'How many entries had an id, which is another one here.';
comment on column @extschema@.pgledger_import_result.lifted_times is
  'How many of the transfers have a later created_at than they had.';
comment on column @extschema@.pgledger_import_result.later_limits is
  'How many of the accounts have limits that their history broke: these are in force from now on.';

revoke all on type @extschema@.pgledger_import_result from public;
grant usage on type @extschema@.pgledger_import_result to pgledger_reader;

create table pgledger.earlier_names (
  schema_name name collate "C" not null,
  sha256 text collate "C" not null,
  applied_at timestamptz not null,
  constraint earlier_names_schema_name_pk primary key (schema_name)
);

comment on table pgledger.earlier_names is
  'The schema in which `pgledger migrate --compat` has made the earlier project''s names, if '
  'any.';
comment on column pgledger.earlier_names.schema_name is 'Name of the schema.';
comment on column pgledger.earlier_names.sha256 is
  'SHA-256 of what was run there, 64 lower-case hexadecimal digits.';
comment on column pgledger.earlier_names.applied_at is 'When it was last run.';

revoke all on table pgledger.earlier_names from public;
grant select on table pgledger.earlier_names to pgledger_auditor;
