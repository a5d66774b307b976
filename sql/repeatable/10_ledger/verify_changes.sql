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
      links.label, links.has_no_gap, links.follows, links.is_later, links.is_as_left
    from pgledger.change_links(verify_changes.app_id) as links
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
