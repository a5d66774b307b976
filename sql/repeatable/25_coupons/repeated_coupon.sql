/*
The internal key of the coupon that an earlier call with that id has created, or null if none has.
Until the coupon is updated, all of the request is compared; afterwards only what never changes.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.repeated_coupon(request pgledger.coupons)
returns bigint
language plpgsql
stable
parallel safe
as $$
declare
  v_coupon pgledger.coupons := (
    select coupons
    from pgledger.coupons
    where coupons.id = request.id
  );
  v_ok boolean;
begin
  if v_coupon.id is null then
    return null;
  elsif (
    v_coupon.app_id, v_coupon.tenant_id, v_coupon.code, v_coupon.percentage, v_coupon.amount,
    v_coupon.currency, v_coupon.duration, v_coupon.duration_invoices, v_coupon.applies_to,
    v_coupon.minimum_subtotal
  ) is distinct from (
    request.app_id, request.tenant_id, request.code, request.percentage, request.amount,
    request.currency, request.duration, request.duration_invoices, request.applies_to,
    request.minimum_subtotal
  )
    or (
      v_coupon.version = 1
      and (
        v_coupon.name, v_coupon.valid_from, v_coupon.valid_until, v_coupon.max_redemptions,
        v_coupon.max_redemptions_per_tenant, v_coupon.metadata
      ) is distinct from (
        request.name, request.valid_from, request.valid_until, request.max_redemptions,
        request.max_redemptions_per_tenant, request.metadata
      )
    ) then
    v_ok := pgledger.fail('IdempotencyConflict', array[request.id]);
  end if;

  return v_coupon.key;
end;
$$;

comment on function pgledger.repeated_coupon is
  'Internal key of the coupon that has that id already, or null; raises if another request '
  'created it.';

revoke all on function pgledger.repeated_coupon from public;
