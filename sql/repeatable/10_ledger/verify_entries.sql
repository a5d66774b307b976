/*
Checks each entry against the one before it on its account. Entries of an account that does not
exist also count as violations where accounts are checked.

A leg is judged by the limits and the status that were in force at its version, and only by the
limit that it can break: an account may have been beyond a limit before that was set. A leg that
posts a hold was judged when the hold was made, and a reversal that was let past limits is judged by
none.
*/
create or replace function pgledger.verify_entries(app_id text)
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
as $$
  with chain as materialized (
    select
      leg.id,
      leg.version = coalesce(lag(leg.version) over along, 0) + 1 as has_no_gap,
      leg.balance - leg.amount = coalesce(lag(leg.balance) over along, 0) as follows,
      leg.created_at > coalesce(lag(leg.created_at) over along, accounts.created_at) as is_later,
      force.key is not null
      and (
        leg.posts_hold
        or (leg.amount < 0 and leg.balance < force.min_balance) is not true
        and (leg.amount > 0 and leg.balance > force.max_balance) is not true
        or leg.id in (
          select reversals_over_limits.reversal_id from pgledger.reversals_over_limits
        )
      )
      and leg.balance > -1e30 and leg.balance < 1e30 as is_within_limits,
      leg.posts_hold
      or force.status & (case when leg.amount < 0 then 5 else 6 end) = 0 as is_let_through
    from pgledger.legs(verify_entries.app_id) as leg
    left join pgledger.accounts on leg.key = accounts.key
    left join pgledger.limits_in_force(verify_entries.app_id, null, null) as force
      on leg.key = force.key and leg.version between force.first_version and force.last_version
    window along as (partition by leg.key order by leg.version)
  )

  select
    'versions of entries run from 1 without a gap',
    count(*),
    count(*) filter (where not chain.has_no_gap),
    min(chain.id) filter (where not chain.has_no_gap)
  from chain
  union all
  select
    'each entry starts from the balance that the one before left',
    count(*),
    count(*) filter (where not chain.follows),
    min(chain.id) filter (where not chain.follows)
  from chain
  union all
  select
    'each entry was recorded later than the one before',
    count(*),
    count(*) filter (where chain.is_later is not true),
    min(chain.id) filter (where chain.is_later is not true)
  from chain
  union all
  select
    'balances stayed within their account''s limits after every entry',
    count(*),
    count(*) filter (where chain.is_within_limits is not true),
    min(chain.id) filter (where chain.is_within_limits is not true)
  from chain
  union all
  select
    'no entry passed an account that was frozen for it or closed',
    count(*),
    count(*) filter (where chain.is_let_through is not true),
    min(chain.id) filter (where chain.is_let_through is not true)
  from chain
$$;

comment on function pgledger.verify_entries is
  'Checks each entry against the one before it, and its account''s limits and status then.';

revoke all on function pgledger.verify_entries from public;
