/*
What was billed for the usage of earlier periods of a subscription, of those features of which there
are more events than were billed. Only periods whose invoice is final, and none that begins where
events may have been purged.
*/
create or replace function pgledger.maybe_late_usage(
  subscription pgledger.subscriptions,
  before_period timestamptz,
  but_invoice_key bigint
)
returns table (
  for_period timestamptz,
  plan_key bigint,
  item text,
  starts_at timestamptz,
  ends_at timestamptz,
  quantity numeric,
  amount numeric,
  true_up numeric,
  cap numeric,
  events bigint,
  basis jsonb,
  meter_key integer,
  unique_key text
)
language sql
stable
parallel safe
as $$
  with billed as materialized (
    select
      billed.for_period, billed.plan_key, billed.item, billed.starts_at, billed.ends_at,
      billed.quantity, billed.amount, billed.true_up, billed.cap, billed.events, billed.basis,
      meters.key as meter_key, meters.unique_key
    from pgledger.billed_usage(
      subscription.key, before_period, but_invoice_key, true
    ) as billed
    inner join pgledger.meters
      on meters.app_id = subscription.app_id
      and meters.tenant_id = subscription.tenant_id
      and meters.feature_key = billed.item
    inner join pgledger.tenants on meters.tenant_key = tenants.key
    where billed.starts_at >= tenants.purged_before
      and not exists (
        select
        from pgledger.invoices
        where invoices.subscription_key = subscription.key
          and invoices.kind = 'period'
          and invoices.period_start = billed.for_period
          and invoices.status = 'draft'
      )
  ),
  suspect as (
    select total.item
    from (
      select
        billed.item, billed.meter_key, min(billed.starts_at) as since,
        sum(billed.events) as events
      from billed
      group by billed.item, billed.meter_key
    ) as total
    where total.events <> pgledger.usage_between(
      total.meter_key, null, 'count', total.since, before_period
    )
  )
  select
    billed.for_period, billed.plan_key, billed.item, billed.starts_at, billed.ends_at,
    billed.quantity, billed.amount, billed.true_up, billed.cap, billed.events, billed.basis,
    billed.meter_key, billed.unique_key
  from billed
  inner join suspect on billed.item = suspect.item
$$;

comment on function pgledger.maybe_late_usage is
  'What was billed for usage of earlier periods, of features that have more events than billed.';

revoke all on function pgledger.maybe_late_usage from public;
