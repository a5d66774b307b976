/*
What pgledger.due_base answers for a period in which something has changed: what the base fee comes
to and what has been billed of it, for each plan and quantity that the period had, in the order in
which they began.

A part of the period is charged its share: the rounded share up to its end less the rounded share up
to its start. So the parts add up to the whole, wherever the period is cut.

Time is charged while the subscription is active. After a cancellation at once, the rest of what was
paid in advance stays charged, unless it is to be credited or refunded.
*/
create or replace function pgledger.changed_base(
  subscription pgledger.subscriptions,
  for_period timestamptz,
  segments pgledger.billing_segment[],
  advance_only boolean,
  for_invoice pgledger.invoices,
  exponent integer
)
returns table (
  plan_key bigint,
  quantity numeric,
  plan_name text,
  price numeric,
  proration text,
  starts_at timestamptz,
  ends_at timestamptz,
  units numeric,
  length numeric,
  due numeric,
  gross numeric,
  net numeric
)
language sql
stable
parallel safe
as $$
  select
    part.plan_key, part.quantity, plans.name, terms.price, terms.proration,
    min(part.starts_at) filter (where terms.is_charged),
    max(part.ends_at) filter (where terms.is_charged),
    coalesce(sum(unit.until - unit.since) filter (where terms.is_charged), 0),
    max(unit.length),
    coalesce(
      sum(
        pgledger.prorated(
          terms.price * part.quantity, unit.since, unit.until, unit.length, exponent
        )
      ) filter (where terms.is_charged),
      0
    ),
    coalesce(max(part.gross), 0),
    coalesce(max(part.net), 0)
  from (
    select
      coalesce(segment.plan_key, billed.plan_key) as plan_key,
      coalesce(segment.quantity, billed.quantity) as quantity,
      segment.starts_at, segment.ends_at, segment.whole_start, segment.whole_end,
      billed.gross, billed.net, billed.price,
      segment.status = 'active' as is_active,
      segment.status = 'canceled' and subscription.unused_time = 'none' and billed.net > 0
      as is_kept
    from unnest(segments) as segment
    full join pgledger.billed_base(subscription.key, for_period, for_invoice) as billed
      on segment.plan_key = billed.plan_key and segment.quantity = billed.quantity
  ) as part
  inner join pgledger.plans on part.plan_key = plans.key
  cross join lateral (
    select
      -- Only what was paid in advance is kept after a cancellation.
      part.is_active
      or (
        part.is_kept and coalesce(plans.pricing #>> '{base,billed}', 'advance') = 'advance'
      ) as is_charged,
      coalesce(part.price, (plans.pricing #>> '{base,amount}')::numeric) as price,
      coalesce(plans.pricing #>> '{base,proration}', 'day') as proration
  ) as terms
  left join lateral (
    select
      pgledger.proration_unit(
        part.starts_at, part.whole_start, part.whole_end, subscription.time_zone, terms.proration
      ) as since,
      pgledger.proration_unit(
        part.ends_at, part.whole_start, part.whole_end, subscription.time_zone, terms.proration
      ) as until,
      pgledger.proration_unit(
        part.whole_end, part.whole_start, part.whole_end, subscription.time_zone, terms.proration
      ) as length
  ) as unit on terms.is_charged
  where terms.price > 0
    and (not advance_only or coalesce(plans.pricing #>> '{base,billed}', 'advance') = 'advance')
  group by part.plan_key, part.quantity, plans.name, terms.price, terms.proration
  order by min(part.starts_at) nulls first, part.plan_key, part.quantity
$$;

comment on function pgledger.changed_base is
  'What the base fee for a period of several parts comes to and what has been billed of it.';

revoke all on function pgledger.changed_base from public;
