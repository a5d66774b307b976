/*
Checks blocks of changes: their numbers, what they cover of each account, and what was noted of
holds against the holds. What blocks hold of the transfers themselves is for seals to prove.

The body is long because it is five checks.
*/
create or replace function pgledger.verify_blocks(app_id text)
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
as $$
  with ranged as materialized (
    select
      block_accounts.account_key, block_accounts.block, accounts.id, block_accounts.to_version,
      block_accounts.to_change,
      lead(block_accounts.block) over along is null as is_newest,
      block_accounts.is_first = (lag(block_accounts.block) over along is null)
      and block_accounts.from_version = lag(block_accounts.to_version, 1, 0::bigint) over along
      and block_accounts.from_change = lag(block_accounts.to_change, 1, 0::bigint) over along
      and block_accounts.from_version <= block_accounts.to_version
      and block_accounts.from_change <= block_accounts.to_change
      and block_accounts.to_version <= accounts.version
      and blocks.number is not null as is_right
    from pgledger.block_accounts
    left join pgledger.accounts on block_accounts.account_key = accounts.key
    left join pgledger.blocks on block_accounts.block = blocks.number
    where verify_blocks.app_id is null or accounts.app_id = verify_blocks.app_id
    window along as (partition by block_accounts.account_key order by block_accounts.block)
  )

  select
    'blocks of changes run from 1 without a gap',
    count(*),
    count(*) filter (where chain.number <> chain.place),
    min(chain.number::text) filter (where chain.number <> chain.place)
  from (
    select blocks.number, row_number() over (order by blocks.number) as place
    from pgledger.blocks
  ) as chain
  union all
  select
    'blocks cover the versions and changes of accounts without a gap',
    count(*),
    count(*) filter (where ranged.is_right is not true),
    min(format('%s in block %s', coalesce(ranged.id, ranged.account_key::text), ranged.block))
      filter (where ranged.is_right is not true)
  from ranged
  union all
  select
    'what is covered of accounts is what their newest block says',
    count(*),
    count(*) filter (where newest.is_right is not true),
    min(coalesce(newest.id, newest.account_key::text)) filter (where newest.is_right is not true)
  from (
    select
      coalesce(ranged.account_key, covered.account_key), coalesce(ranged.id, accounts.id),
      (covered.version, covered.change) = (ranged.to_version, ranged.to_change)
    from (select ranged.account_key, ranged.id, ranged.to_version, ranged.to_change
      from ranged where ranged.is_newest) as ranged
    full join pgledger.covered_accounts as covered on ranged.account_key = covered.account_key
    left join pgledger.accounts on covered.account_key = accounts.key
    where verify_blocks.app_id is null
      or accounts.app_id = verify_blocks.app_id
      or ranged.account_key is not null
  ) as newest (account_key, id, is_right)
  union all
  select
    'noted changes run from 1 without a gap, and never back in time',
    count(*),
    count(*) filter (where noted.is_right is not true),
    min(noted.label) filter (where noted.is_right is not true)
  from (
    select
      format('%s %s version %s', changes.entity, changes.entity_id, changes.version),
      changes.version = row_number() over along
      and (changes.changed_at < lag(changes.changed_at) over along) is not true
      and (changes.number < lag(changes.number) over along) is not true
      and (changes.block is null or blocks.number is not null)
    from pgledger.noted_changes as changes
    left join pgledger.blocks on changes.block = blocks.number
    where verify_blocks.app_id is null or changes.app_id = verify_blocks.app_id
    window along as (partition by changes.entity, changes.entity_id order by changes.version)
  ) as noted (label, is_right)
  union all
  select
    'the ends of holds that nothing posted whole are noted',
    count(*),
    count(*) filter (where ended.is_right is not true),
    min(ended.id) filter (where ended.is_right is not true)
  from (
    select
      coalesce(holds.id, noted.entity_id),
      case holds.status when 2 then 'voided' when 3 then 'expired' else '' end
      = coalesce(string_agg(noted.change, ' '), '')
    from pgledger.holds
    full join (
      select changes.entity_id, changes.change, changes.app_id
      from pgledger.noted_changes as changes
      where changes.entity = 'hold' and changes.change <> 'extended'
    ) as noted on (holds.id, holds.app_id) = (noted.entity_id, noted.app_id)
    where verify_blocks.app_id is null
      or coalesce(holds.app_id, noted.app_id) = verify_blocks.app_id
    group by holds.id, noted.entity_id
  ) as ended (id, is_right)
$$;

comment on function pgledger.verify_blocks is
  'Checks blocks of changes, and what was noted of holds.';

revoke all on function pgledger.verify_blocks from public;
