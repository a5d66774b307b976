/*
Where a slice ends: so that neither its entries of one side nor its accounts are more than asked
for, however many entries one account has. All three are found in indexes. No row comes back where
the rest is one slice.
*/
create or replace function pgledger.slice_end(
  after_key bigint,
  after_version bigint,
  page_size integer
)
returns table (key bigint, version bigint)
language plpgsql
stable
parallel safe
set plan_cache_mode = force_custom_plan
set jit = off
set enable_seqscan = off
set max_parallel_workers_per_gather = 0
set enable_sort = off
as $$
begin
  return query
  select bound.key, bound.version
  from (
    (
      select transfers.from_key, transfers.from_version
      from pgledger.transfers
      where after_key is null
        or (transfers.from_key, transfers.from_version) > (after_key, after_version)
      order by transfers.from_key, transfers.from_version
      offset page_size - 1
      limit 1
    )
    union all
    (
      select transfers.to_key, transfers.to_version
      from pgledger.transfers
      where after_key is null
        or (transfers.to_key, transfers.to_version) > (after_key, after_version)
      order by transfers.to_key, transfers.to_version
      offset page_size - 1
      limit 1
    )
    union all
    -- Before the account's first entry.
    (
      select accounts.key, 0
      from pgledger.accounts
      where after_key is null or accounts.key > after_key
      order by accounts.key
      offset page_size
      limit 1
    )
  ) as bound (key, version)
  order by bound.key, bound.version
  limit 1;
end;
$$;

comment on function pgledger.slice_end is
  'The entry up to which a slice of that size goes, or no row where it goes to the end.';

revoke all on function pgledger.slice_end from public;
