/*
The invoices that a subscription's changes since the last look ask for, in the order in which their
drafts have to become final.

An invoice of kind period: for each period that has ended, except one that was a trial all through.
Of kind start: for each period that began or went on active. Whoever draws it up skips it if the
base fee has been billed, as it is by the invoice of the period before where that has_next, that is
where the one follows the other without a gap. A change at the moment at which the subscription is
canceled begins nothing. Of kind change: for each change that is to be invoiced at once.

Several changes can ask for the same invoice: the row is that of the first. With with_drafts, also
drafts that can become final by now, as of version 0.

Changes after until_version are left to later.
*/
create or replace function pgledger.invoice_occasions(
  subscription pgledger.subscriptions,
  with_drafts boolean,
  until_version bigint
)
returns table (
  kind text,
  period_start timestamptz,
  change_version bigint,
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
      subscription_changes.occurred_at, subscription_changes.invoice_now,
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
      and subscription_changes.version between subscription.invoiced_version and until_version + 1
    window earlier as (order by subscription_changes.version)
  )
  select distinct on (occasion.period_start, turn.place, occasion.change_version)
    occasion.kind, occasion.period_start, occasion.change_version, occasion.version,
    occasion.has_next
  from (
    select
      'period' as kind, change.earlier_start as period_start, 0::bigint as change_version,
      change.version,
      change.status = 'active'
      and change.period_start = least(change.earlier_end, change.occurred_at) as has_next
    from change
    where change.version between subscription.invoiced_version + 1 and until_version
      and change.earlier_start <> change.period_start
      and not change.was_trial
    union all
    select 'period', change.period_start, 0, change.version, false
    from change
    where change.version between subscription.invoiced_version + 1 and until_version
      and change.change = 'canceled'
      -- Not before it began.
      and change.occurred_at >= change.period_start
    union all
    select 'period', subscription.current_period_start, 0, subscription.version, false
    where until_version = subscription.version
      and subscription.status = 'paused'
      and subscription.current_period_end <= pgledger.clock()
    union all
    select 'start', change.period_start, 0, change.version, false
    from change
    where change.version between subscription.invoiced_version + 1 and until_version
      and change.status = 'active'
      and change.has_ended is not true
      and change.change in (
        'created', 'started', 'trial_ended', 'period_started', 'plan_changed', 'resumed'
      )
    union all
    select 'change', change.period_start, change.version, change.version, false
    from change
    where change.version between subscription.invoiced_version + 1 and until_version
      and change.invoice_now
    union all
    select draft.kind, draft.period_start, draft.change_version, 0, false
    from pgledger.drafts_to_finalize(subscription, until_version) as draft
    where with_drafts
  ) as occasion
  cross join lateral (
    select array_position(array['start', 'change', 'period'], occasion.kind) as place
  ) as turn
  order by occasion.period_start, turn.place, occasion.change_version, occasion.version
$$;

comment on function pgledger.invoice_occasions is
  'The invoices that a subscription''s changes since the last look ask for.';

revoke all on function pgledger.invoice_occasions from public;
