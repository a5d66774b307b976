/*
Checks each account against its entries, and what else its row says by itself.
*/
create or replace function pgledger.verify_accounts(app_id text)
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
as $$
  with total as materialized (
    select
      accounts.id,
      accounts.balance = coalesce(sum(leg.amount), 0) as balance_is_right,
      accounts.version = count(leg.id) as version_is_right,
      accounts.updated_at = coalesce(max(leg.created_at), accounts.created_at) as time_is_right,
      pgledger.limit_fault(accounts.min_balance) is null
      and pgledger.limit_fault(accounts.max_balance) is null
      and (accounts.min_balance > accounts.max_balance) is not true as limits_are_right,
      pgledger.account_status(accounts.status) is not null as status_is_right
    from pgledger.accounts
    left join pgledger.legs(verify_accounts.app_id) as leg on accounts.key = leg.key
    where verify_accounts.app_id is null or accounts.app_id = verify_accounts.app_id
    group by accounts.key
  )

  select
    'account balances are the sums of their entries',
    count(*),
    count(*) filter (where not total.balance_is_right),
    min(total.id) filter (where not total.balance_is_right)
  from total
  union all
  select
    'account versions are the counts of their entries',
    count(*),
    count(*) filter (where not total.version_is_right),
    min(total.id) filter (where not total.version_is_right)
  from total
  union all
  select
    'accounts were updated when their newest entry was recorded',
    count(*),
    count(*) filter (where not total.time_is_right),
    min(total.id) filter (where not total.time_is_right)
  from total
  union all
  select
    'limits of accounts are in range, the lower one not above the upper',
    count(*),
    count(*) filter (where not total.limits_are_right),
    min(total.id) filter (where not total.limits_are_right)
  from total
  union all
  select
    'the status of each account is known',
    count(*),
    count(*) filter (where not total.status_is_right),
    min(total.id) filter (where not total.status_is_right)
  from total
$$;

comment on function pgledger.verify_accounts is
  'Checks each account''s balance, version and time against its entries, and the rest by itself.';

revoke all on function pgledger.verify_accounts from public;
