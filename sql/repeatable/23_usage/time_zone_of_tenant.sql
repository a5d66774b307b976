/*
The time zone in which a tenant counts: that of its subscription, or UTC if it has none. One that
goes on comes before one that has ended, an add-on last, the newest first.
*/
create or replace function pgledger.time_zone_of_tenant(app_id text, tenant_id text)
returns text
language sql
stable
parallel safe
as $$
  select coalesce(
    (
      select subscriptions.time_zone
      from pgledger.subscriptions
      where subscriptions.app_id = time_zone_of_tenant.app_id
        and subscriptions.tenant_id = time_zone_of_tenant.tenant_id
      order by subscriptions.status = 'canceled', subscriptions.add_on, subscriptions.key desc
      limit 1
    ),
    'UTC'
  )
$$;

comment on function pgledger.time_zone_of_tenant is 'The time zone in which a tenant counts.';

revoke all on function pgledger.time_zone_of_tenant from public;
