/*
An id that does not exist is an error rather than no row.

Checks, in this order: app_id, id, existence.
*/
create or replace function @extschema@.ledger_get_coupon_by_id(
  app_id text,
  id text
)
returns @extschema@.ledger_coupon
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id);
  v_ok := pgledger.check_id('id', id, 'cpn');

  select coupons.key
  into v_key
  from pgledger.coupons
  where coupons.id = ledger_get_coupon_by_id.id
    and coupons.app_id = ledger_get_coupon_by_id.app_id;

  if not found then
    v_ok := pgledger.fail('CouponNotFound', array[id, pgledger.in_app(app_id)]);
  end if;

  return pgledger.coupon_with_key(v_key);
end;
$$;

comment on function @extschema@.ledger_get_coupon_by_id is
$$Returns the coupon of an id, whichever tenant's it is.

app_id: App that it belongs to.
id: Id of the coupon, cpn_ and a ULID.

Returns: The coupon.

Errors: NullArgument, InvalidScope, InvalidId, CouponNotFound (the app has no
  such coupon).$$;

revoke all on function @extschema@.ledger_get_coupon_by_id from public;
grant execute on function @extschema@.ledger_get_coupon_by_id to pgledger_reader;
