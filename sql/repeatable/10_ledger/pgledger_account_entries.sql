/*
One page of an account's entries. Versions have no gap, so a page is a range of versions. However
long the account's history is, a page reads its own rows and no more. It is read by the session
itself: low versions are common, so the planner may expect many rows of them, and start workers.

Errors: NullArgument, InvalidId, InvalidScope, InvalidPage, AccountNotFound.
*/
create or replace function @extschema@.pgledger_account_entries(
  account_id text,
  page_size integer default 100,
  newest_first boolean default true,
  after_version bigint default null,
  app_id text default ''
)
returns setof @extschema@.pgledger_entry
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
set max_parallel_workers_per_gather = 0
as $$
declare
  v_account record;
  v_lowest bigint;
  v_highest bigint;
  v_ok boolean;
begin
  v_account := pgledger.account_key(account_id, app_id);

  if page_size is null then
    v_ok := pgledger.fail('NullArgument', array['page_size']);
  elsif page_size not between 1 and 10000 then
    v_ok := pgledger.fail(
      'InvalidPage', array['page_size', page_size::text, 'it is not between 1 and 10000']
    );
  elsif newest_first is null then
    v_ok := pgledger.fail('NullArgument', array['newest_first']);
  elsif after_version < 0 then
    v_ok := pgledger.fail(
      'InvalidPage', array['after_version', after_version::text, 'it is negative']
    );
  end if;

  if newest_first then
    v_highest := least(after_version - 1, v_account.version);
    v_lowest := v_highest - page_size + 1;
  else
    v_lowest := least(coalesce(after_version, 0), v_account.version) + 1;
    v_highest := v_lowest + page_size - 1;
  end if;

  return query
  select
    pgledger.entry_id(leg.created_at, v_account.key, leg.version),
    accounts.id,
    leg.id,
    leg.amount,
    leg.balance - leg.amount,
    leg.balance,
    leg.version,
    leg.created_at,
    coalesce(leg.event_at, leg.created_at),
    leg.metadata,
    accounts.name,
    accounts.currency,
    accounts.app_id,
    accounts.tenant_id
  from (
    select
      transfers.from_version, transfers.from_balance, -transfers.amount, transfers.id,
      transfers.created_at, transfers.event_at, transfers.metadata
    from pgledger.transfers
    where transfers.from_key = v_account.key
      and transfers.from_version between v_lowest and v_highest
    union all
    select
      transfers.to_version, transfers.to_balance, transfers.amount, transfers.id,
      transfers.created_at, transfers.event_at, transfers.metadata
    from pgledger.transfers
    where transfers.to_key = v_account.key
      and transfers.to_version between v_lowest and v_highest
  ) as leg (version, balance, amount, id, created_at, event_at, metadata)
  inner join pgledger.accounts on v_account.key = accounts.key
  order by case when newest_first then -leg.version else leg.version end;
end;
$$;

comment on function @extschema@.pgledger_account_entries is
$$Returns one page of an account's entries.

A page costs what its own rows cost, however long the account's history is.

account_id: Whose entries.
page_size: How many at most, 1 to 10,000.
newest_first: Whether from the newest to the oldest, or the other way.
after_version: The account_version of the last entry of the page before; null
  for the first page.
app_id: Set of books that the account belongs to.

Returns: The entries in order; fewer than page_size on the last page.

Errors: NullArgument, InvalidScope, InvalidId, AccountNotFound (there is no
  such account under this app_id), InvalidPage.$$;

revoke all on function @extschema@.pgledger_account_entries from public;
grant execute on function @extschema@.pgledger_account_entries to pgledger_reader;
