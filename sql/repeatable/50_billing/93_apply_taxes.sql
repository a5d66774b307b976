/*
Taxes the lines of an invoice by its rates, in their order: each rate is computed once, on the sum
of what its lines come to after discounts, and split to them by largest remainder. Credits lower
that sum. Returns the lines with their shares, and one line more for each rate.
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
  v_rate record;
  v_lines pgledger.invoice_lines[] := lines;
  v_bases numeric[];
  v_base numeric;
  v_tax pgledger.invoice_lines;
begin
  for v_rate in
    select
      rate.value ->> 'name' as name,
      (rate.value ->> 'percentage')::numeric as percentage,
      nullif(rate.value -> 'applies_to', 'null') as applies_to
    from jsonb_array_elements(invoice.tax_rates) with ordinality as rate (value, place)
    order by rate.place
  loop
    v_bases := array(
      select
        case
          when line.kind not in ('discount', 'tax')
            and (v_rate.applies_to is null or v_rate.applies_to ? line.item)
            then line.amount - line.discount
          else 0
        end
      from unnest(v_lines) with ordinality as line (
        invoice_key, place, kind, description, item, period_start, period_end, quantity,
        unit_amount, amount, discount, tax, subscription_key, for_period, plan_key, gross,
        counted, events, redemption_key, basis, nth
      )
      order by line.nth
    );
    v_base := (select sum(base) from unnest(v_bases) as base);
    v_tax := null;
    v_tax.kind := 'tax';
    v_tax.description := format('%s %s %%', v_rate.name, trim_scale(v_rate.percentage));
    v_tax.amount := round(v_base * v_rate.percentage * 0.01, exponent);
    v_tax.discount := 0 * v_tax.amount;
    v_tax.tax := v_tax.discount;
    v_tax.basis := jsonb_strip_nulls(
      jsonb_build_object(
        'name', v_rate.name,
        'percentage', trim_scale(v_rate.percentage)::text,
        'applies_to', v_rate.applies_to,
        'base', v_base::text
      )
    );
    v_lines := pgledger.add_shares(
      v_lines,
      null,
      pgledger.split_amount(
        array(
          select part.base * v_rate.percentage * 0.01
          from unnest(v_bases) with ordinality as part (base, place)
          order by part.place
        ),
        v_tax.amount,
        exponent
      )
    ) || v_tax;
  end loop;
  return v_lines;
end;
$$;

comment on function pgledger.apply_taxes is
  'The lines of an invoice with the taxes of its rates.';

revoke all on function pgledger.apply_taxes from public;
