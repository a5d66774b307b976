/*
Writes the transfers of an import, in the order in which they were recorded, so that ranges of pages
tell ranges of times. An event_at that says no more than created_at is not kept, as if it had not
been given; one that was lifted is, because the two differ now.
*/
create or replace function pgledger.write_imported_transfers(app_id text)
returns void
language plpgsql
volatile
parallel unsafe
as $$
begin
  insert into pgledger.transfers (
    from_key, to_key, from_version, to_version, created_at, event_at, id, app_id, amount,
    from_balance, to_balance, group_id, metadata
  )
  select
    source.key, target.key, leg_from.version, leg_to.version, import_times.recorded_at,
    nullif(moved.event_at, import_times.recorded_at), moved.id, write_imported_transfers.app_id,
    leg_to.amount, leg_from.balance, leg_to.balance, moved.group_id, moved.metadata
  from pgledger.import_transfers as moved
  inner join pgledger.import_times on moved.number = import_times.transfer_number
  inner join pgledger.import_legs as leg_from
    on moved.number = leg_from.transfer_number and not leg_from.is_to
  inner join pgledger.import_legs as leg_to
    on moved.number = leg_to.transfer_number and leg_to.is_to
  inner join pgledger.accounts as source on moved.from_account_id = source.id
  inner join pgledger.accounts as target on moved.to_account_id = target.id
  order by import_times.recorded_at, moved.id;
end;
$$;

comment on function pgledger.write_imported_transfers is
  'Writes the transfers of an import in the order of their times.';

revoke all on function pgledger.write_imported_transfers from public;
