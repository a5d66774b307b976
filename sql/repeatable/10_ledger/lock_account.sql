/*
An account, its row locked FOR NO KEY UPDATE: the lock of transfers, so none of them is under way on
the account while it is changed. A row of nulls if there is no such account in the app.
*/
create or replace function pgledger.lock_account(account_id text, app_id text)
returns pgledger.accounts
language plpgsql
volatile
parallel unsafe
as $$
begin
  perform
  from pgledger.accounts
  where accounts.id = lock_account.account_id
    and accounts.app_id = lock_account.app_id
  for no key update;
  if not found then
    return null;
  end if;

  return (select accounts from pgledger.accounts where accounts.id = lock_account.account_id);
end;
$$;

comment on function pgledger.lock_account is
  'The account with that id, locked to be changed; nulls if there is none.';

revoke all on function pgledger.lock_account from public;
