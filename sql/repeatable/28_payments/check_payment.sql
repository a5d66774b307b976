/*
Refuses a payment at a time that is still to come, or with a reference that is not valid. Either is
null where the caller gives none.
Errors: InvalidTime, InvalidArgument.
*/
create or replace function pgledger.check_payment(
  paid_at timestamptz,
  reference text,
  now timestamptz
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text := coalesce(
    pgledger.time_fault(paid_at),
    case when paid_at > now then 'it is ahead of ' || now::text end
  );
  v_ok boolean;
begin
  if paid_at is not null and v_fault is not null then
    v_ok := pgledger.fail('InvalidTime', array['paid_at', paid_at::text, v_fault]);
  elsif reference is not null then
    v_ok := pgledger.check_text('reference', reference, 255, allow_invisible => true);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_payment is
  'Raises InvalidTime or InvalidArgument unless a payment can have that time and reference.';

revoke all on function pgledger.check_payment from public;
