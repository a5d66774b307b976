/*
A guess from when on a page of transfers before a time was recorded. Ids mostly ascend with times,
and have an index, which times have not: the middle one of three pages of ids tells, whatever a few
ids say that callers chose. Nothing is left out by a wrong guess: who reads on from there looks
further back. Null if there is no such id.
*/
create or replace function pgledger.page_begins_at(until timestamptz, page_size integer)
returns timestamptz
language sql
stable
parallel safe
set enable_seqscan = off
set max_parallel_workers_per_gather = 0
set enable_bitmapscan = off
as $$
  select percentile_disc(0.5) within group (order by newest.created_at)
  from (
    select transfers.created_at
    from pgledger.transfers
    where transfers.id < case
      when page_begins_at.until between '1970-01-01 00:00:00+00' and '9999-12-31 00:00:00+00'
        then 'pglt_' || pgledger.derived_ulid(page_begins_at.until, 0, 0)
      else 'pglu'
    end
    order by transfers.id desc
    limit 3 * page_begins_at.page_size
  ) as newest
$$;

comment on function pgledger.page_begins_at is
  'A guess from when on a page of transfers before a time was recorded.';

revoke all on function pgledger.page_begins_at from public;
