/*
One account, found by what people call it. It takes no lock.

Checks, in this order: app_id, tenant_id, name, currency.
Errors: NullArgument, InvalidScope, InvalidName, InvalidCurrency, AccountNotFound, AccountAmbiguous.
*/
create or replace function @extschema@.pgledger_find_account(
  name text,
  currency text,
  app_id text default '',
  tenant_id text default ''
)
returns @extschema@.pgledger_account
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_id text;
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_scope('tenant_id', tenant_id);
  v_ok := pgledger.check_account_name(name, currency);

  v_id := pgledger.account_id_of_name(name, currency, app_id, tenant_id);
  if v_id is null then
    v_ok := pgledger.refuse_account_name(name, currency, app_id, tenant_id);
  end if;

  return (
    select pgledger.account_answer(accounts, null)
    from pgledger.accounts
    where accounts.id = v_id
  );
end;
$$;

comment on function @extschema@.pgledger_find_account is
$$Finds an account by its name.

Names need not be unique. Where several accounts have the name, it refuses to
choose: then find the account by its id.

name: The account's name, exactly as it stands.
currency: The account's currency.
app_id: Set of books that it belongs to.
tenant_id: Whose account it is.

Returns: The account, as it stands now.

Errors: NullArgument, InvalidScope, InvalidName, InvalidCurrency,
  AccountNotFound (no account has this name), AccountAmbiguous (several
  have).$$;

revoke all on function @extschema@.pgledger_find_account from public;
grant execute on function @extschema@.pgledger_find_account to pgledger_reader;
