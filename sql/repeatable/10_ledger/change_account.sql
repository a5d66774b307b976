/*
Writes a change of an account and its row of history, and answers with the account as it is then.
The caller has locked the account and gives it as it was and as it is to be. If nothing differs,
nothing is written, so that a call can be repeated.

The row of history is later than everything recorded before on the account, even if the clock steps
back. The account's version and updated_at are left to transfers: they count its entries and tell
the newest. A clock that is wrong stops no change: freezing an account has to work then, too.

Locks: the account is locked by the caller.
*/
create or replace function pgledger.change_account(
  account pgledger.accounts,
  changed pgledger.accounts,
  change text,
  reason text
)
returns @extschema@.pgledger_account
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_newest record;
begin
  if
    (account.name, account.metadata, account.min_balance, account.max_balance, account.status)
    is not distinct from
    (changed.name, changed.metadata, changed.min_balance, changed.max_balance, changed.status)
  then
    return pgledger.account_answer(account, true);
  end if;

  select account_changes.number, account_changes.changed_at
  into v_newest
  from pgledger.account_changes
  where account_changes.account_key = account.key
  order by account_changes.number desc
  limit 1;

  update pgledger.accounts
  set
    name = changed.name,
    metadata = changed.metadata,
    min_balance = changed.min_balance,
    max_balance = changed.max_balance,
    status = changed.status
  where accounts.key = account.key;

  insert into pgledger.account_changes (
    account_key, number, changed_at, version, from_status, to_status, change, from_min_balance,
    to_min_balance, from_max_balance, to_max_balance, from_name, to_name, from_metadata,
    to_metadata, changed_by, changed_as, reason
  )
  values (
    account.key,
    coalesce(v_newest.number, 0) + 1,
    greatest(
      pgledger.clock(),
      account.updated_at + interval '1 microsecond',
      v_newest.changed_at + interval '1 microsecond'
    ),
    account.version, account.status, changed.status, change_account.change, account.min_balance,
    changed.min_balance, account.max_balance, changed.max_balance, account.name, changed.name,
    account.metadata, changed.metadata, session_user, current_setting('role'),
    change_account.reason
  );

  return pgledger.account_answer(changed, false);
end;
$$;

comment on function pgledger.change_account is
  'Writes a change of an account that the caller has locked, and its row of history.';

revoke all on function pgledger.change_account from public;
