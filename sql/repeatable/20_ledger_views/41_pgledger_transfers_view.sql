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

revoke all on table pgledger_transfers_view from public;
grant select on table pgledger_transfers_view to pgledger_reader;
