/*
Imports accounts and transfers from elsewhere, all or nothing. What is refused is told by
pgledger_import_faults; here the first of it stands in the error. After writing, the set of books is
verified as a whole, with what was there before.

Locks: what is to be imported and what is worked out, ACCESS EXCLUSIVE; those of
pgledger.keep_scale; then the inserted accounts and transfers.
Errors: NullArgument, InvalidScope, ImportRefused; a unique violation where an id was taken
meanwhile.
*/
create or replace function @extschema@.pgledger_import_history(app_id text default '')
returns @extschema@.pgledger_import_result
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
set work_mem = '256MB'
set jit = off
as $$
declare
  v_fault record;
  v_later_limits bigint;
  v_brought record;
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);

  select
    count(*) as count,
    (
      array_agg(format('%s %s (row %s): %s', fault.kind, fault.id, fault.row_number, fault.reason))
    )[1] as example
  into v_fault
  from pgledger.import_faults(app_id) as fault;
  if v_fault.count > 0 then
    v_ok := pgledger.fail(
      'ImportRefused',
      array[format('%s faults, the first is %s', v_fault.count, v_fault.example)]
    );
  end if;

  v_later_limits := pgledger.write_imported_accounts(app_id);
  perform pgledger.write_imported_transfers(app_id);
  select origins.accounts, origins.transfers, origins.entry_ids, origins.lifted_times
  into v_brought
  from pgledger.write_import_origins() as origins;
  v_ok := pgledger.check_imported_books(app_id);

  return row(
    v_brought.accounts, v_brought.transfers, v_brought.entry_ids, v_brought.lifted_times,
    v_later_limits
  );
end;
$$;

comment on function @extschema@.pgledger_import_history is
$$Imports accounts and transfers from elsewhere, with their ids and times.

Call pgledger_import_begin first, and write what is to be imported into
pgledger.import_accounts, pgledger.import_transfers and, if there are any,
pgledger.import_entries; all in one transaction. Entries say which version
each account had; without them, transfers are taken in the order of their
created_at and, where that is equal, of their rows.

Ids, balances, versions and event_at stay as they are. A created_at that is
not later than everything before it on both accounts is lifted to the next
microsecond, and pgledger_imported_times_v1 lists it. Entries get other ids,
which pgledger_imported_entries_v1 lists. Limits that the history breaks are
in force from now on, as if they had been set after the newest transfer.

All of it is imported or nothing: the books are verified before it returns.
Only the owner of pgledger may call this function.

app_id: Set of books that they are imported into.

Returns: How much was imported, and how much of it could not stay as it was.

Errors: NullArgument, InvalidScope, ImportRefused (a row cannot be imported,
  which pgledger_import_faults lists, or the books are not in order).$$;

revoke all on function @extschema@.pgledger_import_history from public;
