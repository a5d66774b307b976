/*
The checks of pgledger_verify that read a set of books: what an import can have spoiled. It is in
PL/pgSQL because what RETURN QUERY runs may be spread over several processes, and what fills a
variable may not.
*/
create or replace function pgledger.verify_imported_books(app_id text)
returns setof @extschema@.pgledger_check
language plpgsql
stable
parallel safe
as $$
begin
  return query
  select books.check_name, books.rows_checked, books.violations, books.example
  from pgledger.verify_books(verify_imported_books.app_id) as books
  union all
  select accounts.check_name, accounts.rows_checked, accounts.violations, accounts.example
  from pgledger.verify_accounts(verify_imported_books.app_id) as accounts
  union all
  select scales.check_name, scales.rows_checked, scales.violations, scales.example
  from pgledger.verify_scales(verify_imported_books.app_id) as scales
  union all
  select entries.check_name, entries.rows_checked, entries.violations, entries.example
  from pgledger.verify_entries(verify_imported_books.app_id) as entries
  union all
  select changes.check_name, changes.rows_checked, changes.violations, changes.example
  from pgledger.verify_changes(verify_imported_books.app_id) as changes
  union all
  select transfers.check_name, transfers.rows_checked, transfers.violations, transfers.example
  from pgledger.verify_transfers(verify_imported_books.app_id) as transfers;
end;
$$;

comment on function pgledger.verify_imported_books is
  'Verifies the books of an app as far as an import writes into them.';

revoke all on function pgledger.verify_imported_books from public;
