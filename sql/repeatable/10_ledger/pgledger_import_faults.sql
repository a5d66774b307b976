/*
Everything that is wrong with what is to be imported.

Locks: what is worked out, ACCESS EXCLUSIVE.
Errors: NullArgument, InvalidScope.
*/
create or replace function @extschema@.pgledger_import_faults(app_id text default '')
returns setof @extschema@.pgledger_import_fault
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  return query
  select fault.kind, fault.row_number, fault.id, fault.reason
  from pgledger.import_faults(app_id) as fault;
end;
$$;

comment on function @extschema@.pgledger_import_faults is
$$Lists what is wrong with the rows that are to be imported.

It reads what was written into pgledger.import_accounts, import_transfers and
import_entries after pgledger_import_begin, and imports nothing. Versions and
balances are looked at where nothing else is wrong. Only the owner of pgledger
may call this function.

app_id: Set of books that they are to be imported into.

Returns: One row for each row that cannot be imported, with the first thing
  that is wrong with it: its kind, its number, its id and why. No row if
  pgledger_import_history will import them.

Errors: NullArgument, InvalidScope.$$;

revoke all on function @extschema@.pgledger_import_faults from public;
