/*
The one account that has a name and was not opened under it by pgledger_ensure_account; nulls if
there is none. Its row is locked, so that a rename waits. One that came first is noticed, because
the name is compared again after the wait; then it looks for another.

Locks: the account FOR NO KEY UPDATE.
Errors: AccountAmbiguous.
*/
create or replace function pgledger.adoptable_account(
  name text,
  currency text,
  app_id text,
  tenant_id text
)
returns @extschema@.pgledger_account
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_id text;
  v_account @extschema@.pgledger_account;
begin
  loop
    v_id := pgledger.account_id_of_name(name, currency, app_id, tenant_id);
    exit when v_id is null;

    perform
    from pgledger.accounts
    where accounts.id = v_id
      and accounts.name = adoptable_account.name
    for no key update;

    if found then
      v_account := (
        select pgledger.account_answer(accounts, true)
        from pgledger.accounts
        where accounts.id = v_id
      );
      exit;
    end if;
  end loop;

  return v_account;
end;
$$;

comment on function pgledger.adoptable_account is
  'The one account of a name, locked, or nulls; raises AccountAmbiguous for several.';

revoke all on function pgledger.adoptable_account from public;
