/*
What the ledger's functions take and return. Results are types of their own and not rows of views.
So functions need no view, and a result may have columns that a view cannot have. New columns are
only added at the end of a type.
*/
-- This type keeps its three attributes for ever: callers write plain rows, which match them by
-- position.
create type @extschema@.pgledger_transfer_request as (
  from_account_id text,
  to_account_id text,
  amount numeric
);

comment on type @extschema@.pgledger_transfer_request is
  'One transfer to make: (from_account_id, to_account_id, amount). '
  'Written as a plain row: (''pgla_...'', ''pgla_...'', 12.34).';
comment on column @extschema@.pgledger_transfer_request.from_account_id is
  'Account that the amount leaves.';
comment on column @extschema@.pgledger_transfer_request.to_account_id is
  'Account that the amount reaches.';
comment on column @extschema@.pgledger_transfer_request.amount is
  'What to move, in units of the currency.';

revoke all on type @extschema@.pgledger_transfer_request from public;
grant usage on type @extschema@.pgledger_transfer_request to pgledger_reader;

create type @extschema@.pgledger_account as (
  id text collate "C",
  name text collate "C",
  currency text collate "C",
  balance numeric,
  version bigint,
  allow_negative_balance boolean,
  allow_positive_balance boolean,
  metadata jsonb,
  created_at timestamptz,
  updated_at timestamptz,
  app_id text collate "C",
  tenant_id text collate "C",
  replayed boolean
);

comment on type @extschema@.pgledger_account is 'An account as it stands.';
comment on column @extschema@.pgledger_account.id is 'Public id: pgla_ and a ULID.';
comment on column @extschema@.pgledger_account.name is
  'Name for people, 1 to 255 characters, as given.';
comment on column @extschema@.pgledger_account.currency is
  'Unit of the balance: 1 to 32 visible characters, for example USD.';
comment on column @extschema@.pgledger_account.balance is
  'Sum of the account''s entries, in units of its currency, with at most 18 decimal places.';
comment on column @extschema@.pgledger_account.version is
  'Count of the account''s entries, whose versions run from 1 to this without a gap.';
comment on column @extschema@.pgledger_account.allow_negative_balance is
  'Whether a transfer may leave the balance below zero.';
comment on column @extschema@.pgledger_account.allow_positive_balance is
  'Whether a transfer may leave the balance above zero.';
comment on column @extschema@.pgledger_account.metadata is
  'JSON object given at creation, or null.';
comment on column @extschema@.pgledger_account.created_at is 'When the account was recorded.';
comment on column @extschema@.pgledger_account.updated_at is
  'created_at of the newest transfer; before the first one, of the account itself.';
comment on column @extschema@.pgledger_account.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column @extschema@.pgledger_account.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';
comment on column @extschema@.pgledger_account.replayed is
  'Whether the call was a repeat, and this is what the first one made; null for what was only '
  'read.';

revoke all on type @extschema@.pgledger_account from public;
grant usage on type @extschema@.pgledger_account to pgledger_reader;

create type @extschema@.pgledger_transfer as (
  id text collate "C",
  from_account_id text collate "C",
  to_account_id text collate "C",
  amount numeric,
  created_at timestamptz,
  event_at timestamptz,
  metadata jsonb,
  currency text collate "C",
  from_account_name text collate "C",
  to_account_name text collate "C",
  from_account_balance numeric,
  to_account_balance numeric,
  from_account_version bigint,
  to_account_version bigint,
  group_id text collate "C",
  app_id text collate "C",
  from_tenant_id text collate "C",
  to_tenant_id text collate "C",
  origin_id text collate "C",
  replayed boolean
);

comment on type @extschema@.pgledger_transfer is
  'A transfer: an amount that left one account and reached another, in one currency.';
comment on column @extschema@.pgledger_transfer.id is 'Public id: pglt_ and a ULID.';
comment on column @extschema@.pgledger_transfer.from_account_id is 'Account that the amount left.';
comment on column @extschema@.pgledger_transfer.to_account_id is 'Account that the amount reached.';
comment on column @extschema@.pgledger_transfer.amount is
  'What moved, in units of the currency: above 0, below 1e30, at most 18 decimal places.';
comment on column @extschema@.pgledger_transfer.created_at is
  'When it was recorded: later than everything recorded before on either account.';
comment on column @extschema@.pgledger_transfer.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column @extschema@.pgledger_transfer.metadata is
  'JSON object given at creation, or null.';
comment on column @extschema@.pgledger_transfer.currency is 'Currency of both accounts.';
comment on column @extschema@.pgledger_transfer.from_account_name is
  'Name of the account that the amount left.';
