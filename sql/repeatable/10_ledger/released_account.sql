/*
A locked account as it is once what has expired on it is written and released: for decisions that
depend on what it holds. A caller that goes on to move money to another account, which it has
locked, too, gives that as well: holds of both are locked at once, because in two steps their order
would be another than that of a transfer.

Locks: those of pgledger.release_expired.
*/
create or replace function pgledger.released_account(
  account pgledger.accounts,
  other pgledger.accounts default null
)
returns pgledger.accounts
language plpgsql
volatile
parallel unsafe
as $$
begin
  if greatest(account.held_out, account.held_in, other.held_out, other.held_in) = 0 then
    return account;
  elsif not pgledger.release_expired(
    array_remove(array[account.key, other.key], null), pgledger.clock()
  ) then
    return account;
  end if;

  return (select accounts from pgledger.accounts where accounts.key = account.key);
end;
$$;

comment on function pgledger.released_account is
  'A locked account once what has expired on it is released.';

revoke all on function pgledger.released_account from public;
