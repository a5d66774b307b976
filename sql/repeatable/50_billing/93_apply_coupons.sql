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
  v_lines pgledger.invoice_lines[] := lines;
  v_subtotal numeric := (select sum(line.amount) from unnest(lines) as line);
  v_left numeric[];
  v_base numeric;
  v_discount pgledger.invoice_lines;
begin
  for v_coupon in
    select
      redemption.key, coupons.name, coupons.percentage, coupons.applies_to,
      coalesce(redemption.amount_left, coupons.amount) as amount
    from pgledger.coupon_redemptions as redemption
    inner join pgledger.coupons on redemption.coupon_key = coupons.key
    where redemption.app_id = invoice.app_id
      and redemption.tenant_id = invoice.tenant_id
      and coalesce(redemption.subscription_key, invoice.subscription_key)
      is not distinct from invoice.subscription_key
      and (redemption.uses_left > 0) is not false
      and coalesce(coupons.currency, invoice.currency) = invoice.currency
      and (v_subtotal >= coupons.minimum_subtotal) is not false
    order by coupons.applies_to is null, redemption.key
  loop
    select
      array_agg(
        case
          when line.kind in ('discount', 'tax') then 0
          when v_coupon.applies_to is null or line.item = any(v_coupon.applies_to)
            then greatest(line.amount - line.discount, 0)
          else 0
        end
        order by line.nth
      )
    into v_left
    from unnest(v_lines) with ordinality as line (
      invoice_key, place, kind, description, item, period_start, period_end, quantity,
      unit_amount, amount, discount, tax, subscription_key, for_period, plan_key, gross, counted,
      events, redemption_key, basis, nth
    );
    v_base := (select sum(share) from unnest(v_left) as share);
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
    v_lines := pgledger.add_shares(
      v_lines,
      pgledger.split_amount(
        array(
          -- Digits enough, and as many for each, so that equal remainders are equal.
          select
            pgledger.rounded_quotient(-v_discount.amount * share.value, v_base, exponent + 18)
          from unnest(v_left) with ordinality as share (value, place)
          order by share.place
        ),
        -v_discount.amount,
        exponent
      ),
      null
    ) || v_discount;
  end loop;
  return v_lines;
end;
$$;

comment on function pgledger.apply_coupons is
  'The lines of an invoice with the discounts of the coupons that the tenant has redeemed.';

revoke all on function pgledger.apply_coupons from public;
