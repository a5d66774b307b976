/*
Covers all that has changed and is visible by new blocks, and tells listeners of the newest. One
statement, so one snapshot, reads what is new and writes the blocks; the lock makes snapshots follow
one another. So every item falls into exactly one block, and both sides of a transfer into the same.

A backlog is cut into blocks of 4,000 items. What the caller has not committed itself is covered
too, and rolled back with the block.

The body is long because it is one statement.

Locks: pgledger.blocks_lock, tried: if another session makes blocks, nothing is made.
*/
create or replace function pgledger.make_blocks()
returns void
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_custom_plan
set jit = off
as $$
declare
  v_before bigint;
  v_newest bigint;
begin
  if not pg_try_advisory_xact_lock(pgledger.blocks_lock()) then
    return;
  end if;
  v_before := coalesce((select max(blocks.number) from pgledger.blocks), 0);

  with item as materialized (
    select
      items.rank, items.id, items.key, items.version, items.other_key, items.other_version,
      items.placed_at,
      v_before + 1 + (
        row_number() over (
          order by items.placed_at, items.rank, items.id, items.key, items.version
        ) - 1
      ) / 4000 as block
    from pgledger.uncovered_items() as items
  ),

  made as (
    insert into pgledger.blocks (number, made_at, changes, mark)
    select
      item.block, pgledger.clock(), count(*),
      substr(replace(gen_random_uuid()::text, '-', ''), 17)
    from item
    group by item.block
    returning blocks.number
  ),

  part as (
    select
      side.key, side.block, min(side.version) as from_version, max(side.version) as to_version,
      min(side.change) as from_change, max(side.change) as to_change,
      bool_or(side.is_first) as is_first
    from (
      select item.key, item.block, item.version, null::bigint, false from item
      where item.rank = 3
      union all
      select item.other_key, item.block, item.other_version, null::bigint, false from item
      where item.rank = 3
      union all
      select item.key, item.block, null::bigint, item.version, false from item
      where item.rank = 2
      union all
      select item.key, item.block, null::bigint, null::bigint, true from item where item.rank = 0
    ) as side (key, block, version, change, is_first)
    group by side.key, side.block
  ),

  spread as materialized (
    select
      part.key, part.block, part.is_first, part.from_version - 1 as from_version,
      part.from_change - 1 as from_change,
      coalesce(max(part.to_version) over earlier, covered_accounts.version, 0) as to_version,
      coalesce(max(part.to_change) over earlier, covered_accounts.change, 0) as to_change
    from part
    left join pgledger.covered_accounts on part.key = covered_accounts.account_key
    window earlier as (partition by part.key order by part.block)
  ),

  ranged as (
    insert into pgledger.block_accounts (
      account_key, block, from_version, to_version, from_change, to_change, is_first
    )
    select
      spread.key, spread.block, coalesce(spread.from_version, spread.to_version),
      spread.to_version, coalesce(spread.from_change, spread.to_change), spread.to_change,
      spread.is_first
    from spread
    order by spread.block, spread.key
  ),

  covered as (
    insert into pgledger.covered_accounts (account_key, version, change)
    select spread.key, max(spread.to_version), max(spread.to_change)
    from spread
    group by spread.key
    on conflict on constraint covered_accounts_account_key_pk do update
    set version = excluded.version, change = excluded.change
  ),

  held as (
    insert into pgledger.block_holds (block, placed_at, hold_id)
    select item.block, item.placed_at, item.id
    from item
    where item.rank = 1
  ),

  taken as (
    update pgledger.noted_changes
    set block = item.block
    from item
    where item.rank = 5
      and noted_changes.number = item.version
  )

  select max(made.number) into v_newest from made;

  if v_newest is not null then
    perform pg_notify('pgledger_changes', v_newest::text);
  end if;
end;
$$;

comment on function pgledger.make_blocks is
  'Covers all that has changed by new blocks, unless another session is doing so.';

revoke all on function pgledger.make_blocks from public;
