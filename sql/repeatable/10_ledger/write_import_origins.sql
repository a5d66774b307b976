/*
Writes down what the import could not keep: ids of entries, which are made anew, and times that were
lifted. Then what was to be imported is emptied. Returns how much of everything there was.
*/
create or replace function pgledger.write_import_origins(
  out accounts bigint,
  out transfers bigint,
  out entry_ids bigint,
  out lifted_times bigint
)
language plpgsql
volatile
parallel unsafe
as $$
begin
  insert into pgledger.imported_entries (account_key, account_version, id)
  select accounts.key, import_legs.version, import_legs.entry_id
  from pgledger.import_legs
  inner join pgledger.import_accounts on import_legs.account_number = import_accounts.number
  inner join pgledger.accounts on import_accounts.id = accounts.id
  where import_legs.entry_id is not null
  order by import_legs.entry_id;
  get diagnostics entry_ids = row_count;

  insert into pgledger.imported_times (created_at, transfer_id)
  select moved.created_at, moved.id
  from pgledger.import_transfers as moved
  inner join pgledger.import_times on moved.number = import_times.transfer_number
  where moved.created_at <> import_times.recorded_at
  order by moved.id;
  get diagnostics lifted_times = row_count;

  accounts := (select count(*) from pgledger.import_accounts);
  transfers := (select count(*) from pgledger.import_transfers);

  truncate
    pgledger.import_accounts, pgledger.import_transfers, pgledger.import_entries,
    pgledger.import_legs, pgledger.import_times
  restart identity;
  analyze
    pgledger.accounts, pgledger.transfers, pgledger.imported_entries, pgledger.imported_times;
end;
$$;

comment on function pgledger.write_import_origins is
  'Writes the ids and times that an import has replaced; returns their numbers.';

revoke all on function pgledger.write_import_origins from public;
