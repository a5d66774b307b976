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
  group_id text default null,
  require_from_version bigint default null,
  require_to_version bigint default null,
  require_from_balance numrange default null,
  require_to_balance numrange default null
)
returns jsonb
language sql
stable
parallel safe
as $$
  select case
    when num_nonnulls(
      event_at, metadata, id, group_id, require_from_version, require_to_version,
      require_from_balance, require_to_balance
    ) = 0 then jsonb_build_object(
      'from_account_id', from_account_id, 'to_account_id', to_account_id, 'amount', amount
    )
    else pgledger.given_arguments(
      jsonb_build_object(
        'from_account_id', from_account_id, 'to_account_id', to_account_id, 'amount', amount,
        'event_at', pgledger.argument_time(event_at), 'metadata', metadata, 'id', id,
        'group_id', group_id, 'require_from_version', require_from_version,
        'require_to_version', require_to_version,
        'require_from_balance', pgledger.argument_range(require_from_balance),
        'require_to_balance', pgledger.argument_range(require_to_balance)
      )
    )
  end
$$;

comment on function pgledger.transfer_request is
  'A request for a transfer as its key''s row keeps it.';

revoke all on function pgledger.transfer_request from public;
