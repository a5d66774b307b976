/*
The newest version of pgledger_accounts_v1, under the name that stays.
*/
create or replace view @extschema@.pgledger_accounts_view as
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
from @extschema@.pgledger_accounts_v1 as newest;

comment on view @extschema@.pgledger_accounts_view is
  'Accounts: today''s version, pgledger_accounts_v1.';
comment on column @extschema@.pgledger_accounts_view.id is 'Public id: pgla_ and a ULID.';
comment on column @extschema@.pgledger_accounts_view.name is
  'Name for people, 1 to 255 characters, as given.';
comment on column @extschema@.pgledger_accounts_view.currency is
  'Unit of the balance: 1 to 32 visible characters, for example USD.';
comment on column @extschema@.pgledger_accounts_view.balance is
  'Sum of the account''s entries, in units of its currency, with at most 18 decimal places.';
comment on column @extschema@.pgledger_accounts_view.version is
  'Count of the account''s entries, whose versions run from 1 to this without a gap.';
comment on column @extschema@.pgledger_accounts_view.allow_negative_balance is
  'Whether a transfer may leave the balance below zero.';
comment on column @extschema@.pgledger_accounts_view.allow_positive_balance is
  'Whether a transfer may leave the balance above zero.';
comment on column @extschema@.pgledger_accounts_view.metadata is
  'JSON object given at creation, or null.';
comment on column @extschema@.pgledger_accounts_view.created_at is 'When the account was recorded.';
comment on column @extschema@.pgledger_accounts_view.updated_at is
  'created_at of the newest transfer; before the first one, of the account itself.';
comment on column @extschema@.pgledger_accounts_view.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column @extschema@.pgledger_accounts_view.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';

revoke all on table @extschema@.pgledger_accounts_view from public;
grant select on table @extschema@.pgledger_accounts_view to pgledger_reader;
