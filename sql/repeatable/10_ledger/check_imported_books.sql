/*
Refuses an import that leaves a set of books in which something is wrong: the checks are those of
pgledger_verify that read the set of books.

Errors: ImportRefused.
*/
create or replace function pgledger.check_imported_books(app_id text)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_found record;
  v_ok boolean;
begin
  select verified.check_name, verified.violations, verified.example
  into v_found
  from (
    select books.check_name, books.violations, books.example
    from pgledger.verify_books(check_imported_books.app_id) as books
    union all
    select accounts.check_name, accounts.violations, accounts.example
    from pgledger.verify_accounts(check_imported_books.app_id) as accounts
    union all
    select scales.check_name, scales.violations, scales.example
    from pgledger.verify_scales(check_imported_books.app_id) as scales
    union all
    select entries.check_name, entries.violations, entries.example
    from pgledger.verify_entries(check_imported_books.app_id) as entries
    union all
    select changes.check_name, changes.violations, changes.example
    from pgledger.verify_changes(check_imported_books.app_id) as changes
    union all
    select transfers.check_name, transfers.violations, transfers.example
    from pgledger.verify_transfers(check_imported_books.app_id) as transfers
  ) as verified
  where verified.violations > 0
  limit 1;

  if found then
    v_ok := pgledger.fail(
      'ImportRefused',
      array[
        format(
          'the check "%s" finds %s violations, such as %s',
          v_found.check_name, v_found.violations, v_found.example
        )
      ]
    );
  end if;
  return true;
end;
$$;

comment on function pgledger.check_imported_books is
  'Raises ImportRefused if the books of that app are not in order.';

revoke all on function pgledger.check_imported_books from public;
