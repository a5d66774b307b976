/*
How much of a transfer its reversals have given back: of all of them, or of those up to a version of
the account that they take from. It looks them up by the index of origins, even in a session that
first asked when there was nothing yet.
*/
create or replace function pgledger.reversed_amount(
  transfer_id text,
  app_id text,
  up_to_version bigint default null
)
returns numeric
language sql
stable
parallel safe
set enable_seqscan = off
set max_parallel_workers_per_gather = 0
as $$
  select coalesce(sum(transfers.amount), 0)
  from pgledger.transfers
  where transfers.app_id = reversed_amount.app_id
    and transfers.origin_id = reversed_amount.transfer_id
    and (up_to_version is null or transfers.from_version <= up_to_version)
$$;

comment on function pgledger.reversed_amount is
  'How much of a transfer its reversals have given back.';

revoke all on function pgledger.reversed_amount from public;
