/*
Whether a plan that a subscription has been on has prices for usage.
*/
create or replace function pgledger.has_prices(subscription_key bigint)
returns boolean
language sql
stable
parallel safe
as $$
  select exists (
    select
    from (
      select distinct subscription_changes.plan_key
      from pgledger.subscription_changes
      where subscription_changes.subscription_key = has_prices.subscription_key
    ) as taken
    cross join lateral pgledger.plan_terms(taken.plan_key, pgledger.clock()) as terms
    where jsonb_path_exists(terms.pricing, '$.prices[0]')
  )
$$;

comment on function pgledger.has_prices is
  'Whether a plan that a subscription has been on has prices for usage.';

revoke all on function pgledger.has_prices from public;
