/*
What invoices have billed for good for the usage of a subscription's period, one row for each plan
and feature, in the order in which they were billed first: the amounts before discounts, and net,
what was left of their sum after them. What counts is in pgledger.counts_as_billed.
*/
create or replace function pgledger.billed_usage(
  subscription_key bigint,
  for_period timestamptz,
  for_invoice pgledger.invoices
)
returns setof pgledger.billed_charge
language sql
stable
parallel safe
as $$
  select
    invoice_lines.plan_key,
    invoice_lines.item,
    coalesce(sum(invoice_lines.quantity) filter (where invoice_lines.events is not null), 0),
    coalesce(sum(part.gross) filter (where invoice_lines.kind not in ('true_up', 'cap')), 0),
    coalesce(sum(part.gross) filter (where invoice_lines.kind = 'true_up'), 0),
    coalesce(sum(part.gross) filter (where invoice_lines.kind = 'cap'), 0),
    sum(invoice_lines.amount - invoice_lines.discount),
    coalesce(sum(invoice_lines.events), 0)::bigint,
    -- The price of the last line, without what is said of that line alone.
    (
      array_agg(invoice_lines.basis order by invoice_lines.invoice_key desc)
      filter (where invoice_lines.events is not null)
    )[1] - '{gross,billed_with,taxes,added_allowance}'::text[]
  from pgledger.invoice_lines
  inner join pgledger.invoices on invoice_lines.invoice_key = invoices.key
  cross join lateral (
    select
      coalesce((invoice_lines.basis ->> 'gross')::numeric, invoice_lines.amount) as gross
  ) as part
  where invoice_lines.subscription_key = billed_usage.subscription_key
    and invoice_lines.for_period = billed_usage.for_period
    and invoice_lines.gross is null
    and pgledger.counts_as_billed(invoices, billed_usage.for_invoice)
  group by invoice_lines.plan_key, invoice_lines.item
  order by min(array[invoice_lines.invoice_key, invoice_lines.place])
$$;

comment on function pgledger.billed_usage is
  'What invoices have billed for good for usage in a period, by plan and feature.';

revoke all on function pgledger.billed_usage from public;
