/*
Taxes the lines of an invoice by its rates, in the rates' order. Each rate is computed once, on the
sum of what its lines come to after discounts, and split over them by largest remainder.

Credits lower that sum, unless they give back what was billed with other rates. These rates then
follow the invoice's own, each computed in the same way on those credits. Returns the lines with
their shares, and one more line for each rate.
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
  v_traced record;
  v_lines pgledger.invoice_lines[] := lines;
  v_sets jsonb[] := array[invoice.tax_rates];
  v_rates jsonb;
  v_rate record;
  v_amounts numeric[];
  v_base numeric;
  v_shares numeric[];
  v_tax pgledger.invoice_lines;
begin
  -- Most invoices credit nothing: this look at their lines is all that it costs them.
  for v_place in 1 .. cardinality(lines) loop
    if lines[v_place].amount < 0 and lines[v_place].subscription_key is not null then
      v_traced := pgledger.trace_credits(invoice, lines);
      v_lines := v_traced.lines;
      v_sets := v_traced.tax_rates;
      exit;
    end if;
  end loop;
  if v_sets = array['[]'::jsonb] then
    return lines;
  end if;

  foreach v_rates in array v_sets loop
    if cardinality(v_sets) > 1 then
      v_amounts := pgledger.billed_with(v_lines, v_rates, v_rates = v_sets[1]);
    end if;
    for v_rate in
      select
        rate.value ->> 'name' as name,
        (rate.value ->> 'percentage')::numeric as percentage,
        nullif(rate.value -> 'applies_to', 'null') as applies_to
      from jsonb_array_elements(v_rates) with ordinality as rate (value, place)
      order by rate.place
    loop
      select array_agg(part.base * v_rate.percentage * 0.01 order by part.nth), sum(part.base)
      into v_shares, v_base
      from (
        select
          line.nth,
          case
            when line.kind not in ('discount', 'tax')
              and (v_rate.applies_to is null or v_rate.applies_to ? line.item)
              then coalesce(v_amounts[line.nth], line.amount - line.discount)
            else 0
          end as base
        from unnest(v_lines) with ordinality as line (
          invoice_key, place, kind, description, item, period_start, period_end, quantity,
          unit_amount, amount, discount, tax, subscription_key, for_period, plan_key, gross,
          counted, events, redemption_key, basis, nth
        )
      ) as part;
      continue when v_rates <> v_sets[1] and v_base = 0 and 0 = all(v_shares);

      v_tax := pgledger.tax_line(
        v_rate.name, v_rate.percentage, v_rate.applies_to, v_base, exponent, v_rates <> v_sets[1]
      );
      v_lines := pgledger.add_shares(
        v_lines, null, pgledger.split_amount(v_shares, v_tax.amount, exponent)
      ) || v_tax;
    end loop;
  end loop;
  return v_lines;
end;
$$;

comment on function pgledger.apply_taxes is
  'The lines of an invoice with the taxes of its rates.';

revoke all on function pgledger.apply_taxes from public;
