/*
Which units (days, seconds) of a period are charged for which plan and quantity. A day that several
parts reach is charged as the last of them, so that each is charged once.

Except a day that has a moment dearer than both its last and what was charged before it: for the
first such day of a period that is forgiven, any further one costs what its dearest moment costs.
That is a row for that moment, and one with sign -1 that takes the day from the last.
*/
create or replace function pgledger.base_runs(
  subscription pgledger.subscriptions,
  for_period timestamptz,
  segments pgledger.billing_segment[],
  for_invoice pgledger.invoices
)
returns table (
  plan_key bigint,
  quantity numeric,
  price numeric,
  proration text,
  starts_at timestamptz,
  ends_at timestamptz,
  since numeric,
  until numeric,
  length numeric,
  sign integer
)
language sql
stable
parallel safe
as $$
  with part as (
    select
      base_part.place, base_part.plan_key, base_part.quantity, base_part.price,
      base_part.proration, base_part.starts_at, base_part.ends_at, base_part.since,
      base_part.until, base_part.length, base_part.price * base_part.quantity as cost,
      lag(base_part.price * base_part.quantity) over in_order as cost_before,
      lead(base_part.since) over in_order as next_since
    from pgledger.base_parts(subscription, for_period, segments, for_invoice) as base_part
    window in_order as (order by base_part.place)
  ),
  dear_day as (
    select
      part.since as day,
      row_number() over (order by part.since) as nth,
      (array_agg(part.place order by part.cost desc, part.place))[1] as dearest,
      max(part.place) as last
    from part
    where part.proration = 'day' and part.until > part.since
    group by part.since
    having max(part.cost) > greatest(
      (array_agg(coalesce(part.cost_before, part.cost) order by part.place))[1],
      (array_agg(part.cost order by part.place desc))[1]
    )
  )
  select
    part.plan_key, part.quantity, part.price, part.proration, part.starts_at, part.ends_at,
    part.since, least(part.until, part.next_since), part.length, 1
  from part
  where least(part.until, part.next_since) > part.since
  union all
  select
    part.plan_key, part.quantity, part.price, part.proration, part.starts_at, part.ends_at,
    dear_day.day, dear_day.day + 1, part.length, taken.sign
  from dear_day
  cross join lateral (values (dear_day.dearest, 1), (dear_day.last, -1)) as taken (place, sign)
  inner join part on taken.place = part.place
  where dear_day.nth > 1
$$;

comment on function pgledger.base_runs is
  'Which days or seconds of a period are charged for which plan and quantity.';

revoke all on function pgledger.base_runs from public;
