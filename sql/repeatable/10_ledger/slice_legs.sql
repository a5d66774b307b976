/*
The legs of a slice: those after one entry, up to another, by account and version. Either end is
null where the slice has none. The function stays inlinable, so that both indexes give the rows in
order.
*/
create or replace function pgledger.slice_legs(
  after_key bigint,
  after_version bigint,
  up_to_key bigint,
  up_to_version bigint
)
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
  where (
      after_key is null
      or (transfers.from_key, transfers.from_version) > (after_key, after_version)
    )
    and (
      up_to_key is null
      or (transfers.from_key, transfers.from_version) <= (up_to_key, up_to_version)
    )
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
  where (after_key is null or (transfers.to_key, transfers.to_version) > (after_key, after_version))
    and (
      up_to_key is null
      or (transfers.to_key, transfers.to_version) <= (up_to_key, up_to_version)
    )
$$;

comment on function pgledger.slice_legs is
  'Both legs of transfers, after one entry and up to another, by account and version.';

revoke all on function pgledger.slice_legs from public;
