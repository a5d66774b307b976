/*
Checks the entries of a slice, and the accounts whose last entry is in it, by the rules of
verify_entries() and verify_accounts(), in one pass over both indexes. Accounts are those from the
one in which the slice begins to the one before that in which it ends.

Plans are made for each slice anew, by its bounds: a plan for any slice may read the whole table.

The body is long because what both say comes out of one pass.
*/
create or replace function pgledger.verify_slice_entries(
  start pgledger.slice_start,
  up_to_key bigint,
  up_to_version bigint
)
returns table (
  check_name text,
  rows_checked bigint,
  violations bigint,
  example text,
  next_after text
)
language plpgsql
stable
parallel safe
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_sort = off
set jit = off
set max_parallel_workers_per_gather = 0
as $$
begin
  return query
  with summary as materialized (
    select
      part.key, part.entries, part.total, part.newest_at, part.gaps, part.gap, part.jumps,
      part.jump, part.late_entries, part.late_entry, part.beyond_limits, part.beyond_limit,
      part.let_through, part.passed
    from pgledger.slice_summary(start, up_to_key, up_to_version) as part
  ),

  entry as materialized (
    select
      coalesce(sum(summary.entries), 0)::bigint as entries,
      sum(summary.gaps) as gaps, min(summary.gap) as gap,
      sum(summary.jumps) as jumps, min(summary.jump) as jump,
      sum(summary.late_entries) as late_entries, min(summary.late_entry) as late_entry,
      sum(summary.beyond_limits) as beyond_limits, min(summary.beyond_limit) as beyond_limit,
      sum(summary.let_through) as let_through, min(summary.passed) as passed
    from summary
  ),

  account as materialized (
    select
      accounts.id,
      accounts.balance = coalesce(summary.total, 0) + before.total as balance_is_right,
      accounts.version = coalesce(summary.entries, 0) + before.entries as version_is_right,
      accounts.updated_at
      = coalesce(greatest(before.newest_at, summary.newest_at), accounts.created_at)
        as time_is_right,
      pgledger.limit_fault(accounts.min_balance) is null
      and pgledger.limit_fault(accounts.max_balance) is null
      and (accounts.min_balance > accounts.max_balance) is not true as limits_are_right,
      pgledger.account_status(accounts.status) is not null as status_is_right
    from pgledger.accounts
    left join summary on accounts.key = summary.key
    cross join lateral (
      select
        case accounts.key when start.key then start.total else 0 end as total,
        case accounts.key when start.key then start.entries else 0 end as entries,
        case accounts.key when start.key then start.newest_at end as newest_at
    ) as before
    where (start.key is null or accounts.key >= start.key)
      and (up_to_key is null or accounts.key < up_to_key)
  ),

  tally as materialized (
    select
      count(*) as accounts,
      count(*) filter (where not account.balance_is_right) as balances,
      min(account.id) filter (where not account.balance_is_right) as balance,
      count(*) filter (where not account.version_is_right) as versions,
      min(account.id) filter (where not account.version_is_right) as version,
      count(*) filter (where not account.time_is_right) as times,
      min(account.id) filter (where not account.time_is_right) as time,
      count(*) filter (where not account.limits_are_right) as limits,
      min(account.id) filter (where not account.limits_are_right) as limit_fault,
      count(*) filter (where not account.status_is_right) as statuses,
      min(account.id) filter (where not account.status_is_right) as status
    from account
  )

  select
    checked.rule, checked.rows_checked, coalesce(checked.violations, 0)::bigint, checked.example,
    pgledger.slice_start_after(
      start, up_to_key, up_to_version, summary.entries, summary.total, summary.newest_at
    )
  from entry
  cross join tally
  left join summary on summary.key = up_to_key
  cross join lateral (
    values
      (
        1, 'account balances are the sums of their entries',
        tally.accounts, tally.balances, tally.balance
      ),
      (
        2, 'account versions are the counts of their entries',
        tally.accounts, tally.versions, tally.version
      ),
      (
        3, 'accounts were updated when their newest entry was recorded',
        tally.accounts, tally.times, tally.time
      ),
      (
        4, 'limits of accounts are in range, the lower one not above the upper',
        tally.accounts, tally.limits, tally.limit_fault
      ),
      (
        5, 'the status of each account is known',
        tally.accounts, tally.statuses, tally.status
      ),
      (
        6, 'versions of entries run from 1 without a gap',
        entry.entries, entry.gaps, entry.gap
      ),
      (
        7, 'each entry starts from the balance that the one before left',
        entry.entries, entry.jumps, entry.jump
      ),
      (
        8, 'each entry was recorded later than the one before',
        entry.entries, entry.late_entries, entry.late_entry
      ),
      (
        9, 'balances stayed within their account''s limits after every entry',
        entry.entries, entry.beyond_limits, entry.beyond_limit
      ),
      (
        10, 'no entry passed an account that was frozen for it or closed',
        entry.entries, entry.let_through, entry.passed
      )
  ) as checked (place, rule, rows_checked, violations, example)
  order by checked.place;
end;
$$;

comment on function pgledger.verify_slice_entries is
  'Checks the entries of a slice, and the accounts whose last entry is in it.';

revoke all on function pgledger.verify_slice_entries from public;
