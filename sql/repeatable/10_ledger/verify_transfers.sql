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
  select
    'transfers join two accounts of one app and currency',
    count(*),
    count(*) filter (where sound.is_right is not true),
    min(sound.id) filter (where sound.is_right is not true)
  from (
    select
      transfers.id,
      transfers.from_key <> transfers.to_key
      and source.currency = target.currency
      and transfers.app_id = source.app_id
      and transfers.app_id = target.app_id as is_right
    from pgledger.transfers
    left join pgledger.accounts as source on transfers.from_key = source.key
    left join pgledger.accounts as target on transfers.to_key = target.key
    where verify_transfers.app_id is null or transfers.app_id = verify_transfers.app_id
  ) as sound
  union all
  select
    'amounts are above 0, below 1e30, of at most 18 decimal places',
    count(*),
    count(*) filter (where pgledger.amount_fault(transfers.amount) is not null),
    min(transfers.id) filter (where pgledger.amount_fault(transfers.amount) is not null)
  from pgledger.transfers
  where verify_transfers.app_id is null or transfers.app_id = verify_transfers.app_id
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
