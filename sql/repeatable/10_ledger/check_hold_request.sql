/*
Refuses a request for a hold whose own values are wrong, whatever the accounts hold.

Errors: those of pgledger.check_transfer_request and pgledger.check_expiry.
*/
create or replace function pgledger.check_hold_request(
  from_account_id text,
  to_account_id text,
  amount numeric,
  expires_at timestamptz,
  expires_in interval,
  event_at timestamptz,
  metadata jsonb,
  id text,
  allow_future_event_at boolean,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_transfer_request(
    from_account_id, to_account_id, amount, event_at, metadata, null, allow_future_event_at,
    request_index, request_count
  );
  if id is not null then
    v_ok := pgledger.check_id('id', id, 'pglh', request_index, request_count);
  end if;
  return pgledger.check_expiry(expires_at, expires_in, request_index, request_count);
end;
$$;

comment on function pgledger.check_hold_request is
  'Raises the first thing that is wrong with a request for a hold by itself.';

revoke all on function pgledger.check_hold_request from public;
