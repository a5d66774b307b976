/*
Writes down which account has a name, unless the name is there already: then nothing, and the caller
looks again. Of many at once one gets past the first row, and the others wait for its transaction.
It is the account that is given, or null for a new id, which is returned.

Errors: a serialization failure where the name was taken after the transaction's snapshot.
*/
create or replace function pgledger.take_account_name(
  name text,
  currency text,
  app_id text,
  tenant_id text,
  account_id text
)
returns text
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_id text := coalesce(account_id, 'pgla_' || pgledger.new_ulid(pgledger.clock()));
  v_ok boolean;
begin
  insert into pgledger.account_names (app_id, tenant_id, currency, name, account_id)
  values (
    take_account_name.app_id, take_account_name.tenant_id, take_account_name.currency,
    take_account_name.name, v_id
  )
  on conflict on constraint account_names_app_id_tenant_id_currency_name_pk do nothing;

  if not found then
    v_ok := pgledger.look_again();
    v_id := null;
  end if;

  return v_id;
end;
$$;

comment on function pgledger.take_account_name is
  'Gives a name to an account, and returns the account''s id; null if the name is taken.';

revoke all on function pgledger.take_account_name from public;
