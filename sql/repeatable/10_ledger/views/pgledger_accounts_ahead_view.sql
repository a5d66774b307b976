/*
The newest version of pgledger_accounts_ahead_v1, under the name that stays.
*/
create or replace view @extschema@.pgledger_accounts_ahead_view as
select
  newest.account_id,
  newest.account_name,
  newest.app_id,
  newest.tenant_id,
  newest.newest_at,
  newest.clock_at,
  newest.ahead_by,
  newest.state,
  newest.accepted_at,
  newest.accepted_by,
  newest.reason
from @extschema@.pgledger_accounts_ahead_v1 as newest;

comment on view @extschema@.pgledger_accounts_ahead_view is
  'Accounts that are ahead of the clock: today''s version, pgledger_accounts_ahead_v1.';
comment on column @extschema@.pgledger_accounts_ahead_view.account_id is 'The account.';
comment on column @extschema@.pgledger_accounts_ahead_view.account_name is 'Its name.';
comment on column @extschema@.pgledger_accounts_ahead_view.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column @extschema@.pgledger_accounts_ahead_view.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';
comment on column @extschema@.pgledger_accounts_ahead_view.newest_at is
  'When its newest transfer was recorded; before the first one, the account itself.';
comment on column @extschema@.pgledger_accounts_ahead_view.clock_at is 'What the clock says now.';
comment on column @extschema@.pgledger_accounts_ahead_view.ahead_by is
  'How far newest_at is ahead of that.';
comment on column @extschema@.pgledger_accounts_ahead_view.state is
  'What calls that touch the account get; one of: warned, refused, accepted.';
comment on column @extschema@.pgledger_accounts_ahead_view.accepted_at is
  'When this was accepted, or null.';
comment on column @extschema@.pgledger_accounts_ahead_view.accepted_by is
  'Who accepted it, or null.';
comment on column @extschema@.pgledger_accounts_ahead_view.reason is
  'Why it was accepted, or null.';

revoke all on table @extschema@.pgledger_accounts_ahead_view from public;
grant select on table @extschema@.pgledger_accounts_ahead_view to pgledger_reader;
