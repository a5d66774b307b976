/*
Puts right what stands otherwise than expected_guards() says: owners, rights, triggers, row
security. What the current role may not do stays as it is, and is found again by whoever looks next;
so does what concerns objects that a file still to come makes.

Only PostgreSQL's own functions and operators are found meanwhile, whatever somebody planted.

Run by `pgledger migrate`, first as the role that migrates and then as the owner; by pgledger.sql
after its last file, so that default privileges open nothing.

  faults      query or function that returns the rows of guard_faults()
  mended_by   whose statements to run: 'migrator' or 'owner'
*/
do $mend$
declare
  v_search_path constant text := pg_catalog.current_setting('search_path');
  v_fault record;
begin
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  for v_fault in
    select fault.statement
    from :faults as fault (aspect, fault, statement, mended_by)
    where fault.mended_by = :mended_by
      and fault.statement is not null
  loop
    begin
      execute v_fault.statement;
    exception
      when
        insufficient_privilege or undefined_object or undefined_table or undefined_function
        or undefined_column
      then
        continue;
    end;
  end loop;
  perform pg_catalog.set_config('search_path', v_search_path, true);
end
$mend$;
