/*
What invoices have billed of what a credit gives back, one row for each set of tax rates that it was
billed with. It is what they have billed for the same plan, item and period of the
subscription, and of a base fee for the same quantity; after discounts. amount is what is left of it
after earlier credits, charged what there was before them; taxes and returned are the tax on these
charges and what earlier credits gave back of it, for each of the rates. What counts is in
pgledger.counts_as_billed.

The rows are in the order in which they are given back: what was billed last comes first. A sum
below zero, which a credit leaves behind when its charge is voided, comes before all others.
*/
create or replace function pgledger.billed_rates(
  credit pgledger.invoice_lines,
  for_invoice pgledger.invoices
)
returns table (
  tax_rates jsonb,
  amount numeric,
  charged numeric,
  taxes numeric[],
  returned numeric[]
)
language sql
stable
parallel safe
as $$
  with part as (
    select
      invoices.key,
      pgledger.plain_tax_rates(coalesce(part.value -> 'tax_rates', invoices.tax_rates))
      as tax_rates,
      coalesce(
        (part.value ->> 'amount')::numeric, invoice_lines.amount - invoice_lines.discount
      ) as amount,
      -- Where there is one rate, all of the line's tax is by that.
      coalesce(
        part.value -> 'taxes', invoice_lines.basis -> 'taxes', to_jsonb(array[invoice_lines.tax])
      ) as taxes
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
  ),
  -- Each amount is there once for each rate.
  billed as (
    select part.key, part.tax_rates, rate.nth, sum(part.amount) as amount, sum(rate.tax) as tax
    from part
    cross join lateral (
      select element.value::numeric, element.nth
      from jsonb_array_elements_text(part.taxes) with ordinality as element (value, nth)
    ) as rate (tax, nth)
    group by part.key, part.tax_rates, rate.nth
  ),
  by_rate as (
    select
      billed.tax_rates, billed.nth, sum(billed.amount) as amount,
      coalesce(sum(billed.amount) filter (where billed.amount > 0), 0) as charged,
      coalesce(sum(billed.tax) filter (where billed.amount > 0), 0) as tax,
      coalesce(-sum(billed.tax) filter (where billed.amount < 0), 0) as returned,
      max(billed.key) filter (where billed.amount > 0) as newest
    from billed
    group by billed.tax_rates, billed.nth
    having sum(billed.amount) <> 0
  )
  select
    by_rate.tax_rates, by_rate.amount, by_rate.charged,
    array_agg(by_rate.tax order by by_rate.nth), array_agg(by_rate.returned order by by_rate.nth)
  from by_rate
  group by by_rate.tax_rates, by_rate.amount, by_rate.charged, by_rate.newest
  order by by_rate.amount > 0, by_rate.newest desc nulls last, by_rate.tax_rates
$$;

comment on function pgledger.billed_rates is
  'What invoices that stand have billed of what a line gives back, by tax rates.';

revoke all on function pgledger.billed_rates from public;
