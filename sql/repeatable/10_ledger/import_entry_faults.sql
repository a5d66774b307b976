/*
What is wrong with entries that are to be imported: with each by itself and with its transfer, and
transfers that have not one for each leg: two that come to nothing. Where no entries are given at
all, none is missing.
*/
create or replace function pgledger.import_entry_faults()
returns setof @extschema@.pgledger_import_fault
language sql
stable
parallel safe
as $$
  select 'entry', given.number, given.id, given.reason
  from (
    select
      entry.number,
      entry.id,
      case
        when entry.id is null or entry.id = '' then 'it has no id'
        when char_length(entry.id) > 255 then 'its id has more than 255 characters'
        when repeated.id is not null then 'its id stands in several rows'
        when imported_entries.id is not null then 'its id has been imported before'
        when moved.id is null
          then format('no transfer of the import has its transfer_id, %L', entry.transfer_id)
        when entry.account_id is null
          or entry.account_id not in (moved.from_account_id, moved.to_account_id)
          then format('its transfer %s is none of its account %L', moved.id, entry.account_id)
        when
          entry.amount is distinct from
          case
            when entry.account_id = moved.from_account_id then -moved.amount
            else moved.amount
          end
          then format('its amount is %s, and its transfer moved %s', entry.amount, moved.amount)
        when entry.account_version is null then 'its account_version is null'
      end as reason
    from pgledger.import_entries as entry
    left join pgledger.import_transfers as moved on entry.transfer_id = moved.id
    left join pgledger.imported_entries on entry.id = imported_entries.id
    left join (
      select import_entries.id
      from pgledger.import_entries
      group by import_entries.id
      having count(*) > 1
    ) as repeated on entry.id = repeated.id
  ) as given
  where given.reason is not null
  union all
  select
    'transfer', moved.number, moved.id,
    format('it has %s entries, of %s in all', coalesce(had.entries, 0), coalesce(had.amount, 0))
  from pgledger.import_transfers as moved
  left join (
    select import_entries.transfer_id, count(*), sum(import_entries.amount)
    from pgledger.import_entries
    group by import_entries.transfer_id
  ) as had (transfer_id, entries, amount) on moved.id = had.transfer_id
  where (had.entries, had.amount) is distinct from (2, 0)
    and exists (select from pgledger.import_entries)
$$;

comment on function pgledger.import_entry_faults is
  'What is wrong with entries that are to be imported, and transfers that lack one.';

revoke all on function pgledger.import_entry_faults from public;
