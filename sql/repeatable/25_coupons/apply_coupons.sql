/*
Takes the coupons that a tenant has redeemed off the lines of an invoice. Coupons for some of the
lines come first, then those for all, each in the order of redemption, and each takes from what the
ones before have left. Credits are left alone. A use that a period has taken goes on for changes in
it. Returns the lines with their shares, and one more line for each coupon that took something off.
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
  -- What coupons can take off each line, and what is left of that.
  v_whole numeric[];
  v_left numeric[];
  v_taken numeric[];
  v_share record;
  v_discounts pgledger.invoice_lines[] := '{}';
begin
  -- Most tenants have none, and then this look is all that it costs.
  if not exists (
    select
    from pgledger.coupon_redemptions as redemption
    where redemption.app_id = invoice.app_id and redemption.tenant_id = invoice.tenant_id
  ) then
    return lines;
  end if;
  for v_coupon in
    select
      redemption.key, coupons.name, coupons.percentage, coupons.applies_to,
      coupons.minimum_subtotal,
      coalesce(redemption.amount_left, coupons.amount - coalesce(taken.amount, 0)) as amount
    from pgledger.coupon_redemptions as redemption
    inner join pgledger.coupons on redemption.coupon_key = coupons.key
    cross join lateral (
      select pgledger.taken_in_period(invoice, redemption.key) as amount
    ) as taken
    where redemption.app_id = invoice.app_id
      and redemption.tenant_id = invoice.tenant_id
      and coalesce(redemption.subscription_key, invoice.subscription_key)
      is not distinct from invoice.subscription_key
      and ((redemption.uses_left > 0) is not false or taken.amount is not null)
      and coalesce(coupons.currency, invoice.currency) = invoice.currency
    order by coupons.applies_to is null, redemption.key
  loop
    if v_subtotal is null then
      v_subtotal := (select sum(line.amount) from unnest(lines) as line);
      v_items := array(select line.item from unnest(lines) as line);
      v_whole := pgledger.discountable(lines);
      v_left := v_whole;
    end if;
    continue when v_subtotal < v_coupon.minimum_subtotal;

    v_share := pgledger.coupon_shares(
      v_left, v_items, v_coupon.applies_to, v_coupon.percentage, v_coupon.amount, exponent
    );
    continue when (v_share.discount > 0) is not true;

    v_discounts := v_discounts || pgledger.discount_line(
      v_coupon.key, v_coupon.name, v_coupon.percentage, v_coupon.amount, v_coupon.applies_to,
      v_share.base, v_share.discount
    );
    v_left := array(
      select part.amount - part.share
      from unnest(v_left, v_share.shares) with ordinality as part (amount, share, place)
      order by part.place
    );
  end loop;
  if cardinality(v_discounts) = 0 then
    return lines;
  end if;
  v_taken := array(
    select part.amount - part.rest
    from unnest(v_whole, v_left) with ordinality as part (amount, rest, place)
    order by part.place
  );
  return pgledger.add_shares(lines, v_taken, null) || v_discounts;
end;
$$;

comment on function pgledger.apply_coupons is
  'The lines of an invoice with the discounts of the coupons that the tenant has redeemed.';

revoke all on function pgledger.apply_coupons from public;
