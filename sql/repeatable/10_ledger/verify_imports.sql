/*
Checks what an import has written down of itself: entries lie within their accounts, and transfers
whose times were lifted are there, later than they were.
*/
create or replace function pgledger.verify_imports(app_id text)
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
as $$
  select
    'entries and times of an import are of transfers that are there',
    count(*),
    count(*) filter (where not origin.is_there),
    min(origin.label) filter (where not origin.is_there)
  from (
    select
      'entry ' || imported_entries.id as label,
      coalesce(imported_entries.account_version between 1 and accounts.version, false) as is_there
    from pgledger.imported_entries
    left join pgledger.accounts on imported_entries.account_key = accounts.key
    where verify_imports.app_id is null
      or accounts.app_id = verify_imports.app_id
    union all
    select
      'transfer ' || imported_times.transfer_id,
      coalesce(transfers.created_at > imported_times.created_at, false)
    from pgledger.imported_times
    left join pgledger.transfers on imported_times.transfer_id = transfers.id
    where verify_imports.app_id is null
      or transfers.app_id = verify_imports.app_id
  ) as origin
$$;

comment on function pgledger.verify_imports is
  'Checks that what an import wrote of its entries and times is of transfers that are there.';

revoke all on function pgledger.verify_imports from public;
