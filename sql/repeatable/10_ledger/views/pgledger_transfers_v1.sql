/*
Transfers as applications see them, with both accounts as they stood after each.

Accounts are joined from the left, so that a query which reads none of their columns does not read
them either. No row differs by it: the account of each leg exists and is never deleted.
*/
create or replace view @extschema@.pgledger_transfers_v1 as
select
  transfers.id,
  source.id as from_account_id,
  target.id as to_account_id,
  transfers.amount,
  transfers.created_at,
  coalesce(transfers.event_at, transfers.created_at) as event_at,
  transfers.metadata,
  source.currency,
  source.name as from_account_name,
  target.name as to_account_name,
  transfers.from_balance as from_account_balance,
  transfers.to_balance as to_account_balance,
  transfers.from_version as from_account_version,
  transfers.to_version as to_account_version,
  transfers.group_id,
  transfers.app_id,
  source.tenant_id as from_tenant_id,
  target.tenant_id as to_tenant_id,
  transfers.origin_id
from pgledger.transfers
left join pgledger.accounts as source on transfers.from_key = source.key
left join pgledger.accounts as target on transfers.to_key = target.key;

comment on view @extschema@.pgledger_transfers_v1 is
  'One row a transfer: an amount that left one account and reached another, in one currency.';
comment on column @extschema@.pgledger_transfers_v1.id is 'Public id: pglt_ and a ULID.';
comment on column @extschema@.pgledger_transfers_v1.from_account_id is
  'Account that the amount left.';
comment on column @extschema@.pgledger_transfers_v1.to_account_id is
  'Account that the amount reached.';
comment on column @extschema@.pgledger_transfers_v1.amount is
  'What moved, in units of the currency: above 0, below 1e30, at most 18 decimal places.';
comment on column @extschema@.pgledger_transfers_v1.created_at is
  'When it was recorded: later than everything recorded before on either account.';
comment on column @extschema@.pgledger_transfers_v1.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column @extschema@.pgledger_transfers_v1.metadata is
  'JSON object given at creation, or null.';
comment on column @extschema@.pgledger_transfers_v1.currency is 'Currency of both accounts.';
comment on column @extschema@.pgledger_transfers_v1.from_account_name is
  'Name of the account that the amount left.';
comment on column @extschema@.pgledger_transfers_v1.to_account_name is
  'Name of the account that the amount reached.';
comment on column @extschema@.pgledger_transfers_v1.from_account_balance is
  'Balance of the account that the amount left, right after the transfer.';
comment on column @extschema@.pgledger_transfers_v1.to_account_balance is
  'Balance of the account that the amount reached, right after the transfer.';
comment on column @extschema@.pgledger_transfers_v1.from_account_version is
  'Version of the account that the amount left, right after the transfer.';
comment on column @extschema@.pgledger_transfers_v1.to_account_version is
  'Version of the account that the amount reached, right after the transfer.';
comment on column @extschema@.pgledger_transfers_v1.group_id is
  'Name that joins the transfers of one call, for example an order''s number, or null.';
comment on column @extschema@.pgledger_transfers_v1.app_id is
  'Set of books that both accounts belong to; the empty text where there is only one.';
comment on column @extschema@.pgledger_transfers_v1.from_tenant_id is
  'Tenant of the account that the amount left.';
comment on column @extschema@.pgledger_transfers_v1.to_tenant_id is
  'Tenant of the account that the amount reached.';
comment on column @extschema@.pgledger_transfers_v1.origin_id is
  'Hold that it posts (pglh_) or transfer that it reverses (pglt_), or null.';

revoke all on table @extschema@.pgledger_transfers_v1 from public;
grant select on table @extschema@.pgledger_transfers_v1 to pgledger_reader;
