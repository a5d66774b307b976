/*
The periods before one in which usage has been billed for good, by feature: from when to when usage
was looked at, how many events were counted, and, of seats, how many reports there had been. Left
out are periods that are settled: usage of them is no longer taken, and an invoice has looked at
them since. must_recount says that the count of events does not tell whether they come to what was
billed: an invoice was voided, or an event corrected; of seats, also one from before the period.
*/
create or replace function pgledger.billed_periods(
  subscription pgledger.subscriptions,
  before_period timestamptz,
  for_invoice pgledger.invoices
)
returns table (
  for_period timestamptz,
  item text,
  meter_key integer,
  is_seat boolean,
  starts_at timestamptz,
  ends_at timestamptz,
  events numeric,
  counted numeric,
  must_recount boolean
)
language plpgsql
stable
parallel safe
as $$
declare
  v_settled_before timestamptz := coalesce(
    (
      select tenants.settled_before
      from pgledger.tenants
      where tenants.app_id = subscription.app_id and tenants.tenant_id = subscription.tenant_id
    ),
    '-infinity'
  );
begin
  return query
  select
    part.for_period, part.item, meters.key, meters.type = 'seat', part.starts_at, part.ends_at,
    part.events, part.counted,
    part.was_voided or exists (
      select
      from pgledger.usage_corrections
      where usage_corrections.meter_key = meters.key
        and usage_corrections.event_at < part.ends_at
        and (usage_corrections.event_at >= part.starts_at or meters.type = 'seat')
    )
  from (
    select
      invoice_lines.for_period, invoice_lines.item,
      min(invoice_lines.period_start) as starts_at, max(invoice_lines.period_end) as ends_at,
      sum(invoice_lines.events) filter (where invoices.status <> 'voided') as events,
      (
        array_agg(
          invoice_lines.counted order by invoice_lines.period_end desc, invoices.key desc
        ) filter (where invoices.status <> 'voided')
      )[1] as counted,
      bool_or(invoices.status = 'voided') as was_voided
    from pgledger.invoice_lines
    inner join pgledger.invoices on invoice_lines.invoice_key = invoices.key
    where invoice_lines.subscription_key = subscription.key
      and invoice_lines.for_period < before_period
      and invoice_lines.events is not null
      and (
        invoices.status = 'voided' or pgledger.counts_as_billed(invoices, for_invoice)
      )
    group by invoice_lines.for_period, invoice_lines.item
    having max(invoice_lines.period_end) > v_settled_before
      and bool_or(invoices.status <> 'voided')
  ) as part
  left join pgledger.meters
    on meters.app_id = subscription.app_id
    and meters.tenant_id = subscription.tenant_id
    and meters.feature_key = part.item;
end;
$$;

comment on function pgledger.billed_periods is
  'The periods before one in which usage has been billed, by feature, and what was counted then.';

revoke all on function pgledger.billed_periods from public;
