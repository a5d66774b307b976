/*
A repeated call returns the redemption as it stands now, whatever has become of the coupon, and is
refused if it asks for something else.

Locks the coupon: of many who redeem it at once, as many succeed as its limits allow.

Checks, in this order: app_id, tenant_id, code for null, subscription_id, id, repeat, existence of
the subscription and of the coupon, its status and time, its limit in all and for the tenant.
*/
create or replace function @extschema@.ledger_redeem_coupon(
  app_id text,
  tenant_id text,
  code text,
  subscription_id text default null,
  id text default null
)
returns @extschema@.ledger_coupon_redemption
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  if code is null then
    v_ok := pgledger.fail('NullArgument', array['code']);
  end if;
  if subscription_id is not null then
    v_ok := pgledger.check_id('subscription_id', subscription_id, 'sub');
  end if;
  if id is not null then
    v_ok := pgledger.check_id('id', id, 'red');
  end if;

  v_key := pgledger.repeated_redemption(app_id, tenant_id, code, subscription_id, id);
  if v_key is null then
    v_key := pgledger.redeem_coupon(app_id, tenant_id, code, subscription_id, id);
  end if;

  return pgledger.coupon_redemption_with_key(v_key);
end;
$$;

comment on function @extschema@.ledger_redeem_coupon is
$$Redeems a coupon for a tenant.

From then on it reduces the tenant's invoices, or those of one subscription,
until it is used up. However many redeem it at the same time, it is not
redeemed more often than it can be.

With an id of the caller's choice the call can be repeated: the second call
returns the redemption as it is now if it asks for the same.

Call it in FROM: (ledger_redeem_coupon(...)).* calls it once for every column.

app_id: App.
tenant_id: Tenant that redeems it.
code: Code of the tenant's own coupon, or else of the app's.
subscription_id: Id of the subscription whose invoices it is to reduce, sub_
  and a ULID; null for all of the tenant's.
id: Id of the redemption, red_ and a ULID, if the caller chooses it; null for
  a new one.

Returns: The redemption.

Errors: NullArgument, InvalidScope, InvalidId, IdempotencyConflict (the id is
  taken by a different redemption), SubscriptionNotFound (the tenant has no
  such subscription), CouponNotFound (there is no coupon of this code for this
  app and tenant), CouponNotValid (it is archived, not valid yet or not valid
  any more), CouponExhausted (it has been redeemed as often as it can be, in
  all or by this tenant).$$;

revoke all on function @extschema@.ledger_redeem_coupon from public;
grant execute on function @extschema@.ledger_redeem_coupon to pgledger_poster;
