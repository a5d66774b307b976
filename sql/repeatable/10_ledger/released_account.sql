/*
A locked account as it is once what has expired on it is written and released: for decisions that
depend on what it holds.

Locks: those of pgledger.release_expired.
*/
create or replace function pgledger.released_account(account pgledger.accounts)
returns pgledger.accounts
language plpgsql
volatile
parallel unsafe
as $$
begin
  if account.held_out = 0 and account.held_in = 0 then
    return account;
  elsif not pgledger.release_expired(array[account.key], pgledger.clock()) then
    return account;
  end if;

  return (select accounts from pgledger.accounts where accounts.key = account.key);
end;
$$;

comment on function pgledger.released_account is
  'A locked account once what has expired on it is released.';

revoke all on function pgledger.released_account from public;
