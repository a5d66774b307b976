/*
The earlier project's type of a request. Callers declare variables and arrays of it.

Run by `pgledger migrate --compat` as pgledger's owner, where there is none in that schema.
*/
create type @compat@.transfer_request as (
  from_account_id text,
  to_account_id text,
  amount numeric
);

comment on type @compat@.transfer_request is
  'One transfer to make: (from_account_id, to_account_id, amount).';

revoke all on type @compat@.transfer_request from public;
grant usage on type @compat@.transfer_request to pgledger_reader;
