/*
One page of the accounts at and below a path. The pages go through an index in the order of names.
A page reads its own rows, and those of its first and last name: accounts of one name are not in
order in the index. It is read by the session itself, by the index alone: how many rows a prefix
holds, the planner cannot know.

Errors: NullArgument, InvalidScope, InvalidName, InvalidPage, InvalidId, AccountNotFound.
*/
create or replace function @extschema@.pgledger_list_subtree(
  prefix text default null,
  page_size integer default 100,
  after_id text default null,
  app_id text default '',
  tenant_id text default ''
)
returns setof @extschema@.pgledger_account
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set max_parallel_workers_per_gather = 0
as $$
declare
  v_after_name text := '';
  v_after_id text := coalesce(after_id, '');
  v_range record;
  v_left integer := page_size;
  v_count integer;
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_scope('tenant_id', tenant_id);
  v_ok := pgledger.check_prefix(prefix);
  v_ok := pgledger.check_page(page_size, 0);
  if after_id is not null then
    select accounts.name
    into v_after_name
    from pgledger.accounts
    where accounts.id = pgledger_list_subtree.after_id
      and accounts.app_id = pgledger_list_subtree.app_id;

    if not found then
      v_ok := pgledger.refuse_account('after_id', after_id, app_id);
    end if;
  end if;

  for v_range in
    select range.low, range.high
    from pgledger.subtree_ranges(prefix) as range
    order by range.low collate "C"
  loop
    return query
    select
      answer.id, answer.name, answer.currency, answer.balance, answer.version,
      answer.allow_negative_balance, answer.allow_positive_balance, answer.metadata,
      answer.created_at, answer.updated_at, answer.app_id, answer.tenant_id, answer.min_balance,
      answer.max_balance, answer.held_out, answer.held_in, answer.available_balance,
      answer.status, answer.amount_scale, answer.replayed
    from (
      select accounts
      from pgledger.accounts
      where accounts.app_id = pgledger_list_subtree.app_id
        and accounts.tenant_id = pgledger_list_subtree.tenant_id
        and accounts.name >= greatest(v_range.low collate "C", v_after_name)
        and accounts.name < v_range.high
        and (accounts.name > v_after_name or accounts.id > v_after_id)
      order by accounts.name, accounts.id
      limit v_left
    ) as page (account)
    cross join lateral pgledger.account_answer(page.account, null) as answer
    order by answer.name, answer.id;

    get diagnostics v_count = row_count;
    v_left := v_left - v_count;
    exit when v_left = 0;
  end loop;
end;
$$;

comment on function @extschema@.pgledger_list_subtree is
$$Returns one page of the accounts at and below a path, in the order of names.

Names are paths if you write them so: users.42.usd is below users.42, which is
below users. A name is below a prefix if the prefix and a dot begin it. No
character of a prefix has a meaning, and upper case is not lower case.

prefix: Path without a dot at its end, such as users.42; null for all
  accounts.
page_size: How many at most, 1 to 10,000.
after_id: Id of the last account of the page before; null for the first page.
app_id: Set of books that the accounts belong to.
tenant_id: Whose accounts they are.

Returns: The accounts, ordered by name and id, as bytes are; fewer than
  page_size on the last page.

Errors: NullArgument, InvalidScope, InvalidName (the prefix is empty, cannot
  be seen or is too long), InvalidPage, InvalidId, AccountNotFound (after_id
  is no account under this app_id).$$;

revoke all on function @extschema@.pgledger_list_subtree from public;
grant execute on function @extschema@.pgledger_list_subtree to pgledger_reader;
