/*
The newest version of pgledger_entries_v1, under the name that stays.
*/
create or replace view @extschema@.pgledger_entries_view as
select
  newest.id,
  newest.account_id,
  newest.transfer_id,
  newest.amount,
  newest.account_previous_balance,
  newest.account_current_balance,
  newest.account_version,
  newest.created_at,
  newest.event_at,
  newest.metadata,
  newest.account_name,
  newest.currency,
  newest.app_id,
  newest.tenant_id
from @extschema@.pgledger_entries_v1 as newest;

comment on view @extschema@.pgledger_entries_view is
  'Entries: today''s version, pgledger_entries_v1.';
comment on column @extschema@.pgledger_entries_view.id is
  'Public id: pgle_ and a ULID; ascends along the account.';
comment on column @extschema@.pgledger_entries_view.account_id is
  'Account that the entry belongs to.';
comment on column @extschema@.pgledger_entries_view.transfer_id is
  'Transfer that the entry is one leg of.';
comment on column @extschema@.pgledger_entries_view.amount is
  'What the entry adds to the balance: negative on the account that the amount left.';
comment on column @extschema@.pgledger_entries_view.account_previous_balance is
  'Balance of the account right before the entry.';
comment on column @extschema@.pgledger_entries_view.account_current_balance is
  'Balance of the account right after the entry.';
comment on column @extschema@.pgledger_entries_view.account_version is
  'Number of the entry on its account, from 1 without a gap.';
comment on column @extschema@.pgledger_entries_view.created_at is
  'When the transfer was recorded; ascends along the account.';
comment on column @extschema@.pgledger_entries_view.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column @extschema@.pgledger_entries_view.metadata is
  'JSON object given with the transfer, or null.';
comment on column @extschema@.pgledger_entries_view.account_name is 'Name of the account.';
comment on column @extschema@.pgledger_entries_view.currency is 'Currency of the account.';
comment on column @extschema@.pgledger_entries_view.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column @extschema@.pgledger_entries_view.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';

revoke all on table @extschema@.pgledger_entries_view from public;
grant select on table @extschema@.pgledger_entries_view to pgledger_reader;
