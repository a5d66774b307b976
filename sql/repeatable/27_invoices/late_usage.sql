/*
The periods before one in which usage may have come to something else since it was billed, with the
features. First all periods of a feature are looked at together: as long as its events are as many
as were counted, and nothing has to be counted anew, that is all. Otherwise each period is looked
at.

Of seats, every report before the last period's end counts, because one from before a period says
how many were taken in it. Which periods it changes is seen only by computing them anew.

Only what the period's own invoice has billed can come late; before that, it goes on that invoice.
*/
create or replace function pgledger.late_usage(
  subscription pgledger.subscriptions,
  before_period timestamptz,
  for_invoice pgledger.invoices
)
returns table (for_period timestamptz, items text[])
language plpgsql
stable
parallel safe
as $$
begin
  return query
  with billed as materialized (
    select
      part.for_period, part.item, part.meter_key, part.is_seat, part.starts_at, part.ends_at,
      part.events, part.counted, part.must_recount
    from pgledger.billed_periods(subscription, before_period, for_invoice) as part
  ),
  feature as (
    select
      billed.item, billed.meter_key, bool_or(billed.must_recount) as must_recount,
      case when billed.is_seat then '-infinity' else min(billed.starts_at) end as since,
      case when billed.is_seat then max(billed.ends_at) else before_period end as until,
      case
        when billed.is_seat
          then (array_agg(billed.counted order by billed.ends_at desc))[1]
        else sum(billed.events)
      end as events
    from billed
    group by billed.item, billed.meter_key, billed.is_seat
  ),
  present as (
    select counted.meter_key, counted.events
    from (
      select feature.since, feature.until, array_agg(feature.meter_key) as meter_keys
      from feature
      group by feature.since, feature.until
    ) as range
    cross join lateral pgledger.usage_sums(range.meter_keys, range.since, range.until) as counted
  )
  select billed.for_period, array_agg(billed.item)
  from feature
  left join present on feature.meter_key = present.meter_key
  inner join billed on feature.item = billed.item
  where (feature.must_recount or feature.events <> coalesce(present.events, 0))
    and (
      billed.must_recount
      or billed.is_seat
      or billed.events <> pgledger.usage_between(
        billed.meter_key, null, 'count', billed.starts_at, billed.ends_at
      )
    )
    and exists (
      select
      from pgledger.invoices
      where invoices.subscription_key = subscription.key
        and invoices.kind = 'period'
        and invoices.period_start = billed.for_period
        and pgledger.counts_as_billed(invoices, for_invoice)
    )
  group by billed.for_period;
end;
$$;

comment on function pgledger.late_usage is
  'The earlier periods, and features, in which usage may have come to something else since.';

revoke all on function pgledger.late_usage from public;
