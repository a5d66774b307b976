/*
What invoices have charged for good as base fee for a subscription's period, for each
plan and quantity: gross before and net after discounts, both less credits, and the price by which
it was charged. The invoice that is being computed is left out.
*/
create or replace function pgledger.billed_base(
  subscription_key bigint,
  for_period timestamptz,
  for_invoice pgledger.invoices
)
returns table (
  plan_key bigint,
  quantity numeric,
  gross numeric,
  net numeric,
  price numeric
)
language sql
stable
parallel safe
as $$
  select
    invoice_lines.plan_key,
    (invoice_lines.basis ->> 'quantity')::numeric,
    sum(invoice_lines.gross),
    sum(invoice_lines.amount - invoice_lines.discount),
    min((invoice_lines.basis ->> 'amount')::numeric)
  from pgledger.invoice_lines
  inner join pgledger.invoices on invoice_lines.invoice_key = invoices.key
  where invoice_lines.subscription_key = billed_base.subscription_key
    and invoice_lines.for_period = billed_base.for_period
    and invoice_lines.gross is not null
    and pgledger.counts_as_billed(invoices, billed_base.for_invoice)
  group by 1, 2
$$;

comment on function pgledger.billed_base is
  'What invoices have charged as base fee for a period, by plan and quantity.';

revoke all on function pgledger.billed_base from public;
