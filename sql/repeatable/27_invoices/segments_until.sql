/*
The parts of a period that begin before a time, the last one cut off there.
*/
create or replace function pgledger.segments_until(
  segments pgledger.billing_segment[],
  until timestamptz
)
returns pgledger.billing_segment[]
language sql
immutable
parallel safe
as $$
  select
    array(
      select
        row(
          segment.starts_at, least(segment.ends_at, until), segment.plan_key, segment.quantity,
          segment.status, segment.whole_start, segment.whole_end
        )::pgledger.billing_segment
      from unnest(segments) as segment
      where segment.starts_at < until
    )
$$;

comment on function pgledger.segments_until is
  'The parts of a period that begin before a time, the last one cut off there.';

revoke all on function pgledger.segments_until from public;
