/*
A call that changes nothing leaves the version as it is.

Locks the coupon, so no redemption is added while they are counted.

Checks, in this order: app_id, id, existence, clear, name, valid_from, valid_until, max_redemptions,
max_redemptions_per_tenant, metadata, status, redemptions so far, whether the code is taken.
*/
create or replace function @extschema@.ledger_update_coupon(
  app_id text,
  id text,
  name text default null,
  valid_from timestamptz default null,
  valid_until timestamptz default null,
  max_redemptions bigint default null,
  max_redemptions_per_tenant bigint default null,
  metadata jsonb default null,
  status text default null,
  clear text[] default null
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
  v_new pgledger.coupons;
  v_ok boolean := pgledger.check_cleared(
    clear,
    jsonb_build_object(
      'valid_from', valid_from, 'valid_until', valid_until, 'max_redemptions', max_redemptions,
      'max_redemptions_per_tenant', max_redemptions_per_tenant, 'metadata', metadata
    )
  );
begin
  v_new := jsonb_populate_record(v_old, pgledger.cleared(clear));
  v_new.name := coalesce(name, v_old.name);
  v_new.valid_from := coalesce(valid_from, v_new.valid_from);
  v_new.valid_until := coalesce(valid_until, v_new.valid_until);
  v_new.max_redemptions := coalesce(max_redemptions, v_new.max_redemptions);
  v_new.max_redemptions_per_tenant := coalesce(
    max_redemptions_per_tenant, v_new.max_redemptions_per_tenant
  );
  v_new.metadata := coalesce(metadata, v_new.metadata);
  v_new.status := coalesce(status, v_old.status);
  v_ok := pgledger.check_coupon_terms(v_new);
  v_ok := pgledger.check_choice('status', v_new.status, array['active', 'archived']);
  v_ok := pgledger.check_coupon_redemptions(v_old, v_new);

  if v_new is distinct from v_old then
    perform pgledger.rewrite_coupon(v_new);
  end if;

  return pgledger.coupon_with_key(v_old.key);
end;
$$;

comment on function @extschema@.ledger_update_coupon is
$$Changes a coupon.

What is null stays as it is; clear takes a value away. The code and the
discount never change. Who has redeemed the coupon keeps it, whatever changes.

app_id: App that it belongs to.
id: Id of the coupon, cpn_ and a ULID.
name: Name for people, 1 to 255 characters, or null.
valid_from: From when on it can be redeemed, inclusive, or null.
valid_until: Until when it can be redeemed, exclusive, or null.
max_redemptions: How often it can be redeemed in all; not less often than it
  has been, or null.
max_redemptions_per_tenant: How often one tenant can redeem it, 1 or more and
  not less often than any tenant has, or null.
metadata: JSON object of the app's own, at most 64 KiB, or null.
status: Whether it can be redeemed; an archived coupon becomes active again
  unless another has taken its code; one of: active, archived, or null.
clear: Array of the names of what is taken away: valid_from, valid_until,
  max_redemptions, max_redemptions_per_tenant, metadata; null for nothing.

Returns: The coupon; with the same version as before where nothing changed.

Errors: NullArgument, InvalidScope, InvalidId, CouponNotFound (the app has no
  such coupon), InvalidArgument (the name, a limit or the status is not valid,
  or clear has another name or one that is given), InvalidTime (a time is
  outside the years 1 to 9999, or the end is not after the start),
  InvalidMetadata, InUse (it has been redeemed more often than
  max_redemptions, or by a tenant than max_redemptions_per_tenant),
  AlreadyExists (it would become active, and its code is taken).$$;

revoke all on function @extschema@.ledger_update_coupon from public;
grant execute on function @extschema@.ledger_update_coupon to pgledger_poster;
