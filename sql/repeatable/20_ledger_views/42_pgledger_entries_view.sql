/*
The newest version of pgledger_entries_v1, under the name that stays.
*/
create or replace view pgledger_entries_view as
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
from pgledger_entries_v1 as newest;

comment on view pgledger_entries_view is 'Entries: today''s version, pgledger_entries_v1.';

revoke all on table pgledger_entries_view from public;
grant select on table pgledger_entries_view to pgledger_reader;
