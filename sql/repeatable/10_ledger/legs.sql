/*
Both legs of every transfer, of one app or of all apps: the rows that verification reads. The
function stays inlinable, so that its rows go straight to the query that asks for them.
*/
create or replace function pgledger.legs(app_id text)
returns table (
  id text,
  key bigint,
  version bigint,
  amount numeric,
  balance numeric,
  created_at timestamptz,
  posts_hold boolean
)
language sql
stable
parallel safe
as $$
  select
    transfers.id,
    transfers.from_key,
    transfers.from_version,
    -transfers.amount,
    transfers.from_balance,
    transfers.created_at,
    transfers.origin_id is not null and starts_with(transfers.origin_id, 'pglh_')
  from pgledger.transfers
  where legs.app_id is null or transfers.app_id = legs.app_id
  union all
  select
    transfers.id,
    transfers.to_key,
    transfers.to_version,
    transfers.amount,
    transfers.to_balance,
    transfers.created_at,
    transfers.origin_id is not null and starts_with(transfers.origin_id, 'pglh_')
  from pgledger.transfers
  where legs.app_id is null or transfers.app_id = legs.app_id
$$;

comment on function pgledger.legs is
  'Both legs of every transfer of that app, or of all apps where it is null.';

revoke all on function pgledger.legs from public;
