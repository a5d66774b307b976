/*
One page of transfers, the newest first by when they were recorded. Along an account that is the
order of its versions: such a page is read through their indexes. Those of an app are looked for in
spans of time: pgledger.page_of_transfers says how.

Errors: NullArgument, InvalidScope, InvalidPage, InvalidTime, InvalidMetadata, InvalidId,
AccountNotFound, TransferNotFound.
*/
create or replace function @extschema@.pgledger_list_transfers(
  after_id text default null,
  page_size integer default 100,
  account_id text default null,
  group_id text default null,
  recorded_from timestamptz default null,
  recorded_until timestamptz default null,
  event_from timestamptz default null,
  event_until timestamptz default null,
  metadata jsonb default null,
  app_id text default '',
  tenant_id text default null
)
returns setof @extschema@.pgledger_transfer
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_account record;
  v_after_at timestamptz;
  v_lowest bigint;
  v_highest bigint;
  v_ids text[];
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  if tenant_id is not null then
    v_ok := pgledger.check_scope('tenant_id', tenant_id);
  end if;
  v_ok := pgledger.check_page(page_size, 0);
  if group_id is not null then
    v_ok := pgledger.check_scope('group_id', group_id, 1, 255);
  end if;
  v_ok := pgledger.check_listed_times(
    array['recorded_from', 'recorded_until', 'event_from', 'event_until'],
    array[recorded_from, recorded_until, event_from, event_until]
  );
  v_ok := pgledger.check_metadata(metadata);
  if after_id is not null then
    v_after_at := pgledger.transfer_time('after_id', after_id, app_id);
  end if;

  if account_id is null then
    v_ids := pgledger.page_of_transfers(
      app_id, recorded_from, recorded_until, v_after_at, after_id, event_from, event_until,
      group_id, metadata, tenant_id, page_size
    );
  else
    v_account := pgledger.account_key(account_id, app_id);
    v_lowest := 1 + pgledger.last_version_before(
      v_account.key, coalesce(recorded_from, '-infinity')
    );
    v_highest := pgledger.last_version_before(
      v_account.key, least(coalesce(recorded_until, 'infinity'), v_after_at)
    );
    if coalesce(event_from, event_until) is null then
      v_ids := pgledger.page_of_account(
        v_account.key, v_lowest, v_highest, group_id, metadata, tenant_id, page_size
      );
    else
      v_ids := pgledger.page_of_account_by_event(
        v_account.key, v_lowest, v_highest, coalesce(event_from, '-infinity'),
        coalesce(event_until, 'infinity'), group_id, metadata, tenant_id, page_size
      );
    end if;
  end if;

  return query
  select
    answer.id, answer.from_account_id, answer.to_account_id, answer.amount, answer.created_at,
    answer.event_at, answer.metadata, answer.currency, answer.from_account_name,
    answer.to_account_name, answer.from_account_balance, answer.to_account_balance,
    answer.from_account_version, answer.to_account_version, answer.group_id, answer.app_id,
    answer.from_tenant_id, answer.to_tenant_id, answer.origin_id, answer.replayed
  from pgledger.transfers_by_id(v_ids) as answer;
end;
$$;

comment on function @extschema@.pgledger_list_transfers is
$$Returns one page of transfers, the newest first by when they were recorded.

Filters that are given hold together. A page of an account reads its own rows
and those that a filter leaves out, however long its history is; so does a
page of all transfers. Few matches of metadata are found fast only with an
index of your own; docs/ledger.md shows how to make one.

Transfers that commit while you page are on the pages before yours: to miss
none, read pages until one is not full, and begin again.

after_id: Id of the last transfer of the page before; null for the first page.
page_size: How many at most, 1 to 10,000.
account_id: Only transfers that leave or reach this account; null for all.
group_id: Only transfers of this group; null for all.
recorded_from: Only transfers whose created_at is not before this time; null
  for no such bound.
recorded_until: Only those whose created_at is before this time; null for no
  such bound.
event_from: Only transfers whose event_at is not before this time; null for no
  such bound. Where none was given, event_at is created_at.
event_until: Only those whose event_at is before this time; null for no such
  bound.
metadata: JSON object that the transfer's metadata contains, as @> says; null
  for any.
app_id: Set of books that the transfers belong to.
tenant_id: Only transfers that leave or reach an account of this tenant; null
  for all.

Returns: The transfers, ordered by created_at and id, the newest first; fewer
  than page_size on the last page.

Errors: NullArgument, InvalidScope, InvalidPage, InvalidTime (a bound is
  outside the years 1 to 9999), InvalidMetadata, InvalidId, TransferNotFound
  (after_id is no transfer under this app_id), AccountNotFound (there is no
  such account under this app_id).$$;

revoke all on function @extschema@.pgledger_list_transfers from public;
grant execute on function @extschema@.pgledger_list_transfers to pgledger_reader;
