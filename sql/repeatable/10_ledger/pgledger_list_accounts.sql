/*
One page of accounts, in the order of tenants, names and ids: that of an index, but for accounts of
one name. A page reads its own rows, and those between them that a filter leaves out. The planner
knows the values at hand, so that it finds an index that users have added on metadata, and filters
that are not given vanish.

Errors: NullArgument, InvalidScope, InvalidName, InvalidCurrency, InvalidTime, InvalidMetadata,
InvalidPage, InvalidId, AccountNotFound.
*/
create or replace function @extschema@.pgledger_list_accounts(
  after_id text default null,
  page_size integer default 100,
  prefix text default null,
  currency text default null,
  created_from timestamptz default null,
  created_until timestamptz default null,
  metadata jsonb default null,
  app_id text default '',
  tenant_id text default null
)
returns setof @extschema@.pgledger_account
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
set plan_cache_mode = force_custom_plan
set jit = off
set enable_seqscan = off
set max_parallel_workers_per_gather = 0
as $$
declare
  v_after record;
  v_ids text[];
  v_ok boolean;
begin
  v_ok := pgledger.check_list_of_accounts(
    prefix, currency, created_from, created_until, metadata, app_id, tenant_id
  );
  v_ok := pgledger.check_page(page_size, 0);
  select accounts.tenant_id, accounts.name
  into v_after
  from pgledger.accounts
  where accounts.id = pgledger_list_accounts.after_id
    and accounts.app_id = pgledger_list_accounts.app_id;
  if after_id is not null and not found then
    v_ok := pgledger.refuse_account('after_id', after_id, app_id);
  end if;

  v_ids := array(
    select accounts.id
    from pgledger.accounts
    where accounts.app_id = pgledger_list_accounts.app_id
      and (
        pgledger_list_accounts.tenant_id is null
        or accounts.tenant_id = pgledger_list_accounts.tenant_id
      )
      and (prefix is null or accounts.name >= prefix and accounts.name < prefix || '/')
      and (prefix is null or accounts.name = prefix or accounts.name >= prefix || '.')
      and (
        after_id is null
        or (accounts.tenant_id, accounts.name) >= (v_after.tenant_id, v_after.name)
      )
      and (
        after_id is null
        or (accounts.tenant_id, accounts.name, accounts.id)
        > (v_after.tenant_id, v_after.name, after_id)
      )
      and (
        pgledger_list_accounts.currency is null
        or accounts.currency = pgledger_list_accounts.currency
      )
      and (created_from is null or accounts.created_at >= created_from)
      and (created_until is null or accounts.created_at < created_until)
      and (
        pgledger_list_accounts.metadata is null
        or accounts.metadata @> pgledger_list_accounts.metadata
      )
    order by accounts.tenant_id, accounts.name, accounts.id
    limit page_size
  );

  return query
  select
    answer.id, answer.name, answer.currency, answer.balance, answer.version,
    answer.allow_negative_balance, answer.allow_positive_balance, answer.metadata,
    answer.created_at, answer.updated_at, answer.app_id, answer.tenant_id, answer.min_balance,
    answer.max_balance, answer.held_out, answer.held_in, answer.available_balance, answer.status,
    answer.amount_scale, answer.replayed
  from unnest(v_ids) with ordinality as page (id, place)
  cross join lateral (
    select accounts from pgledger.accounts where accounts.id = page.id
  ) as found (account)
  cross join lateral pgledger.account_answer(found.account, null) as answer
  order by page.place;
end;
$$;

comment on function @extschema@.pgledger_list_accounts is
$$Returns one page of accounts, in the order of tenants and names.

Filters that are given hold together. A page reads its own rows and those that
a filter leaves out. Few matches of metadata are found fast only with an index
of your own; docs/ledger.md shows how to make one. With a prefix, give the
tenant too, or the names of all tenants are read.

after_id: Id of the last account of the page before; null for the first page.
page_size: How many at most, 1 to 10,000.
prefix: Path without a dot at its end, such as users.42: only accounts at and
  below it, as pgledger_list_subtree says; null for all.
currency: Only accounts of this currency; null for all.
created_from: Only accounts that were recorded at this time or later; null for
  no such bound.
created_until: Only those that were recorded before this time; null for no
  such bound.
metadata: JSON object that the account's metadata contains, as @> says; null
  for any.
app_id: Set of books that the accounts belong to.
tenant_id: Whose accounts; null for those of all tenants.

Returns: The accounts, ordered by tenant_id, name and id, as bytes are; fewer
  than page_size on the last page.

Errors: NullArgument, InvalidScope, InvalidName (the prefix is empty, cannot
  be seen or is too long), InvalidCurrency, InvalidTime (a bound is outside
  the years 1 to 9999), InvalidMetadata, InvalidPage, InvalidId,
  AccountNotFound (after_id is no account under this app_id).$$;

revoke all on function @extschema@.pgledger_list_accounts from public;
grant execute on function @extschema@.pgledger_list_accounts to pgledger_reader;
