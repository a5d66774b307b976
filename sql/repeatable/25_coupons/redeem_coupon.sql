/*
Redeems a coupon for a tenant, and returns the redemption's internal key. If the same call has
redeemed it meanwhile, that redemption's key is returned. The clock is read after the coupon is
locked.

Locks the coupon FOR NO KEY UPDATE: redemptions of one coupon are made one after another, so that
limits hold.
Errors: SubscriptionNotFound, CouponNotFound, IdempotencyConflict, CouponNotValid, CouponExhausted.
*/
create or replace function pgledger.redeem_coupon(
  app_id text,
  tenant_id text,
  code text,
  subscription_id text,
  id text
)
returns bigint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_subscription_key bigint;
  v_coupon pgledger.coupons;
  v_now timestamptz;
  v_key bigint;
  v_ok boolean;
begin
  if subscription_id is not null then
    select subscriptions.key
    into v_subscription_key
    from pgledger.subscriptions
    where subscriptions.id = redeem_coupon.subscription_id
      and subscriptions.app_id = redeem_coupon.app_id
      and subscriptions.tenant_id = redeem_coupon.tenant_id;
    if not found then
      v_ok := pgledger.fail(
        'SubscriptionNotFound', array[subscription_id, pgledger.in_catalogue(app_id, tenant_id)]
      );
    end if;
  end if;

  v_coupon := pgledger.lock_coupon_of_code(app_id, code, tenant_id);
  -- Whoever had the lock may have made the same request, and have used the coupon up.
  v_key := pgledger.repeated_redemption(app_id, tenant_id, code, subscription_id, id);
  if v_key is not null then
    return v_key;
  end if;

  v_now := pgledger.clock();
  v_ok := pgledger.check_redeemable(v_coupon, tenant_id, v_now);

  insert into pgledger.coupon_redemptions (
    id, coupon_key, app_id, tenant_id, subscription_key, uses_left, amount_left, created_at
  )
  values (
    coalesce(redeem_coupon.id, 'red_' || pgledger.new_ulid(v_now)),
    v_coupon.key,
    redeem_coupon.app_id,
    redeem_coupon.tenant_id,
    v_subscription_key,
    case v_coupon.duration when 'once' then 1 else v_coupon.duration_invoices end,
    case v_coupon.duration when 'once' then v_coupon.amount end,
    v_now
  )
  on conflict on constraint coupon_redemptions_id_key do nothing
  returning coupon_redemptions.key into v_key;
  if v_key is null then
    -- The id was taken with another coupon meanwhile, which the lock of this one does not prevent.
    return pgledger.repeated_redemption(app_id, tenant_id, code, subscription_id, id);
  end if;

  update pgledger.coupons
  set redemptions = coupons.redemptions + 1
  where coupons.key = v_coupon.key;
  return v_key;
end;
$$;

comment on function pgledger.redeem_coupon is
  'Redeems a coupon for a tenant by its code, and returns the redemption''s internal key.';

revoke all on function pgledger.redeem_coupon from public;
