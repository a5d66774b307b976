/*
The root of a block: the SHA-256 of its bytes, which begin with the root before. The bytes are
those of version 1 of the form: PostgreSQL's binary form of rows, which says the number of columns,
and of each its type and its length; texts are bytes in UTF-8, so that no client's encoding matters.
First comes the block, then what it covers of accounts, and then rows by their kind, each kind in
the order of its keys.

Transfers are read by the side that they leave; pgledger_verify_seals counts both.

A block has 4,000 items at most, so its bytes are few, and they are made by one statement.

The body is long because the form of everything that is sealed stands in one place.
*/
create or replace function pgledger.seal_root(block bigint, root_before bytea)
returns bytea
language sql
stable
parallel safe
set enable_seqscan = off
set max_parallel_workers_per_gather = 0
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
  with account as materialized (
    select covered.account_key, covered.from_version, covered.to_version, covered.from_change,
      covered.to_change, covered.is_first
    from pgledger.block_accounts as covered
    where covered.block = seal_root.block
    order by covered.account_key
  ),

  transfer as (
    select
      string_agg(
        record_send(
          row(
            3, convert_to(transfers.id, 'UTF8'), convert_to(transfers.app_id, 'UTF8'),
            transfers.from_key, transfers.from_version, transfers.to_key, transfers.to_version,
            transfers.amount, transfers.from_balance, transfers.to_balance, transfers.created_at,
            transfers.event_at, convert_to(transfers.group_id, 'UTF8'),
            convert_to(transfers.origin_id, 'UTF8'), convert_to(transfers.metadata::text, 'UTF8')
          )
        ),
        '' order by transfers.from_key, transfers.from_version
      ) as bytes,
      array_agg(transfers.id order by transfers.from_key, transfers.from_version)
      filter (where starts_with(transfers.origin_id, 'pglh_')) as posting_ids
    from account
    inner join pgledger.transfers
      on account.account_key = transfers.from_key
      and transfers.from_version > account.from_version
      and transfers.from_version <= account.to_version
  ),

  part (place, bytes) as (
    select
      1,
      record_send(
        row(
          'pgledger block'::bytea, 1, blocks.number, root_before, convert_to(blocks.mark, 'UTF8'),
          blocks.made_at, blocks.changes
        )
      )
    from pgledger.blocks
    where blocks.number = seal_root.block
    union all
    select
      2,
      string_agg(
        record_send(
          row(
            6, account.account_key, account.from_version, account.to_version, account.from_change,
            account.to_change, account.is_first
          )
        ),
        '' order by account.account_key
      )
    from account
    union all
    select 3, string_agg(pgledger.opening_bytes(accounts), '' order by accounts.key)
    from account
    inner join pgledger.accounts on account.account_key = accounts.key
    where account.is_first
    union all
    select
      4,
      string_agg(
        pgledger.account_change_bytes(changes), '' order by changes.account_key, changes.number
      )
    from account
    inner join pgledger.account_changes as changes
      on account.account_key = changes.account_key
      and account.to_change > account.from_change
      and changes.number > account.from_change
      and changes.number <= account.to_change
    union all
    select 5, transfer.bytes
    from transfer
    union all
    select
      6, string_agg(pgledger.hold_bytes(holds, block_holds.placed_at), '' order by holds.id)
    from pgledger.block_holds
    inner join pgledger.holds on block_holds.hold_id = holds.id
    where block_holds.block = seal_root.block
    union all
    select 7, string_agg(pgledger.hold_end_bytes(holds, transfers.id), '' order by holds.id)
    from transfer
    cross join unnest(transfer.posting_ids) as posting (id)
    inner join pgledger.transfers on posting.id = transfers.id
    cross join lateral
    pgledger.hold_ended_by(transfers.origin_id, transfers.from_version) as ended (id)
    inner join pgledger.holds on ended.id = holds.id
    union all
    select 8, string_agg(pgledger.noted_bytes(noted), '' order by noted.number)
    from pgledger.noted_changes as noted
    where noted.block = seal_root.block
  )

  select sha256(string_agg(part.bytes, '' order by part.place))
  from part
$$;

comment on function pgledger.seal_root is
  'SHA-256 of a block, of what it covers, and of the root before.';

revoke all on function pgledger.seal_root from public;
