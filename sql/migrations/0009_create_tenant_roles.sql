/*
Database roles of tenants. Only an administrator writes the map; row-security policies compare it
with current_user, which no setting of a session can change.
*/
create table pgledger.tenant_roles (
  role_name name collate "C" not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  constraint tenant_roles_role_name_pk primary key (role_name)
);

comment on table pgledger.tenant_roles is
  'Which database role may read the rows of which tenant, through the views ledger_tenant_*.';
comment on column pgledger.tenant_roles.role_name is 'Database role.';
comment on column pgledger.tenant_roles.app_id is 'App of the tenant.';
comment on column pgledger.tenant_roles.tenant_id is 'Tenant whose rows the role sees.';

revoke all on table pgledger.tenant_roles from public;
grant select on table pgledger.tenant_roles to pgledger_auditor;

/*
Row security on the tables that the views read. It does not bind the tables' owner, so the billing
store's own functions see everything; it binds pgledger_tenant_views, which owns the views. It is
never forced: that would hide rows from the functions and from pg_dump. The policies read the map in
sub-selects, which run once a query.
*/
alter table pgledger.tenant_roles enable row level security;

create policy tenants_read_their_own on pgledger.tenant_roles
for select to pgledger_tenant_views
using (tenant_roles.role_name = current_user);

create policy tenants_read_their_own on pgledger.plans
for select to pgledger_tenant_views
using (
  plans.app_id = (
    select mapped.app_id
    from pgledger.tenant_roles as mapped
    where mapped.role_name = current_user
  )
  and plans.tenant_id in (
    '',
    (
      select mapped.tenant_id
      from pgledger.tenant_roles as mapped
      where mapped.role_name = current_user
    )
  )
);

create policy tenants_read_their_own on pgledger.features
for select to pgledger_tenant_views
using (
  features.app_id in (
    -- Features of all apps. A role that is not in the map does not see these either.
    (
      select '*' as app_id
      from pgledger.tenant_roles as mapped
      where mapped.role_name = current_user
    ),
    (
      select mapped.app_id
      from pgledger.tenant_roles as mapped
      where mapped.role_name = current_user
    )
  )
  and features.tenant_id in (
    '',
    (
      select mapped.tenant_id
      from pgledger.tenant_roles as mapped
      where mapped.role_name = current_user
    )
  )
);

create policy tenants_read_their_own on pgledger.subscriptions
for select to pgledger_tenant_views
using (
  (subscriptions.app_id, subscriptions.tenant_id) = (
    select
      mapped.app_id,
      mapped.tenant_id
    from pgledger.tenant_roles as mapped
    where mapped.role_name = current_user
  )
);

create policy tenants_read_their_own on pgledger.subscription_changes
for select to pgledger_tenant_views
using (
  (subscription_changes.app_id, subscription_changes.tenant_id) = (
    select
      mapped.app_id,
      mapped.tenant_id
    from pgledger.tenant_roles as mapped
    where mapped.role_name = current_user
  )
);

create policy tenants_read_their_own on pgledger.tenants
for select to pgledger_tenant_views
using (
  (tenants.app_id, tenants.tenant_id) = (
    select
      mapped.app_id,
      mapped.tenant_id
    from pgledger.tenant_roles as mapped
    where mapped.role_name = current_user
  )
);

create policy tenants_read_their_own on pgledger.meters
for select to pgledger_tenant_views
using (
  (meters.app_id, meters.tenant_id) = (
    select
      mapped.app_id,
      mapped.tenant_id
    from pgledger.tenant_roles as mapped
    where mapped.role_name = current_user
  )
);

-- The policy of pgledger.tenants leaves only the tenant's own row for the sub-select.
create policy tenants_read_their_own on pgledger.usage_events
for select to pgledger_tenant_views
using (
  usage_events.tenant_key = (
    select own.key
    from pgledger.tenants as own
    inner join pgledger.tenant_roles as mapped
      on own.app_id = mapped.app_id and own.tenant_id = mapped.tenant_id
    where mapped.role_name = current_user
  )
);

create policy tenants_read_their_own on pgledger.entitlement_cache
for select to pgledger_tenant_views
using (
  (entitlement_cache.app_id, entitlement_cache.tenant_id) = (
    select
      mapped.app_id,
      mapped.tenant_id
    from pgledger.tenant_roles as mapped
    where mapped.role_name = current_user
  )
);

grant select on table pgledger.tenant_roles to pgledger_tenant_views;
grant select on table pgledger.plans to pgledger_tenant_views;
grant select on table pgledger.features to pgledger_tenant_views;
grant select on table pgledger.subscriptions to pgledger_tenant_views;
grant select on table pgledger.subscription_changes to pgledger_tenant_views;
grant select on table pgledger.tenants to pgledger_tenant_views;
grant select on table pgledger.meters to pgledger_tenant_views;
grant select on table pgledger.usage_events to pgledger_tenant_views;
grant select on table pgledger.entitlement_cache to pgledger_tenant_views;

-- Without these policies an auditor would see the tables as empty.
create policy auditors_read_all on pgledger.tenant_roles
for select to pgledger_auditor using (true);
create policy auditors_read_all on pgledger.plans
for select to pgledger_auditor using (true);
create policy auditors_read_all on pgledger.features
for select to pgledger_auditor using (true);
create policy auditors_read_all on pgledger.subscriptions
for select to pgledger_auditor using (true);
create policy auditors_read_all on pgledger.subscription_changes
for select to pgledger_auditor using (true);
create policy auditors_read_all on pgledger.tenants
for select to pgledger_auditor using (true);
create policy auditors_read_all on pgledger.meters
for select to pgledger_auditor using (true);
create policy auditors_read_all on pgledger.usage_events
for select to pgledger_auditor using (true);
create policy auditors_read_all on pgledger.entitlement_cache
for select to pgledger_auditor using (true);
create policy auditors_read_all on pgledger.feature_invalidations
for select to pgledger_auditor using (true);
