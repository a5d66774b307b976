/*
What the legs of a slice come to, account by account: how many there are, what they add up to, and
which of them break which rule. The function stays inlinable: its rows are grouped in the order in
which the indexes give them, so no memory is needed for the legs themselves.
*/
create or replace function pgledger.slice_summary(
  start pgledger.slice_start,
  up_to_key bigint,
  up_to_version bigint
)
returns table (
  key bigint,
  entries bigint,
  total numeric,
  newest_at timestamptz,
  gaps bigint,
  gap text,
  jumps bigint,
  jump text,
  late_entries bigint,
  late_entry text,
  beyond_limits bigint,
  beyond_limit text,
  let_through bigint,
  passed text
)
language sql
stable
parallel safe
as $$
  select
    chain.key,
    count(*),
    sum(chain.amount),
    max(chain.created_at),
    count(*) filter (where not chain.has_no_gap),
    min(chain.id) filter (where not chain.has_no_gap),
    count(*) filter (where not chain.follows),
    min(chain.id) filter (where not chain.follows),
    count(*) filter (where chain.is_later is not true),
    min(chain.id) filter (where chain.is_later is not true),
    count(*) filter (where chain.is_within_limits is not true),
    min(chain.id) filter (where chain.is_within_limits is not true),
    count(*) filter (where chain.is_let_through is not true),
    min(chain.id) filter (where chain.is_let_through is not true)
  from pgledger.slice_chain(start, up_to_key, up_to_version) as chain
  group by chain.key
$$;

comment on function pgledger.slice_summary is
  'What the legs of a slice come to, account by account, and which break which rule.';

revoke all on function pgledger.slice_summary from public;
