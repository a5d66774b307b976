/*
A call that changes nothing leaves the version as it is.

Locks the coupon.

Checks, in this order: app_id, id, existence, name, valid_from, valid_until, max_redemptions,
max_redemptions_per_tenant, metadata, redemptions so far.
*/
create or replace function @extschema@.ledger_update_coupon(
  app_id text,
  id text,
  name text default null,
  valid_from timestamptz default null,
  valid_until timestamptz default null,
  max_redemptions bigint default null,
  max_redemptions_per_tenant bigint default null,
  metadata jsonb default null
)
returns @extschema@.ledger_coupon
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.coupons := pgledger.lock_coupon(app_id, id);
  v_new pgledger.coupons := v_old;
  v_ok boolean;
begin
  v_new.name := coalesce(name, v_old.name);
  v_new.valid_from := coalesce(valid_from, v_old.valid_from);
  v_new.valid_until := coalesce(valid_until, v_old.valid_until);
  v_new.max_redemptions := coalesce(max_redemptions, v_old.max_redemptions);
  v_new.max_redemptions_per_tenant := coalesce(
    max_redemptions_per_tenant, v_old.max_redemptions_per_tenant
  );
  v_new.metadata := coalesce(metadata, v_old.metadata);
  v_ok := pgledger.check_coupon_terms(v_new);

  if v_new.max_redemptions < v_old.redemptions then
    v_ok := pgledger.fail(
      'InUse',
      array[
        'coupon',
        quote_literal(v_old.code),
        format('limited to %s', v_new.max_redemptions),
        format('it has been redeemed %s times', v_old.redemptions)
      ]
    );
  elsif v_new is distinct from v_old then
    update pgledger.coupons
    set
      name = v_new.name,
      valid_from = v_new.valid_from,
      valid_until = v_new.valid_until,
      max_redemptions = v_new.max_redemptions,
      max_redemptions_per_tenant = v_new.max_redemptions_per_tenant,
      metadata = v_new.metadata,
      version = coupons.version + 1,
      updated_at = pgledger.clock()
    where coupons.key = v_old.key;
  end if;

  return pgledger.coupon_with_key(v_old.key);
end;
$$;

comment on function @extschema@.ledger_update_coupon is
$$Changes a coupon.

What is null stays as it is, so no value can be taken back to null. The code
and the discount never change. Who has redeemed the coupon keeps it, whatever
changes.

app_id: App that it belongs to.
id: Id of the coupon, cpn_ and a ULID.
name: Name for people, 1 to 255 characters, or null.
valid_from: From when on it can be redeemed, inclusive, or null.
valid_until: Until when it can be redeemed, exclusive, or null.
max_redemptions: How often it can be redeemed in all; not less often than it
  has been, or null.
max_redemptions_per_tenant: How often one tenant can redeem it, 1 or more, or
  null.
metadata: JSON object of the app's own, at most 64 KiB, or null.

Returns: The coupon; with the same version as before where nothing changed.

Errors: NullArgument, InvalidScope, InvalidId, CouponNotFound (the app has no
  such coupon), InvalidArgument (the name or a limit is not valid),
  InvalidTime (a time is outside the years 1 to 9999, or the end is not after
  the start), InvalidMetadata, InUse (it has been redeemed more often than
  max_redemptions).$$;

revoke all on function @extschema@.ledger_update_coupon from public;
grant execute on function @extschema@.ledger_update_coupon to pgledger_poster;
