/*
Checks that each name leads to the account that has it.
*/
create or replace function pgledger.verify_names(app_id text)
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
as $$
  select
    'names lead to accounts of that app, tenant, currency and name',
    count(*),
    count(*) filter (where not entry.is_right),
    min(entry.account_id) filter (where not entry.is_right)
  from (
    select
      account_names.account_id,
      (
        account_names.app_id, account_names.tenant_id, account_names.currency, account_names.name
      ) is not distinct from (
        accounts.app_id, accounts.tenant_id, accounts.currency, accounts.name
      ) as is_right
    from pgledger.account_names
    left join pgledger.accounts on account_names.account_id = accounts.id
    where verify_names.app_id is null
      or verify_names.app_id in (account_names.app_id, accounts.app_id)
  ) as entry
$$;

comment on function pgledger.verify_names is
  'Checks that each name leads to the account that has it, in the books of that app or of all.';

revoke all on function pgledger.verify_names from public;
