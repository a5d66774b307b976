/*
What is wrong with transfers that are to be imported, each by itself and with its accounts: the
first thing of each row. They move between accounts of the same import.

A transfer without event_at happened when it was recorded, so that time too must lie after what is
closed.

Locks: those of pgledger.closed_until.
*/
create or replace function pgledger.import_transfer_faults(app_id text)
returns setof @extschema@.pgledger_import_fault
language sql
volatile
parallel unsafe
as $$
  select 'transfer', given.number, given.id, given.reason
  from (
    select
      moved.number,
      moved.id,
      case
        when pgledger.id_fault(moved.id, 'pglt') is not null
          then 'its id is not valid: ' || pgledger.id_fault(moved.id, 'pglt')
        when repeated.id is not null
          then 'its id stands in several rows'
        when doubled.number is not null
          then 'its number stands in several rows'
        when transfers.id is not null
          then 'its id is taken'
        when pgledger.amount_fault(moved.amount) is not null
          then 'its amount is not valid: ' || pgledger.amount_fault(moved.amount)
        when source.id is null
          then format('no account of the import has its from_account_id, %L', moved.from_account_id)
        when target.id is null
          then format('no account of the import has its to_account_id, %L', moved.to_account_id)
        when source.id = target.id
          then 'it leaves the account that it reaches'
        when source.currency <> target.currency
          then format('its accounts have currencies %s and %s', source.currency, target.currency)
        when min_scale(moved.amount) > currencies.amount_scale
          then format(
            'its amount has %s decimal places, and %s has %s here',
            min_scale(moved.amount), source.currency, currencies.amount_scale
          )
        when pgledger.time_fault(moved.created_at) is not null
          then 'its created_at is not valid: ' || pgledger.time_fault(moved.created_at)
        when moved.created_at > pgledger.clock()
          then 'its created_at is ahead of the clock: ' || moved.created_at
        when moved.event_at is not null and pgledger.time_fault(moved.event_at) is not null
          then 'its event_at is not valid: ' || pgledger.time_fault(moved.event_at)
        when coalesce(moved.event_at, moved.created_at) < closed.until
          then format(
            'it happened at %s, and the books are closed until %s',
            coalesce(moved.event_at, moved.created_at), closed.until
          )
        when moved.group_id is not null
          and pgledger.text_fault(moved.group_id, 1, 255, false) is not null
          then 'its group_id is not valid: ' || pgledger.text_fault(moved.group_id, 1, 255, false)
        when pgledger.metadata_fault(moved.metadata) is not null
          then 'its metadata is not valid: ' || pgledger.metadata_fault(moved.metadata)
      end as reason
    from pgledger.import_transfers as moved
    cross join (select pgledger.closed_until(import_transfer_faults.app_id) as until) as closed
    left join pgledger.import_accounts as source on moved.from_account_id = source.id
    left join pgledger.import_accounts as target on moved.to_account_id = target.id
    left join pgledger.currencies
      on currencies.app_id = import_transfer_faults.app_id and source.currency = currencies.code
    left join pgledger.transfers on moved.id = transfers.id
    left join (
      select import_transfers.id
      from pgledger.import_transfers
      group by import_transfers.id
      having count(*) > 1
    ) as repeated on moved.id = repeated.id
    left join (
      select import_transfers.number
      from pgledger.import_transfers
      group by import_transfers.number
      having count(*) > 1
    ) as doubled on moved.number = doubled.number
  ) as given
  where given.reason is not null
$$;

comment on function pgledger.import_transfer_faults is
  'What is wrong with transfers that are to be imported, each by itself and with its accounts.';

revoke all on function pgledger.import_transfer_faults from public;
