/*
A request for an account as its key's row keeps it. A flag is the limit that it stands for.
*/
create or replace function pgledger.account_request(
  name text,
  currency text,
  min_balance numeric,
  max_balance numeric,
  metadata jsonb,
  id text,
  tenant_id text
)
returns jsonb
language sql
stable
parallel safe
as $$
  select pgledger.given_arguments(
    jsonb_build_object(
      'name', name, 'currency', currency, 'min_balance', min_balance, 'max_balance', max_balance,
      'metadata', metadata, 'id', id, 'tenant_id', tenant_id
    )
  )
$$;

comment on function pgledger.account_request is
  'A request for an account as its key''s row keeps it.';

revoke all on function pgledger.account_request from public;
