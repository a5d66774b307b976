/*
Refuses an expiry that cannot be, whatever the clock says. An expiry is given as a time or as a
length from now on.

Errors: InvalidArgument, InvalidTime.
*/
create or replace function pgledger.check_expiry(
  expires_at timestamptz,
  expires_in interval,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if expires_at is not null and expires_in is not null then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array['expires_in', expires_in::text, 'expires_at is given too, and only one of them can be'],
      request_index,
      request_count
    );
  elsif expires_at is not null and pgledger.time_fault(expires_at) is not null then
    v_ok := pgledger.fail(
      'InvalidTime', array['expires_at', expires_at::text, pgledger.time_fault(expires_at)],
      request_index, request_count
    );
  elsif
    not (expires_in > interval '0')
    or extract(epoch from expires_in) not between 0 and 31557600000
  then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array['expires_in', expires_in::text, 'it is not above zero and at most 1000 years'],
      request_index,
      request_count
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_expiry is
  'Raises an error for a time or a length at which a hold cannot expire.';

revoke all on function pgledger.check_expiry from public;
