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
  newest.tenant_id,
  newest.min_balance,
  newest.max_balance,
  newest.held_out,
  newest.held_in,
  newest.available_balance,
  newest.status,
  newest.amount_scale
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
  'Whether a transfer may leave the balance below zero: there is no min_balance, or it is below '
  'zero.';
comment on column @extschema@.pgledger_accounts_view.allow_positive_balance is
  'Whether a transfer may leave the balance above zero: there is no max_balance, or it is above '
  'zero.';
comment on column @extschema@.pgledger_accounts_view.metadata is
  'JSON object given at creation, or null.';
comment on column @extschema@.pgledger_accounts_view.created_at is 'When the account was recorded.';
comment on column @extschema@.pgledger_accounts_view.updated_at is
  'created_at of the newest transfer; before the first one, of the account itself.';
comment on column @extschema@.pgledger_accounts_view.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column @extschema@.pgledger_accounts_view.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';
comment on column @extschema@.pgledger_accounts_view.min_balance is
  'Lowest balance, less held_out, that a transfer may leave, or null.';
comment on column @extschema@.pgledger_accounts_view.max_balance is
  'Highest balance, with held_in, that a transfer may leave, or null.';
comment on column @extschema@.pgledger_accounts_view.held_out is
  'What holds keep back to leave the account.';
comment on column @extschema@.pgledger_accounts_view.held_in is
  'What holds keep back on other accounts to reach this one.';
comment on column @extschema@.pgledger_accounts_view.available_balance is
  'What may leave the account: the balance less held_out, and less min_balance where there is one.';
comment on column @extschema@.pgledger_accounts_view.status is
  'What the account takes part in; one of: open, frozen_out, frozen_in, frozen_both, closed.';
comment on column @extschema@.pgledger_accounts_view.amount_scale is
  'Decimal places that amounts may have; null for 18.';

revoke all on table @extschema@.pgledger_accounts_view from public;
grant select on table @extschema@.pgledger_accounts_view to pgledger_reader;
