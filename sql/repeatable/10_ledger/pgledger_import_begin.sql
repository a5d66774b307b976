/*
Empties what was given for an import before. Imports wait for one another here: the tables stay
locked until the transaction ends.

Locks: the tables of what is to be imported, ACCESS EXCLUSIVE, in the order of their names.
*/
create or replace function @extschema@.pgledger_import_begin()
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  lock table
    pgledger.import_accounts, pgledger.import_entries, pgledger.import_legs,
    pgledger.import_times, pgledger.import_transfers
  in access exclusive mode;
  truncate
    pgledger.import_accounts, pgledger.import_transfers, pgledger.import_entries,
    pgledger.import_legs, pgledger.import_times
  restart identity;
end;
$$;

comment on function @extschema@.pgledger_import_begin is
$$Begins an import of history from elsewhere.

It empties the tables pgledger.import_accounts, pgledger.import_transfers and
pgledger.import_entries. Fill these next, in the same transaction, with insert
or copy; then call pgledger_import_history. Another import waits until the
transaction ends. Only the owner of pgledger may call this function.

The command pgledger import does all of this.$$;

revoke all on function @extschema@.pgledger_import_begin from public;
