/*
Takes the coupons that a tenant has redeemed off the lines of an invoice: those for some of the
lines first, then those for all, each in the order of redemption, off what the ones before have
left. Credits are left alone. A percentage is rounded once; an amount is at most what there is to
take it off; either is split to the lines by largest remainder. Returns the lines with their shares,
and one line more for each coupon that took something off.
*/
create or replace function pgledger.apply_coupons(
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
  v_coupon record;
  v_subtotal numeric;
  v_items text[];
  -- What is left of each line, and what has been taken off it.
  v_left numeric[];
  v_taken numeric[];
  v_parts numeric[];
  v_base numeric;
  v_discount pgledger.invoice_lines;
  v_discounts pgledger.invoice_lines[] := '{}';
begin
  for v_coupon in
    select
      redemption.key, coupons.name, coupons.percentage, coupons.applies_to,
      coupons.minimum_subtotal, coalesce(redemption.amount_left, coupons.amount) as amount
    from pgledger.coupon_redemptions as redemption
    inner join pgledger.coupons on redemption.coupon_key = coupons.key
    where redemption.app_id = invoice.app_id
      and redemption.tenant_id = invoice.tenant_id
      and coalesce(redemption.subscription_key, invoice.subscription_key)
      is not distinct from invoice.subscription_key
      and (redemption.uses_left > 0) is not false
      and coalesce(coupons.currency, invoice.currency) = invoice.currency
    order by coupons.applies_to is null, redemption.key
  loop
    if v_subtotal is null then
      v_subtotal := (select sum(line.amount) from unnest(lines) as line);
      v_items := array(select line.item from unnest(lines) as line);
      v_left := pgledger.discountable(lines);
      v_taken := array_fill(0::numeric, array[cardinality(lines)]);
    end if;
    continue when v_subtotal < v_coupon.minimum_subtotal;

    v_parts := array(
      select
        case
          when v_coupon.applies_to is null or part.item = any(v_coupon.applies_to)
            then part.amount
          else 0
        end
      from unnest(v_left, v_items) with ordinality as part (amount, item, place)
      order by part.place
    );
    v_base := (select sum(part) from unnest(v_parts) as part);
    v_discount := null;
    v_discount.amount := -coalesce(
      round(v_base * v_coupon.percentage * 0.01, exponent),
      round(least(v_coupon.amount, v_base), exponent)
    );
    continue when (v_discount.amount < 0) is not true;

    v_discount.kind := 'discount';
    v_discount.description := v_coupon.name;
    v_discount.discount := 0 * v_discount.amount;
    v_discount.tax := v_discount.discount;
    v_discount.redemption_key := v_coupon.key;
    v_discount.basis := jsonb_strip_nulls(
      jsonb_build_object(
        'base', v_base::text, 'percentage', trim_scale(v_coupon.percentage)::text,
        'amount', case when v_coupon.percentage is null then v_coupon.amount::text end,
        'applies_to', to_jsonb(v_coupon.applies_to)
      )
    );
    v_discounts := v_discounts || v_discount;
    -- Digits enough, and as many for each, so that equal remainders are equal.
    v_parts := pgledger.split_amount(
      array(
        select pgledger.rounded_quotient(-v_discount.amount * part.value, v_base, exponent + 18)
        from unnest(v_parts) with ordinality as part (value, place)
        order by part.place
      ),
      -v_discount.amount,
      exponent
    );
    v_left := pgledger.differences(v_left, v_parts);
    v_taken := pgledger.differences(v_taken, v_parts);
  end loop;
  if cardinality(v_discounts) = 0 then
    return lines;
  end if;
  return pgledger.add_shares(lines, array(select -taken from unnest(v_taken) as taken), null)
    || v_discounts;
end;
$$;

comment on function pgledger.apply_coupons is
  'The lines of an invoice with the discounts of the coupons that the tenant has redeemed.';

revoke all on function pgledger.apply_coupons from public;
