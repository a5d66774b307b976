/*
What usage of meters in [starts_at, ends_at) adds up to, one row for each meter that was used then;
pgledger.usage_pieces says what is read. Events that were removed have no quantity, and do not
count.

One plan serves all calls. What a plan is expected to cost grows with the tables, and next to plans
from when they were small PostgreSQL would find it too dear and make a new one for each call.
*/
create or replace function pgledger.usage_sums(
  meter_keys integer[],
  starts_at timestamptz,
  ends_at timestamptz
)
returns table (
  meter_key integer,
  events numeric,
  quantity numeric,
  highest numeric
)
language plpgsql
stable
parallel safe
rows 10
set plan_cache_mode = force_generic_plan
as $$
begin
  return query
  select meter.key, used.events, used.quantity, used.highest
  from unnest(usage_sums.meter_keys) as meter (key)
  cross join lateral (
    select
      sum(part.events) as events, sum(part.quantity) as quantity, max(part.highest) as highest
    from pgledger.usage_pieces(meter.key, usage_sums.starts_at, usage_sums.ends_at) as piece
    cross join lateral (
      select usage_rollups.events, usage_rollups.quantity, usage_rollups.highest
      from pgledger.usage_rollups
      where piece.span > 0
        and usage_rollups.meter_key = meter.key
        and usage_rollups.span = piece.span
        and usage_rollups.starts_at >= piece.since
        and usage_rollups.starts_at < piece.until
      union all
      select 1, usage_events.quantity, usage_events.quantity
      from pgledger.usage_events
      where piece.span = 0
        and usage_events.meter_key = meter.key
        and usage_events.event_at >= piece.since
        and usage_events.event_at < piece.until
        and usage_events.quantity is not null
    ) as part
  ) as used
  where used.events > 0;
end;
$$;

comment on function pgledger.usage_sums is
  'What usage of meters in a range of time adds up to: events, sum and highest.';

revoke all on function pgledger.usage_sums from public;
