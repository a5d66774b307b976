/*
What invoices have billed of what a credit gives back, one row for each set of tax rates
that it was billed with. It is what they have billed for the same plan, item and period of the
subscription, and of a base fee for the same quantity; after discounts, less earlier credits. What
counts is in pgledger.counts_as_billed.

The rows are in the order in which they are given back: what was billed last comes first. A sum
below zero, which a credit leaves behind when its charge is voided, comes before all others.
*/
create or replace function pgledger.billed_rates(
  credit pgledger.invoice_lines,
  for_invoice pgledger.invoices
)
returns table (
  tax_rates jsonb,
  amount numeric
)
language sql
stable
parallel safe
as $$
  select billed.tax_rates, sum(billed.amount)
  from (
    select
      invoices.key,
      pgledger.plain_tax_rates(coalesce(part.value -> 'tax_rates', invoices.tax_rates))
      as tax_rates,
      sum(
        coalesce(
          (part.value ->> 'amount')::numeric, invoice_lines.amount - invoice_lines.discount
        )
      ) as amount
    from pgledger.invoice_lines
    inner join pgledger.invoices on invoice_lines.invoice_key = invoices.key
    left join lateral jsonb_array_elements(invoice_lines.basis -> 'billed_with') as part on true
    where invoice_lines.subscription_key = credit.subscription_key
      and invoice_lines.for_period = credit.for_period
      and invoice_lines.plan_key = credit.plan_key
      and invoice_lines.item = credit.item
      and case
        when credit.gross is null then invoice_lines.gross is null
        else invoice_lines.gross is not null and invoice_lines.quantity = credit.quantity
      end
      and pgledger.counts_as_billed(invoices, billed_rates.for_invoice)
    group by 1, 2
  ) as billed
  group by billed.tax_rates
  having sum(billed.amount) <> 0
  order by
    sum(billed.amount) > 0, max(billed.key) filter (where billed.amount > 0) desc nulls last,
    billed.tax_rates
$$;

comment on function pgledger.billed_rates is
  'What invoices have billed of what a line gives back, by tax rates.';

revoke all on function pgledger.billed_rates from public;
