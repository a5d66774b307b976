/*
Holds whose making no block covers yet: among those that hold something back, which an index knows,
and those of the given ids. Where the clock has stepped back, a hold takes its place no later than
its first posting.
*/
create or replace function pgledger.uncovered_holds(ended_ids text[])
returns table (id text, placed_at timestamptz)
language sql
stable
parallel safe
as $$
  select
    holds.id,
    least(
      holds.created_at,
      case when holds.posted_amount > 0 then (
        select min(transfers.created_at)
        from pgledger.transfers
        where transfers.app_id = holds.app_id
          and transfers.origin_id = holds.id
      ) end
    )
  from (
    select pending.id
    from pgledger.holds as pending
    where not pending.out_released
    union
    select unnest(ended_ids)
  ) as candidate
  inner join pgledger.holds on candidate.id = holds.id
  where not exists (select from pgledger.block_holds where block_holds.hold_id = candidate.id)
$$;

comment on function pgledger.uncovered_holds is
  'Holds whose making no block covers yet, among pending ones and those of the given ids.';

revoke all on function pgledger.uncovered_holds from public;
