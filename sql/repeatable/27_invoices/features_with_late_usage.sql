/*
The features whose events in the periods before one are not as many as invoices have counted, or of
which an invoice was voided; with their meters, and the start of the earliest period that can be
counted anew. Where events were purged, that is a period that begins at a whole hour, whose total is
kept, and ends after the purge; seats need the events themselves.
*/
create or replace function pgledger.features_with_late_usage(
  subscription pgledger.subscriptions,
  before_period timestamptz,
  for_invoice pgledger.invoices
)
returns table (item text, meter_key integer, unique_key text, since timestamptz)
language plpgsql
stable
parallel safe
as $$
declare
  v_purged_before timestamptz := (
    select tenants.purged_before
    from pgledger.tenants
    where tenants.app_id = subscription.app_id and tenants.tenant_id = subscription.tenant_id
  );
begin
  return query
  with billed as materialized (
    select
      line.item, line.since, line.events, line.was_voided, meters.key as meter_key,
      meters.unique_key
    from (
      select
        invoice_lines.item, min(invoice_lines.period_start) as since,
        sum(invoice_lines.events) filter (where invoices.status <> 'voided') as events,
        bool_or(invoices.status = 'voided') as was_voided
      from pgledger.invoice_lines
      inner join pgledger.invoices on invoice_lines.invoice_key = invoices.key
      where invoice_lines.subscription_key = subscription.key
        and invoice_lines.for_period < before_period
        and invoice_lines.events is not null
        and (
          invoice_lines.period_start >= v_purged_before
          or (
            invoice_lines.kind <> 'seats'
            and invoice_lines.period_end > v_purged_before
            and invoice_lines.period_start
            = date_bin('1 hour', invoice_lines.period_start, timestamptz '2000-01-01 00:00:00+00')
          )
        )
        and (
          invoices.status = 'voided'
          or pgledger.counts_as_billed(invoices, features_with_late_usage.for_invoice)
        )
      group by invoice_lines.item
    ) as line
    left join pgledger.meters
      on meters.app_id = subscription.app_id
      and meters.tenant_id = subscription.tenant_id
      and line.item = meters.feature_key
  ),
  present as (
    select counted.meter_key, counted.events
    from (
      select billed.since, array_agg(billed.meter_key) as meter_keys
      from billed
      group by billed.since
    ) as range
    cross join lateral pgledger.usage_sums(range.meter_keys, range.since, before_period) as counted
  )
  select billed.item, billed.meter_key, billed.unique_key, billed.since
  from billed
  left join present on billed.meter_key = present.meter_key
  where billed.was_voided or billed.events <> coalesce(present.events, 0);
end;
$$;

comment on function pgledger.features_with_late_usage is
  'Features whose events in earlier periods are not as many as were billed.';

revoke all on function pgledger.features_with_late_usage from public;
