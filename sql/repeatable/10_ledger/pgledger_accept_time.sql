/*
Accepts the newest time of an account although it is ahead of the clock. What stands in
accepted_times is never changed; accepting the same time again adds nothing.

Locks: the account FOR NO KEY UPDATE, so that its newest time is the one that is written down.
Checks, in this order: app_id, the account's id, reason, that the account is ahead.
Errors: NullArgument, InvalidScope, InvalidId, AccountNotFound, InvalidArgument.
*/
create or replace function @extschema@.pgledger_accept_time(
  account_id text,
  reason text,
  app_id text default ''
)
returns timestamptz
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_fault text := pgledger.text_fault(reason, 1, 1000, true);
  v_account record;
  v_now timestamptz;
  v_ok boolean;
begin
  select accounts.key, accounts.updated_at
  into v_account
  from pgledger.accounts
  where accounts.id = account_id
    and accounts.app_id = pgledger_accept_time.app_id
  for no key update;

  if not found then
    v_ok := pgledger.refuse_account('account_id', account_id, app_id);
  elsif v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidArgument', array['reason', quote_nullable(pgledger.abridged(reason)), v_fault]
    );
  end if;

  v_now := pgledger.clock();
  if v_account.updated_at <= v_now then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'account_id', account_id,
        format(
          'it was last changed at %s, which is not ahead of the clock: %s',
          v_account.updated_at, v_now
        )
      ]
    );
  end if;

  insert into pgledger.accepted_times (
    account_key, newest_at, accepted_at, accepted_by, accepted_as, reason
  )
  values (
    v_account.key, v_account.updated_at, v_now, session_user, current_setting('role'),
    pgledger_accept_time.reason
  )
  on conflict on constraint accepted_times_account_key_newest_at_pk do nothing;

  return v_account.updated_at;
end;
$$;

comment on function @extschema@.pgledger_accept_time is
$$Lets an account post although its newest time is ahead of the clock.

Transfers of the account are recorded at that time, a microsecond apart, until
the clock has reached it. So is the other account of each, and it may post
from then on, too. The call is written down: who, when and why. Another wrong
time, more than a day beyond this one, is refused again. Only the owner of
pgledger may call this function.

account_id: The account.
reason: Why, for those who read it later: 1 to 1,000 characters.
app_id: Set of books that the account belongs to.

Returns: The time that was accepted, the account's newest.

Errors: NullArgument, InvalidScope, InvalidId, AccountNotFound (there is no
  such account under this app_id), InvalidArgument (the reason is empty or too
  long, or the account is not ahead of the clock).$$;

revoke all on function @extschema@.pgledger_accept_time from public;
