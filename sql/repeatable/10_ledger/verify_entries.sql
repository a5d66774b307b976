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
  with chain as (
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
  ),

  counted as (
    select
      count(*) as entries,
      count(*) filter (where not chain.has_no_gap) as gaps,
      min(chain.id) filter (where not chain.has_no_gap) as a_gap,
      count(*) filter (where not chain.follows) as jumps,
      min(chain.id) filter (where not chain.follows) as a_jump,
      count(*) filter (where chain.is_later is not true) as returns,
      min(chain.id) filter (where chain.is_later is not true) as a_return,
      count(*) filter (where chain.is_within_limits is not true) as excesses,
      min(chain.id) filter (where chain.is_within_limits is not true) as an_excess,
      count(*) filter (where chain.is_let_through is not true) as intrusions,
      min(chain.id) filter (where chain.is_let_through is not true) as an_intrusion
    from chain
  )

  select found.check_name, counted.entries, found.violations, found.example
  from counted
  cross join lateral (
    values
    (
      'versions of entries run from 1 without a gap',
      counted.gaps, counted.a_gap
    ),
    (
      'each entry starts from the balance that the one before left',
      counted.jumps, counted.a_jump
    ),
    (
      'each entry was recorded later than the one before',
      counted.returns, counted.a_return
    ),
    (
      'balances stayed within their account''s limits after every entry',
      counted.excesses, counted.an_excess
    ),
    (
      'no entry passed an account that was frozen for it or closed',
      counted.intrusions, counted.an_intrusion
    )
  ) as found (check_name, violations, example)
$$;

comment on function pgledger.verify_entries is
  'Checks each entry against the one before it, and its account''s limits and status then.';

revoke all on function pgledger.verify_entries from public;
