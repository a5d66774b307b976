/*
Limits of accounts are numbers: what the two flags said is a limit of 0. The view reads the flags
from the limits before their columns go, so that views and grants of others on it stay.
*/
update pgledger.accounts
set
  min_balance = case when accounts.allow_negative_balance then accounts.min_balance else 0 end,
  max_balance = case when accounts.allow_positive_balance then accounts.max_balance else 0 end
where not accounts.allow_negative_balance
  or not accounts.allow_positive_balance;

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
  accounts.tenant_id
from pgledger.accounts
cross join (select) as read_only;

-- squawk-ignore ban-drop-column
alter table pgledger.accounts drop column allow_negative_balance;
-- squawk-ignore ban-drop-column
alter table pgledger.accounts drop column allow_positive_balance;

-- What the view has comes first, and what only a function can tell after it.
alter type @extschema@.pgledger_account
-- squawk-ignore ban-drop-column
drop attribute replayed,
add attribute min_balance numeric,
add attribute max_balance numeric,
add attribute held_out numeric,
add attribute held_in numeric,
add attribute available_balance numeric,
add attribute status text collate "C",
add attribute amount_scale integer,
add attribute replayed boolean;

comment on column @extschema@.pgledger_account.allow_negative_balance is
  'Whether a transfer may leave the balance below zero: there is no min_balance, or it is below '
  'zero.';
comment on column @extschema@.pgledger_account.allow_positive_balance is
  'Whether a transfer may leave the balance above zero: there is no max_balance, or it is above '
  'zero.';
comment on column @extschema@.pgledger_account.min_balance is
  'Lowest balance, less held_out, that a transfer may leave, or null.';
comment on column @extschema@.pgledger_account.max_balance is
  'Highest balance, with held_in, that a transfer may leave, or null.';
comment on column @extschema@.pgledger_account.held_out is
  'What holds keep back to leave the account.';
comment on column @extschema@.pgledger_account.held_in is
  'What holds keep back on other accounts to reach this one.';
comment on column @extschema@.pgledger_account.available_balance is
  'What may leave the account: the balance less held_out, and less min_balance where there is one.';
comment on column @extschema@.pgledger_account.status is
  'What the account takes part in; one of: open, frozen_out, frozen_in, frozen_both, closed.';
comment on column @extschema@.pgledger_account.amount_scale is
  'Decimal places that amounts may have; null for 18.';
comment on column @extschema@.pgledger_account.replayed is
  'Whether the call was a repeat, and this is what the first one made; null for what was only '
  'read.';

drop function if exists @extschema@.pgledger_create_account(
  text, text, boolean, boolean, jsonb, text, text, text
);
drop function if exists pgledger.check_balance(
  text, text, boolean, boolean, numeric, numeric, bigint, bigint
);
