/*
The accounts that have changed since the newest block, with the versions and the numbers of changes
that blocks cover and those that there are. That compares all accounts: there is no shortcut that
could miss one. It costs one pass over accounts and over what is covered.
*/
create or replace function pgledger.uncovered_accounts()
returns table (
  key bigint,
  from_version bigint,
  to_version bigint,
  from_change bigint,
  to_change bigint,
  is_first boolean
)
language sql
stable
parallel safe
as $$
  select
    accounts.key,
    coalesce(covered_accounts.version, 0),
    accounts.version,
    coalesce(covered_accounts.change, 0),
    coalesce(newest.number, 0),
    covered_accounts.account_key is null
  from pgledger.accounts
  left join pgledger.covered_accounts on accounts.key = covered_accounts.account_key
  left join (
    select account_changes.account_key, max(account_changes.number)
    from pgledger.account_changes
    group by account_changes.account_key
  ) as newest (account_key, number) on accounts.key = newest.account_key
  where covered_accounts.account_key is null
    or accounts.version > covered_accounts.version
    or newest.number > covered_accounts.change
$$;

comment on function pgledger.uncovered_accounts is
  'Accounts that have changed beyond what blocks cover.';

revoke all on function pgledger.uncovered_accounts from public;
