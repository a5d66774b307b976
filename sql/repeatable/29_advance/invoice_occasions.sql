/*
The invoices that a subscription's changes since the last look ask for.

An invoice of kind period: for each period that has ended, except one that was a trial all through.
Of kind start: for each period that began or went on active. Whoever draws it up skips it if the
base fee has been billed, as it is by the invoice of the period before where that has_next, that is
where the one follows the other without a gap. A change at the moment at which the subscription is
canceled begins nothing.

Several changes can ask for the same invoice: the row is that of the first. With with_drafts, also
drafts that can become final by now, as of version 0.
*/
create or replace function pgledger.invoice_occasions(
  subscription pgledger.subscriptions,
  with_drafts boolean
)
returns table (
  kind text,
  period_start timestamptz,
  as_of_version bigint,
  has_next boolean
)
language sql
stable
parallel safe
as $$
  with change as (
    select
      subscription_changes.version, subscription_changes.change, subscription_changes.status,
      subscription_changes.period_start, subscription_changes.period_end,
      subscription_changes.occurred_at,
      lag(subscription_changes.period_start) over earlier as earlier_start,
      lag(subscription_changes.period_end) over earlier as earlier_end,
      lag(subscription_changes.change) over earlier = 'trial_ended'
      and lag(subscription_changes.occurred_at) over earlier
      = lag(subscription_changes.period_end) over earlier as was_trial,
      lead(subscription_changes.change) over earlier = 'canceled'
      and lead(subscription_changes.occurred_at) over earlier
      = subscription_changes.occurred_at as has_ended
    from pgledger.subscription_changes
    where subscription_changes.subscription_key = subscription.key
      and subscription_changes.version >= subscription.invoiced_version
    window earlier as (order by subscription_changes.version)
  )
  select distinct on (occasion.kind, occasion.period_start)
    occasion.kind, occasion.period_start, occasion.version, occasion.has_next
  from (
    select
      'period' as kind, change.earlier_start as period_start, change.version,
      change.status = 'active'
      and change.period_start = least(change.earlier_end, change.occurred_at) as has_next
    from change
    where change.version > subscription.invoiced_version
      and change.earlier_start <> change.period_start
      and not change.was_trial
    union all
    select 'period', change.period_start, change.version, false
    from change
    where change.version > subscription.invoiced_version
      and change.change = 'canceled'
      and change.occurred_at > change.period_start
    union all
    select 'period', subscription.current_period_start, subscription.version, false
    where subscription.status = 'paused'
      and subscription.current_period_end <= pgledger.clock()
    union all
    select 'start', change.period_start, change.version, false
    from change
    where change.version > subscription.invoiced_version
      and change.status = 'active'
      and change.has_ended is not true
      and change.change in (
        'created', 'started', 'trial_ended', 'period_started', 'plan_changed', 'resumed'
      )
    union all
    select invoices.kind, invoices.period_start, 0, false
    from pgledger.invoices
    where with_drafts
      and invoices.subscription_key = subscription.key
      and invoices.status = 'draft'
      and (
        invoices.kind = 'start'
        or (invoices.kind = 'period' and invoices.period_end <= pgledger.clock())
      )
  ) as occasion
  order by occasion.kind, occasion.period_start, occasion.version
$$;

comment on function pgledger.invoice_occasions is
  'The invoices that a subscription''s changes since the last look ask for.';

revoke all on function pgledger.invoice_occasions from public;