comment on column @extschema@.pgledger_transfer.to_account_name is
  'Name of the account that the amount reached.';
comment on column @extschema@.pgledger_transfer.from_account_balance is
  'Balance of the account that the amount left, right after the transfer.';
comment on column @extschema@.pgledger_transfer.to_account_balance is
  'Balance of the account that the amount reached, right after the transfer.';
comment on column @extschema@.pgledger_transfer.from_account_version is
  'Version of the account that the amount left, right after the transfer.';
comment on column @extschema@.pgledger_transfer.to_account_version is
  'Version of the account that the amount reached, right after the transfer.';
comment on column @extschema@.pgledger_transfer.group_id is
  'Name that joins the transfers of one call, for example an order''s number, or null.';
comment on column @extschema@.pgledger_transfer.app_id is
  'Set of books that both accounts belong to; the empty text where there is only one.';
comment on column @extschema@.pgledger_transfer.from_tenant_id is
  'Tenant of the account that the amount left.';
comment on column @extschema@.pgledger_transfer.to_tenant_id is
  'Tenant of the account that the amount reached.';
comment on column @extschema@.pgledger_transfer.origin_id is
  'Hold that it posts (pglh_) or transfer that it reverses (pglt_), or null.';
comment on column @extschema@.pgledger_transfer.replayed is
  'Whether the call was a repeat, and this is what the first one made; null for what was only '
  'read.';

revoke all on type @extschema@.pgledger_transfer from public;
grant usage on type @extschema@.pgledger_transfer to pgledger_reader;

create type @extschema@.pgledger_entry as (
  id text collate "C",
  account_id text collate "C",
  transfer_id text collate "C",
  amount numeric,
  account_previous_balance numeric,
  account_current_balance numeric,
  account_version bigint,
  created_at timestamptz,
  event_at timestamptz,
  metadata jsonb,
  account_name text collate "C",
  currency text collate "C",
  app_id text collate "C",
  tenant_id text collate "C"
);

comment on type @extschema@.pgledger_entry is 'An entry: one account''s side of a transfer.';
comment on column @extschema@.pgledger_entry.id is
  'Public id: pgle_ and a ULID; ascends along the account.';
comment on column @extschema@.pgledger_entry.account_id is 'Account that the entry belongs to.';
comment on column @extschema@.pgledger_entry.transfer_id is
  'Transfer that the entry is one leg of.';
comment on column @extschema@.pgledger_entry.amount is
  'What the entry adds to the balance: negative on the account that the amount left.';
comment on column @extschema@.pgledger_entry.account_previous_balance is
  'Balance of the account right before the entry.';
comment on column @extschema@.pgledger_entry.account_current_balance is
  'Balance of the account right after the entry.';
comment on column @extschema@.pgledger_entry.account_version is
  'Number of the entry on its account, from 1 without a gap.';
comment on column @extschema@.pgledger_entry.created_at is
  'When the transfer was recorded; ascends along the account.';
comment on column @extschema@.pgledger_entry.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column @extschema@.pgledger_entry.metadata is
  'JSON object given with the transfer, or null.';
comment on column @extschema@.pgledger_entry.account_name is 'Name of the account.';
comment on column @extschema@.pgledger_entry.currency is 'Currency of the account.';
comment on column @extschema@.pgledger_entry.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column @extschema@.pgledger_entry.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';

revoke all on type @extschema@.pgledger_entry from public;
grant usage on type @extschema@.pgledger_entry to pgledger_reader;

create type @extschema@.pgledger_check as (
  check_name text collate "C",
  rows_checked bigint,
  violations bigint,
  example text collate "C"
);

comment on type @extschema@.pgledger_check is 'Outcome of one check of the books.';
comment on column @extschema@.pgledger_check.check_name is 'Which rule was checked.';
comment on column @extschema@.pgledger_check.rows_checked is 'How many rows were checked.';
comment on column @extschema@.pgledger_check.violations is 'How many of these rows break the rule.';
comment on column @extschema@.pgledger_check.example is
  'One row that breaks it, in words, or null.';

revoke all on type @extschema@.pgledger_check from public;
grant usage on type @extschema@.pgledger_check to pgledger_reader;

create type @extschema@.pgledger_transfer_outcome as (
  request_index bigint,
  status text collate "C",
  id text collate "C",
  error text collate "C",
  error_name text collate "C",
  reason text,
  created_at timestamptz,
  from_account_balance numeric,
  to_account_balance numeric,
  from_account_version bigint,
  to_account_version bigint
);

