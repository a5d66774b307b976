/*
A request to post a hold as its key's row keeps it.
*/
create or replace function pgledger.posting_request(
  hold_id text,
  amount numeric,
  final boolean,
  event_at timestamptz,
  metadata jsonb,
  id text
)
returns jsonb
language sql
stable
parallel safe
as $$
  select pgledger.given_arguments(
    jsonb_build_object(
      'hold_id', hold_id, 'amount', amount, 'final', final,
      'event_at', pgledger.argument_time(event_at), 'metadata', metadata, 'id', id
    )
  )
$$;

comment on function pgledger.posting_request is
  'A request to post a hold as its key''s row keeps it.';

revoke all on function pgledger.posting_request from public;
