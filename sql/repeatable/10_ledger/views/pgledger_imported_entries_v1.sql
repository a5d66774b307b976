/*
Which entry an imported one has become. The entry's id is made of its transfer's time, which either
side of the transfer may tell.
*/
create or replace view @extschema@.pgledger_imported_entries_v1 as
select
  imported_entries.id as imported_id,
  pgledger.entry_id(
    coalesce(moved_from.created_at, moved_to.created_at), imported_entries.account_key,
    imported_entries.account_version
  )
  collate "C" as id,
  accounts.id as account_id,
  coalesce(moved_from.id, moved_to.id) as transfer_id,
  imported_entries.account_version,
  accounts.app_id,
  accounts.tenant_id
from pgledger.imported_entries
left join pgledger.accounts on imported_entries.account_key = accounts.key
left join pgledger.transfers as moved_from
  on
    imported_entries.account_key = moved_from.from_key
    and imported_entries.account_version = moved_from.from_version
left join pgledger.transfers as moved_to
  on
    imported_entries.account_key = moved_to.to_key
    and imported_entries.account_version = moved_to.to_version;

comment on view @extschema@.pgledger_imported_entries_v1 is
  'One row for each entry that was imported: its id where it came from, and its id here.';
comment on column @extschema@.pgledger_imported_entries_v1.imported_id is
  'Id that the entry had where it came from.';
comment on column @extschema@.pgledger_imported_entries_v1.id is
  'Public id that it has here: pgle_ and a ULID.';
comment on column @extschema@.pgledger_imported_entries_v1.account_id is
  'Account that the entry belongs to.';
comment on column @extschema@.pgledger_imported_entries_v1.transfer_id is
  'Transfer that the entry is one leg of.';
comment on column @extschema@.pgledger_imported_entries_v1.account_version is
  'Number of the entry on its account, from 1 without a gap.';
comment on column @extschema@.pgledger_imported_entries_v1.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column @extschema@.pgledger_imported_entries_v1.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';

revoke all on table @extschema@.pgledger_imported_entries_v1 from public;
grant select on table @extschema@.pgledger_imported_entries_v1 to pgledger_reader;
