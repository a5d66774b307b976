/*
The lines for tax rates that credits of an invoice were billed with, and that are not its own.
*/
create or replace function pgledger.other_tax_lines(
  lines pgledger.invoice_lines[],
  own_rates jsonb
)
returns pgledger.invoice_lines[]
language sql
immutable
parallel safe
as $$
  select array(
    select
      pgledger.tax_line(
        credit.rate ->> 'name', (credit.rate ->> 'percentage')::numeric,
        credit.rate -> 'applies_to', credit.base, credit.amount, true
      )
    from pgledger.credited_taxes(lines) with ordinality as credit (
      tax_rates, nth, rate, base, amount, place
    )
    where credit.tax_rates <> own_rates and (credit.base <> 0 or credit.amount <> 0)
    order by credit.place
  )
$$;

comment on function pgledger.other_tax_lines is
  'The lines for tax rates that credits of an invoice were billed with, and that are not its own.';

revoke all on function pgledger.other_tax_lines from public;
