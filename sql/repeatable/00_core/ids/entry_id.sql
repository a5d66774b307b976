/*
The id of an entry, which is not stored: a ULID of the time when the entry was recorded, its account
and its version on that account. It is unique and ascends along an account.
Views call this function with the privileges and the search_path of whoever reads them, so it has
both of its own.
*/
create or replace function pgledger.entry_id(
  created_at timestamptz,
  account_key bigint,
  account_version bigint
)
returns text
language plpgsql
immutable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  return 'pgle_'
    || pgledger.derived_ulid(entry_id.created_at, entry_id.account_key, entry_id.account_version);
end;
$$;

comment on function pgledger.entry_id is
  'Id of the entry on that account with that version, recorded at that time.';

revoke all on function pgledger.entry_id from public;
grant execute on function pgledger.entry_id to pgledger_reader;
