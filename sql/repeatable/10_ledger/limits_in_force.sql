/*
Which limits and which status an account had for which of its entries: one row for each range of
versions, of one app or of all, and of the keys in between. A change begins a range with the entry
after the version at which it was made. The ranges of an account do not overlap, and together hold
all of its versions, whatever its history says.

The function stays inlinable, so that its rows go straight to the query that asks for them.
*/
create or replace function pgledger.limits_in_force(
  app_id text,
  first_key bigint,
  last_key bigint
)
returns table (
  key bigint,
  first_version bigint,
  last_version bigint,
  min_balance numeric,
  max_balance numeric,
  status integer
)
language sql
stable
parallel safe
as $$
  select
    accounts.key,
    1::bigint,
    coalesce(created.version, 9223372036854775807),
    case when created.account_key is null then accounts.min_balance else created.min_balance end,
    case when created.account_key is null then accounts.max_balance else created.max_balance end,
    coalesce(created.status, 0)::integer
  from pgledger.accounts
  left join (
    select distinct on (account_changes.account_key)
      account_changes.account_key, account_changes.version, account_changes.from_min_balance,
      account_changes.from_max_balance, account_changes.from_status
    from pgledger.account_changes
    where (first_key is null or account_changes.account_key >= first_key)
      and (last_key is null or account_changes.account_key <= last_key)
    order by account_changes.account_key, account_changes.version, account_changes.number
  ) as created (account_key, version, min_balance, max_balance, status)
    on accounts.key = created.account_key
  where (limits_in_force.app_id is null or accounts.app_id = limits_in_force.app_id)
    and (first_key is null or accounts.key >= first_key)
    and (last_key is null or accounts.key <= last_key)
  union all
  select
    accounts.key,
    account_changes.version + 1,
    lead(account_changes.version, 1, 9223372036854775807) over (
      partition by accounts.key
      order by account_changes.version, account_changes.number
    ),
    account_changes.to_min_balance,
    account_changes.to_max_balance,
    account_changes.to_status::integer
  from pgledger.account_changes
  inner join pgledger.accounts on account_changes.account_key = accounts.key
  where (limits_in_force.app_id is null or accounts.app_id = limits_in_force.app_id)
    and (first_key is null or account_changes.account_key >= first_key)
    and (last_key is null or account_changes.account_key <= last_key)
$$;

comment on function pgledger.limits_in_force is
  'Limits and status of the accounts of that app and between those keys, or of all where these are '
  'null, by ranges of their versions.';

revoke all on function pgledger.limits_in_force from public;
