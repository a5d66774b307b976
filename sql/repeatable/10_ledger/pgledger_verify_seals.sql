/*
Makes the root of each sealed block again, from its rows and the stored root before, and compares.
So a block that was tampered with is named, and those after it are not; that all were sealed again
shows against an exported root alone.

All is read from the snapshot of the calling statement, block by block, so memory does not grow
with the books. Roots are made from the rows that leave an account;
that none was slipped in on the other side alone shows in the count of entries.

The body is long because it is five checks.

Errors: InvalidArgument.
*/
create or replace function @extschema@.pgledger_verify_seals(from_export jsonb default null)
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
  select pgledger.check_exported_seals(pgledger_verify_seals.from_export)
  where pgledger_verify_seals.from_export is not null;

  select
    'seals run from block 1 without a gap',
    count(*),
    count(*) filter (where chain.block <> chain.place),
    min(format('block %s', chain.block)) filter (where chain.block <> chain.place)
  from (
    select seals.block, row_number() over (order by seals.block) as place
    from pgledger.seals
  ) as chain
  union all
  select
    'sealed blocks are as they were sealed',
    count(*),
    count(*) filter (where sealed.root is distinct from sealed.root_now),
    (array_agg(format('block %s', sealed.block) order by sealed.block)
      filter (where sealed.root is distinct from sealed.root_now))[1]
  from (
    select
      seals.block, seals.root,
      pgledger.seal_root(seals.block, coalesce(lag(seals.root) over along, ''))
    from pgledger.seals
    window along as (order by seals.block)
  ) as sealed (block, root, root_now)
  union all
  select
    'covered accounts have an entry for each version, and no other',
    count(*),
    count(*) filter (where entries.is_right is not true),
    min(entries.id) filter (where entries.is_right is not true)
  from (
    select coalesce(accounts.id, covered.account_key::text), covered.version = count(leg.key)
    from pgledger.covered_accounts as covered
    left join pgledger.accounts on covered.account_key = accounts.key
    left join (
      select transfers.from_key, transfers.from_version
      from pgledger.transfers
      union all
      select transfers.to_key, transfers.to_version
      from pgledger.transfers
    ) as leg (key, version)
      on covered.account_key = leg.key and covered.version >= leg.version
    group by covered.account_key, accounts.id
  ) as entries (id, is_right)
  union all
  select
    'balances and versions of accounts are those of their newest entries',
    count(*),
    count(*) filter (where newest.is_right is not true),
    min(newest.id) filter (where newest.is_right is not true)
  from (
    select
      accounts.id,
      accounts.balance = case
        when accounts.version = 0 then 0
        else coalesce(source.from_balance, target.to_balance)
      end
      and accounts.version >= covered_accounts.version
    from pgledger.covered_accounts
    left join pgledger.accounts on covered_accounts.account_key = accounts.key
    left join pgledger.transfers as source
      on accounts.key = source.from_key and accounts.version = source.from_version
    left join pgledger.transfers as target
      on accounts.key = target.to_key and accounts.version = target.to_version
  ) as newest (id, is_right)
  union all
  select
    'exported seals are those of the database',
    count(*),
    count(*) filter (where exported.is_right is not true),
    (array_agg(format('block %s', exported.block) order by exported.block)
      filter (where exported.is_right is not true))[1]
  from (
    select given.seal ->> 'block', encode(seals.root, 'hex') = given.seal ->> 'root'
    from jsonb_array_elements(
      case jsonb_typeof(pgledger_verify_seals.from_export)
        when 'array' then pgledger_verify_seals.from_export
        else jsonb_build_array(pgledger_verify_seals.from_export)
      end
    ) as given (seal)
    left join pgledger.seals on (given.seal ->> 'block')::bigint = seals.block
    where pgledger_verify_seals.from_export is not null
  ) as exported (block, is_right)
$$;

comment on function @extschema@.pgledger_verify_seals is
$$Proves that what was sealed has not been tampered with.

Reads everything that is sealed. An edited, added, removed or moved row makes
the root of its block another one. Whoever can change rows can also make the
seals again, or cut off the newest blocks with theirs: that shows against a
seal that was kept elsewhere.

from_export: JSON array of seals that were kept, such as
  [{"block": 7, "root": "9f3a…"}]; to_jsonb makes each of what pgledger_seal
  returned, and one alone is taken too; null for the database's own seals
  only.

Returns: One row for each check: what it checks, how many rows it looked at,
  how many of them break the rule, and one that does. All is well when
  violations are 0 throughout.

Errors: InvalidArgument.$$;

revoke all on function @extschema@.pgledger_verify_seals from public;
grant execute on function @extschema@.pgledger_verify_seals to pgledger_auditor;
