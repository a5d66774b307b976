/*
A request for a transfer by names as its key's row keeps it.
*/
create or replace function pgledger.named_request(
  from_name text,
  to_name text,
  amount numeric,
  currency text,
  event_at timestamptz,
  metadata jsonb,
  id text,
  from_tenant_id text,
  to_tenant_id text,
  group_id text,
  require_from_version bigint,
  require_to_version bigint,
  require_from_balance numrange,
  require_to_balance numrange
)
returns jsonb
language sql
stable
parallel safe
as $$
  select
    pgledger.transfer_request(
      null, null, amount, event_at, metadata, id, group_id, require_from_version,
      require_to_version, require_from_balance, require_to_balance
    )
    - '{from_account_id,to_account_id}'::text[]
    || pgledger.given_arguments(
      jsonb_build_object(
        'from_name', from_name, 'to_name', to_name, 'currency', currency,
        'from_tenant_id', nullif(from_tenant_id, ''), 'to_tenant_id', nullif(to_tenant_id, '')
      )
    )
$$;

comment on function pgledger.named_request is
  'A request for a transfer by names as its key''s row keeps it.';

revoke all on function pgledger.named_request from public;
