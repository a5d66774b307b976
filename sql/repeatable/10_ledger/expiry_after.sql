/*
The time at which a hold expires that was made at a time, to live for a length. It is computed in
UTC, so that a repeat in a session with another time zone comes to the same.
*/
create or replace function pgledger.expiry_after(at timestamptz, expires_in interval)
returns timestamptz
language sql
immutable
parallel safe
as $$
  select (at at time zone 'UTC' + expires_in) at time zone 'UTC'
$$;

comment on function pgledger.expiry_after is
  'When a hold expires that was made at a time, to live for a length.';

revoke all on function pgledger.expiry_after from public;
