/*
What has changed, in the order of blocks. Makes the next block first, where that can be: on a
primary, in a transaction that may write. In an isolation level that keeps its snapshot it makes
none: its snapshot may be older than the newest block. There, and on a standby, it reads what is
finished.

It writes blocks and nothing else, so readers may call it. Whoever makes a block holds the lock
until the transaction ends; others read meanwhile what is finished.

A block holds 4,000 items at most, so a page costs what its own blocks cost.

Locks: pgledger.blocks_lock, tried.
Errors: NullArgument, InvalidPage, InvalidArgument, CursorNotFound.
*/
create or replace function @extschema@.pgledger_changes(
  after text default null,
  page_size integer default 1000
)
returns setof @extschema@.pgledger_change
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_block bigint := 0;
  v_place bigint := 0;
  v_last bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_page(page_size, 0);
  if
    current_setting('transaction_read_only') = 'off'
    and current_setting('transaction_isolation') in ('read committed', 'read uncommitted')
  then
    perform pgledger.make_blocks();
  end if;
  if after is not null then
    if not pgledger.cursor_is_known(after) then
      return;
    end if;
    v_block := split_part(after, '.', 1);
    v_place := split_part(after, '.', 2);
  end if;

  -- As many blocks as the page can need.
  select coalesce(
    min(block.number) filter (where block.total - v_place >= page_size), max(block.number)
  )
  into v_last
  from (
    select blocks.number, sum(blocks.changes) over (order by blocks.number)
    from pgledger.blocks
    where blocks.number >= v_block
    order by blocks.number
    limit page_size + 1
  ) as block (number, total);

  return query
  select
    format('%s.%s.%s', blocks.number, change.place, blocks.mark), blocks.number, change.entity,
    change.change, change.entity_id, change.version, change.recorded_at, change.app_id,
    change.tenant_id, change.details
  from pgledger.blocks
  cross join pgledger.block_changes(blocks.number) as change
  where blocks.number between v_block and v_last
    and (blocks.number > v_block or change.place > v_place)
  order by blocks.number, change.place
  limit page_size;
end;
$$;

comment on function @extschema@.pgledger_changes is
$$Returns what has changed, in an order in which nothing is ever inserted.

Accounts, transfers, reversals, holds, and billing's events, each once, and
none before what it follows from, although transactions commit out of order.
Begin without a cursor, keep the cursor of the last row that you have dealt
with, and go on after it. Keep it in the transaction in which you deal with
the row, and each is dealt with once.

Each call first covers what has been committed since by a block of its own;
what is covered stays where it is. That writes a row for each account that
changed, so posting pays nothing. On a standby, in a read-only transaction and
above READ COMMITTED it reads finished blocks only. Commit before you act on
what it returned: a block that is rolled back is not there any more.

When it has made a block, it notifies the channel pgledger_changes with the
block's number.

after: The cursor of the last change of the page before; null for the first
  page.
page_size: How many at most, 1 to 10,000.

Returns: The changes in order; none if nothing has changed since.

Errors: NullArgument, InvalidPage, InvalidArgument (after is not a cursor),
  CursorNotFound (its block is not there: it was rolled back, or the database
  is another one or was restored to an earlier time).$$;

revoke all on function @extschema@.pgledger_changes from public;
grant execute on function @extschema@.pgledger_changes to pgledger_reader;
