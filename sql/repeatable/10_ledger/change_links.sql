/*
Each change of an account, beside the one before it, the entry that it came after, and the account
as it is: the rows that verification counts. Where something that is compared is missing, the
answer is null.
*/
create or replace function pgledger.change_links(app_id text)
returns table (
  label text,
  has_no_gap boolean,
  follows boolean,
  is_later boolean,
  is_as_left boolean
)
language sql
stable
parallel safe
as $$
  select
    coalesce(accounts.id, format('account %s', account_changes.account_key))
    || ' change ' || account_changes.number as label,
    accounts.key is not null
    and account_changes.number = coalesce(lag(account_changes.number) over along, 0) + 1
      as has_no_gap,
    account_changes.from_status = coalesce(lag(account_changes.to_status) over along, 0)
    and (
      account_changes.number = 1
      or (
        account_changes.from_name, account_changes.from_metadata,
        account_changes.from_min_balance, account_changes.from_max_balance
      ) is not distinct from (
        lag(account_changes.to_name) over along, lag(account_changes.to_metadata) over along,
        lag(account_changes.to_min_balance) over along,
        lag(account_changes.to_max_balance) over along
      )
    ) as follows,
    account_changes.changed_at
    > coalesce(lag(account_changes.changed_at) over along, accounts.created_at)
    and account_changes.version between coalesce(lag(account_changes.version) over along, 0)
    and accounts.version
    and account_changes.changed_at
    > coalesce(pgledger.version_time(accounts.key, account_changes.version), '-infinity')
      as is_later,
    lead(account_changes.number) over along is not null
    or (
      account_changes.to_status, account_changes.to_name, account_changes.to_metadata,
      account_changes.to_min_balance, account_changes.to_max_balance
    ) is not distinct from (
      accounts.status, accounts.name, accounts.metadata, accounts.min_balance,
      accounts.max_balance
    ) as is_as_left
  from pgledger.account_changes
  left join pgledger.accounts on account_changes.account_key = accounts.key
  where change_links.app_id is null or accounts.app_id = change_links.app_id
  window along as (partition by account_changes.account_key order by account_changes.number)
$$;

comment on function pgledger.change_links is
  'Whether each change of an account fits what was before it and what is now.';

revoke all on function pgledger.change_links from public;
