/*
Refuses an expiry that is not ahead of the time which the caller has read after its locks.

Errors: InvalidTime.
*/
create or replace function pgledger.check_expiry_ahead(
  expires_at timestamptz,
  at timestamptz,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text := case
    when expires_at <= at then format('it is not in the future: the clock says %s', at)
    when expires_at is not null then pgledger.time_fault(expires_at)
  end;
begin
  if v_fault is not null then
    return pgledger.fail(
      'InvalidTime', array['expires_at', expires_at::text, v_fault], request_index, request_count,
      'Give a time in the future, or none for a hold that does not expire.'
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_expiry_ahead is
  'Raises an error unless the time at which a hold is to expire is in the future.';

revoke all on function pgledger.check_expiry_ahead from public;
