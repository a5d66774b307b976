/*
Writes the lines of an invoice, in their order.
*/
create or replace function pgledger.store_lines(
  invoice_key bigint,
  lines pgledger.invoice_lines[]
)
returns void
language sql
volatile
parallel unsafe
as $$
  insert into pgledger.invoice_lines (
    invoice_key, place, kind, description, item, period_start, period_end, quantity, unit_amount,
    amount, discount, tax, subscription_key, for_period, plan_key, gross, counted, events,
    redemption_key, basis
  )
  select
    store_lines.invoice_key, line.nth, line.kind, line.description, line.item, line.period_start,
    line.period_end, line.quantity, line.unit_amount, line.amount, line.discount, line.tax,
    line.subscription_key, line.for_period, line.plan_key, line.gross, line.counted, line.events,
    line.redemption_key, line.basis
  from unnest(lines) with ordinality as line (
    invoice_key, place, kind, description, item, period_start, period_end, quantity, unit_amount,
    amount, discount, tax, subscription_key, for_period, plan_key, gross, counted, events,
    redemption_key, basis, nth
  )
$$;

comment on function pgledger.store_lines is 'Writes the lines of an invoice.';

revoke all on function pgledger.store_lines from public;
