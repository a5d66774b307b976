/*
Checks, in this order: app_id, tenant_id, code for null, existence.
*/
create or replace function @extschema@.ledger_get_coupon(
  app_id text,
  code text,
  tenant_id text default ''
)
returns @extschema@.ledger_coupon
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_coupon pgledger.coupons;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, tenant_id);

  if code is null then
    v_ok := pgledger.fail('NullArgument', array['code']);
  end if;

  v_coupon := pgledger.find_coupon(app_id, code, tenant_id);
  if v_coupon.id is null then
    v_ok := pgledger.fail(
      'CouponNotFound',
      array[quote_literal(pgledger.abridged(code)), pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;

  return pgledger.coupon_with_key(v_coupon.key);
end;
$$;

comment on function @extschema@.ledger_get_coupon is
$$Returns the coupon that a code names for a tenant.

Archived ones are found too; if another has taken the code since, that one is.

app_id: App that it belongs to.
code: What is typed to redeem it.
tenant_id: Tenant whose own coupon of that code comes before the app's; the
  empty text for the app's alone.

Returns: The coupon.

Errors: NullArgument, InvalidScope, CouponNotFound (there is none of that code
  for this app and tenant).$$;

revoke all on function @extschema@.ledger_get_coupon from public;
grant execute on function @extschema@.ledger_get_coupon to pgledger_reader;
