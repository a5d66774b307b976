/*
Repeatable.

Locks the coupon.
*/
create or replace function @extschema@.ledger_archive_coupon(
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
  v_coupon pgledger.coupons := pgledger.lock_coupon(app_id, id);
begin
  if v_coupon.status <> 'archived' then
    update pgledger.coupons
    set
      status = 'archived',
      version = coupons.version + 1,
      updated_at = pgledger.clock()
    where coupons.key = v_coupon.key;
  end if;

  return pgledger.coupon_with_key(v_coupon.key);
end;
$$;

comment on function @extschema@.ledger_archive_coupon is
$$Closes a coupon, so that nobody can redeem it any more.

Who has redeemed it keeps it.

app_id: App that it belongs to.
id: Id of the coupon, cpn_ and a ULID.

Returns: The coupon; a second time it does not change.

Errors: NullArgument, InvalidScope, InvalidId, CouponNotFound (the app has no
  such coupon).$$;

revoke all on function @extschema@.ledger_archive_coupon from public;
grant execute on function @extschema@.ledger_archive_coupon to pgledger_poster;
