/*
The id of the one account of that name, or null. It reads two accounts at most: a second one makes
the name ambiguous, and guessing could move money of somebody else.

Errors: AccountAmbiguous.
*/
create or replace function pgledger.account_id_of_name(
  name text,
  currency text,
  app_id text,
  tenant_id text
)
returns text
language plpgsql
stable
parallel safe
as $$
declare
  v_id text;
  v_other_id text;
  v_ok boolean;
begin
  select min(found.id), max(found.id)
  into v_id, v_other_id
  from (
    select accounts.id
    from pgledger.accounts
    where accounts.app_id = account_id_of_name.app_id
      and accounts.tenant_id = account_id_of_name.tenant_id
      and accounts.name = account_id_of_name.name
      and accounts.currency = account_id_of_name.currency
    limit 2
  ) as found;

  if v_id <> v_other_id then
    v_ok := pgledger.refuse_account_name(name, currency, app_id, tenant_id);
  end if;

  return v_id;
end;
$$;

comment on function pgledger.account_id_of_name is
  'Id of the one account of that name, or null; raises AccountAmbiguous for several.';

revoke all on function pgledger.account_id_of_name from public;
