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
  v_fields text[] := array[
    'app_id', 'tenant_id', 'code', 'percentage', 'amount', 'currency', 'duration',
    'duration_invoices', 'applies_to', 'minimum_subtotal'
  ];
  v_ok boolean;
begin
  if v_coupon.id is null then
    return null;
  elsif v_coupon.version = 1 then
    v_fields := v_fields || array[
      'name', 'valid_from', 'valid_until', 'max_redemptions', 'max_redemptions_per_tenant',
      'metadata'
    ];
  end if;

  v_ok := pgledger.check_repeated(
    request.id, pgledger.picked(to_jsonb(request), v_fields), to_jsonb(v_coupon)
  );
  return v_coupon.key;
end;
$$;

comment on function pgledger.repeated_coupon is
  'Internal key of the coupon that has that id already, or null; raises if another request '
  'created it.';

revoke all on function pgledger.repeated_coupon from public;
