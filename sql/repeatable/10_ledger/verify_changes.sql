/*
Checks the history of accounts: each change against the one before it, against the account's entries
then, and the newest against the account as it is. A change whose account does not exist belongs to
no app, and is found where all apps are checked.
*/
create or replace function pgledger.verify_changes(app_id text)
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
as $$
  with chain as materialized (
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
    where verify_changes.app_id is null or accounts.app_id = verify_changes.app_id
    window along as (partition by account_changes.account_key order by account_changes.number)
  )

  select
    'changes of accounts run from 1 without a gap',
    count(*),
    count(*) filter (where chain.has_no_gap is not true),
    min(chain.label) filter (where chain.has_no_gap is not true)
  from chain
  union all
  select
    'each change of an account starts from what the one before left',
    count(*),
    count(*) filter (where chain.follows is not true),
    min(chain.label) filter (where chain.follows is not true)
  from chain
  union all
  select
    'each change of an account was recorded later than what was there',
    count(*),
    count(*) filter (where chain.is_later is not true),
    min(chain.label) filter (where chain.is_later is not true)
  from chain
  union all
  select
    'accounts are as their newest change left them',
    count(*),
    count(*) filter (where not newest.is_right),
    min(newest.label) filter (where not newest.is_right)
  from (
    select chain.label, coalesce(chain.is_as_left, false)
    from chain
    union all
    select accounts.id, accounts.status = 0
    from pgledger.accounts
    where (verify_changes.app_id is null or accounts.app_id = verify_changes.app_id)
      and not exists (
        select
        from pgledger.account_changes
        where account_changes.account_key = accounts.key
      )
  ) as newest (label, is_right)
$$;

comment on function pgledger.verify_changes is
  'Checks the history of changes of accounts, and accounts against it.';

revoke all on function pgledger.verify_changes from public;
