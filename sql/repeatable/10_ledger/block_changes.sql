/*
What a block covers, in its order, with the places in it from 1. Only rows that never change once a
block covers them are read, so the answer is the same for ever: a hold's end by a posting is told
beside the transfer that ended it, which no later one can be.

Details are the words of users, so that a mirror can be built from them alone.

The body is long because it is one statement over everything that can change.
*/
create or replace function pgledger.block_changes(block bigint)
returns table (
  place bigint,
  entity text,
  change text,
  entity_id text,
  version bigint,
  recorded_at timestamptz,
  app_id text,
  tenant_id text,
  details jsonb
)
language sql
stable
parallel safe
set timezone = 'UTC'
set enable_seqscan = off
set max_parallel_workers_per_gather = 0
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
  with account as materialized (
    select covered.account_key as key, covered.from_version, covered.to_version,
      covered.from_change, covered.to_change, covered.is_first
    from pgledger.block_accounts as covered
    where covered.block = block_changes.block
  ),

  transfer as materialized (
    select transfers.id, transfers.created_at, transfers.app_id, transfers.origin_id,
      transfers.from_key, transfers.from_version, transfers.to_key, transfers.to_version,
      transfers.amount, transfers.from_balance, transfers.to_balance, transfers.event_at,
      transfers.group_id, transfers.metadata
    from account
    inner join pgledger.transfers
      on account.key = transfers.from_key
      and transfers.from_version > account.from_version
      and transfers.from_version <= account.to_version
  ),

  item as (
    select
      '-infinity'::timestamptz as placed_at, 0 as rank, 'account' as entity, 'opened' as change,
      accounts.id as entity_id, 0::bigint as version, accounts.created_at as recorded_at,
      accounts.app_id, accounts.tenant_id, pgledger.opening_details(accounts) as details,
      account.key, 0::bigint as number
    from account
    inner join pgledger.accounts on account.key = accounts.key
    where account.is_first
    union all
    select
      least(
        changes.changed_at,
        case
          when changes.version < account.to_version
            then pgledger.version_time(changes.account_key, changes.version + 1)
        end
      ),
      2, 'account', changes.change, accounts.id, changes.number, changes.changed_at,
      accounts.app_id, accounts.tenant_id, pgledger.account_change_details(changes), account.key,
      changes.number
    from account
    inner join pgledger.account_changes as changes
      on account.key = changes.account_key
      and account.to_change > account.from_change
      and changes.number > account.from_change
      and changes.number <= account.to_change
    inner join pgledger.accounts on account.key = accounts.key
    union all
    select
      transfer.created_at, 3, 'transfer',
      case when starts_with(transfer.origin_id, 'pglt_') then 'reversed' else 'posted' end,
      transfer.id, 0, transfer.created_at, transfer.app_id, '',
      jsonb_build_object(
        'from_account_id', source.id, 'to_account_id', target.id,
        'amount', transfer.amount::text, 'currency', source.currency,
        'from_account_balance', transfer.from_balance::text,
        'to_account_balance', transfer.to_balance::text,
        'from_account_version', transfer.from_version,
        'to_account_version', transfer.to_version,
        'event_at', coalesce(transfer.event_at, transfer.created_at),
        'group_id', transfer.group_id, 'origin_id', transfer.origin_id,
        'metadata', transfer.metadata
      ),
      transfer.from_key, transfer.from_version
    from transfer
    inner join pgledger.accounts as source on transfer.from_key = source.key
    inner join pgledger.accounts as target on transfer.to_key = target.key
    union all
    select
      transfer.created_at, 4, 'hold', 'posted', holds.id, null, transfer.created_at, holds.app_id,
      '', jsonb_build_object('posted_amount', holds.posted_amount::text), holds.from_key, 0
    from transfer
    cross join lateral
    pgledger.hold_ended_by(transfer.origin_id, transfer.from_version) as ended (id)
    inner join pgledger.holds on ended.id = holds.id
    union all
    select
      block_holds.placed_at, 1, 'hold', 'made', holds.id, 0, holds.created_at, holds.app_id, '',
      jsonb_build_object(
        'from_account_id', source.id, 'to_account_id', target.id, 'amount', holds.amount::text,
        'currency', source.currency, 'event_at', coalesce(holds.event_at, holds.created_at),
        'expires_at', holds.first_expires_at, 'group_id', holds.group_id,
        'metadata', holds.metadata
      ),
      holds.from_key, 0
    from pgledger.block_holds
    inner join pgledger.holds on block_holds.hold_id = holds.id
    inner join pgledger.accounts as source on holds.from_key = source.key
    inner join pgledger.accounts as target on holds.to_key = target.key
    where block_holds.block = block_changes.block
    union all
    select
      max(noted.changed_at) over (order by noted.number), 5, noted.entity, noted.change,
      noted.entity_id, noted.version, noted.changed_at, noted.app_id, noted.tenant_id,
      noted.details, null, noted.number
    from pgledger.noted_changes as noted
    where noted.block = block_changes.block
  )

  select
    row_number() over (
      order by
        item.placed_at, item.rank, case when item.rank = 5 then item.number end, item.entity_id,
        item.key, item.number
    ),
    item.entity, item.change, item.entity_id, item.version, item.recorded_at, item.app_id,
    item.tenant_id, item.details
  from item
$$;

comment on function pgledger.block_changes is 'What a block covers, in its order.';

revoke all on function pgledger.block_changes from public;
