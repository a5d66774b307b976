/*
Adds discounts and taxes to the lines that say what is charged, in this order, and sums them up.
Nothing is written, and no coupon is used up. A caller that knows the currency's exponent gives it.
An import is what was billed elsewhere: coupons take nothing off it.
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
  v_zeros numeric[] := array_fill(round(0::numeric, v_exponent), array[cardinality(lines)]);
begin
  if cardinality(lines) > 0 then
    lines := pgledger.add_shares(lines, v_zeros, v_zeros);
    if not is_import then
      lines := pgledger.apply_coupons(invoice, lines, v_exponent);
    end if;
    lines := pgledger.apply_taxes(invoice, lines, v_exponent);
  end if;

  select
    coalesce(sum(line.amount) filter (where line.kind not in ('discount', 'tax')), 0),
    coalesce(-sum(line.amount) filter (where line.kind = 'discount'), 0),
    coalesce(sum(line.amount) filter (where line.kind = 'tax'), 0)
  into invoice.subtotal, invoice.discount, invoice.tax
  from unnest(lines) as line;
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
