/*
Balances of the accounts at and below a path, added up by path and currency. A path that is cut has
as many levels as the caller asks for, but no fewer than the prefix: the sum of a part must not be
mistaken for that of the whole. It takes no lock, reads one snapshot, and nothing but its part of
the index on names, those accounts, and what has expired of their holds; for a time in the past also
what pgledger.balance_then looks up.

Errors: NullArgument, InvalidScope, InvalidName, InvalidArgument.
*/
create or replace function @extschema@.pgledger_balances(
  prefix text default null,
  depth integer default null,
  at timestamptz default null,
  axis text default 'recorded',
  app_id text default '',
  tenant_id text default ''
)
returns setof @extschema@.pgledger_path_balance
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set max_parallel_workers_per_gather = 0
as $$
declare
  v_levels integer := greatest(depth, cardinality(string_to_array(prefix, '.')));
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_scope('tenant_id', tenant_id);
  v_ok := pgledger.check_prefix(prefix);
  v_ok := pgledger.check_choice('axis', axis, array['recorded', 'event']);
  if depth < 1 then
    v_ok := pgledger.fail('InvalidArgument', array['depth', depth::text, 'it is below 1']);
  end if;

  return query
  select
    leaf.path, leaf.currency, sum(leaf.balance), sum(leaf.held_out), sum(leaf.held_in), count(*)
  from (
    select
      case
        when depth is null then accounts.name
        else array_to_string((string_to_array(accounts.name, '.'))[:v_levels], '.')
      end as path,
      accounts.currency, accounts.created_at,
      case
        when pgledger_balances.at is null then accounts.balance
        else pgledger.balance_then(
          accounts.key, accounts.version, accounts.balance, accounts.updated_at,
          pgledger_balances.at, pgledger_balances.axis
        )
      end as balance,
      -- What has expired no longer counts, whether or not the sums contain it still.
      case
        when pgledger_balances.at is not null then null
        when accounts.held_out = 0 then accounts.held_out
        else pgledger.held_now(accounts.key, accounts.held_out, true)
      end as held_out,
      case
        when pgledger_balances.at is not null then null
        when accounts.held_in = 0 then accounts.held_in
        else pgledger.held_now(accounts.key, accounts.held_in, false)
      end as held_in
    from pgledger.subtree_ranges(prefix) as range
    inner join pgledger.accounts
      on
        range.low <= accounts.name
        and range.high > accounts.name
        and accounts.app_id = pgledger_balances.app_id
        and accounts.tenant_id = pgledger_balances.tenant_id
  ) as leaf
  -- By event an account may have a balance from before it was opened.
  where pgledger_balances.at is null
    or leaf.created_at <= pgledger_balances.at
    or leaf.balance <> 0
  group by leaf.path, leaf.currency
  order by leaf.path, leaf.currency;
end;
$$;

comment on function @extschema@.pgledger_balances is
$$Adds up balances by path and currency.

Names are paths if you write them so: users.42.usd is below users.42, which is
below users. A name is below a prefix if the prefix and a dot begin it. Every
account counts in exactly one row. All rows are of one moment.

prefix: Path whose accounts count, it and all below, without a dot at its end;
  null for all accounts.
depth: How many levels of a path are told apart, 1 or more: with 2,
  users.42.usd and users.42.eur both count for users.42. A path is never cut
  shorter than the prefix; null for each name by itself.
at: The time of the balances: every entry that is not later counts, and held
  amounts are null; null for now.
axis: Whether created_at or event_at says when an entry was; one of: recorded,
  event.
app_id: Set of books that the accounts belong to.
tenant_id: Whose accounts they are.

Returns: A row for each path and currency, ordered by both, as bytes are.

Errors: NullArgument, InvalidScope, InvalidName (the prefix is empty, cannot
  be seen or is too long), InvalidArgument (there is no such axis, or depth is
  below 1).$$;

revoke all on function @extschema@.pgledger_balances from public;
grant execute on function @extschema@.pgledger_balances to pgledger_reader;
