/*
The checks that do not grow with the entries of accounts: what slices leave to be done at once.
*/
create or replace function pgledger.verify_rest(app_id text)
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
as $$
  select books.check_name, books.rows_checked, books.violations, books.example
  from pgledger.verify_books(verify_rest.app_id) as books
  union all
  select names.check_name, names.rows_checked, names.violations, names.example
  from pgledger.verify_names(verify_rest.app_id) as names
  union all
  select scales.check_name, scales.rows_checked, scales.violations, scales.example
  from pgledger.verify_scales(verify_rest.app_id) as scales
  union all
  select times.check_name, times.rows_checked, times.violations, times.example
  from pgledger.verify_times(verify_rest.app_id) as times
  union all
  select changes.check_name, changes.rows_checked, changes.violations, changes.example
  from pgledger.verify_changes(verify_rest.app_id) as changes
  union all
  select periods.check_name, periods.rows_checked, periods.violations, periods.example
  from pgledger.verify_periods(verify_rest.app_id) as periods
  union all
  select closed.check_name, closed.rows_checked, closed.violations, closed.example
  from pgledger.verify_closed_books(verify_rest.app_id) as closed
  union all
  select holds.check_name, holds.rows_checked, holds.violations, holds.example
  from pgledger.verify_holds(verify_rest.app_id) as holds
  union all
  select reversals.check_name, reversals.rows_checked, reversals.violations, reversals.example
  from pgledger.verify_reversals(verify_rest.app_id) as reversals
  union all
  select keys.check_name, keys.rows_checked, keys.violations, keys.example
  from pgledger.verify_keys(verify_rest.app_id) as keys
  union all
  select blocks.check_name, blocks.rows_checked, blocks.violations, blocks.example
  from pgledger.verify_blocks(verify_rest.app_id) as blocks
  union all
  select imports.check_name, imports.rows_checked, imports.violations, imports.example
  from pgledger.verify_imports(verify_rest.app_id) as imports
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

comment on function pgledger.verify_rest is
  'The checks that do not grow with the entries of accounts, in the books of that app or of all.';

revoke all on function pgledger.verify_rest from public;
