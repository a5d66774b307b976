/*
Checks the history of closed periods, each change against the one before it, and the newest against
what stands.
*/
create or replace function pgledger.verify_periods(app_id text)
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
as $$
  with chain as materialized (
    select
      links.app_id, links.label, links.has_no_gap, links.follows, links.is_possible,
      links.is_newest, links.to_until
    from pgledger.period_links(verify_periods.app_id) as links
  )

  select
    'changes of closed periods run from 1 without a gap',
    count(*),
    count(*) filter (where chain.has_no_gap is not true),
    min(chain.label) filter (where chain.has_no_gap is not true)
  from chain
  union all
  select
    'each change of closed periods starts from what the one before left, and later',
    count(*),
    count(*) filter (where chain.follows is not true),
    min(chain.label) filter (where chain.follows is not true)
  from chain
  union all
  select
    'books were closed until a past time, and reopened from an earlier one',
    count(*),
    count(*) filter (where chain.is_possible is not true),
    min(chain.label) filter (where chain.is_possible is not true)
  from chain
  union all
  select
    'books are closed as their newest change left them',
    count(*),
    count(*) filter (where book.closed_until is distinct from book.to_until),
    min(format('app %L', book.app_id))
      filter (where book.closed_until is distinct from book.to_until)
  from (
    select
      coalesce(closed_periods.app_id, newest.app_id), closed_periods.closed_until,
      newest.to_until
    from pgledger.closed_periods
    full join (
      select chain.app_id, chain.to_until
      from chain
      where chain.is_newest
    ) as newest on closed_periods.app_id = newest.app_id
    where verify_periods.app_id is null
      or coalesce(closed_periods.app_id, newest.app_id) = verify_periods.app_id
  ) as book (app_id, closed_until, to_until)
$$;

comment on function pgledger.verify_periods is
  'Checks the history of closed periods, and what stands against it.';

revoke all on function pgledger.verify_periods from public;
