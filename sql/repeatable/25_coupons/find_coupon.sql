/*
The coupon that a code names for a tenant, or null: the tenant's own, or else the app's. Archived
ones count, so that archiving a tenant's own coupon does not uncover the app's; of coupons whose
code was used again, the active one is found, or else the last.
*/
create or replace function pgledger.find_coupon(
  app_id text,
  code text,
  tenant_id text
)
returns pgledger.coupons
language sql
stable
parallel safe
as $$
  select coupons
  from pgledger.coupons
  where coupons.app_id = find_coupon.app_id
    and coupons.tenant_id in (find_coupon.tenant_id, '')
    and coupons.code = find_coupon.code
  order by coupons.tenant_id = '', coupons.status = 'archived', coupons.key desc
  limit 1
$$;

comment on function pgledger.find_coupon is
  'The coupon of that code for a tenant: its own, or else the app''s, or null.';

revoke all on function pgledger.find_coupon from public;
