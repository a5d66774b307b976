/*
What is wrong with the history that is to be imported as a whole: versions and balances that are not
those of its transfers, accounts that are more than a day younger than their first transfer, and
transfers of which each would have to be made before another. An account that is a little younger
was made by a transaction that overlapped with another.
*/
create or replace function pgledger.import_history_faults()
returns setof @extschema@.pgledger_import_fault
language sql
stable
parallel safe
as $$
  select
    'transfer', moved.number, moved.id, format('on account %s %s', import_accounts.id, found.reason)
  from (
    select
      leg.transfer_number, leg.account_number,
      case
        when leg.version <> leg.place
          then format('it has version %s, and is entry %s', leg.version, leg.place)
        when leg.given_balance <> leg.balance
          then format('it left %s, and its entry says %s', leg.balance, leg.given_balance)
        when leg.given_previous_balance <> leg.balance - leg.amount
          then format(
            'it found %s, and its entry says %s',
            leg.balance - leg.amount, leg.given_previous_balance
          )
        when abs(leg.balance) >= 1e30
          then format('it left a balance that is out of range: %s', leg.balance)
      end as reason
    from pgledger.import_legs as leg
  ) as found
  inner join pgledger.import_transfers as moved on found.transfer_number = moved.number
  inner join pgledger.import_accounts on found.account_number = import_accounts.number
  where found.reason is not null
  union all
  select
    'account', import_accounts.number, import_accounts.id,
    format(
      'it was created at %s, and its first transfer at %s',
      import_accounts.created_at, moved.created_at
    )
  from pgledger.import_legs as leg
  inner join pgledger.import_transfers as moved on leg.transfer_number = moved.number
  inner join pgledger.import_accounts on leg.account_number = import_accounts.number
  where leg.place = 1
    and leg.earliest_at > moved.created_at + interval '1 day'
  union all
  select
    'account', import_accounts.number, import_accounts.id,
    case
      when import_accounts.version <> coalesce(newest.version, 0)
        then format(
          'its version is %s, and it has %s entries',
          import_accounts.version, coalesce(newest.version, 0)
        )
      else format(
        'its balance is %s, and its entries come to %s',
        import_accounts.balance, coalesce(newest.balance, 0)
      )
    end
  from pgledger.import_accounts
  left join (
    select import_legs.account_number, count(*), sum(import_legs.amount)
    from pgledger.import_legs
    group by import_legs.account_number
  ) as newest (number, version, balance) on import_accounts.number = newest.number
  where import_accounts.version <> coalesce(newest.version, 0)
    or import_accounts.balance <> coalesce(newest.balance, 0)
  union all
  select
    'transfer', moved.number, moved.id,
    'its versions would have it before and after the same transfer'
  from pgledger.import_transfers as moved
  left join pgledger.import_times on moved.number = import_times.transfer_number
  where import_times.transfer_number is null
$$;

comment on function pgledger.import_history_faults is
  'What is wrong with the history that is to be imported as a whole.';

revoke all on function pgledger.import_history_faults from public;
