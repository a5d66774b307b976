/*
The invoice line of one coupon: what it takes off, of what, and by which terms.
*/
create or replace function pgledger.discount_line(
  redemption_key bigint,
  name text,
  percentage numeric,
  amount numeric,
  applies_to text[],
  base numeric,
  discount numeric
)
returns pgledger.invoice_lines
language plpgsql
immutable
parallel safe
as $$
declare
  v_discount pgledger.invoice_lines;
begin
  v_discount.kind := 'discount';
  v_discount.description := name;
  v_discount.amount := -discount;
  v_discount.discount := 0 * v_discount.amount;
  v_discount.tax := v_discount.discount;
  v_discount.redemption_key := redemption_key;
  v_discount.basis := jsonb_strip_nulls(
    jsonb_build_object(
      'base', base::text, 'percentage', trim_scale(percentage)::text,
      'amount', case when percentage is null then amount::text end,
      'applies_to', to_jsonb(applies_to)
    )
  );
  return v_discount;
end;
$$;

comment on function pgledger.discount_line is 'The invoice line of one coupon.';

revoke all on function pgledger.discount_line from public;
