/*
Writes a coupon that has changed. The caller has locked its row.

Errors: AlreadyExists.
*/
create or replace function pgledger.rewrite_coupon(coupon pgledger.coupons)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_constraint text;
  v_ok boolean;
begin
  update pgledger.coupons
  set
    name = coupon.name,
    valid_from = coupon.valid_from,
    valid_until = coupon.valid_until,
    max_redemptions = coupon.max_redemptions,
    max_redemptions_per_tenant = coupon.max_redemptions_per_tenant,
    metadata = coupon.metadata,
    status = coupon.status,
    version = coupons.version + 1,
    updated_at = pgledger.clock()
  where coupons.key = coupon.key;
exception
  -- The code of an archived coupon can be another's meanwhile.
  when unique_violation then
    get stacked diagnostics v_constraint = constraint_name;
    if v_constraint is distinct from 'coupons_app_id_tenant_id_code_active_idx' then
      raise;
    end if;
    v_ok := pgledger.fail(
      'AlreadyExists',
      array[
        'coupon code',
        quote_literal(coupon.code),
        pgledger.in_catalogue(coupon.app_id, coupon.tenant_id)
      ],
      hint => 'Archive the other coupon first.'
    );
end;
$$;

comment on function pgledger.rewrite_coupon is
  'Writes a coupon that has changed; raises AlreadyExists if its code is another''s by now.';

revoke all on function pgledger.rewrite_coupon from public;
