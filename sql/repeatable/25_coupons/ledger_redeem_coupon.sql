/*
Redeems a coupon for a tenant: the tenant's own of that code, or else the whole app's. From then on
it reduces the tenant's invoices, or those of one subscription, until it is used.

With an id of the caller's choice the call can be repeated: the second call returns the redemption
as it stands now, whatever has become of the coupon, and is refused if it asks for something else.

Locks the coupon: of many who redeem it at once, as many succeed as its limits allow.
Checks, in this order: app_id, tenant_id, code for null, subscription_id, id, repeat, existence of
the subscription and of the coupon, its status and time, its limit in all and for the tenant.
Errors: NullArgument, InvalidScope, InvalidId, IdempotencyConflict, SubscriptionNotFound,
CouponNotFound, CouponNotValid, CouponExhausted.
*/
create or replace function ledger_redeem_coupon(
  app_id text,
  tenant_id text,
  code text,
  subscription_id text default null,
  id text default null
)
returns ledger_coupon_redemption
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  if code is null then
    perform pgledger.fail('NullArgument', array['code']);
  end if;
  if subscription_id is not null then
    perform pgledger.check_id('subscription_id', subscription_id, 'sub');
  end if;
  if id is not null then
    perform pgledger.check_id('id', id, 'red');
  end if;

  v_key := pgledger.repeated_redemption(app_id, tenant_id, code, subscription_id, id);
  if v_key is null then
    v_key := pgledger.redeem_coupon(app_id, tenant_id, code, subscription_id, id);
  end if;

  return pgledger.coupon_redemption_of(v_key);
end;
$$;

comment on function ledger_redeem_coupon is
  'Redeems a coupon for a tenant and returns the redemption. Call it in FROM: '
  '(ledger_redeem_coupon(...)).* calls it once for every column. code: of the tenant''s own '
  'coupon, or else of the whole app''s. subscription_id: the subscription whose invoices it '
  'reduces; null for all of the tenant''s. id: red_ and a ULID of your own choice, to make the '
  'call repeatable. Errors: NullArgument, InvalidScope, InvalidId, IdempotencyConflict, '
  'SubscriptionNotFound, CouponNotFound, CouponNotValid, CouponExhausted.';

revoke all on function ledger_redeem_coupon from public;
grant execute on function ledger_redeem_coupon to pgledger_poster;
