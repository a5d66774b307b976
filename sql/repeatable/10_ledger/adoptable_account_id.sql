/*
The id of the one account that has a name and was not opened under it by pgledger_ensure_account;
null if there is none. Its row is locked, so that a rename waits. One that came first is noticed,
because the name is compared again after the wait; then it looks for another.

Locks: the account FOR NO KEY UPDATE.
Errors: AccountAmbiguous.
*/
create or replace function pgledger.adoptable_account_id(
  name text,
  currency text,
  app_id text,
  tenant_id text
)
returns text
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_id text;
begin
  loop
    v_id := pgledger.account_id_of_name(name, currency, app_id, tenant_id);
    exit when v_id is null;

    perform
    from pgledger.accounts
    where accounts.id = v_id
      and accounts.name = adoptable_account_id.name
    for no key update;

    exit when found;
  end loop;

  return v_id;
end;
$$;

comment on function pgledger.adoptable_account_id is
  'Id of the one account of a name, locked, or null; raises AccountAmbiguous for several.';

revoke all on function pgledger.adoptable_account_id from public;
