/*
Whether a plan that a subscription has been on since a version of it has, or ever had, prices for
usage.
*/
create or replace function pgledger.has_prices(subscription_key bigint, since_version bigint)
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
        and subscription_changes.version >= has_prices.since_version
    ) as taken
    inner join pgledger.plan_versions on taken.plan_key = plan_versions.plan_key
    where jsonb_path_exists(plan_versions.pricing, '$.prices[0]')
  )
$$;

comment on function pgledger.has_prices is
  'Whether a plan that a subscription has been on has prices for usage.';

revoke all on function pgledger.has_prices from public;
