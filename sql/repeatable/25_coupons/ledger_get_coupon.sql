/*
The coupon that a code names for a tenant: the tenant's own, or else the whole app's; archived ones
included. The empty tenant_id stands for the whole app.

Errors: NullArgument, InvalidScope, CouponNotFound.
*/
create or replace function ledger_get_coupon(
  app_id text,
  code text,
  tenant_id text default ''
)
returns ledger_coupon
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_coupon pgledger.coupons;
begin
  perform pgledger.check_catalogue_scope(app_id, tenant_id);

  if code is null then
    perform pgledger.fail('NullArgument', array['code']);
  end if;

  v_coupon := pgledger.find_coupon(app_id, code, tenant_id);
  if v_coupon.id is null then
    perform pgledger.fail(
      'CouponNotFound',
      array[quote_literal(pgledger.abridged(code)), pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;

  return pgledger.coupon_of(v_coupon.key);
end;
$$;

comment on function ledger_get_coupon is
$$Returns the coupon of a code.

[[was: The coupon that a code names for a tenant: its own, or else the whole
app's.]]

app_id: App that it belongs to.
code: Its code.
tenant_id: For whom: the tenant's own coupon of that code comes before the
  app's.

Returns: [[?]]

Errors: NullArgument, InvalidScope, CouponNotFound (there is none for this app
  and tenant).$$;

revoke all on function ledger_get_coupon from public;
grant execute on function ledger_get_coupon to pgledger_reader;
