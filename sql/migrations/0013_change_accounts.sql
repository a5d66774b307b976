/*
What changed an account, row by row. Each row holds the whole of what can change, before and after:
so an account's first row says how it was created, and every row can be checked against the one
before it. Changes are rare beside transfers, and a long metadata is compressed.

There is no foreign key to accounts, for the reason given for accepted times.
*/
create table pgledger.account_changes (
  account_key bigint not null,
  number bigint not null,
  changed_at timestamptz not null,
  version bigint not null,
  from_status smallint not null,
  to_status smallint not null,
  change text collate "C" not null,
  from_min_balance numeric,
  to_min_balance numeric,
  from_max_balance numeric,
  to_max_balance numeric,
  from_name text collate "C" not null,
  to_name text collate "C" not null,
  from_metadata jsonb,
  to_metadata jsonb,
  changed_by text collate "C" not null,
  changed_as text collate "C" not null,
  reason text collate "C",
  constraint account_changes_account_key_number_pk primary key (account_key, number),
  constraint account_changes_number_is_above_0_check check (number > 0),
  constraint account_changes_change_is_known_check
  check (change in ('update', 'set_limits', 'freeze', 'unfreeze', 'close', 'reopen'))
);

comment on table pgledger.account_changes is
  'One row for each change of an account, with what it was before and after. Rows never change.';
comment on column pgledger.account_changes.account_key is 'Account that was changed.';
comment on column pgledger.account_changes.number is
  'Number of the change on its account, from 1 without a gap.';
comment on column pgledger.account_changes.changed_at is
  'When it was changed: later than everything recorded before on the account.';
comment on column pgledger.account_changes.version is
  'Version of the account then: it counts the entries from before the change.';
comment on column pgledger.account_changes.from_status is
  'Status before, a number as in accounts.';
comment on column pgledger.account_changes.to_status is 'Status after.';
comment on column pgledger.account_changes.change is 'What the change was.';
comment on column pgledger.account_changes.from_min_balance is
  'Lower limit before, or null.';
comment on column pgledger.account_changes.to_min_balance is 'Lower limit after, or null.';
comment on column pgledger.account_changes.from_max_balance is
  'Upper limit before, or null.';
comment on column pgledger.account_changes.to_max_balance is 'Upper limit after, or null.';
comment on column pgledger.account_changes.from_name is 'Name before.';
comment on column pgledger.account_changes.to_name is 'Name after.';
comment on column pgledger.account_changes.from_metadata is 'Metadata before, or null.';
comment on column pgledger.account_changes.to_metadata is 'Metadata after, or null.';
comment on column pgledger.account_changes.changed_by is 'Who was logged in: session_user.';
comment on column pgledger.account_changes.changed_as is 'The setting role of that session.';
comment on column pgledger.account_changes.reason is 'Why, as given, or null.';

revoke all on table pgledger.account_changes from public;
grant select on table pgledger.account_changes to pgledger_auditor;

comment on table pgledger.accounts is
  'One row an account: what it is, and its balance and version after the newest transfer. '
  'Rows are never deleted; id, key, app, currency and tenant never change. What changed the rest '
  'stands in account_changes.';
comment on column pgledger.accounts.updated_at is
  'created_at of the newest transfer; before the first one, of the account itself. The next '
  'transfer is later. Changes of the account leave it as it is.';
comment on column pgledger.accounts.name is 'Name for people, 1 to 255 characters, as given.';
comment on column pgledger.accounts.metadata is
  'JSON object, at most 64 KiB. Store references in it, never personal data.';
comment on column @extschema@.pgledger_account.metadata is 'JSON object, or null.';
comment on column @extschema@.pgledger_account.replayed is
  'Whether the call changed nothing: it was a repeat, and this is what the first one made, or the '
  'account stood so before; null for what was only read.';
