/*
Keeps account_names right when an account is renamed. The caller holds the account's row locked, and
gives it as it was before. If pgledger_ensure_account made or found the account under its name, the
new name leads to it from now on, unless that leads to another account already: that one keeps it.
The old name leads nowhere. An account that was opened otherwise has no row here, and gets none.

Locks: the rows of account_names of both names, ascending by name, after the account: accounts that
exchange their names would wait for one another. Where the new name was taken by a transaction that
is open, it waits for that.
Errors: a serialization failure where the new name was taken after the transaction's snapshot.
*/
create or replace function pgledger.move_account_name(account pgledger.accounts, new_name text)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
begin
  if new_name = account.name then
    return false;
  end if;

  perform
  from pgledger.account_names
  where account_names.app_id = account.app_id
    and account_names.tenant_id = account.tenant_id
    and account_names.currency = account.currency
    and account_names.name in (account.name, new_name)
  order by account_names.name
  for update;

  delete from pgledger.account_names
  where account_names.app_id = account.app_id
    and account_names.tenant_id = account.tenant_id
    and account_names.currency = account.currency
    and account_names.name = account.name
    and account_names.account_id = account.id;

  if not found then
    return false;
  end if;

  insert into pgledger.account_names (app_id, tenant_id, currency, name, account_id)
  values (account.app_id, account.tenant_id, account.currency, new_name, account.id)
  on conflict on constraint account_names_app_id_tenant_id_currency_name_pk do nothing;

  return found;
end;
$$;

comment on function pgledger.move_account_name is
  'Lets the new name of an account lead to it, and the old one no longer; false if no name does.';

revoke all on function pgledger.move_account_name from public;
