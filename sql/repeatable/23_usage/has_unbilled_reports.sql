/*
Whether usage of which invoices look at single events was reported for a subscription after its last
invoice, though it has ended. Nothing bills it by itself: the application has to ask for an interim
invoice, which needs these events.
*/
create or replace function pgledger.has_unbilled_reports(app_id text, tenant_id text)
returns boolean
language sql
stable
parallel safe
as $$
  select exists (
    select
    from pgledger.subscriptions
    cross join lateral (
      select max(invoices.finalized_at) as finalized_at
      from pgledger.invoices
      where invoices.subscription_key = subscriptions.key
        and invoices.status not in ('draft', 'voided')
    ) as last
    inner join pgledger.meters
      on subscriptions.app_id = meters.app_id and subscriptions.tenant_id = meters.tenant_id
    where subscriptions.app_id = has_unbilled_reports.app_id
      and subscriptions.tenant_id = has_unbilled_reports.tenant_id
      and subscriptions.status = 'canceled'
      and pgledger.has_prices(subscriptions.key, 1)
      and pgledger.is_read_singly(meters)
      and exists (
        select
        from pgledger.usage_events
        where usage_events.meter_key = meters.key
          and usage_events.event_at < subscriptions.ended_at
          and usage_events.created_at > last.finalized_at
      )
  )
$$;

comment on function pgledger.has_unbilled_reports is
  'Whether single events were reported for an ended subscription after its last invoice.';

revoke all on function pgledger.has_unbilled_reports from public;
