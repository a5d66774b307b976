/*
The invoice line of one tax rate: what it comes to on the sum of the lines that it is for, and how
that was computed. is_of_credits: the rate is not the invoice's own, but one that what is credited
was billed with.
*/
create or replace function pgledger.tax_line(
  name text,
  percentage numeric,
  applies_to jsonb,
  base numeric,
  amount numeric,
  is_of_credits boolean
)
returns pgledger.invoice_lines
language plpgsql
immutable
parallel safe
as $$
declare
  v_tax pgledger.invoice_lines;
begin
  v_tax.kind := 'tax';
  v_tax.description := format('%s %s %%', name, trim_scale(percentage));
  if is_of_credits then
    v_tax.description := v_tax.description || ' of what is credited';
  end if;
  v_tax.amount := amount;
  v_tax.discount := 0 * v_tax.amount;
  v_tax.tax := v_tax.discount;
  v_tax.basis := jsonb_strip_nulls(
    jsonb_build_object(
      'name', name,
      'percentage', trim_scale(percentage)::text,
      'applies_to', applies_to,
      'base', base::text
    )
  );
  return v_tax;
end;
$$;

comment on function pgledger.tax_line is
  'The invoice line of one tax rate: what it comes to on the sum of the lines that it is for.';

revoke all on function pgledger.tax_line from public;
