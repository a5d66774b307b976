/*
Refuses a coupon of which something is wrong that can be changed later. The order of the checks is
that of the arguments.

Errors: NullArgument, InvalidArgument, InvalidTime, InvalidMetadata.
*/
create or replace function pgledger.check_coupon_terms(coupon pgledger.coupons)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_from_fault text := pgledger.time_fault(coupon.valid_from);
  v_until_fault text := pgledger.time_fault(coupon.valid_until);
  v_ok boolean;
begin
  v_ok := pgledger.check_text('name', coupon.name, 255, allow_invisible => true);

  if coupon.valid_from is not null and v_from_fault is not null then
    v_ok := pgledger.fail(
      'InvalidTime', array['valid_from', coupon.valid_from::text, v_from_fault]
    );
  elsif coupon.valid_until is not null and v_until_fault is not null then
    v_ok := pgledger.fail(
      'InvalidTime', array['valid_until', coupon.valid_until::text, v_until_fault]
    );
  elsif coupon.valid_until <= coupon.valid_from then
    v_ok := pgledger.fail(
      'InvalidTime',
      array[
        'valid_until',
        coupon.valid_until::text,
        format('it is not after valid_from %s', coupon.valid_from)
      ]
    );
  end if;

  if coupon.max_redemptions < 1 then
    v_ok := pgledger.fail(
      'InvalidArgument', array['max_redemptions', coupon.max_redemptions::text, 'it is not above 0']
    );
  elsif coupon.max_redemptions_per_tenant < 1 then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'max_redemptions_per_tenant',
        coupon.max_redemptions_per_tenant::text,
        'it is not above 0'
      ]
    );
  end if;

  return pgledger.check_metadata(coupon.metadata);
end;
$$;

comment on function pgledger.check_coupon_terms is
  'Raises the first thing that is wrong with a coupon''s name, validity, limits or metadata.';

revoke all on function pgledger.check_coupon_terms from public;
