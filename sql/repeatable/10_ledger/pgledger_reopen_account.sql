/*
Opens a closed account again. An account that was frozen when it was closed is frozen again: whoever
may close and reopen accounts, and not unfreeze them, must not lift a freeze.

Locks: the account FOR NO KEY UPDATE.
Checks, in this order: app_id, id, reason, that the account exists.
Errors: NullArgument, InvalidScope, InvalidId, InvalidArgument, AccountNotFound.
*/
create or replace function @extschema@.pgledger_reopen_account(
  id text,
  reason text default null,
  app_id text default ''
)
returns @extschema@.pgledger_account
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_account pgledger.accounts;
  v_changed pgledger.accounts;
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_id('id', id, 'pgla');
  v_ok := pgledger.check_reason(reason);

  v_account := pgledger.account_to_change('id', id, app_id);
  v_changed := v_account;
  if v_account.status = 4 then
    v_changed.status := (
      select account_changes.from_status
      from pgledger.account_changes
      where account_changes.account_key = v_account.key
        and account_changes.change = 'close'
      order by account_changes.number desc
      limit 1
    );
  end if;

  return pgledger.change_account(v_account, v_changed, 'reopen', reason);
end;
$$;

comment on function @extschema@.pgledger_reopen_account is
$$Opens a closed account again.

If it was frozen when it was closed, it is frozen again. A call for an account
that is not closed changes nothing, so it can be repeated. Each change is a
row of pgledger_account_changes_v1.

id: The account.
reason: Why, for those who read the history: 1 to 1,000 characters, or null.
app_id: Set of books that the account belongs to.

Returns: The account as it is now; replayed says whether it was not closed.

Errors: NullArgument, InvalidScope, InvalidId, InvalidArgument (the reason is
  empty or too long), AccountNotFound (there is no such account under this
  app_id).$$;

revoke all on function @extschema@.pgledger_reopen_account from public;
grant execute on function @extschema@.pgledger_reopen_account to pgledger_poster;
