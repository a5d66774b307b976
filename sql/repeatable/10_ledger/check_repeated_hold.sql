/*
Refuses a request with the id of a hold that was made for another request. An expiry is compared
with the one that the hold was made with, also where it was given as a length.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.check_repeated_hold(
  hold pgledger.holds,
  from_account_id text,
  to_account_id text,
  amount numeric,
  expires_at timestamptz,
  expires_in interval,
  event_at timestamptz,
  metadata jsonb,
  app_id text,
  group_id text,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_given jsonb := jsonb_build_object(
    'app_id', app_id, 'group_id', group_id, 'from_account_id', from_account_id,
    'to_account_id', to_account_id, 'amount', amount, 'event_at', event_at, 'metadata', metadata,
    'expires_at',
    case
      when expires_in is null then expires_at
      else pgledger.expiry_after(hold.created_at, expires_in)
    end
  );
  v_recorded jsonb := jsonb_build_object(
    'app_id', hold.app_id, 'group_id', hold.group_id,
    'from_account_id', pgledger.account_id(hold.from_key),
    'to_account_id', pgledger.account_id(hold.to_key), 'amount', hold.amount,
    'event_at', hold.event_at, 'metadata', hold.metadata, 'expires_at', hold.first_expires_at
  );
begin
  if v_given <> v_recorded then
    return pgledger.refuse_repeated(hold.id, v_given, v_recorded, request_index, request_count);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_repeated_hold is
  'Raises IdempotencyConflict for a request with the id of a hold that was made for another.';

revoke all on function pgledger.check_repeated_hold from public;
