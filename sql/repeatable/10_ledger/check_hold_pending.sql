/*
Refuses a hold that has ended. The caller has locked it and its accounts, and has read the time
after that.

Errors: HoldEnded, HoldExpired.
*/
create or replace function pgledger.check_hold_pending(
  hold pgledger.holds,
  at timestamptz,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  if hold.status in (1, 2) then
    return pgledger.fail(
      'HoldEnded',
      array[
        hold.id, case hold.status when 1 then 'posted' else 'voided' end, hold.ended_at::text
      ],
      request_index,
      request_count
    );
  elsif hold.status = 3 or hold.expires_at <= at then
    return pgledger.fail(
      'HoldExpired', array[hold.id, hold.expires_at::text], request_index, request_count
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_hold_pending is
  'Raises an error if a hold was posted or voided, or has expired.';

revoke all on function pgledger.check_hold_pending from public;
