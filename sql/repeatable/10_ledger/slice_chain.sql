/*
The legs of a slice, each judged beside the one before it, by the rules of verify_entries(). What
was before the first of them is in the start. The function stays inlinable, so that its rows go
straight to the query that counts them.
*/
create or replace function pgledger.slice_chain(
  start pgledger.slice_start,
  up_to_key bigint,
  up_to_version bigint
)
returns table (
  id text,
  key bigint,
  amount numeric,
  created_at timestamptz,
  has_no_gap boolean,
  follows boolean,
  is_later boolean,
  is_within_limits boolean,
  is_let_through boolean
)
language sql
stable
parallel safe
as $$
  select
    leg.id,
    leg.key,
    leg.amount,
    leg.created_at,
    leg.version
    = coalesce(
      lag(leg.version) over along, case leg.key when start.key then start.last_version end, 0
    ) + 1,
    leg.balance - leg.amount
    = coalesce(
      lag(leg.balance) over along, case leg.key when start.key then start.last_balance end, 0
    ),
    leg.created_at
    > coalesce(
      lag(leg.created_at) over along, case leg.key when start.key then start.last_at end,
      accounts.created_at
    ),
    force.key is not null
    and (
      leg.posts_hold
      or (leg.amount < 0 and leg.balance < force.min_balance) is not true
      and (leg.amount > 0 and leg.balance > force.max_balance) is not true
      or exists (
        select
        from pgledger.reversals_over_limits
        where reversals_over_limits.reversal_id = leg.id
      )
    )
    and leg.balance > -1e30 and leg.balance < 1e30,
    leg.posts_hold
    or force.status & (case when leg.amount < 0 then 5 else 6 end) = 0
  from pgledger.slice_legs(start.key, start.version, up_to_key, up_to_version) as leg
  left join pgledger.accounts on leg.key = accounts.key
  left join pgledger.limits_in_force(null, start.key, up_to_key) as force
    on leg.key = force.key and leg.version between force.first_version and force.last_version
  window along as (partition by leg.key order by leg.version)
$$;

comment on function pgledger.slice_chain is
  'The legs of a slice, and whether each fits the one before it.';

revoke all on function pgledger.slice_chain from public;