comment on type @extschema@.pgledger_transfer_outcome is
  'What became of one request of a batch whose requests succeed or fail each by itself.';
comment on column @extschema@.pgledger_transfer_outcome.request_index is
  'Which request of the batch this is about, from 1.';
comment on column @extschema@.pgledger_transfer_outcome.status is
  'What became of it; one of: posted, replayed, failed.';
comment on column @extschema@.pgledger_transfer_outcome.id is
  'Public id of the transfer, pglt_ and a ULID; null for a failed one.';
comment on column @extschema@.pgledger_transfer_outcome.error is
  'SQLSTATE of the error of a failed request, or null.';
comment on column @extschema@.pgledger_transfer_outcome.error_name is
  'Name of that error, as pgledger_errors_v1 has it, or null.';
comment on column @extschema@.pgledger_transfer_outcome.reason is
  'What is wrong, in words, or null.';
comment on column @extschema@.pgledger_transfer_outcome.created_at is
  'When the transfer was recorded, or null.';
comment on column @extschema@.pgledger_transfer_outcome.from_account_balance is
  'Balance of the account that the amount left, right after the transfer, or null.';
comment on column @extschema@.pgledger_transfer_outcome.to_account_balance is
  'Balance of the account that the amount reached, right after the transfer, or null.';
comment on column @extschema@.pgledger_transfer_outcome.from_account_version is
  'Version of the account that the amount left, right after the transfer, or null.';
comment on column @extschema@.pgledger_transfer_outcome.to_account_version is
  'Version of the account that the amount reached, right after the transfer, or null.';

revoke all on type @extschema@.pgledger_transfer_outcome from public;
grant usage on type @extschema@.pgledger_transfer_outcome to pgledger_reader;

create type @extschema@.pgledger_hold as (
  id text collate "C",
  from_account_id text collate "C",
  to_account_id text collate "C",
  amount numeric,
  posted_amount numeric,
  status text collate "C",
  created_at timestamptz,
  event_at timestamptz,
  expires_at timestamptz,
  ended_at timestamptz,
  metadata jsonb,
  currency text collate "C",
  from_account_name text collate "C",
  to_account_name text collate "C",
  group_id text collate "C",
  app_id text collate "C",
  from_tenant_id text collate "C",
  to_tenant_id text collate "C",
  replayed boolean
);

comment on type @extschema@.pgledger_hold is
  'An amount that is kept back on one account for another until it is posted or voided, or '
  'expires.';
comment on column @extschema@.pgledger_hold.id is 'Public id: pglh_ and a ULID.';
comment on column @extschema@.pgledger_hold.from_account_id is
  'Account that the amount is to leave.';
comment on column @extschema@.pgledger_hold.to_account_id is 'Account that the amount is to reach.';
comment on column @extschema@.pgledger_hold.amount is 'What is held, above zero.';
comment on column @extschema@.pgledger_hold.posted_amount is
  'How much of it has been posted so far.';
comment on column @extschema@.pgledger_hold.status is
  'State; every state but pending is final; one of: pending, posted, voided, expired.';
comment on column @extschema@.pgledger_hold.created_at is 'When it was recorded.';
comment on column @extschema@.pgledger_hold.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column @extschema@.pgledger_hold.expires_at is
  'When it expires, unless it was posted or voided before, or null.';
comment on column @extschema@.pgledger_hold.ended_at is
  'When it was posted, voided or expired, or null.';
comment on column @extschema@.pgledger_hold.metadata is 'JSON object given at creation, or null.';
comment on column @extschema@.pgledger_hold.currency is 'Currency of both accounts.';
comment on column @extschema@.pgledger_hold.from_account_name is
  'Name of the account that the amount is to leave.';
comment on column @extschema@.pgledger_hold.to_account_name is
  'Name of the account that the amount is to reach.';
comment on column @extschema@.pgledger_hold.group_id is
  'Name that joins the holds of one call, or null.';
comment on column @extschema@.pgledger_hold.app_id is
  'Set of books that both accounts belong to; the empty text where there is only one.';
comment on column @extschema@.pgledger_hold.from_tenant_id is
  'Tenant of the account that the amount is to leave.';
comment on column @extschema@.pgledger_hold.to_tenant_id is
  'Tenant of the account that the amount is to reach.';
comment on column @extschema@.pgledger_hold.replayed is
  'Whether the call was a repeat, and this is what the first one made; null for what was only '
  'read.';

revoke all on type @extschema@.pgledger_hold from public;
grant usage on type @extschema@.pgledger_hold to pgledger_reader;
