/*
Refuses a duration that a coupon cannot have. A repeating coupon has a number of invoices; the
others have none.

Errors: NullArgument, InvalidArgument.
*/
create or replace function pgledger.check_coupon_duration(
  duration text,
  duration_invoices integer
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text;
  v_ok boolean;
begin
  v_ok := pgledger.check_choice('duration', duration, array['once', 'repeating', 'forever']);

  v_fault := case
    when duration <> 'repeating' and duration_invoices is not null
      then 'only a coupon that is repeating counts invoices'
    when duration = 'repeating' and duration_invoices is null
      then 'a coupon that is repeating says how many invoices it reduces'
    when duration_invoices not between 1 and 1000 then 'it is not between 1 and 1000'
  end;
  if v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array['duration_invoices', coalesce(duration_invoices::text, 'null'), v_fault]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_coupon_duration is
  'Raises NullArgument or InvalidArgument unless a coupon can last that long.';

revoke all on function pgledger.check_coupon_duration from public;
