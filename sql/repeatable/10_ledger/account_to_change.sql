/*
An account that is about to be changed, or the reason why it cannot be found. The name is that of
the argument which held its id.

Locks: the account FOR NO KEY UPDATE.
Errors: NullArgument, InvalidScope, InvalidId, AccountNotFound.
*/
create or replace function pgledger.account_to_change(name text, account_id text, app_id text)
returns pgledger.accounts
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_account pgledger.accounts := pgledger.lock_account(account_id, app_id);
  v_ok boolean;
begin
  if v_account.key is null then
    v_ok := pgledger.refuse_account(name, account_id, app_id);
  end if;

  return v_account;
end;
$$;

comment on function pgledger.account_to_change is
  'The account with that id, locked to be changed; raises an error if there is none.';

revoke all on function pgledger.account_to_change from public;
