/*
Writes a new account, unless its id is taken. All that opens accounts does it here; what was asked
for was checked. It has its currency's decimal places.

Locks: those of pgledger.keep_scale.
*/
create or replace function pgledger.open_account(
  id text,
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
volatile
parallel unsafe
as $$
declare
  v_created_at timestamptz := pgledger.clock();
  v_ok boolean;
begin
  v_ok := pgledger.keep_scale(app_id, currency);
  insert into pgledger.accounts (
    created_at, updated_at, min_balance, max_balance, amount_scale, id, app_id, currency, name,
    tenant_id, metadata
  )
  values (
    v_created_at, v_created_at, open_account.min_balance, open_account.max_balance,
    (
      select currencies.amount_scale
      from pgledger.currencies
      where currencies.app_id = open_account.app_id
        and currencies.code = open_account.currency
    ),
    open_account.id, open_account.app_id, open_account.currency, open_account.name,
    open_account.tenant_id, open_account.metadata
  )
  on conflict on constraint accounts_id_key do nothing;

  return found;
end;
$$;

comment on function pgledger.open_account is
  'Writes a new account; false if there is one of that id.';

revoke all on function pgledger.open_account from public;
