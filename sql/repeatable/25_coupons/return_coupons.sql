/*
Gives back to a tenant's redemptions what an invoice has used up of them. A second call finds
nothing more to give back.

Locks the redemptions, ascending by key; the caller has locked the invoice.
*/
create or replace function pgledger.return_coupons(
  invoice_key bigint,
  at timestamptz
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
begin
  perform 1
  from pgledger.coupon_redemptions
  where coupon_redemptions.key in (
    select used.redemption_key
    from pgledger.coupon_applications as used
    where used.invoice_key = return_coupons.invoice_key and used.returned_at is null
  )
  order by coupon_redemptions.key
  for no key update;

  with returned as (
    update pgledger.coupon_applications
    set returned_at = return_coupons.at
    where coupon_applications.invoice_key = return_coupons.invoice_key
      and coupon_applications.returned_at is null
    returning
      coupon_applications.redemption_key, coupon_applications.discount,
      coupon_applications.takes_use
  )

  update pgledger.coupon_redemptions
  set
    amount_left = coupon_redemptions.amount_left + returned.discount,
    -- An amount that is for once is one use, however many invoices share it.
    uses_left = case
      when coupon_redemptions.amount_left is not null then 1
      else coupon_redemptions.uses_left + returned.takes_use::integer
    end
  from returned
  where coupon_redemptions.key = returned.redemption_key;
end;
$$;

comment on function pgledger.return_coupons is
  'Gives back to coupon redemptions what an invoice has used up of them.';

revoke all on function pgledger.return_coupons from public;
