/*
The key and the version of an account, or the reason why it cannot be found.

Errors: NullArgument, InvalidId, InvalidScope, AccountNotFound.
*/
create or replace function pgledger.account_key(
  account_id text,
  app_id text,
  out key bigint,
  out version bigint
)
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  select accounts.key, accounts.version
  into account_key.key, account_key.version
  from pgledger.accounts
  where accounts.id = account_key.account_id
    and accounts.app_id = account_key.app_id;

  if not found then
    v_ok := pgledger.refuse_account('account_id', account_id, app_id);
  end if;
end;
$$;

comment on function pgledger.account_key is
  'Key and version of the account with that id; raises an error if there is none.';

revoke all on function pgledger.account_key from public;
