/*
A request for a hold as its key's row keeps it.
*/
create or replace function pgledger.hold_request(
  from_account_id text,
  to_account_id text,
  amount numeric,
  expires_at timestamptz,
  expires_in interval,
  event_at timestamptz,
  metadata jsonb,
  id text,
  group_id text
)
returns jsonb
language sql
stable
parallel safe
as $$
  select pgledger.given_arguments(
    jsonb_build_object(
      'from_account_id', from_account_id, 'to_account_id', to_account_id, 'amount', amount,
      'expires_at', pgledger.argument_time(expires_at),
      'expires_in', pgledger.argument_length(expires_in),
      'event_at', pgledger.argument_time(event_at), 'metadata', metadata, 'id', id,
      'group_id', group_id
    )
  )
$$;

comment on function pgledger.hold_request is
  'A request for a hold as its key''s row keeps it.';

revoke all on function pgledger.hold_request from public;
