/*
What is wrong with accounts that are to be imported, each by itself: the first thing of each row.
*/
create or replace function pgledger.import_account_faults()
returns setof @extschema@.pgledger_import_fault
language sql
stable
parallel safe
as $$
  select 'account', given.number, given.id, given.reason
  from (
    select
      import_accounts.number,
      import_accounts.id,
      case
        when pgledger.id_fault(import_accounts.id, 'pgla') is not null
          then 'its id is not valid: ' || pgledger.id_fault(import_accounts.id, 'pgla')
        when repeated.id is not null
          then 'its id stands in several rows'
        when doubled.number is not null
          then 'its number stands in several rows'
        when accounts.key is not null
          then 'its id is taken'
        when pgledger.text_fault(import_accounts.name, 1, 255, true) is not null
          then 'its name is not valid: '
            || pgledger.text_fault(import_accounts.name, 1, 255, true)
        when pgledger.text_fault(import_accounts.currency, 1, 32, false) is not null
          then 'its currency is not valid: '
            || pgledger.text_fault(import_accounts.currency, 1, 32, false)
        when pgledger.text_fault(coalesce(import_accounts.tenant_id, ''), 0, 128, false) is not null
          then 'its tenant_id is not valid: '
            || pgledger.text_fault(import_accounts.tenant_id, 0, 128, false)
        when pgledger.time_fault(import_accounts.created_at) is not null
          then 'its created_at is not valid: ' || pgledger.time_fault(import_accounts.created_at)
        when import_accounts.created_at > pgledger.clock()
          then 'its created_at is ahead of the clock: ' || import_accounts.created_at
        when pgledger.limit_fault(import_accounts.min_balance) is not null
          then 'its min_balance is not valid: ' || pgledger.limit_fault(import_accounts.min_balance)
        when pgledger.limit_fault(import_accounts.max_balance) is not null
          then 'its max_balance is not valid: ' || pgledger.limit_fault(import_accounts.max_balance)
        when not import_accounts.allow_negative_balance and import_accounts.min_balance <> 0
          then 'it allows no negative balance, and its min_balance is not 0'
        when not import_accounts.allow_positive_balance and import_accounts.max_balance <> 0
          then 'it allows no positive balance, and its max_balance is not 0'
        when import_accounts.min_balance > 0 or import_accounts.max_balance < 0
          then 'its limits leave out a balance of 0'
        when pgledger.metadata_fault(import_accounts.metadata) is not null
          then 'its metadata is not valid: ' || pgledger.metadata_fault(import_accounts.metadata)
      end as reason
    from pgledger.import_accounts
    left join pgledger.accounts on import_accounts.id = accounts.id
    left join (
      select import_accounts.id
      from pgledger.import_accounts
      group by import_accounts.id
      having count(*) > 1
    ) as repeated on import_accounts.id = repeated.id
    left join (
      select import_accounts.number
      from pgledger.import_accounts
      group by import_accounts.number
      having count(*) > 1
    ) as doubled on import_accounts.number = doubled.number
  ) as given
  where given.reason is not null
$$;

comment on function pgledger.import_account_faults is
  'What is wrong with accounts that are to be imported, each by itself.';

revoke all on function pgledger.import_account_faults from public;
