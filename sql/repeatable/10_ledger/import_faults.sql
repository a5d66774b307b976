/*
Everything that is wrong with what is to be imported. What each row says by itself comes first: only
where nothing is wrong with that is the history worked out, and looked at as a whole. What it works
out stays for who writes it.
*/
create or replace function pgledger.import_faults(app_id text)
returns setof @extschema@.pgledger_import_fault
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_has_faults boolean := false;
begin
  analyze pgledger.import_accounts, pgledger.import_transfers, pgledger.import_entries;

  return query
  select fault.kind, fault.row_number, fault.id, fault.reason
  from pgledger.import_account_faults() as fault
  order by fault.row_number;
  v_has_faults := v_has_faults or found;
  return query
  select fault.kind, fault.row_number, fault.id, fault.reason
  from pgledger.import_transfer_faults(import_faults.app_id) as fault
  order by fault.row_number;
  v_has_faults := v_has_faults or found;
  return query
  select fault.kind, fault.row_number, fault.id, fault.reason
  from pgledger.import_entry_faults() as fault
  order by fault.kind, fault.row_number;
  v_has_faults := v_has_faults or found;

  if not v_has_faults then
    perform pgledger.place_import();
    perform pgledger.time_import();
    return query
    select fault.kind, fault.row_number, fault.id, fault.reason
    from pgledger.import_history_faults() as fault
    order by fault.kind, fault.row_number;
  end if;
end;
$$;

comment on function pgledger.import_faults is
  'What is wrong with what is to be imported; if nothing is, its history has been worked out.';

revoke all on function pgledger.import_faults from public;
