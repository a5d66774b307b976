/*
Proves from the data that the books are in order. All functions here are stable, so they read the
snapshot of the calling statement, and transfers may go on meanwhile. Expressions here, and in the
functions it calls, repeat on purpose what the writing functions compute: they are its audit.

What grows with transfers is also checked in slices, by pgledger_verify_slice(): a rule that is
added here is added there.

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

  select accounts.check_name, accounts.rows_checked, accounts.violations, accounts.example
  from pgledger.verify_accounts(pgledger_verify.app_id) as accounts
  union all
  select entries.check_name, entries.rows_checked, entries.violations, entries.example
  from pgledger.verify_entries(pgledger_verify.app_id) as entries
  union all
  select transfers.check_name, transfers.rows_checked, transfers.violations, transfers.example
  from pgledger.verify_transfers(pgledger_verify.app_id) as transfers
  union all
  select rest.check_name, rest.rows_checked, rest.violations, rest.example
  from pgledger.verify_rest(pgledger_verify.app_id) as rest
$$;

comment on function @extschema@.pgledger_verify is
$$Proves from the data that the books are in order.

Reads every transfer, hold and idempotency key, as an auditor would, on one
snapshot, while transfers go on. A large ledger takes its time: run it where
that is welcome, for example on a replica. pgledger verify, on the command
line, does the same in slices, and shows how far it has come.

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
