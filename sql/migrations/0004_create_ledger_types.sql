/*
Element of the arrays that pgledger_create_transfers takes. Its three attributes stay as they are
for ever: callers write plain rows, which match it by position.
*/
create type pgledger_transfer_request as (
  from_account_id text,
  to_account_id text,
  amount numeric
);

comment on type pgledger_transfer_request is
  'One transfer to make: (from_account_id, to_account_id, amount). '
  'Written as a plain row: (''pgla_...'', ''pgla_...'', 12.34).';
comment on column pgledger_transfer_request.from_account_id is 'Account that the amount leaves.';
comment on column pgledger_transfer_request.to_account_id is 'Account that the amount reaches.';
comment on column pgledger_transfer_request.amount is 'What to move, in units of the currency.';

revoke all on type pgledger_transfer_request from public;
grant usage on type pgledger_transfer_request to pgledger_reader;
