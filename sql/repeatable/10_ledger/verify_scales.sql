/*
Checks accounts against the decimal places of their currencies. Entries are not looked at: they may
be older than what is set now.
*/
create or replace function pgledger.verify_scales(app_id text)
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
as $$
  with scaled as materialized (
    select
      accounts.id,
      accounts.amount_scale is not distinct from currencies.amount_scale as scale_is_right,
      min_scale(accounts.balance) <= coalesce(accounts.amount_scale, 18) as balance_is_right
    from pgledger.accounts
    left join pgledger.currencies
      on accounts.app_id = currencies.app_id and accounts.currency = currencies.code
    where verify_scales.app_id is null or accounts.app_id = verify_scales.app_id
  )

  select
    'accounts have the decimal places of their currency',
    count(*),
    count(*) filter (where not scaled.scale_is_right),
    min(scaled.id) filter (where not scaled.scale_is_right)
  from scaled
  union all
  select
    'balances have no more decimal places than their account allows',
    count(*),
    count(*) filter (where not scaled.balance_is_right),
    min(scaled.id) filter (where not scaled.balance_is_right)
  from scaled
$$;

comment on function pgledger.verify_scales is
  'Checks decimal places of accounts and balances, in the books of that app or of all.';

revoke all on function pgledger.verify_scales from public;
