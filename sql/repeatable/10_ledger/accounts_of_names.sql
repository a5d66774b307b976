/*
The accounts that names lead to. The first arrays hold each account once; leg n of account_ids
belongs to name n, and is null where the name does not lead to one account. Each name is looked up
once, and two accounts of it are read at most.

Names are joined by hashes, never each with each, and accounts are found by index, whatever the
statistics say.
*/
create or replace function pgledger.accounts_of_names(
  names text[],
  currencies text[],
  tenant_ids text[],
  app_id text,
  out found_ids text[],
  out found_names text[],
  out account_ids text[]
)
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_generic_plan
set enable_nestloop = off
set enable_mergejoin = off
set enable_seqscan = off
set jit = off
as $$
begin
  with leg as materialized (
    select given.name, given.currency, given.tenant_id, given.place
    from unnest(names, currencies, tenant_ids)
      with ordinality as given (name, currency, tenant_id, place)
  ),

  looked_up as materialized (
    select wanted.name, wanted.currency, wanted.tenant_id, account.id
    from (select distinct leg.name, leg.currency, leg.tenant_id from leg) as wanted
    cross join lateral (
      select case when min(same.id) = max(same.id) then min(same.id) end as id
      from (
        select accounts.id
        from pgledger.accounts
        where accounts.app_id = accounts_of_names.app_id
          and accounts.tenant_id = wanted.tenant_id
          and accounts.name = wanted.name
          and accounts.currency = wanted.currency
        limit 2
      ) as same
    ) as account
  )

  select
    (
      select array_agg(looked_up.id)
      from looked_up
      where looked_up.id is not null
    ),
    (
      select array_agg(looked_up.name)
      from looked_up
      where looked_up.id is not null
    ),
    array_agg(looked_up.id order by leg.place)
  into found_ids, found_names, account_ids
  from leg
  left join looked_up
    on
      leg.name = looked_up.name
      and leg.currency = looked_up.currency
      and leg.tenant_id = looked_up.tenant_id;
end;
$$;

comment on function pgledger.accounts_of_names is
  'Ids of the accounts that names lead to; null for a name that does not lead to one account.';

revoke all on function pgledger.accounts_of_names from public;
