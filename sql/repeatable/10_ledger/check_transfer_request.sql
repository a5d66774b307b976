/*
Refuses a request whose own values are wrong, whatever the accounts hold. The order of the checks is
part of the interface: both account ids, that they differ, then pgledger.check_request_details.

Errors: NullArgument, InvalidId, SameAccount, and those of pgledger.check_request_details.
*/
create or replace function pgledger.check_transfer_request(
  from_account_id text,
  to_account_id text,
  amount numeric,
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
  v_ok := pgledger.check_id(
    'from_account_id', from_account_id, 'pgla', request_index, request_count
  );
  v_ok := pgledger.check_id('to_account_id', to_account_id, 'pgla', request_index, request_count);

  if from_account_id = to_account_id then
    v_ok := pgledger.fail('SameAccount', array[from_account_id], request_index, request_count);
  end if;

  return pgledger.check_request_details(
    amount, event_at, metadata, id, allow_future_event_at, request_index, request_count
  );
end;
$$;

comment on function pgledger.check_transfer_request is
  'Raises the first thing that is wrong with a request by itself, whatever the accounts hold.';

revoke all on function pgledger.check_transfer_request from public;
