/*
A request for a transfer as its key's row keeps it. Most give no more than they must.
*/
create or replace function pgledger.transfer_request(
  from_account_id text,
  to_account_id text,
  amount numeric,
  event_at timestamptz,
  metadata jsonb,
  id text,
  group_id text default null
)
returns jsonb
language sql
stable
parallel safe
as $$
  select case
    when num_nonnulls(event_at, metadata, id, group_id) = 0 then jsonb_build_object(
      'from_account_id', from_account_id, 'to_account_id', to_account_id, 'amount', amount
    )
    else pgledger.given_arguments(
      jsonb_build_object(
        'from_account_id', from_account_id, 'to_account_id', to_account_id, 'amount', amount,
        'event_at', pgledger.argument_time(event_at), 'metadata', metadata, 'id', id,
        'group_id', group_id
      )
    )
  end
$$;

comment on function pgledger.transfer_request is
  'A request for a transfer as its key''s row keeps it.';

revoke all on function pgledger.transfer_request from public;
