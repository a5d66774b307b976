/*
Uses up what an invoice that becomes final takes of its tenant's redemptions, which are locked: of
an amount that is for once the amount, of the others one use. pgledger.return_coupons undoes it.
*/
create or replace function pgledger.use_coupons(invoice_key bigint)
returns void
language plpgsql
volatile
parallel unsafe
as $$
begin
  insert into pgledger.coupon_applications (invoice_key, redemption_key, discount, created_at)
  select
    invoice_lines.invoice_key, invoice_lines.redemption_key, -invoice_lines.amount,
    pgledger.clock()
  from pgledger.invoice_lines
  where invoice_lines.invoice_key = use_coupons.invoice_key
    and invoice_lines.kind = 'discount';
  if not found then
    return;
  end if;

  update pgledger.coupon_redemptions
  set
    amount_left = coupon_redemptions.amount_left - coupon_applications.discount,
    uses_left = case
      when coupon_redemptions.amount_left > coupon_applications.discount
        then coupon_redemptions.uses_left
      else coupon_redemptions.uses_left - 1
    end
  from pgledger.coupon_applications
  where coupon_applications.invoice_key = use_coupons.invoice_key
    and coupon_applications.redemption_key = coupon_redemptions.key;
end;
$$;

comment on function pgledger.use_coupons is
  'Uses up what an invoice takes of its tenant''s redemptions.';

revoke all on function pgledger.use_coupons from public;
