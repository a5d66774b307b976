/*
What an account was created with, as an object: what its first change found, or, if nothing has
changed it, what it is.
*/
create or replace function pgledger.account_as_created(id text)
returns jsonb
language sql
stable
parallel safe
as $$
  select
    to_jsonb(accounts)
    || case
      when account_changes.number is null then '{}'
      else jsonb_build_object(
        'name', account_changes.from_name, 'metadata', account_changes.from_metadata,
        'min_balance', account_changes.from_min_balance,
        'max_balance', account_changes.from_max_balance
      )
    end
  from pgledger.accounts
  left join pgledger.account_changes
    on accounts.key = account_changes.account_key and account_changes.number = 1
  where accounts.id = account_as_created.id
$$;

comment on function pgledger.account_as_created is
  'What the account with that id was created with, as a JSON object.';

revoke all on function pgledger.account_as_created from public;
