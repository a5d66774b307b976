/*
The balance of an account at a time. As recorded it is that after the newest entry whose created_at
is not later: pgledger.version_at finds it. By event time entries that gave an event_at are taken
in or out. It takes no lock, and reads by index only, whatever the statistics say.

Errors: NullArgument, InvalidId, InvalidScope, AccountNotFound, InvalidArgument.
*/
create or replace function @extschema@.pgledger_balance_at(
  account_id text,
  at timestamptz,
  axis text default 'recorded',
  app_id text default ''
)
returns numeric
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set max_parallel_workers_per_gather = 0
as $$
declare
  v_account record;
  v_ok boolean;
begin
  select accounts.key, accounts.version, accounts.balance, accounts.updated_at
  into v_account
  from pgledger.accounts
  where accounts.id = pgledger_balance_at.account_id
    and accounts.app_id = pgledger_balance_at.app_id;

  if not found then
    v_ok := pgledger.refuse_account('account_id', account_id, app_id);
  end if;
  if at is null then
    v_ok := pgledger.fail('NullArgument', array['at']);
  end if;
  v_ok := pgledger.check_choice('axis', axis, array['recorded', 'event']);

  return pgledger.balance_then(
    v_account.key, v_account.version, v_account.balance, v_account.updated_at, at, axis
  );
end;
$$;

comment on function @extschema@.pgledger_balance_at is
$$Returns an account's balance at a time.

As recorded: what the books said then. A transfer is recorded shortly before
it commits. So the answer is final for every time before all transactions
began that were open when it was asked for.

By event: what had happened by then, whenever it was recorded. A transfer that
is recorded later with an earlier event_at changes the answer.

account_id: Whose balance.
at: The time: every entry that is not later counts.
axis: Whether created_at or event_at says when an entry was; one of: recorded,
  event.
app_id: Set of books that the account belongs to.

Returns: The balance in units of the account's currency; 0 before its first
  entry.

Errors: NullArgument, InvalidScope, InvalidId, AccountNotFound (there is no
  such account under this app_id), InvalidArgument (there is no such axis).$$;

revoke all on function @extschema@.pgledger_balance_at from public;
grant execute on function @extschema@.pgledger_balance_at to pgledger_reader;
