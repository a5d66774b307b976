/*
Refuses an import that leaves a set of books in which something is wrong.

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
  from pgledger.verify_imported_books(check_imported_books.app_id) as verified
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
