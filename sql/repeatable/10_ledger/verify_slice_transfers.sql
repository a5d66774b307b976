/*
Checks the transfers whose first leg is in a slice, and the ids of the accounts whose last entry is
in it, by the rules of verify_transfers(). Every transfer has a first leg, so every one is in one
slice, whatever its accounts say.
*/
create or replace function pgledger.verify_slice_transfers(
  start pgledger.slice_start,
  up_to_key bigint,
  up_to_version bigint
)
returns setof @extschema@.pgledger_check
language plpgsql
stable
parallel safe
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set jit = off
set max_parallel_workers_per_gather = 0
as $$
begin
  return query
  with count_of as materialized (
    select
      count(*) as transfers,
      count(*) filter (where sound.is_right is not true) as astray,
      min(sound.id) filter (where sound.is_right is not true) as one_astray,
      count(*) filter (where sound.amount_fault is not null) as amounts,
      min(sound.id) filter (where sound.amount_fault is not null) as amount,
      count(*) filter (where sound.id_fault is not null) as ids,
      min(sound.id) filter (where sound.id_fault is not null) as id
    from (
      select
        transfers.id,
        transfers.from_key <> transfers.to_key
        and source.currency = target.currency
        and transfers.app_id = source.app_id
        and transfers.app_id = target.app_id,
        pgledger.amount_fault(transfers.amount),
        pgledger.id_fault(transfers.id, 'pglt')
      from pgledger.transfers
      left join pgledger.accounts as source on transfers.from_key = source.key
      left join pgledger.accounts as target on transfers.to_key = target.key
      where (
          start.key is null
          or (transfers.from_key, transfers.from_version) > (start.key, start.version)
        )
        and (
          up_to_key is null
          or (transfers.from_key, transfers.from_version) <= (up_to_key, up_to_version)
        )
    ) as sound (id, is_right, amount_fault, id_fault)
  ),

  named (accounts, ids, id) as materialized (
    select
      count(*),
      count(*) filter (where account.fault),
      min(account.id) filter (where account.fault)
    from (
      select accounts.id, pgledger.id_fault(accounts.id, 'pgla') is not null
      from pgledger.accounts
      where (start.key is null or accounts.key >= start.key)
        and (up_to_key is null or accounts.key < up_to_key)
    ) as account (id, fault)
  )

  select checked.rule, checked.rows_checked, checked.violations, checked.example
  from count_of
  cross join named
  cross join lateral (
    values
      (
        1, 'transfers join two accounts of one app and currency',
        count_of.transfers, count_of.astray, count_of.one_astray
      ),
      (
        2, 'amounts are above 0, below 1e30, of at most 18 decimal places',
        count_of.transfers, count_of.amounts, count_of.amount
      ),
      (
        3, 'ids of accounts and transfers are well formed', count_of.transfers + named.accounts,
        count_of.ids + named.ids, least(count_of.id, named.id)
      )
  ) as checked (place, rule, rows_checked, violations, example)
  order by checked.place;
end;
$$;

comment on function pgledger.verify_slice_transfers is
  'Checks the transfers whose first leg is in a slice, and the ids of its accounts.';

revoke all on function pgledger.verify_slice_transfers from public;
