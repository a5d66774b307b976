/*
What no block covers yet, one row an item, with the place that it is to have: the time, then the
rank, then what tells items of one time apart. Along each account, each hold and the noted changes,
places ascend as things happened, even where the clock has stepped back: nothing is placed before
what it follows from. So a backlog can be cut into blocks anywhere.

A hold that was made and is not covered is pending; or posted, by a transfer that is not covered
either; or ended, and then that is noted and not taken. So holds are found without reading all of
them.

Ranks: 0 an account was opened, 1 a hold was made, 2 an account was changed, 3 a transfer, 5 noted.
4 is for the ends of posted holds, which follow from their last transfers.
*/
create or replace function pgledger.uncovered_items()
returns table (
  placed_at timestamptz,
  rank integer,
  id text,
  key bigint,
  version bigint,
  other_key bigint,
  other_version bigint
)
language sql
stable
parallel safe
set enable_mergejoin = off
as $$
  with account as materialized (
    select changed.key, changed.from_version, changed.to_version, changed.from_change,
      changed.to_change, changed.is_first
    from pgledger.uncovered_accounts() as changed
  ),

  transfer as materialized (
    select moved.created_at, moved.id, moved.origin_id, moved.from_key, moved.from_version,
      moved.to_key, moved.to_version
    from account
    cross join lateral (
      select transfers.created_at, transfers.id, transfers.origin_id, transfers.from_key,
        transfers.from_version, transfers.to_key, transfers.to_version
      from pgledger.transfers
      where transfers.from_key = account.key
        and transfers.from_version > account.from_version
        and transfers.from_version <= account.to_version
      offset 0
    ) as moved
  ),

  noted as materialized (
    select noted_changes.number, noted_changes.entity, noted_changes.entity_id,
      max(noted_changes.changed_at) over (order by noted_changes.number) as placed_at
    from pgledger.noted_changes
    where noted_changes.block is null
  )

  select '-infinity'::timestamptz, 0, '', account.key, null::bigint, null::bigint, null::bigint
  from account
  where account.is_first
  union all
  select
    least(changes.changed_at, pgledger.version_time(changes.account_key, changes.version + 1)),
    2, '', changes.account_key, changes.number, null, null
  from account
  inner join pgledger.account_changes as changes
    on account.key = changes.account_key and changes.number > account.from_change
  union all
  select transfer.created_at, 3, transfer.id, transfer.from_key, transfer.from_version,
    transfer.to_key, transfer.to_version
  from transfer
  union all
  select noted.placed_at, 5, '', null, noted.number, null, null
  from noted
  union all
  select made.placed_at, 1, made.id, null, null, null, null
  from pgledger.uncovered_holds(
    array(
      select transfer.origin_id from transfer where starts_with(transfer.origin_id, 'pglh_')
      union all
      select noted.entity_id from noted where noted.entity = 'hold'
    )
  ) as made
$$;

comment on function pgledger.uncovered_items is
  'What no block covers yet, with the place that each item is to have.';

revoke all on function pgledger.uncovered_items from public;
