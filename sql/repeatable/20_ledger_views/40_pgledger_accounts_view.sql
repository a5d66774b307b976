/*
The newest version of pgledger_accounts_v1, under the name that stays.
*/
create or replace view pgledger_accounts_view as
select
  newest.id,
  newest.name,
  newest.currency,
  newest.balance,
  newest.version,
  newest.allow_negative_balance,
  newest.allow_positive_balance,
  newest.metadata,
  newest.created_at,
  newest.updated_at,
  newest.app_id,
  newest.tenant_id
from pgledger_accounts_v1 as newest;

comment on view pgledger_accounts_view is 'Accounts: today''s version, pgledger_accounts_v1.';

revoke all on table pgledger_accounts_view from public;
grant select on table pgledger_accounts_view to pgledger_reader;
