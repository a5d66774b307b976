/*
The coupon that a code names for a tenant, as pgledger.find_coupon finds it, its row locked FOR NO
KEY UPDATE. If the tenant's own is deleted meanwhile, it is the app's; if it is archived meanwhile
and another takes its code, it is that one.

Errors: CouponNotFound.
*/
create or replace function pgledger.lock_coupon_of_code(
  app_id text,
  code text,
  tenant_id text
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
  loop
    v_coupon := (
      select coupons
      from pgledger.coupons
      where coupons.app_id = lock_coupon_of_code.app_id
        and coupons.tenant_id in (lock_coupon_of_code.tenant_id, '')
        and coupons.code = lock_coupon_of_code.code
      order by coupons.tenant_id = '', coupons.status = 'archived', coupons.key desc
      limit 1
      for no key update
    );
    exit when v_coupon.status is distinct from 'archived'
      or v_coupon.key = (pgledger.find_coupon(app_id, code, tenant_id)).key;
  end loop;

  if v_coupon.id is null then
    v_ok := pgledger.fail(
      'CouponNotFound',
      array[quote_literal(pgledger.abridged(code)), pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;

  return v_coupon;
end;
$$;

comment on function pgledger.lock_coupon_of_code is
  'The coupon of that code for a tenant, locked to be redeemed; raises CouponNotFound.';

revoke all on function pgledger.lock_coupon_of_code from public;
