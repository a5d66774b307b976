/*
Adds discounts and taxes to the lines that say what is charged, in this order, and sums them up. The
lines come with shares of 0 of both. Nothing is written, and no coupon is used up. A caller that
knows the currency's exponent gives it. An import is what was billed elsewhere: coupons take nothing
off it.
*/
create or replace function pgledger.complete_invoice(
  inout invoice pgledger.invoices,
  inout lines pgledger.invoice_lines[],
  exponent integer default null,
  is_import boolean default false
)
language plpgsql
stable
parallel safe
as $$
declare
  v_exponent integer := coalesce(
    exponent, pgledger.currency_exponent(invoice.app_id, invoice.currency)
  );
  v_line pgledger.invoice_lines;
begin
  if cardinality(lines) > 0 then
    if not is_import then
      lines := pgledger.apply_coupons(invoice, lines, v_exponent);
    end if;
    lines := pgledger.apply_taxes(invoice, lines, v_exponent);
  end if;

  invoice.subtotal := 0;
  invoice.discount := 0;
  invoice.tax := 0;
  foreach v_line in array lines loop
    if v_line.kind = 'discount' then
      invoice.discount := invoice.discount - v_line.amount;
    elsif v_line.kind = 'tax' then
      invoice.tax := invoice.tax + v_line.amount;
    else
      invoice.subtotal := invoice.subtotal + v_line.amount;
    end if;
  end loop;
  invoice.subtotal := round(invoice.subtotal, v_exponent);
  invoice.discount := round(invoice.discount, v_exponent);
  invoice.tax := round(invoice.tax, v_exponent);
  invoice.total := invoice.subtotal - invoice.discount + invoice.tax;
  -- With the currency's decimals, like all amounts.
  invoice.credits_applied := round(0::numeric, v_exponent);
  invoice.amount_due := greatest(
    invoice.total - invoice.credits_applied, invoice.credits_applied
  );
  invoice.amount_paid := invoice.credits_applied;
  invoice.refund_due := invoice.credits_applied;
  invoice.unapplied := invoice.credits_applied;
end;
$$;

comment on function pgledger.complete_invoice is
  'An invoice and its lines with discounts, taxes and sums; nothing is written.';

revoke all on function pgledger.complete_invoice from public;
