/*
One account, as it stands. An id that does not exist is an error rather than no row: a mistyped id
must not look like an account without money.

Errors: NullArgument, InvalidId, InvalidScope, AccountNotFound.
*/
create or replace function @extschema@.pgledger_get_account(
  id text,
  app_id text default ''
)
returns @extschema@.pgledger_account
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_account record;
  v_ok boolean;
begin
  select pgledger.account_answer(accounts, null) as answer
  into v_account
  from pgledger.accounts
  where accounts.id = pgledger_get_account.id
    and accounts.app_id = pgledger_get_account.app_id;

  if not found then
    v_ok := pgledger.refuse_account('id', id, app_id);
  end if;

  return v_account.answer;
end;
$$;

comment on function @extschema@.pgledger_get_account is
$$Returns an account as it stands now.

id: The account's id.
app_id: Set of books that it belongs to.

Returns: The account, with its balance and version.

Errors: NullArgument, InvalidScope, InvalidId, AccountNotFound (there is no
  such account under this app_id).$$;

revoke all on function @extschema@.pgledger_get_account from public;
grant execute on function @extschema@.pgledger_get_account to pgledger_reader;
