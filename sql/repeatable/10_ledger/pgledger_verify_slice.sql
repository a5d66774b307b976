/*
The part of pgledger_verify() that grows with transfers, a slice at a time: bounded memory, and even
progress, whatever the accounts are like. What goes from one slice to the next is in next_after, so
that nothing is kept in between: it works on a standby.

Errors: NullArgument, InvalidPage.
*/
create or replace function @extschema@.pgledger_verify_slice(
  after text default null,
  page_size integer default 50000
)
returns setof @extschema@.pgledger_slice_check
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_start pgledger.slice_start;
  v_end record;
  v_ok boolean;
begin
  if page_size is null then
    v_ok := pgledger.fail('NullArgument', array['page_size']);
  elsif page_size not between 1 and 1000000 then
    v_ok := pgledger.fail(
      'InvalidPage', array['page_size', page_size::text, 'it is not between 1 and 1000000'],
      hint => 'Choose a page_size from 1 to 1000000.'
    );
  end if;

  v_start := pgledger.slice_start(after);

  select slice_end.key, slice_end.version
  into v_end
  from pgledger.slice_end(v_start.key, v_start.version, page_size);

  return query
  with entry as materialized (
    select
      checked.check_name, checked.rows_checked, checked.violations, checked.example,
      checked.next_after
    from pgledger.verify_slice_entries(v_start, v_end.key, v_end.version) as checked
  )

  select
    entry.check_name, entry.rows_checked, entry.violations, entry.example, entry.next_after,
    v_start.entries_in_all
  from entry
  union all
  select
    checked.check_name, checked.rows_checked, checked.violations, checked.example,
    (select min(entry.next_after) from entry), v_start.entries_in_all
  from pgledger.verify_slice_transfers(v_start, v_end.key, v_end.version) as checked;
end;
$$;

comment on function @extschema@.pgledger_verify_slice is
$$Verifies one slice of the accounts, their entries and transfers.

All slices and pgledger_verify_rest() together are what pgledger_verify()
does at once. A slice takes little memory, and about as long as the others,
even where one account has most of the entries. Ask for all of them in one
transaction that is repeatable read and read only, so that they tell of one
moment. pgledger verify, on the command line, does that.

Add up rows_checked and violations of the slices by check_name.

after: What the slice before gave as next_after; null for the first.
page_size: How many entries at most that left an account, how many that
  reached one, and how many accounts, 1 to 1,000,000.

Returns: One row for each check of the slice.

Errors: NullArgument, InvalidPage.$$;

revoke all on function @extschema@.pgledger_verify_slice from public;
grant execute on function @extschema@.pgledger_verify_slice to pgledger_auditor;
