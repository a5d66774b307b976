/*
Where the slice after this one begins. What was found of the account in which it ends goes with it,
so that no entry is read twice, however many the account has. The caller gives what the slice itself
found of that account.
*/
create or replace function pgledger.slice_start_after(
  start pgledger.slice_start,
  up_to_key bigint,
  up_to_version bigint,
  entries bigint,
  total numeric,
  newest_at timestamptz
)
returns text
language plpgsql
stable
parallel safe
set datestyle = iso
set timezone = 'UTC'
set enable_seqscan = off
set max_parallel_workers_per_gather = 0
as $$
declare
  v_next pgledger.slice_start;
begin
  if up_to_key is null then
    return null;
  end if;

  v_next := case when start.key = up_to_key then start end;
  v_next.key := up_to_key;
  v_next.version := up_to_version;
  v_next.entries := coalesce(v_next.entries, 0) + coalesce(slice_start_after.entries, 0);
  v_next.total := coalesce(v_next.total, 0) + coalesce(slice_start_after.total, 0);
  v_next.newest_at := greatest(v_next.newest_at, slice_start_after.newest_at);
  v_next.entries_in_all := start.entries_in_all;

  select leg.version, leg.balance, leg.created_at
  into v_next.last_version, v_next.last_balance, v_next.last_at
  from (
    (
      select transfers.from_version, transfers.from_balance, transfers.created_at
      from pgledger.transfers
      where transfers.from_key = up_to_key and transfers.from_version <= up_to_version
      order by transfers.from_version desc
      limit 1
    )
    union all
    (
      select transfers.to_version, transfers.to_balance, transfers.created_at
      from pgledger.transfers
      where transfers.to_key = up_to_key and transfers.to_version <= up_to_version
      order by transfers.to_version desc
      limit 1
    )
  ) as leg (version, balance, created_at)
  order by leg.version desc
  limit 1;

  return v_next::text;
end;
$$;

comment on function pgledger.slice_start_after is
  'Where the slice after one begins, or null after the last.';

revoke all on function pgledger.slice_start_after from public;
