/*
The newest version of pgledger_transfers_v1, under the name that stays.
*/
create or replace view pgledger_transfers_view as
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
  newest.to_tenant_id
from pgledger_transfers_v1 as newest;

comment on view pgledger_transfers_view is 'Transfers: today''s version, pgledger_transfers_v1.';
comment on column pgledger_transfers_view.id is 'Id of the transfer: pglt_ and a ULID.';
comment on column pgledger_transfers_view.from_account_id is 'Account that the amount leaves.';
comment on column pgledger_transfers_view.to_account_id is 'Account that the amount reaches.';
comment on column pgledger_transfers_view.amount is
  'What moved, above 0, in units of the currency.';
comment on column pgledger_transfers_view.created_at is
  'When it was recorded. Ascends along each account.';
comment on column pgledger_transfers_view.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column pgledger_transfers_view.metadata is 'JSON object given at creation, or null.';
comment on column pgledger_transfers_view.currency is 'Currency of both accounts.';
comment on column pgledger_transfers_view.from_account_name is 'Name of the account it leaves.';
comment on column pgledger_transfers_view.to_account_name is 'Name of the account it reaches.';
comment on column pgledger_transfers_view.from_account_balance is
  'Balance of the account it leaves, after it.';
comment on column pgledger_transfers_view.to_account_balance is
  'Balance of the account it reaches, after it.';
comment on column pgledger_transfers_view.from_account_version is
  'Version of the account it leaves, after it.';
comment on column pgledger_transfers_view.to_account_version is
  'Version of the account it reaches, after it.';
comment on column pgledger_transfers_view.group_id is
  'Name that joins the transfers of one call, if the caller gave one.';
comment on column pgledger_transfers_view.app_id is 'Set of books; empty where there is only one.';
comment on column pgledger_transfers_view.from_tenant_id is 'Whose account it leaves.';
comment on column pgledger_transfers_view.to_tenant_id is 'Whose account it reaches.';

revoke all on table pgledger_transfers_view from public;
grant select on table pgledger_transfers_view to pgledger_reader;
