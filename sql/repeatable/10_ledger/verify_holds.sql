/*
Checks holds: what accounts keep back against them, what was posted against transfers, and each by
itself. A hold that has expired counts until it is released, whatever the clock says: the stored
sums may lag, and must be right all the same.

The body is long because it is four checks of the same rows.
*/
create or replace function pgledger.verify_holds(app_id text)
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
as $$
  with hold as materialized (
    select
      holds.id, holds.from_key, holds.to_key, holds.app_id, holds.amount, holds.posted_amount,
      holds.status, holds.created_at, holds.expires_at, holds.ended_at, holds.out_released,
      holds.in_released, holds.from_is_first, holds.amount - holds.posted_amount as rest,
      holds.expires_at is not distinct from case
        when extended.details is null then holds.first_expires_at
        else (extended.details ->> 'expires_at')::timestamptz
      end as expires_as_noted
    from pgledger.holds
    left join lateral (
      select noted_changes.details
      from pgledger.noted_changes
      where noted_changes.entity = 'hold'
        and noted_changes.entity_id = holds.id
        and noted_changes.change = 'extended'
      order by noted_changes.version desc
      limit 1
    ) as extended on true
    where verify_holds.app_id is null or holds.app_id = verify_holds.app_id
  ),

  posting as materialized (
    select
      transfers.origin_id, transfers.app_id, transfers.from_key, transfers.to_key,
      sum(transfers.amount) as amount
    from pgledger.transfers
    where starts_with(transfers.origin_id, 'pglh_')
      and (verify_holds.app_id is null or transfers.app_id = verify_holds.app_id)
    group by transfers.origin_id, transfers.app_id, transfers.from_key, transfers.to_key
  )

  select
    'accounts hold what is left of their unreleased holds',
    count(*),
    count(*) filter (where not total.is_right),
    min(total.id) filter (where not total.is_right)
  from (
    select
      accounts.id,
      accounts.held_out = coalesce(sum(side.held_out), 0)
      and accounts.held_in = coalesce(sum(side.held_in), 0)
    from pgledger.accounts
    left join (
      select hold.from_key, hold.rest, 0
      from hold
      where not hold.out_released
      union all
      select hold.to_key, 0, hold.rest
      from hold
      where not hold.in_released
    ) as side (key, held_out, held_in) on accounts.key = side.key
    where verify_holds.app_id is null or accounts.app_id = verify_holds.app_id
    group by accounts.key
  ) as total (id, is_right)
  union all
  select
    'what was posted of holds are the sums of their transfers',
    count(*),
    count(*) filter (where posted.is_right is not true),
    min(posted.id) filter (where posted.is_right is not true)
  from (
    select coalesce(hold.id, posting.origin_id), hold.posted_amount = coalesce(posting.amount, 0)
    from hold
    full join posting
      on (hold.id, hold.app_id, hold.from_key, hold.to_key)
      = (posting.origin_id, posting.app_id, posting.from_key, posting.to_key)
  ) as posted (id, is_right)
  union all
  select
    'holds join two accounts of one app and currency',
    count(*),
    count(*) filter (where sound.is_right is not true),
    min(sound.id) filter (where sound.is_right is not true)
  from (
    select
      hold.id,
      hold.from_key <> hold.to_key
      and hold.from_is_first = (source.id < target.id)
      and source.currency = target.currency
      and hold.app_id = source.app_id
      and hold.app_id = target.app_id
      and pgledger.id_fault(hold.id, 'pglh') is null
    from hold
    left join pgledger.accounts as source on hold.from_key = source.key
    left join pgledger.accounts as target on hold.to_key = target.key
  ) as sound (id, is_right)
  union all
  select
    'holds are pending, posted, voided or expired, and each ended once',
    count(*),
    count(*) filter (where state.is_right is not true),
    min(state.id) filter (where state.is_right is not true)
  from (
    select
      hold.id,
      pgledger.amount_fault(hold.amount) is null
      and hold.posted_amount between 0 and hold.amount
      and (hold.status = 0) = (hold.ended_at is null)
      and hold.expires_as_noted
      and case hold.status
        when 0 then hold.rest > 0 and not hold.out_released and not hold.in_released
        when 1
          then hold.posted_amount > 0 and hold.ended_at >= hold.created_at
          and hold.out_released and hold.in_released
        when 2
          then hold.rest > 0 and hold.ended_at >= hold.created_at
          and hold.out_released and hold.in_released
        when 3
          then hold.rest > 0 and hold.ended_at = hold.expires_at
          and (hold.out_released or hold.in_released)
      end
    from hold
  ) as state (id, is_right)
$$;

comment on function pgledger.verify_holds is
  'Checks what accounts hold, what was posted of holds, and the state of each.';

revoke all on function pgledger.verify_holds from public;
