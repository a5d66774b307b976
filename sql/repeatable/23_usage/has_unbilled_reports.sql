/*
Whether usage was reported for a subscription after its last invoice, though it has ended. Nothing
bills it by itself: the application has to ask for an interim invoice. Only periods that are not
settled are looked at. What invoices look at one by one tells by when it was reported; of all other
usage there are counts, which stay when events go. A correction, which changes neither, is a row.
*/
create or replace function pgledger.has_unbilled_reports(
  app_id text,
  tenant_id text,
  settled_before timestamptz
)
returns boolean
language sql
stable
parallel safe
as $$
  select exists (
    select
    from pgledger.subscriptions
    cross join lateral (
      select
        invoice_lines.item, invoice_lines.for_period, invoice_lines.plan_key,
        min(invoice_lines.period_start) as starts_at, max(invoice_lines.period_end) as ends_at,
        sum(invoice_lines.events) as events, max(invoices.finalized_at) as finalized_at
      from pgledger.invoice_lines
      inner join pgledger.invoices on invoice_lines.invoice_key = invoices.key
      where invoice_lines.subscription_key = subscriptions.key
        and invoice_lines.events is not null
        and invoices.status not in ('draft', 'voided')
      group by invoice_lines.item, invoice_lines.for_period, invoice_lines.plan_key
    ) as billed
    inner join pgledger.meters
      on subscriptions.app_id = meters.app_id
      and subscriptions.tenant_id = meters.tenant_id
      and billed.item = meters.feature_key
    where subscriptions.app_id = has_unbilled_reports.app_id
      and subscriptions.tenant_id = has_unbilled_reports.tenant_id
      and subscriptions.status = 'canceled'
      and billed.ends_at > has_unbilled_reports.settled_before
      and (
        exists (
          select
          from pgledger.usage_corrections
          where usage_corrections.meter_key = meters.key
            and usage_corrections.event_at < billed.ends_at
            and usage_corrections.created_at > billed.finalized_at
        )
        or case
          when pgledger.is_read_singly(meters) then exists (
            select
            from pgledger.usage_events
            where usage_events.meter_key = meters.key
              and usage_events.event_at < billed.ends_at
              and usage_events.created_at > billed.finalized_at
          )
          else billed.events <> pgledger.usage_between(
            meters.key, null, 'count', billed.starts_at, billed.ends_at
          )
        end
      )
  )
$$;

comment on function pgledger.has_unbilled_reports is
  'Whether usage was reported for an ended subscription after its last invoice.';

revoke all on function pgledger.has_unbilled_reports from public;
