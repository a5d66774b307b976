/*
Uses up what an invoice that becomes final takes of its tenant's redemptions: of an amount that is
for once that much, of any other redemption one use. pgledger.return_coupons undoes it.

The caller has locked the redemptions that there were. One that was made since then is locked here;
it has the highest key, so locks are still taken in their order. If somebody else has used that one
up meanwhile, nothing is written and false is returned: the invoice is to be computed anew.
*/
create or replace function pgledger.use_coupons(invoice_key bigint)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
begin
  perform
  from pgledger.coupon_redemptions
  where coupon_redemptions.key in (
    select invoice_lines.redemption_key
    from pgledger.invoice_lines
    where invoice_lines.invoice_key = use_coupons.invoice_key
      and invoice_lines.kind = 'discount'
  )
  order by coupon_redemptions.key
  for no key update;
  if not found then
    return true;
  elsif exists (
    select
    from pgledger.invoice_lines
    inner join pgledger.invoices on invoice_lines.invoice_key = invoices.key
    inner join pgledger.coupon_redemptions
      on invoice_lines.redemption_key = coupon_redemptions.key
    where invoice_lines.invoice_key = use_coupons.invoice_key
      and invoice_lines.kind = 'discount'
      and (
        (
          coupon_redemptions.uses_left = 0
          and pgledger.taken_in_period(invoices, coupon_redemptions.key) is null
        )
        or coupon_redemptions.amount_left < -invoice_lines.amount
      )
  ) then
    return false;
  end if;

  insert into pgledger.coupon_applications (
    invoice_key, redemption_key, discount, takes_use, created_at
  )
  select
    invoice_lines.invoice_key, invoice_lines.redemption_key, -invoice_lines.amount,
    pgledger.taken_in_period(invoices, invoice_lines.redemption_key) is null,
    pgledger.clock()
  from pgledger.invoice_lines
  inner join pgledger.invoices on invoice_lines.invoice_key = invoices.key
  where invoice_lines.invoice_key = use_coupons.invoice_key
    and invoice_lines.kind = 'discount';
  update pgledger.coupon_redemptions
  set
    amount_left = coupon_redemptions.amount_left - coupon_applications.discount,
    uses_left = case
      when coupon_redemptions.amount_left > coupon_applications.discount
        then coupon_redemptions.uses_left
      when coupon_redemptions.amount_left is not null then coupon_redemptions.uses_left - 1
      else coupon_redemptions.uses_left - coupon_applications.takes_use::integer
    end
  from pgledger.coupon_applications
  where coupon_applications.invoice_key = use_coupons.invoice_key
    and coupon_applications.redemption_key = coupon_redemptions.key;
  return true;
end;
$$;

comment on function pgledger.use_coupons is
  'Uses up what an invoice takes of its tenant''s redemptions, and returns whether it could.';

revoke all on function pgledger.use_coupons from public;
