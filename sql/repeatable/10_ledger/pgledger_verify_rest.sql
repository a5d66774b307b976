/*
What pgledger_verify_slice() leaves to be done at once.
*/
create or replace function @extschema@.pgledger_verify_rest()
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
-- Definitions are compared by their text.
set quote_all_identifiers = off
as $$
  select rest.check_name, rest.rows_checked, rest.violations, rest.example
  from pgledger.verify_rest(null) as rest
$$;

comment on function @extschema@.pgledger_verify_rest is
$$Verifies what the slices of pgledger_verify_slice leave out.

That is whole sets of books, names, decimal places, times, changes, holds,
reversals, idempotency keys, triggers, sequences and privileges.

Returns: One row for each check, as pgledger_verify has them.$$;

revoke all on function @extschema@.pgledger_verify_rest from public;
grant execute on function @extschema@.pgledger_verify_rest to pgledger_auditor;
