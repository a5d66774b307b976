/*
When in a period which plan was billed for usage, out of the period's parts: while the subscription
was active, whatever its quantity. Usage in a trial, in a pause and after the end costs nothing.
*/
create or replace function pgledger.billing_stays(segments pgledger.billing_segment[])
returns setof pgledger.billing_segment
language sql
immutable
parallel safe
as $$
  select
    min(part.starts_at), max(part.ends_at), part.plan_key, null::numeric, null::text,
    min(part.whole_start), max(part.whole_end)
  from (
    select
      segment.starts_at, segment.ends_at, segment.plan_key, segment.whole_start,
      segment.whole_end, segment.place,
      row_number() over (partition by segment.plan_key order by segment.place) as nth
    from (
      select
        given.starts_at, given.ends_at, given.plan_key, given.status, given.whole_start,
        given.whole_end, row_number() over (order by given.starts_at) as place
      from unnest(segments) as given
    ) as segment
    where segment.status = 'active'
  ) as part
  group by part.plan_key, part.place - part.nth
  order by 1
$$;

comment on function pgledger.billing_stays is
  'When in a period which plan was billed for usage, out of the period''s parts.';

revoke all on function pgledger.billing_stays from public;
