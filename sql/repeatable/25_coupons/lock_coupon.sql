/*
The coupon of that id, its row locked: FOR UPDATE if it is to be deleted, FOR NO KEY UPDATE if it is
to be changed. Whoever redeems the coupon locks it FOR NO KEY UPDATE too.

Errors: NullArgument, InvalidScope, InvalidId, CouponNotFound.
*/
create or replace function pgledger.lock_coupon(
  app_id text,
  id text,
  to_delete boolean default false
)
returns pgledger.coupons
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_coupon pgledger.coupons;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id);
  v_ok := pgledger.check_id('id', id, 'cpn');

  if to_delete then
    v_coupon := (
      select coupons
      from pgledger.coupons
      where coupons.id = lock_coupon.id and coupons.app_id = lock_coupon.app_id
      for update
    );
  else
    v_coupon := (
      select coupons
      from pgledger.coupons
      where coupons.id = lock_coupon.id and coupons.app_id = lock_coupon.app_id
      for no key update
    );
  end if;

  if v_coupon.id is null then
    v_ok := pgledger.fail('CouponNotFound', array[id, pgledger.in_catalogue(app_id, '')]);
  end if;

  return v_coupon;
end;
$$;

comment on function pgledger.lock_coupon is
  'The coupon of that id, locked to be changed or deleted; raises CouponNotFound.';

revoke all on function pgledger.lock_coupon from public;
