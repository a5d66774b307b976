/*
A request for a reversal as its key's row keeps it.
*/
create or replace function pgledger.reversal_request(
  transfer_id text,
  amount numeric,
  event_at timestamptz,
  metadata jsonb,
  id text,
  reason text
)
returns jsonb
language sql
stable
parallel safe
as $$
  select pgledger.given_arguments(
    jsonb_build_object(
      'transfer_id', transfer_id, 'amount', amount, 'event_at', pgledger.argument_time(event_at),
      'metadata', metadata, 'id', id, 'reason', reason
    )
  )
$$;

comment on function pgledger.reversal_request is
  'A request for a reversal as its key''s row keeps it.';

revoke all on function pgledger.reversal_request from public;
