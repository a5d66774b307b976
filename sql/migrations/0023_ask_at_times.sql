/*
What is asked about a time: balances of many accounts, statements, trial balances, movements.
*/
create type @extschema@.pgledger_account_balance as (
  account_id text collate "C",
  currency text collate "C",
  balance numeric
);

comment on type @extschema@.pgledger_account_balance is 'Balance of one account at a time.';
comment on column @extschema@.pgledger_account_balance.account_id is 'Whose balance it is.';
comment on column @extschema@.pgledger_account_balance.currency is
  'Unit of the balance: 1 to 32 visible characters, for example USD.';
comment on column @extschema@.pgledger_account_balance.balance is
  'The balance; 0 before the first entry.';

revoke all on type @extschema@.pgledger_account_balance from public;
grant usage on type @extschema@.pgledger_account_balance to pgledger_reader;

create type @extschema@.pgledger_statement_line as (
  kind text collate "C",
  at timestamptz,
  amount numeric,
  balance numeric,
  currency text collate "C",
  counterparty_id text collate "C",
  counterparty_name text collate "C",
  transfer_id text collate "C",
  account_version bigint,
  created_at timestamptz,
  event_at timestamptz,
  group_id text collate "C",
  metadata jsonb,
  origin_id text collate "C"
);

comment on type @extschema@.pgledger_statement_line is
  'One line of an account''s statement: the opening balance, an entry, or the closing balance.';
comment on column @extschema@.pgledger_statement_line.kind is
  'What the line is; one of: opening, entry, closing.';
comment on column @extschema@.pgledger_statement_line.at is
  'Time of the line: the entry''s on the axis asked for; where the statement begins and ends for '
  'the opening and the closing one; null for an open end.';
comment on column @extschema@.pgledger_statement_line.amount is
  'What the entry adds to the balance: negative where it left the account; for the closing line '
  'what all entries add; null for the opening line.';
comment on column @extschema@.pgledger_statement_line.balance is
  'Balance of the account after the line, in the order of the statement.';
comment on column @extschema@.pgledger_statement_line.currency is
  'Unit of the amounts: 1 to 32 visible characters, for example USD.';
comment on column @extschema@.pgledger_statement_line.counterparty_id is
  'Account on the other side of the entry, or null.';
comment on column @extschema@.pgledger_statement_line.counterparty_name is
  'Name of that account today, or null.';
comment on column @extschema@.pgledger_statement_line.transfer_id is
  'Transfer that the entry is one leg of, or null.';
comment on column @extschema@.pgledger_statement_line.account_version is
  'Number of the entry on the account, or null.';
comment on column @extschema@.pgledger_statement_line.created_at is
  'When the entry was recorded, or null.';
comment on column @extschema@.pgledger_statement_line.event_at is
  'When it happened in the world: as given, or else created_at, or null.';
comment on column @extschema@.pgledger_statement_line.group_id is
  'Name that joins the transfers of one call, or null.';
comment on column @extschema@.pgledger_statement_line.metadata is
  'JSON object given with the transfer, or null.';
comment on column @extschema@.pgledger_statement_line.origin_id is
  'Hold that the transfer posts (pglh_) or transfer that it reverses (pglt_), or null.';

revoke all on type @extschema@.pgledger_statement_line from public;
grant usage on type @extschema@.pgledger_statement_line to pgledger_reader;

create type @extschema@.pgledger_trial_balance_line as (
  account_id text collate "C",
  account_name text collate "C",
  tenant_id text collate "C",
  currency text collate "C",
  balance numeric,
  above_zero numeric,
  below_zero numeric
);

comment on type @extschema@.pgledger_trial_balance_line is
  'Balance of one account in a trial balance.';
comment on column @extschema@.pgledger_trial_balance_line.account_id is 'Account of the line.';
comment on column @extschema@.pgledger_trial_balance_line.account_name is
  'Name of the account today.';
comment on column @extschema@.pgledger_trial_balance_line.tenant_id is
  'Tenant whose account it is.';
comment on column @extschema@.pgledger_trial_balance_line.currency is
  'Unit of the balance: 1 to 32 visible characters, for example USD.';
comment on column @extschema@.pgledger_trial_balance_line.balance is 'The balance.';
comment on column @extschema@.pgledger_trial_balance_line.above_zero is
  'The balance if it is above 0, or else 0.';
comment on column @extschema@.pgledger_trial_balance_line.below_zero is
  'What the balance is below 0 by, or else 0: in each currency both columns of all accounts have '
  'the same sum.';

revoke all on type @extschema@.pgledger_trial_balance_line from public;
grant usage on type @extschema@.pgledger_trial_balance_line to pgledger_reader;

create type @extschema@.pgledger_movement as (
  period_start timestamptz,
  account_id text collate "C",
  account_name text collate "C",
  counterparty_id text collate "C",
  counterparty_name text collate "C",
  currency text collate "C",
  incoming numeric,
  outgoing numeric,
  transfer_count bigint
);

comment on type @extschema@.pgledger_movement is
  'What moved between an account and another one within a period.';
comment on column @extschema@.pgledger_movement.period_start is
  'First moment of the period; null for one period that has no beginning.';
comment on column @extschema@.pgledger_movement.account_id is 'Account of the row.';
comment on column @extschema@.pgledger_movement.account_name is 'Name of the account today.';
comment on column @extschema@.pgledger_movement.counterparty_id is
  'Account on the other side.';
comment on column @extschema@.pgledger_movement.counterparty_name is
  'Name of that account today.';
comment on column @extschema@.pgledger_movement.currency is
  'Unit of the amounts: 1 to 32 visible characters, for example USD.';
comment on column @extschema@.pgledger_movement.incoming is
  'Sum of what reached the account from the other one.';
comment on column @extschema@.pgledger_movement.outgoing is
  'Sum of what left the account for the other one.';
comment on column @extschema@.pgledger_movement.transfer_count is
  'How many transfers these are.';

revoke all on type @extschema@.pgledger_movement from public;
grant usage on type @extschema@.pgledger_movement to pgledger_reader;

comment on column @extschema@.pgledger_path_balance.held_out is
  'Sum of what holds keep back to leave the accounts; null for a time in the past.';
comment on column @extschema@.pgledger_path_balance.held_in is
  'Sum of what holds keep back on other accounts to reach these; null for a time in the past.';

-- They take an axis, or a time.
drop function if exists @extschema@.pgledger_balance_at(text, timestamptz, text);
drop function if exists @extschema@.pgledger_balances(text, integer, text, text);
