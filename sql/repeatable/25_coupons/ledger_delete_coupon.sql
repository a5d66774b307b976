/*
Locks the coupon FOR UPDATE: who redeems it at the same time comes first or waits.

Checks, in this order: app_id, id, existence, redemptions.
*/
create or replace function @extschema@.ledger_delete_coupon(
  app_id text,
  id text
)
returns @extschema@.ledger_coupon
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.coupons := pgledger.lock_coupon(app_id, id, to_delete => true);
  v_coupon record := pgledger.coupon_with_key(v_old.key);
  v_ok boolean;
begin
  if v_old.redemptions > 0 then
    v_ok := pgledger.fail(
      'InUse',
      array[
        'coupon',
        quote_literal(v_old.code),
        'deleted',
        format('it has been redeemed %s times', v_old.redemptions)
      ]
    );
  end if;

  delete from pgledger.coupons
  where coupons.key = v_old.key;

  return v_coupon;
end;
$$;

comment on function @extschema@.ledger_delete_coupon is
$$Deletes a coupon that nobody has redeemed.

One that somebody has redeemed can be archived: ledger_archive_coupon.

app_id: App that it belongs to.
id: Id of the coupon, cpn_ and a ULID.

Returns: The coupon as it was.

Errors: NullArgument, InvalidScope, InvalidId, CouponNotFound (the app has no
  such coupon), InUse (it has been redeemed).$$;

revoke all on function @extschema@.ledger_delete_coupon from public;
grant execute on function @extschema@.ledger_delete_coupon to pgledger_poster;
