/*
An account as it was created: what the first change found, or, if nothing has changed it, as it is.
One statement of the caller's reads both, so that no change comes between.
*/
create or replace function pgledger.account_as_created(account pgledger.accounts)
returns pgledger.accounts
language plpgsql
stable
parallel safe
as $$
declare
  v_account pgledger.accounts := account;
begin
  select
    account_changes.from_name, account_changes.from_metadata, account_changes.from_min_balance,
    account_changes.from_max_balance
  into v_account.name, v_account.metadata, v_account.min_balance, v_account.max_balance
  from pgledger.account_changes
  where account_changes.account_key = account.key
    and account_changes.number = 1;

  return case when found then v_account else account end;
end;
$$;

comment on function pgledger.account_as_created is
  'An account with the name, metadata and limits that it was created with.';

revoke all on function pgledger.account_as_created from public;
