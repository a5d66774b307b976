/*
A request for a sweep as its key's row keeps it.
*/
create or replace function pgledger.sweep_request(
  from_account_id text,
  to_account_id text,
  max_amount numeric,
  keep numeric,
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
      'from_account_id', from_account_id, 'to_account_id', to_account_id,
      'max_amount', max_amount, 'keep', keep, 'event_at', pgledger.argument_time(event_at),
      'metadata', metadata, 'id', id
    )
  )
$$;

comment on function pgledger.sweep_request is
  'A request for a sweep as its key''s row keeps it.';

revoke all on function pgledger.sweep_request from public;
