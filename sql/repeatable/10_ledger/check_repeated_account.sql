/*
Checks that an account that exists is the one that a caller asks to have opened.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.check_repeated_account(
  account @extschema@.pgledger_account,
  name text,
  currency text,
  min_balance numeric,
  max_balance numeric,
  metadata jsonb,
  app_id text,
  tenant_id text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  return pgledger.check_repeated(
    account.id,
    jsonb_build_object(
      'app_id', app_id, 'tenant_id', tenant_id, 'name', name, 'currency', currency,
      'min_balance', min_balance, 'max_balance', max_balance, 'metadata', metadata
    ),
    to_jsonb(account)
  );
end;
$$;

comment on function pgledger.check_repeated_account is
  'Raises IdempotencyConflict unless an account is as it is asked for.';

revoke all on function pgledger.check_repeated_account from public;
