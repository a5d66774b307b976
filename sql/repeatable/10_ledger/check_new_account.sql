/*
Refuses what a new account cannot have.

Errors: NullArgument, InvalidScope, InvalidName, InvalidCurrency, InvalidArgument, InvalidMetadata.
*/
create or replace function pgledger.check_new_account(
  name text,
  currency text,
  allow_negative_balance boolean,
  allow_positive_balance boolean,
  metadata jsonb,
  app_id text,
  tenant_id text,
  min_balance numeric,
  max_balance numeric
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_scope('tenant_id', tenant_id);
  v_ok := pgledger.check_account_name(name, currency);
  v_ok := pgledger.check_new_limits(
    allow_negative_balance, allow_positive_balance, min_balance, max_balance
  );
  v_ok := pgledger.check_metadata(metadata);
  return true;
end;
$$;

comment on function pgledger.check_new_account is
  'Raises the first thing that is wrong with a request for a new account.';

revoke all on function pgledger.check_new_account from public;
