/*
The balance that was recorded for an account at a time: after the newest entry whose created_at is
not later. Along an account versions and times ascend together, and versions have no gap. So the
entry is found by halving the range of versions: at most 40 halvings of 2 index look-ups each,
whatever the time.

Errors: NullArgument, InvalidId, InvalidScope, AccountNotFound.
*/
create or replace function @extschema@.pgledger_balance_at(
  account_id text,
  at timestamptz,
  app_id text default ''
)
returns numeric
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_account record;
  v_entry record;
  v_balance numeric := 0;
  v_lowest bigint := 1;
  v_highest bigint;
  v_middle bigint;
  v_ok boolean;
begin
  v_account := pgledger.account_key(account_id, app_id);

  if at is null then
    v_ok := pgledger.fail('NullArgument', array['at']);
  end if;

  v_highest := v_account.version;
  while v_lowest <= v_highest loop
    v_middle := (v_lowest + v_highest) / 2;

    select transfers.created_at, transfers.from_balance as balance
    into v_entry
    from pgledger.transfers
    where transfers.from_key = v_account.key and transfers.from_version = v_middle;

    if not found then
      select transfers.created_at, transfers.to_balance as balance
      into v_entry
      from pgledger.transfers
      where transfers.to_key = v_account.key and transfers.to_version = v_middle;
    end if;

    if v_entry.created_at <= at then
      v_balance := v_entry.balance;
      v_lowest := v_middle + 1;
    else
      v_highest := v_middle - 1;
    end if;
  end loop;

  return v_balance;
end;
$$;

comment on function @extschema@.pgledger_balance_at is
$$Returns an account's balance at a time, as recorded.

A transfer is recorded shortly before it commits. So the answer for a time is
final once the transactions that were open then have ended.

account_id: Whose balance.
at: The time: every entry whose created_at is not later counts.
app_id: Set of books that the account belongs to.

Returns: The balance in units of the account's currency; 0 before its first
  entry.

Errors: NullArgument, InvalidScope, InvalidId, AccountNotFound (there is no
  such account under this app_id).$$;

revoke all on function @extschema@.pgledger_balance_at from public;
grant execute on function @extschema@.pgledger_balance_at to pgledger_reader;
