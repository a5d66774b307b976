/*
Proves from the data that the books are in order. All functions here are stable, so they read the
snapshot of the calling statement, and transfers may go on meanwhile. Expressions here, and in the
functions it calls, repeat on purpose what the writing functions compute: they are its audit.

Checks of one app also read every transfer, but keep and sort only those of the app.

Errors: InvalidScope.
*/
create or replace function @extschema@.pgledger_verify(app_id text default null)
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
-- Definitions are compared by their text.
set quote_all_identifiers = off
as $$
  select pgledger.check_scope('app_id', pgledger_verify.app_id)
  where pgledger_verify.app_id is not null;

  select books.check_name, books.rows_checked, books.violations, books.example
  from pgledger.verify_books(pgledger_verify.app_id) as books
  union all
  select accounts.check_name, accounts.rows_checked, accounts.violations, accounts.example
  from pgledger.verify_accounts(pgledger_verify.app_id) as accounts
  union all
  select names.check_name, names.rows_checked, names.violations, names.example
  from pgledger.verify_names(pgledger_verify.app_id) as names
  union all
  select scales.check_name, scales.rows_checked, scales.violations, scales.example
  from pgledger.verify_scales(pgledger_verify.app_id) as scales
  union all
  select times.check_name, times.rows_checked, times.violations, times.example
  from pgledger.verify_times(pgledger_verify.app_id) as times
  union all
  select entries.check_name, entries.rows_checked, entries.violations, entries.example
  from pgledger.verify_entries(pgledger_verify.app_id) as entries
  union all
  select changes.check_name, changes.rows_checked, changes.violations, changes.example
  from pgledger.verify_changes(pgledger_verify.app_id) as changes
  union all
  select transfers.check_name, transfers.rows_checked, transfers.violations, transfers.example
  from pgledger.verify_transfers(pgledger_verify.app_id) as transfers
  union all
  select periods.check_name, periods.rows_checked, periods.violations, periods.example
  from pgledger.verify_periods(pgledger_verify.app_id) as periods
  union all
  select closed.check_name, closed.rows_checked, closed.violations, closed.example
  from pgledger.verify_closed_books(pgledger_verify.app_id) as closed
  union all
  select holds.check_name, holds.rows_checked, holds.violations, holds.example
  from pgledger.verify_holds(pgledger_verify.app_id) as holds
  union all
  select reversals.check_name, reversals.rows_checked, reversals.violations, reversals.example
  from pgledger.verify_reversals(pgledger_verify.app_id) as reversals
  union all
  select keys.check_name, keys.rows_checked, keys.violations, keys.example
  from pgledger.verify_keys(pgledger_verify.app_id) as keys
  union all
  select blocks.check_name, blocks.rows_checked, blocks.violations, blocks.example
  from pgledger.verify_blocks(pgledger_verify.app_id) as blocks
  union all
  select guards.check_name, guards.rows_checked, guards.violations, guards.example
  from pgledger.verify_guards() as guards
  union all
  select sequences.check_name, sequences.rows_checked, sequences.violations, sequences.example
  from pgledger.verify_sequences() as sequences
  union all
  select access.check_name, access.rows_checked, access.violations, access.example
  from pgledger.verify_access() as access
$$;

comment on function @extschema@.pgledger_verify is
$$Proves from the data that the books are in order.

Reads every transfer, hold and idempotency key, as an auditor would, on one
snapshot, while transfers go on. A large ledger takes its time: run it where
that is welcome, for example on a replica.

Triggers, owners, privileges, row security and settings of what belongs to the
ledger, and the sequences of keys, are checked whatever the app.

app_id: Set of books to check, only its accounts and transfers; null for all
  of them.

Returns: One row for each check: what it checks, how many rows it looked at,
  how many of them break the rule, and one that does. All is well when
  violations are 0 throughout.

Errors: InvalidScope.$$;

revoke all on function @extschema@.pgledger_verify from public;
grant execute on function @extschema@.pgledger_verify to pgledger_auditor;
