/*
Freezes an account, for one direction or both. It waits for transfers that are under way, because
it locks what they lock: once it has committed, no transfer commits that it forbids.

Locks: the account FOR NO KEY UPDATE.
Checks, in this order: app_id, id, direction, reason, that the account exists, that it is not
closed.
Errors: NullArgument, InvalidScope, InvalidId, InvalidArgument, AccountNotFound, AccountClosed.
*/
create or replace function @extschema@.pgledger_freeze_account(
  id text,
  direction text,
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
  v_bits smallint;
  v_account pgledger.accounts;
  v_changed pgledger.accounts;
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_id('id', id, 'pgla');
  v_bits := pgledger.frozen_bits(direction);
  v_ok := pgledger.check_reason(reason);

  v_account := pgledger.account_to_change('id', id, app_id);
  if v_account.status = 4 then
    v_ok := pgledger.fail(
      'AccountClosed', array[v_account.id, v_account.name],
      hint => 'Reopen the account first: pgledger_reopen_account.'
    );
  end if;
  v_changed := v_account;
  v_changed.status := v_account.status | v_bits;

  return pgledger.change_account(v_account, v_changed, 'freeze', reason);
end;
$$;

comment on function @extschema@.pgledger_freeze_account is
$$Freezes an account: nothing may leave it, or reach it, or both.

It adds to what is frozen already. Transfers that are under way come first:
once the freeze has committed, none commits that it forbids. Holds that were
made before can be posted all the same. A call that changes nothing writes
nothing, so it can be repeated. Each change is a row of
pgledger_account_changes_v1.

id: The account.
direction: What is frozen, one of: out, in, both.
reason: Why, for those who read the history: 1 to 1,000 characters, or null.
app_id: Set of books that the account belongs to.

Returns: The account as it is now; replayed says whether it was so before.

Errors: NullArgument, InvalidScope, InvalidId, InvalidArgument (the direction
  is none of these, or the reason is empty or too long), AccountNotFound
  (there is no such account under this app_id), AccountClosed.$$;

revoke all on function @extschema@.pgledger_freeze_account from public;
grant execute on function @extschema@.pgledger_freeze_account to pgledger_poster;
