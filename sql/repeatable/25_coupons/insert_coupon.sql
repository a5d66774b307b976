/*
Writes down a new coupon and returns its internal key. If the same call has written it down
meanwhile, that coupon's key is returned.

Locks a currency of the app's own FOR SHARE.
Errors: UnknownCurrency, InvalidAmount, InvalidArgument, IdempotencyConflict, AlreadyExists.
*/
create or replace function pgledger.insert_coupon(coupon pgledger.coupons)
returns bigint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_key bigint;
  v_constraint text;
  v_ok boolean;
begin
  v_ok := pgledger.check_coupon_currency(coupon);

  loop
    begin
      insert into pgledger.coupons (
        id, app_id, tenant_id, code, name, percentage, amount, currency, duration,
        duration_invoices, applies_to, minimum_subtotal, valid_from, valid_until, max_redemptions,
        max_redemptions_per_tenant, metadata, created_at, updated_at
      )
      values (
        coupon.id, coupon.app_id, coupon.tenant_id, coupon.code, coupon.name, coupon.percentage,
        coupon.amount, coupon.currency, coupon.duration, coupon.duration_invoices,
        coupon.applies_to, coupon.minimum_subtotal, coupon.valid_from, coupon.valid_until,
        coupon.max_redemptions, coupon.max_redemptions_per_tenant, coupon.metadata,
        coupon.created_at, coupon.created_at
      )
      on conflict on constraint coupons_id_key do nothing
      returning coupons.key into v_key;
    exception
      when unique_violation then
        get stacked diagnostics v_constraint = constraint_name;
        if v_constraint is distinct from 'coupons_app_id_tenant_id_code_active_idx' then
          raise;
        end if;
    end;

    if v_key is not null then
      return v_key;
    end if;

    v_key := pgledger.repeated_coupon(coupon);
    if v_key is not null then
      return v_key;
    elsif exists (
      select
      from pgledger.coupons
      where coupons.app_id = coupon.app_id
        and coupons.tenant_id = coupon.tenant_id
        and coupons.code = coupon.code
        and coupons.status = 'active'
    ) then
      v_ok := pgledger.fail(
        'AlreadyExists',
        array[
          'coupon code',
          quote_literal(coupon.code),
          pgledger.in_catalogue(coupon.app_id, coupon.tenant_id)
        ]
      );
    end if;
    v_ok := pgledger.look_again();
  end loop;
end;
$$;

comment on function pgledger.insert_coupon is
  'Writes down a new coupon and returns its internal key; raises if its currency is wrong or its '
  'code is taken.';

revoke all on function pgledger.insert_coupon from public;
