/*
Works out both legs of each transfer that is to be imported: its version on each account, the
balance that it left there, and which transfer came next. Entries say the version where they are
given. Otherwise transfers were made in the order of their times, and of their rows where times are
equal. Rows are sound by themselves, which the caller has checked.

A leg has all that later steps ask for, so that the legs are sorted once.
*/
create or replace function pgledger.place_import()
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_has_entries boolean := exists (select from pgledger.import_entries);
begin
  truncate pgledger.import_legs, pgledger.import_times;

  insert into pgledger.import_legs (
    transfer_number, account_number, version, place, next_transfer_number, earliest_at, is_to,
    amount, balance, given_previous_balance, given_balance, entry_id
  )
  select
    leg.transfer_number, leg.account_number, coalesce(leg.version, row_number() over along),
    row_number() over along, lead(leg.transfer_number) over along, leg.earliest_at, leg.is_to,
    leg.amount, sum(leg.amount) over along, leg.previous_balance, leg.balance, leg.entry_id
  from (
    select
      moved.number as transfer_number,
      import_accounts.number as account_number,
      import_entries.account_version as version,
      greatest(moved.created_at, import_accounts.created_at + interval '1 microsecond')
        as earliest_at,
      null::timestamptz as created_at,
      import_entries.account_id = moved.to_account_id as is_to,
      case when scale(moved.amount) > 18 then trim_scale(moved.amount) else moved.amount end
      * case when import_entries.account_id = moved.to_account_id then 1 else -1 end as amount,
      import_entries.account_previous_balance as previous_balance,
      import_entries.account_current_balance as balance,
      import_entries.id as entry_id
    from pgledger.import_entries
    inner join pgledger.import_transfers as moved on import_entries.transfer_id = moved.id
    inner join pgledger.import_accounts on import_entries.account_id = import_accounts.id
    where v_has_entries
    union all
    select
      moved.number, import_accounts.number, null,
      greatest(moved.created_at, import_accounts.created_at + interval '1 microsecond'),
      moved.created_at, side.is_to,
      case when scale(moved.amount) > 18 then trim_scale(moved.amount) else moved.amount end
      * case when side.is_to then 1 else -1 end,
      null, null, null
    from pgledger.import_transfers as moved
    cross join (values (false), (true)) as side (is_to)
    inner join pgledger.import_accounts
      on
        case when side.is_to then moved.to_account_id else moved.from_account_id end
        = import_accounts.id
    where not v_has_entries
  ) as leg
  window along as (
    partition by leg.account_number
    order by leg.version, leg.created_at, leg.transfer_number
    rows unbounded preceding
  );

  analyze pgledger.import_legs;
end;
$$;

comment on function pgledger.place_import is
  'Works out version and balance of both legs of each transfer that is to be imported.';

revoke all on function pgledger.place_import from public;
