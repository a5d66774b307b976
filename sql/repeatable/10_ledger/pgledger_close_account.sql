/*
Closes an account that is empty, or empties it first.

Locks: the account and the one that it is swept to FOR NO KEY UPDATE, in ascending order of their
ids; then expired holds of both.
Checks, in this order: app_id, the ids, that they differ, reason, that the accounts exist and share
a currency, whether it is closed already, that nothing is held, the balance; for a sweep, what
transfers check.
Errors: NullArgument, InvalidScope, InvalidId, SameAccount, InvalidArgument, AccountNotFound,
CurrencyMismatch, AccountNotEmpty, and those of pgledger.sweep_account.
*/
create or replace function @extschema@.pgledger_close_account(
  id text,
  reason text default null,
  sweep_to text default null,
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
  v_target pgledger.accounts;
  v_changed pgledger.accounts;
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_id('id', id, 'pgla');
  if sweep_to is not null then
    v_ok := pgledger.check_id('sweep_to', sweep_to, 'pgla');
  end if;
  if sweep_to = id then
    v_ok := pgledger.fail('SameAccount', array[id]);
  end if;
  v_ok := pgledger.check_reason(reason);

  if sweep_to collate "C" < id then
    v_target := pgledger.lock_account(sweep_to, app_id);
  end if;
  v_account := pgledger.account_to_change('id', id, app_id);
  if sweep_to collate "C" > id then
    v_target := pgledger.lock_account(sweep_to, app_id);
  end if;
  if sweep_to is not null and v_target.key is null then
    v_ok := pgledger.refuse_account('sweep_to', sweep_to, app_id);
  elsif v_target.currency <> v_account.currency then
    v_ok := pgledger.fail(
      'CurrencyMismatch', array[id, v_account.currency, sweep_to, v_target.currency]
    );
  end if;

  if v_account.status <> 4 then
    v_account := pgledger.released_account(v_account, v_target);
    if
      v_account.held_out <> 0 or v_account.held_in <> 0
      or v_account.balance <> 0 and sweep_to is null
    then
      v_ok := pgledger.fail(
        'AccountNotEmpty',
        array[
          v_account.id, v_account.name, v_account.balance::text, v_account.held_out::text,
          v_account.held_in::text
        ]
      );
    elsif v_account.balance <> 0 then
      v_ok := pgledger.sweep_account(v_account, sweep_to);
      v_account := pgledger.account_to_change('id', id, app_id);
    end if;
  end if;

  v_changed := v_account;
  v_changed.status := 4;

  return pgledger.change_account(v_account, v_changed, 'close', reason);
end;
$$;

comment on function @extschema@.pgledger_close_account is
$$Closes an account: no transfer takes from it or gives to it from then on.

It must be empty: a balance of zero, and no open holds. With sweep_to its
balance is moved to that account first, or, if it is negative, from there, by
an ordinary transfer. A call for an account that is closed already changes
nothing, so it can be repeated. Each change is a row of
pgledger_account_changes_v1.

id: The account.
reason: Why, for those who read the history: 1 to 1,000 characters, or null.
sweep_to: Account of the same currency that takes over the balance, or null.
app_id: Set of books that the accounts belong to.

Returns: The account as it is now; replayed says whether it was closed before.

Errors: NullArgument, InvalidScope, InvalidId, SameAccount (sweep_to is the
  account itself), InvalidArgument (the reason is empty or too long),
  AccountNotFound (there is no such account under this app_id),
  CurrencyMismatch, AccountNotEmpty (it has a balance and there is no
  sweep_to, or it has open holds), AccountAheadOfClock, AccountClosed
  (sweep_to is closed), AccountFrozen (the balance may not leave one account
  or reach the other), InvalidAmount (the balance has more decimal places than
  the accounts take), InsufficientFunds, PositiveBalanceNotAllowed,
  BalanceOutOfRange (moving the balance would break a limit).$$;

revoke all on function @extschema@.pgledger_close_account from public;
grant execute on function @extschema@.pgledger_close_account to pgledger_poster;
