/*
Accounts as applications see them. Columns never change; a change of shape is a new version.
*/
create or replace view @extschema@.pgledger_accounts_v1 as
select
  accounts.id,
  accounts.name,
  accounts.currency,
  accounts.balance,
  accounts.version,
  (accounts.min_balance is null or accounts.min_balance < 0) as allow_negative_balance,
  (accounts.max_balance is null or accounts.max_balance > 0) as allow_positive_balance,
  accounts.metadata,
  accounts.created_at,
  accounts.updated_at,
  accounts.app_id,
  accounts.tenant_id,
  accounts.min_balance,
  accounts.max_balance,
  held.held_out,
  held.held_in,
  accounts.balance - held.held_out - coalesce(accounts.min_balance, 0) as available_balance,
  pgledger.account_status(accounts.status) collate "C" as status,
  accounts.amount_scale::integer
from pgledger.accounts
-- What has expired no longer counts, whether or not the sums contain it still. One look for each
-- row: with two, a hold could expire between held_out and available_balance.
cross join lateral (
  select
    case
      when accounts.held_out = 0 then accounts.held_out
      else pgledger.held_now(accounts.key, accounts.held_out, true)
    end as held_out,
    case
      when accounts.held_in = 0 then accounts.held_in
      else pgledger.held_now(accounts.key, accounts.held_in, false)
    end as held_in
  from (select) as one_look
  offset 0
) as held
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view @extschema@.pgledger_accounts_v1 is
  'One row an account, with its balance and version after the newest transfer.';
comment on column @extschema@.pgledger_accounts_v1.id is 'Public id: pgla_ and a ULID.';
comment on column @extschema@.pgledger_accounts_v1.name is
  'Name for people, 1 to 255 characters, as given.';
comment on column @extschema@.pgledger_accounts_v1.currency is
  'Unit of the balance: 1 to 32 visible characters, for example USD.';
comment on column @extschema@.pgledger_accounts_v1.balance is
  'Sum of the account''s entries, in units of its currency, with at most 18 decimal places.';
comment on column @extschema@.pgledger_accounts_v1.version is
  'Count of the account''s entries, whose versions run from 1 to this without a gap.';
comment on column @extschema@.pgledger_accounts_v1.allow_negative_balance is
  'Whether a transfer may leave the balance below zero: there is no min_balance, or it is below '
  'zero.';
comment on column @extschema@.pgledger_accounts_v1.allow_positive_balance is
  'Whether a transfer may leave the balance above zero: there is no max_balance, or it is above '
  'zero.';
comment on column @extschema@.pgledger_accounts_v1.metadata is
  'JSON object, or null.';
comment on column @extschema@.pgledger_accounts_v1.created_at is 'When the account was recorded.';
comment on column @extschema@.pgledger_accounts_v1.updated_at is
  'created_at of the newest transfer; before the first one, of the account itself.';
comment on column @extschema@.pgledger_accounts_v1.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column @extschema@.pgledger_accounts_v1.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';
comment on column @extschema@.pgledger_accounts_v1.min_balance is
  'Lowest balance, less held_out, that a transfer may leave, or null.';
comment on column @extschema@.pgledger_accounts_v1.max_balance is
  'Highest balance, with held_in, that a transfer may leave, or null.';
comment on column @extschema@.pgledger_accounts_v1.held_out is
  'What holds keep back to leave the account.';
comment on column @extschema@.pgledger_accounts_v1.held_in is
  'What holds keep back on other accounts to reach this one.';
comment on column @extschema@.pgledger_accounts_v1.available_balance is
  'What may leave the account: the balance less held_out, and less min_balance where there is one.';
comment on column @extschema@.pgledger_accounts_v1.status is
  'What the account takes part in; one of: open, frozen_out, frozen_in, frozen_both, closed.';
comment on column @extschema@.pgledger_accounts_v1.amount_scale is
  'Decimal places that amounts may have; null for 18.';

revoke all on table @extschema@.pgledger_accounts_v1 from public;
grant select on table @extschema@.pgledger_accounts_v1 to pgledger_reader;
