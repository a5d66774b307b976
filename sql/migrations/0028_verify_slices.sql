/*
Verification in slices: how far it has come, and what it says of each.
*/
create type pgledger.slice_start as (
  key bigint,
  version bigint,
  entries bigint,
  total numeric,
  newest_at timestamptz,
  last_version bigint,
  last_balance numeric,
  last_at timestamptz,
  entries_in_all numeric
);

comment on type pgledger.slice_start is
  'Where a slice begins, and what the slices before it found of the account that it begins in.';
comment on column pgledger.slice_start.key is
  'Account of the entry after which it begins; null at the very beginning.';
comment on column pgledger.slice_start.version is 'Version of that entry.';
comment on column pgledger.slice_start.entries is 'How many entries of the account came before.';
comment on column pgledger.slice_start.total is 'Sum of their amounts.';
comment on column pgledger.slice_start.newest_at is 'The newest of their times, or null.';
comment on column pgledger.slice_start.last_version is 'Version of the last of them, or null.';
comment on column pgledger.slice_start.last_balance is 'Balance that it left, or null.';
comment on column pgledger.slice_start.last_at is 'When it was recorded, or null.';
comment on column pgledger.slice_start.entries_in_all is
  'Sum of the versions of all accounts when the first slice began.';

revoke all on type pgledger.slice_start from public;

create type @extschema@.pgledger_slice_check as (
  check_name text collate "C",
  rows_checked bigint,
  violations bigint,
  example text collate "C",
  next_after text collate "C",
  entries_in_all numeric
);

comment on type @extschema@.pgledger_slice_check is 'Outcome of one check of a slice of the books.';
comment on column @extschema@.pgledger_slice_check.check_name is 'Which rule was checked.';
comment on column @extschema@.pgledger_slice_check.rows_checked is
  'How many rows of the slice were checked.';
comment on column @extschema@.pgledger_slice_check.violations is
  'How many of these rows break the rule.';
comment on column @extschema@.pgledger_slice_check.example is
  'One row that breaks it, in words, or null.';
comment on column @extschema@.pgledger_slice_check.next_after is
  'Where the next slice begins, the same in each row of a slice; null in those of the last.';
comment on column @extschema@.pgledger_slice_check.entries_in_all is
  'How many entries all slices have, by the versions of accounts: what a progress bar goes by.';

revoke all on type @extschema@.pgledger_slice_check from public;
grant usage on type @extschema@.pgledger_slice_check to pgledger_reader;

drop function if exists pgledger.limits_in_force(text);
