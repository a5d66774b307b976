/*
Checks each transfer by itself, and the ids of transfers and accounts. A transfer belongs to the app
that it names, whatever its accounts say. So a transfer of accounts of another app is found in both
sets of books: here in those that it names, and as a gap in the entries of those accounts.
*/
create or replace function pgledger.verify_transfers(app_id text)
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
as $$
  with sound as (
    select
      transfers.id,
      transfers.from_key <> transfers.to_key
      and source.currency = target.currency
      and transfers.app_id = source.app_id
      and transfers.app_id = target.app_id as joins_its_like,
      pgledger.amount_fault(transfers.amount) is null as amount_is_right
    from pgledger.transfers
    left join pgledger.accounts as source on transfers.from_key = source.key
    left join pgledger.accounts as target on transfers.to_key = target.key
    where verify_transfers.app_id is null or transfers.app_id = verify_transfers.app_id
  ),

  counted as (
    select
      count(*) as transfers,
      count(*) filter (where sound.joins_its_like is not true) as strays,
      min(sound.id) filter (where sound.joins_its_like is not true) as a_stray,
      count(*) filter (where not sound.amount_is_right) as wrong_amounts,
      min(sound.id) filter (where not sound.amount_is_right) as a_wrong_amount
    from sound
  )

  select found.check_name, counted.transfers, found.violations, found.example
  from counted
  cross join lateral (
    values
    (
      'transfers join two accounts of one app and currency',
      counted.strays, counted.a_stray
    ),
    (
      'amounts are above 0, below 1e30, of at most 18 decimal places',
      counted.wrong_amounts, counted.a_wrong_amount
    )
  ) as found (check_name, violations, example)
  union all
  select
    'ids of accounts and transfers are well formed',
    count(*),
    count(*) filter (where pgledger.id_fault(named.id, named.prefix) is not null),
    min(named.id) filter (where pgledger.id_fault(named.id, named.prefix) is not null)
  from (
    select transfers.id, 'pglt' as prefix, transfers.app_id
    from pgledger.transfers
    union all
    select accounts.id, 'pgla' as prefix, accounts.app_id
    from pgledger.accounts
  ) as named
  where verify_transfers.app_id is null or named.app_id = verify_transfers.app_id
$$;

comment on function pgledger.verify_transfers is
  'Checks each transfer''s accounts and amount, and the ids of transfers and accounts.';

revoke all on function pgledger.verify_transfers from public;
