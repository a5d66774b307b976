/*
Checks reversals: each against the transfer that it reverses, what all of a transfer give back, and
the rows that let reversals past limits. Such a row whose reversal does not exist belongs to no app,
and is found where all apps are checked.
*/
create or replace function pgledger.verify_reversals(app_id text)
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
as $$
  with reversal as materialized (
    select
      transfers.id,
      transfers.origin_id,
      transfers.amount,
      origin.amount as origin_amount,
      origin.app_id = transfers.app_id
      and origin.from_key = transfers.to_key
      and origin.to_key = transfers.from_key
      and origin.from_version < transfers.to_version
      and origin.to_version < transfers.from_version
      and origin.created_at < transfers.created_at
      and origin.group_id is not distinct from transfers.group_id as is_right
    from pgledger.transfers
    left join pgledger.transfers as origin on transfers.origin_id = origin.id
    where transfers.origin_id is not null
      and not starts_with(transfers.origin_id, 'pglh_')
      and (verify_reversals.app_id is null or transfers.app_id = verify_reversals.app_id)
  )

  select
    'reversals go the other way between the accounts of their transfer, after it',
    count(*),
    count(*) filter (where reversal.is_right is not true),
    min(reversal.id) filter (where reversal.is_right is not true)
  from reversal
  union all
  select
    'reversals of a transfer never exceed its amount',
    count(*),
    count(*) filter (where total.amount > total.origin_amount),
    min(total.origin_id) filter (where total.amount > total.origin_amount)
  from (
    select reversal.origin_id, reversal.origin_amount, sum(reversal.amount)
    from reversal
    group by reversal.origin_id, reversal.origin_amount
  ) as total (origin_id, origin_amount, amount)
  union all
  select
    'only reversals were let past limits, each when it was made',
    count(*),
    count(*) filter (where allowed.is_right is not true),
    min(allowed.reversal_id) filter (where allowed.is_right is not true)
  from (
    select
      reversals_over_limits.reversal_id,
      starts_with(transfers.origin_id, 'pglt_')
      and transfers.created_at = reversals_over_limits.allowed_at
    from pgledger.reversals_over_limits
    left join pgledger.transfers on reversals_over_limits.reversal_id = transfers.id
    where verify_reversals.app_id is null or transfers.app_id = verify_reversals.app_id
  ) as allowed (reversal_id, is_right)
$$;

comment on function pgledger.verify_reversals is
  'Checks reversals against their transfers, and what let them past limits.';

revoke all on function pgledger.verify_reversals from public;
