/*
Names that lead to one account: whoever gets an account by its name, or makes it, writes the name
here first, so that of many at once one makes it. Accounts that were made otherwise are not here,
and may share names. There is no foreign key, for the reason given for pgledger.transfers.
*/
create table pgledger.account_names (
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  currency text collate "C" not null,
  name text collate "C" not null,
  account_id text collate "C" not null,
  constraint account_names_app_id_tenant_id_currency_name_pk
  primary key (app_id, tenant_id, currency, name)
);

comment on table pgledger.account_names is
  'One row for each name under which pgledger_ensure_account made or found an account. A row is '
  'made anew when the account is renamed.';
comment on column pgledger.account_names.app_id is 'Set of books that the account belongs to.';
comment on column pgledger.account_names.tenant_id is 'Tenant whose account it is.';
comment on column pgledger.account_names.currency is 'Unit of the account''s balance.';
comment on column pgledger.account_names.name is 'The account''s name.';
comment on column pgledger.account_names.account_id is 'Public id of the account.';

revoke all on table pgledger.account_names from public;
grant select on table pgledger.account_names to pgledger_auditor;

create type @extschema@.pgledger_path_balance as (
  path text collate "C",
  currency text collate "C",
  balance numeric,
  held_out numeric,
  held_in numeric,
  account_count bigint
);

comment on type @extschema@.pgledger_path_balance is
  'Balances of the accounts of one path and currency, added up.';
comment on column @extschema@.pgledger_path_balance.path is
  'Name of the accounts, or its first levels, up to a dot.';
comment on column @extschema@.pgledger_path_balance.currency is
  'Unit of the balances: 1 to 32 visible characters, for example USD.';
comment on column @extschema@.pgledger_path_balance.balance is 'Sum of the accounts'' balances.';
comment on column @extschema@.pgledger_path_balance.held_out is
  'Sum of what holds keep back to leave the accounts.';
comment on column @extschema@.pgledger_path_balance.held_in is
  'Sum of what holds keep back on other accounts to reach these.';
comment on column @extschema@.pgledger_path_balance.account_count is
  'How many accounts were added up.';

revoke all on type @extschema@.pgledger_path_balance from public;
grant usage on type @extschema@.pgledger_path_balance to pgledger_reader;

-- It has got arguments.
drop function if exists pgledger.check_scope(text, text, integer, integer);
