/*
Accounts that are ahead of the clock, for whoever watches a server: what pgledger_accounts_ahead
tells of all apps, and what calls make of it. Columns never change; a change of shape is a new
version.
*/
create or replace view @extschema@.pgledger_accounts_ahead_v1 as
select
  ahead.account_id,
  ahead.account_name,
  ahead.app_id,
  ahead.tenant_id,
  ahead.newest_at,
  ahead.clock_at,
  ahead.newest_at - ahead.clock_at as ahead_by,
  case
    when ahead.accepted_at is not null then 'accepted'
    when ahead.newest_at > ahead.clock_at + interval '1 day' then 'refused'
    else 'warned'
  end collate "C" as state,
  ahead.accepted_at,
  ahead.accepted_by,
  ahead.reason
from @extschema@.pgledger_accounts_ahead(null) as ahead;

comment on view @extschema@.pgledger_accounts_ahead_v1 is
  'One row for each account whose newest time is ahead of the clock; none where all is well. It '
  'reads all accounts.';
comment on column @extschema@.pgledger_accounts_ahead_v1.account_id is 'The account.';
comment on column @extschema@.pgledger_accounts_ahead_v1.account_name is 'Its name.';
comment on column @extschema@.pgledger_accounts_ahead_v1.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column @extschema@.pgledger_accounts_ahead_v1.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';
comment on column @extschema@.pgledger_accounts_ahead_v1.newest_at is
  'When its newest transfer was recorded; before the first one, the account itself.';
comment on column @extschema@.pgledger_accounts_ahead_v1.clock_at is 'What the clock says now.';
comment on column @extschema@.pgledger_accounts_ahead_v1.ahead_by is
  'How far newest_at is ahead of that.';
comment on column @extschema@.pgledger_accounts_ahead_v1.state is
  'What calls that touch the account get; one of: warned, refused, accepted.';
comment on column @extschema@.pgledger_accounts_ahead_v1.accepted_at is
  'When this was accepted, or null.';
comment on column @extschema@.pgledger_accounts_ahead_v1.accepted_by is 'Who accepted it, or null.';
comment on column @extschema@.pgledger_accounts_ahead_v1.reason is 'Why it was accepted, or null.';

revoke all on table @extschema@.pgledger_accounts_ahead_v1 from public;
grant select on table @extschema@.pgledger_accounts_ahead_v1 to pgledger_reader;
