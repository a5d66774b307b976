/*
Taxes the lines of an invoice by its rates, in the rates' order. Each rate is computed once, on the
sum of what its lines come to after discounts, and split over them by largest remainder.

Credits give back the tax that was billed, by the rates that it was billed with
(pgledger.trace_credits). Where these are the invoice's own, they lower the sum that the rate is
computed on; other rates follow the invoice's own. Returns the lines with their shares, and one more
line for each rate.
*/
create or replace function pgledger.apply_taxes(
  invoice pgledger.invoices,
  lines pgledger.invoice_lines[],
  exponent integer
)
returns pgledger.invoice_lines[]
language plpgsql
stable
parallel safe
as $$
declare
  v_lines pgledger.invoice_lines[] := lines;
  v_is_traced boolean := false;
  v_own_rates jsonb;
  v_rate record;
  v_bases numeric[];
  v_base numeric;
  v_credit_base numeric;
  v_credit_tax numeric;
  v_tax numeric;
  v_parts numeric[];
  v_all_parts numeric[];
  v_taxes pgledger.invoice_lines[] := '{}';
begin
  -- Most invoices credit nothing: this look at their lines is all that it costs them.
  for v_place in 1 .. cardinality(lines) loop
    if lines[v_place].amount < 0 and lines[v_place].subscription_key is not null then
      v_lines := pgledger.trace_credits(invoice, lines, exponent);
      v_own_rates := pgledger.plain_tax_rates(invoice.tax_rates);
      v_is_traced := true;
      exit;
    end if;
  end loop;
  if invoice.tax_rates = '[]' and not v_is_traced then
    return lines;
  end if;

  for v_rate in
    select
      rate.place, rate.value ->> 'name' as name,
      (rate.value ->> 'percentage')::numeric as percentage,
      nullif(rate.value -> 'applies_to', 'null') as applies_to
    from jsonb_array_elements(invoice.tax_rates) with ordinality as rate (value, place)
    order by rate.place
  loop
    v_bases := pgledger.taxable_parts(v_lines, v_rate.applies_to);
    v_base := (select sum(part) from unnest(v_bases) as part);
    if v_is_traced then
      select credit.base, credit.amount
      into v_credit_base, v_credit_tax
      from pgledger.credited_taxes(v_lines) as credit
      where credit.tax_rates = v_own_rates and credit.nth = v_rate.place;
    end if;
    v_tax := pgledger.tax_beside_credits(
      v_base, v_rate.percentage, exponent, v_credit_base, v_credit_tax
    );
    v_parts := pgledger.split_amount(
      array(
        select part.base * v_rate.percentage * 0.01
        from unnest(v_bases) with ordinality as part (base, place)
        order by part.place
      ),
      v_tax,
      exponent
    );
    v_lines := pgledger.add_shares(v_lines, null, v_parts);
    v_all_parts := v_all_parts || array[v_parts];
    v_taxes := v_taxes || pgledger.tax_line(
      v_rate.name, v_rate.percentage, v_rate.applies_to, v_base + coalesce(v_credit_base, 0),
      v_tax + coalesce(v_credit_tax, 0), false
    );
  end loop;

  if v_is_traced then
    v_taxes := v_taxes || pgledger.other_tax_lines(v_lines, v_own_rates);
  end if;
  return pgledger.note_taxes(v_lines, v_all_parts) || v_taxes;
end;
$$;

comment on function pgledger.apply_taxes is
  'The lines of an invoice with the taxes of its rates.';

revoke all on function pgledger.apply_taxes from public;
