/*
The newest version of pgledger_transfers_v1, under the name that stays.
*/
create or replace view @extschema@.pgledger_transfers_view as
select
  newest.id,
  newest.from_account_id,
  newest.to_account_id,
  newest.amount,
  newest.created_at,
  newest.event_at,
  newest.metadata,
  newest.currency,
  newest.from_account_name,
  newest.to_account_name,
  newest.from_account_balance,
  newest.to_account_balance,
  newest.from_account_version,
  newest.to_account_version,
  newest.group_id,
  newest.app_id,
  newest.from_tenant_id,
  newest.to_tenant_id,
  newest.origin_id
from @extschema@.pgledger_transfers_v1 as newest;

comment on view @extschema@.pgledger_transfers_view is
  'Transfers: today''s version, pgledger_transfers_v1.';
comment on column @extschema@.pgledger_transfers_view.id is 'Public id: pglt_ and a ULID.';
comment on column @extschema@.pgledger_transfers_view.from_account_id is
  'Account that the amount left.';
comment on column @extschema@.pgledger_transfers_view.to_account_id is
  'Account that the amount reached.';
comment on column @extschema@.pgledger_transfers_view.amount is
  'What moved, in units of the currency: above 0, below 1e30, at most 18 decimal places.';
comment on column @extschema@.pgledger_transfers_view.created_at is
  'When it was recorded: later than everything recorded before on either account.';
comment on column @extschema@.pgledger_transfers_view.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column @extschema@.pgledger_transfers_view.metadata is
  'JSON object given at creation, or null.';
comment on column @extschema@.pgledger_transfers_view.currency is 'Currency of both accounts.';
comment on column @extschema@.pgledger_transfers_view.from_account_name is
  'Name of the account that the amount left.';
comment on column @extschema@.pgledger_transfers_view.to_account_name is
  'Name of the account that the amount reached.';
comment on column @extschema@.pgledger_transfers_view.from_account_balance is
  'Balance of the account that the amount left, right after the transfer.';
comment on column @extschema@.pgledger_transfers_view.to_account_balance is
  'Balance of the account that the amount reached, right after the transfer.';
comment on column @extschema@.pgledger_transfers_view.from_account_version is
  'Version of the account that the amount left, right after the transfer.';
comment on column @extschema@.pgledger_transfers_view.to_account_version is
  'Version of the account that the amount reached, right after the transfer.';
comment on column @extschema@.pgledger_transfers_view.group_id is
  'Name that joins the transfers of one call, for example an order''s number, or null.';
comment on column @extschema@.pgledger_transfers_view.app_id is
  'Set of books that both accounts belong to; the empty text where there is only one.';
comment on column @extschema@.pgledger_transfers_view.from_tenant_id is
  'Tenant of the account that the amount left.';
comment on column @extschema@.pgledger_transfers_view.to_tenant_id is
  'Tenant of the account that the amount reached.';
comment on column @extschema@.pgledger_transfers_view.origin_id is
  'Hold that it posts (pglh_) or transfer that it reverses (pglt_), or null.';

revoke all on table @extschema@.pgledger_transfers_view from public;
grant select on table @extschema@.pgledger_transfers_view to pgledger_reader;
