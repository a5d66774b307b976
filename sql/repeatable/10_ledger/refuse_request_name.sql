/*
Raises why the lowest request whose names do not lead to accounts has none: the account that the
amount leaves first. Names, tenants and accounts are those of the accounts that the amounts leave,
then, for as many requests, of those that they reach.

Errors: AccountNotFound, AccountAmbiguous.
*/
create or replace function pgledger.refuse_request_name(
  names text[],
  currencies text[],
  app_id text,
  tenant_ids text[],
  account_ids text[]
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_fault record;
begin
  select leg.name, leg.currency, leg.tenant_id, leg.index
  into v_fault
  from (
    select
      given.name, given.currency, given.tenant_id, given.account_id, given.place,
      (given.place - 1) % (cardinality(names) / 2) + 1 as index
    from unnest(names, currencies || currencies, tenant_ids, account_ids)
      with ordinality as given (name, currency, tenant_id, account_id, place)
  ) as leg
  where leg.account_id is null
  order by leg.index, leg.place
  limit 1;

  return pgledger.refuse_account_name(
    v_fault.name, v_fault.currency, app_id, v_fault.tenant_id, v_fault.index,
    cardinality(names) / 2
  );
end;
$$;

comment on function pgledger.refuse_request_name is
  'Raises why the first request of a batch by name has no account.';

revoke all on function pgledger.refuse_request_name from public;
