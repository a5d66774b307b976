/*
pgledger 0.1.0.dev0, everything in one file. Generated; do not edit.

Installs into a database that has nothing of pgledger, in one transaction:

  psql -v ON_ERROR_STOP=1 -f pgledger.sql

The functions and views go into the schema "public";
`pgledger dump --schema NAME` writes this for another one.

Everything will belong to the role pgledger_owner, which is made if it is missing.
Later versions come with `pgledger migrate`, which takes over from here.
*/
begin;

set local client_encoding = 'UTF8';
set local client_min_messages = 'warning';
set local standard_conforming_strings = 'on';
set local check_function_bodies = 'off';
set local transform_null_equals = 'off';
set local datestyle = 'ISO';
set local intervalstyle = 'postgres';
set local timezone = 'UTC';
set local default_tablespace = '';
set local default_table_access_method = 'heap';
set local row_security = 'on';
set local lock_timeout = '5000ms';
set local statement_timeout = '0';
set local idle_in_transaction_session_timeout = '0';
set local search_path = pg_catalog, pg_temp;

do $guard$
declare
  v_surface constant text := 'public';
begin
  if pg_catalog.current_setting('server_version_num')::integer < 150000 then
    raise exception 'pgledger needs PostgreSQL % or newer, this is %',
      150000 / 10000, pg_catalog.current_setting('server_version');
  end if;
  if exists (
    select
    from pg_catalog.pg_class
    join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
    where pg_namespace.nspname = 'pgledger' and pg_class.relname = 'schema_history'
  ) then
    raise exception 'pgledger is installed in the database % already',
      pg_catalog.current_database()
      using hint = 'Upgrade it with: pgledger migrate';
  end if;
  if v_surface in ('pgledger', 'information_schema')
    or pg_catalog.starts_with(v_surface, 'pg_')
  then
    raise exception 'the public functions and views cannot be in the schema %', v_surface;
  end if;
  if exists (
    select owner.rolname
    from pg_catalog.pg_namespace
    join pg_catalog.pg_roles as owner on owner.oid = pg_namespace.nspowner
    where pg_namespace.nspname = 'public'
      and owner.oid <> all(array(select pg_roles.oid
    from pg_catalog.pg_roles
    join pg_catalog.pg_roles as session on session.rolname = session_user
    where pg_roles.rolname in ('pgledger_owner', 'pg_database_owner')
      or pg_roles.rolsuper
      or pg_roles.oid = session.oid
      or (pg_roles.rolname = current_user and not session.rolsuper)
      or pg_roles.oid = (
        select pg_database.datdba
        from pg_catalog.pg_database
        where pg_database.datname = pg_catalog.current_database()
      )))
  ) then
    raise exception 'the schema % belongs to somebody who could replace what is made in it',
      v_surface
      using hint = 'Make the owner of the database its owner, or name another schema.';
  end if;
  if exists (
    select
      object.kind,
      object.name
    from (
      select
        'table or view' as kind,
        pg_class.relname as name,
        pg_class.relnamespace as namespace
      from pg_catalog.pg_class
      where pg_class.relkind in ('r', 'v', 'm', 'p', 'f', 'S')
      union all
      select distinct
        'function',
        pg_proc.proname,
        pg_proc.pronamespace
      from pg_catalog.pg_proc
      union all
      -- Rows of tables and views have types of their names, which stand for them above.
      select
        'type',
        pg_type.typname,
        pg_type.typnamespace
      from pg_catalog.pg_type
      left join pg_catalog.pg_class on pg_class.oid = pg_type.typrelid
      where pg_class.oid is null or pg_class.relkind = 'c'
    ) as object
    join pg_catalog.pg_namespace on pg_namespace.oid = object.namespace
    where pg_namespace.nspname = 'public'
      and (pg_catalog.starts_with(object.name::text, 'pgledger_') or object.name = any(array[
      'ledger_advance',
      'ledger_aggregate_usage',
      'ledger_aggregate_usage_by_feature',
      'ledger_archive_coupon',
      'ledger_archive_feature',
      'ledger_archive_plan',
      'ledger_cancel_subscription',
      'ledger_change_plan',
      'ledger_check_entitlement',
      'ledger_consume_entitlement',
      'ledger_consumption',
      'ledger_coupon',
      'ledger_coupon_redemption',
      'ledger_coupon_redemptions',
      'ledger_coupons',
      'ledger_create_coupon',
      'ledger_create_feature',
      'ledger_create_invoice',
      'ledger_create_plan',
      'ledger_create_subscription',
      'ledger_currencies',
      'ledger_currency',
      'ledger_delete_coupon',
      'ledger_delete_feature',
      'ledger_delete_invoice',
      'ledger_delete_plan',
      'ledger_entitlement',
      'ledger_entitlement_cache',
      'ledger_feature',
      'ledger_feature_usage',
      'ledger_features',
      'ledger_finalize_invoice',
      'ledger_generate_invoice',
      'ledger_get_active_subscription',
      'ledger_get_cached_entitlement',
      'ledger_get_coupon',
      'ledger_get_coupon_by_id',
      'ledger_get_feature',
      'ledger_get_feature_by_key',
      'ledger_get_invoice',
      'ledger_get_invoice_by_period',
      'ledger_get_plan',
      'ledger_get_plan_by_slug',
      'ledger_get_subscription',
      'ledger_ingest_usage',
      'ledger_invalidate_feature_entitlements',
      'ledger_invalidate_tenant_entitlements',
      'ledger_invoice',
      'ledger_invoice_payments',
      'ledger_invoice_preview',
      'ledger_invoices',
      'ledger_list_coupon_redemptions',
      'ledger_list_coupons',
      'ledger_list_features',
      'ledger_list_global_features',
      'ledger_list_invoices',
      'ledger_list_payments',
      'ledger_list_pending_invoices',
      'ledger_list_plans',
      'ledger_list_subscriptions',
      'ledger_map_tenant_role',
      'ledger_mark_invoice_paid',
      'ledger_mark_invoice_uncollectible',
      'ledger_mark_invoice_voided',
      'ledger_pause_subscription',
      'ledger_payment',
      'ledger_plan',
      'ledger_plans',
      'ledger_preview_invoice',
      'ledger_price_line',
      'ledger_price_usage',
      'ledger_purge_usage',
      'ledger_query_usage',
      'ledger_record_payment',
      'ledger_record_usage',
      'ledger_redeem_coupon',
      'ledger_refresh_invoice',
      'ledger_remaining_entitlement',
      'ledger_resume_subscription',
      'ledger_set_cached_entitlement',
      'ledger_set_currency',
      'ledger_set_payment_terms',
      'ledger_set_usage_skew',
      'ledger_subscription',
      'ledger_subscription_changes',
      'ledger_subscription_move',
      'ledger_subscriptions',
      'ledger_tenant_entitlement_cache',
      'ledger_tenant_features',
      'ledger_tenant_invoice_payments',
      'ledger_tenant_invoices',
      'ledger_tenant_plans',
      'ledger_tenant_subscription_changes',
      'ledger_tenant_subscriptions',
      'ledger_tenant_usage_events',
      'ledger_unmap_tenant_role',
      'ledger_update_coupon',
      'ledger_update_feature',
      'ledger_update_plan',
      'ledger_update_subscription',
      'ledger_usage_answer',
      'ledger_usage_event',
      'ledger_usage_events',
      'ledger_usage_receipt']::text[]))
    order by object.name
    limit 6
  ) then
    raise exception 'the schema % has objects that are named like ours already', v_surface
      using hint = 'They are not of this pgledger; name another schema.';
  end if;
end
$guard$;

do $requirements$
declare
  v_search_path constant text := pg_catalog.current_setting('search_path');
  v_need record;
  v_last text;
begin
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  loop
    select need.kind, need.name, need.statement
    into v_need
    from (
      with given as (
        select
          'public'::name as surface,
          current_user::name as migrator,
          -- 16 separated being a member from being allowed to SET ROLE.
          pg_catalog.current_setting('server_version_num')::integer >= 160000 as has_set
      ),

      -- Two roles own things; the others use the surface and own nothing. The reader comes last: what it
      -- has reaches poster and auditor as its members, who are to have it in their own right.
      wanted (place, name, owned) as (
        values
          (1, 'pgledger_owner'::name, 'tables'),
          (2, 'pgledger_tenant_views', 'views'),
          (3, 'pgledger_poster', null),
          (4, 'pgledger_auditor', null),
          (5, 'pgledger_tenant', null),
          (6, 'pgledger_reader', null)
      ),

      role as (
        select
          wanted.place,
          wanted.name,
          wanted.owned,
          pg_roles.oid
        from wanted
        join pg_catalog.pg_roles on pg_roles.rolname = wanted.name
      ),

      surface as (
        select
          pg_namespace.oid,
          pg_namespace.nspname as name
        from given
        join pg_catalog.pg_namespace on pg_namespace.nspname = given.surface
      ),

      -- A member that must act as the role has to inherit its rights as well.
      membership (place, member, role, acts) as (
        select
          1,
          given.migrator,
          'pgledger_owner'::name,
          true
        from given
        where given.migrator is not null
        union all
        -- Who posts or audits may read as well, so functions and views are granted to readers alone.
        select
          2,
          role.name,
          'pgledger_reader',
          false
        from role
        where role.name in ('pgledger_poster', 'pgledger_auditor')
        union all
        -- To hand views over to it, and to replace them afterwards.
        select
          3,
          role.name,
          'pgledger_tenant_views',
          true
        from role
        where role.name = 'pgledger_owner'
      ),

      -- The writing functions run with the rights of pgledger_owner, which must stay small. Views of
      -- pgledger_tenant_views would show tenants everything if it could pass row-security policies by,
      -- be it as a member of another role.
      excess as (
        select
          role.place,
          role.name,
          role.owned,
          pg_catalog.concat_ws(
            ', ',
            case when pg_roles.rolsuper then 'SUPERUSER' end,
            case when pg_roles.rolcanlogin then 'LOGIN' end,
            case when pg_roles.rolcreaterole then 'CREATEROLE' end,
            case when pg_roles.rolcreatedb then 'CREATEDB' end,
            case when pg_roles.rolreplication then 'REPLICATION' end,
            case when pg_roles.rolbypassrls then 'BYPASSRLS' end
          ) as attributes,
          (
            select
              pg_catalog.string_agg(
                pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(pg_auth_members.roleid)), ', '
                order by pg_auth_members.roleid
              )
            from pg_catalog.pg_auth_members
            where pg_auth_members.member = role.oid
              and role.name = 'pgledger_tenant_views'
          ) as memberships
        from role
        join pg_catalog.pg_roles on pg_roles.oid = role.oid
        where role.owned is not null
      )

      select
        excess.place,
        'excess' as kind,
        pg_catalog.format(
          'the role %s exists and is more than an owner of %s: it has %s',
          excess.name, excess.owned, excess.attributes
        ) as name,
        pg_catalog.format(
          'alter role %I nologin nosuperuser nocreaterole nocreatedb noreplication nobypassrls',
          excess.name
        ) as statement
      from excess
      where excess.attributes <> ''
      union all
      select
        10 + excess.place,
        'excess',
        pg_catalog.format(
          'the role %s exists and is more than an owner of %s: it is a member of %s',
          excess.name, excess.owned, excess.memberships
        ),
        pg_catalog.format('revoke %s from %I', excess.memberships, excess.name)
      from excess
      where excess.memberships is not null
      union all
      select
        20 + wanted.place,
        'role',
        pg_catalog.format('the role %s', wanted.name),
        pg_catalog.format('create role %I nologin', wanted.name)
      from wanted
      where wanted.name not in (select role.name from role)
      union all
      select
        30 + membership.place,
        'grant',
        pg_catalog.format('membership of %s in %s', membership.member, membership.role),
        pg_catalog.format('grant %I to %I', membership.role, membership.member)
          || case when given.has_set and membership.acts then ' with inherit true, set true' else '' end
      from membership
      join role on role.name = membership.role
      cross join given
      where not pg_catalog.pg_has_role(
          membership.member, role.oid,
          case when given.has_set and membership.acts then 'SET' else 'MEMBER' end)
        or (membership.member = 'pgledger_owner'
          and not pg_catalog.pg_has_role(membership.member, role.oid, 'USAGE'))
      union all
      select
        40,
        'grant',
        pg_catalog.format('CREATE on the database for %s', role.name),
        pg_catalog.format(
          'grant create on database %I to %I', pg_catalog.current_database(), role.name
        )
      from role
      where role.name = 'pgledger_owner'
        and not pg_catalog.has_database_privilege(role.oid, pg_catalog.current_database(), 'create')
      union all
      select
        50,
        'grant',
        pg_catalog.format('CREATE and USAGE on the schema %I for %s', surface.name, role.name),
        pg_catalog.format('grant create, usage on schema %I to %I', surface.name, role.name)
      from role
      cross join surface
      where role.name = 'pgledger_owner'
        and not (
          pg_catalog.has_schema_privilege(role.oid, surface.oid, 'create')
          and pg_catalog.has_schema_privilege(role.oid, surface.oid, 'usage')
        )
      union all
      -- A view's new owner must be one who could have made it there.
      select
        51,
        'grant',
        pg_catalog.format('CREATE on the schema %I for %s', surface.name, role.name),
        pg_catalog.format('grant create on schema %I to %I', surface.name, role.name)
      from role
      cross join surface
      where role.name = 'pgledger_tenant_views'
        and not pg_catalog.has_schema_privilege(role.oid, surface.oid, 'create')
      union all
      select
        60 + role.place,
        'grant',
        pg_catalog.format('USAGE on the schema %I for %s', surface.name, role.name),
        pg_catalog.format('grant usage on schema %I to %I', surface.name, role.name)
      from role
      cross join surface
      where role.owned is null
        and not pg_catalog.has_schema_privilege(role.oid, surface.oid, 'usage')
      order by place
    ) as need
    order by need.place
    limit 1;
    exit when not found;
    if v_need.kind = 'excess' then
      raise exception '%', v_need.name
        using hint = pg_catalog.format('Take that from it: %s.', v_need.statement);
    end if;
    begin
      -- GRANT by a role that may not grant sometimes only warns.
      if v_need.statement is not distinct from v_last then
        raise insufficient_privilege;
      end if;
      v_last := v_need.statement;
      execute v_need.statement;
    exception
      -- Roles belong to all databases of the server: another one's migration was faster.
      when duplicate_object or unique_violation then
        if v_need.kind <> 'role' then
          raise;
        end if;
      when insufficient_privilege then
        raise exception 'the role % may not make what pgledger needs first: %',
          current_user, v_need.name
          using errcode = 'insufficient_privilege',
            hint = pg_catalog.format(
              'Have an administrator run what `pgledger roles --for %I` prints, connected to '
              'the database %I.', current_user, pg_catalog.current_database());
    end;
  end loop;
  perform pg_catalog.set_config('search_path', v_search_path, true);
end
$requirements$;

set local role pgledger_owner;

do $surface$
declare
  v_surface constant text := 'public';
begin
  if not exists (select from pg_catalog.pg_namespace where nspname = v_surface) then
    execute pg_catalog.format('create schema %I', v_surface);
  end if;
end
$surface$;

do $requirements$
declare
  v_search_path constant text := pg_catalog.current_setting('search_path');
  v_need record;
  v_last text;
begin
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  loop
    select need.kind, need.name, need.statement
    into v_need
    from (
      with given as (
        select
          'public'::name as surface,
          current_user::name as migrator,
          -- 16 separated being a member from being allowed to SET ROLE.
          pg_catalog.current_setting('server_version_num')::integer >= 160000 as has_set
      ),

      -- Two roles own things; the others use the surface and own nothing. The reader comes last: what it
      -- has reaches poster and auditor as its members, who are to have it in their own right.
      wanted (place, name, owned) as (
        values
          (1, 'pgledger_owner'::name, 'tables'),
          (2, 'pgledger_tenant_views', 'views'),
          (3, 'pgledger_poster', null),
          (4, 'pgledger_auditor', null),
          (5, 'pgledger_tenant', null),
          (6, 'pgledger_reader', null)
      ),

      role as (
        select
          wanted.place,
          wanted.name,
          wanted.owned,
          pg_roles.oid
        from wanted
        join pg_catalog.pg_roles on pg_roles.rolname = wanted.name
      ),

      surface as (
        select
          pg_namespace.oid,
          pg_namespace.nspname as name
        from given
        join pg_catalog.pg_namespace on pg_namespace.nspname = given.surface
      ),

      -- A member that must act as the role has to inherit its rights as well.
      membership (place, member, role, acts) as (
        select
          1,
          given.migrator,
          'pgledger_owner'::name,
          true
        from given
        where given.migrator is not null
        union all
        -- Who posts or audits may read as well, so functions and views are granted to readers alone.
        select
          2,
          role.name,
          'pgledger_reader',
          false
        from role
        where role.name in ('pgledger_poster', 'pgledger_auditor')
        union all
        -- To hand views over to it, and to replace them afterwards.
        select
          3,
          role.name,
          'pgledger_tenant_views',
          true
        from role
        where role.name = 'pgledger_owner'
      ),

      -- The writing functions run with the rights of pgledger_owner, which must stay small. Views of
      -- pgledger_tenant_views would show tenants everything if it could pass row-security policies by,
      -- be it as a member of another role.
      excess as (
        select
          role.place,
          role.name,
          role.owned,
          pg_catalog.concat_ws(
            ', ',
            case when pg_roles.rolsuper then 'SUPERUSER' end,
            case when pg_roles.rolcanlogin then 'LOGIN' end,
            case when pg_roles.rolcreaterole then 'CREATEROLE' end,
            case when pg_roles.rolcreatedb then 'CREATEDB' end,
            case when pg_roles.rolreplication then 'REPLICATION' end,
            case when pg_roles.rolbypassrls then 'BYPASSRLS' end
          ) as attributes,
          (
            select
              pg_catalog.string_agg(
                pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(pg_auth_members.roleid)), ', '
                order by pg_auth_members.roleid
              )
            from pg_catalog.pg_auth_members
            where pg_auth_members.member = role.oid
              and role.name = 'pgledger_tenant_views'
          ) as memberships
        from role
        join pg_catalog.pg_roles on pg_roles.oid = role.oid
        where role.owned is not null
      )

      select
        excess.place,
        'excess' as kind,
        pg_catalog.format(
          'the role %s exists and is more than an owner of %s: it has %s',
          excess.name, excess.owned, excess.attributes
        ) as name,
        pg_catalog.format(
          'alter role %I nologin nosuperuser nocreaterole nocreatedb noreplication nobypassrls',
          excess.name
        ) as statement
      from excess
      where excess.attributes <> ''
      union all
      select
        10 + excess.place,
        'excess',
        pg_catalog.format(
          'the role %s exists and is more than an owner of %s: it is a member of %s',
          excess.name, excess.owned, excess.memberships
        ),
        pg_catalog.format('revoke %s from %I', excess.memberships, excess.name)
      from excess
      where excess.memberships is not null
      union all
      select
        20 + wanted.place,
        'role',
        pg_catalog.format('the role %s', wanted.name),
        pg_catalog.format('create role %I nologin', wanted.name)
      from wanted
      where wanted.name not in (select role.name from role)
      union all
      select
        30 + membership.place,
        'grant',
        pg_catalog.format('membership of %s in %s', membership.member, membership.role),
        pg_catalog.format('grant %I to %I', membership.role, membership.member)
          || case when given.has_set and membership.acts then ' with inherit true, set true' else '' end
      from membership
      join role on role.name = membership.role
      cross join given
      where not pg_catalog.pg_has_role(
          membership.member, role.oid,
          case when given.has_set and membership.acts then 'SET' else 'MEMBER' end)
        or (membership.member = 'pgledger_owner'
          and not pg_catalog.pg_has_role(membership.member, role.oid, 'USAGE'))
      union all
      select
        40,
        'grant',
        pg_catalog.format('CREATE on the database for %s', role.name),
        pg_catalog.format(
          'grant create on database %I to %I', pg_catalog.current_database(), role.name
        )
      from role
      where role.name = 'pgledger_owner'
        and not pg_catalog.has_database_privilege(role.oid, pg_catalog.current_database(), 'create')
      union all
      select
        50,
        'grant',
        pg_catalog.format('CREATE and USAGE on the schema %I for %s', surface.name, role.name),
        pg_catalog.format('grant create, usage on schema %I to %I', surface.name, role.name)
      from role
      cross join surface
      where role.name = 'pgledger_owner'
        and not (
          pg_catalog.has_schema_privilege(role.oid, surface.oid, 'create')
          and pg_catalog.has_schema_privilege(role.oid, surface.oid, 'usage')
        )
      union all
      -- A view's new owner must be one who could have made it there.
      select
        51,
        'grant',
        pg_catalog.format('CREATE on the schema %I for %s', surface.name, role.name),
        pg_catalog.format('grant create on schema %I to %I', surface.name, role.name)
      from role
      cross join surface
      where role.name = 'pgledger_tenant_views'
        and not pg_catalog.has_schema_privilege(role.oid, surface.oid, 'create')
      union all
      select
        60 + role.place,
        'grant',
        pg_catalog.format('USAGE on the schema %I for %s', surface.name, role.name),
        pg_catalog.format('grant usage on schema %I to %I', surface.name, role.name)
      from role
      cross join surface
      where role.owned is null
        and not pg_catalog.has_schema_privilege(role.oid, surface.oid, 'usage')
      order by place
    ) as need
    order by need.place
    limit 1;
    exit when not found;
    if v_need.kind = 'excess' then
      raise exception '%', v_need.name
        using hint = pg_catalog.format('Take that from it: %s.', v_need.statement);
    end if;
    begin
      -- GRANT by a role that may not grant sometimes only warns.
      if v_need.statement is not distinct from v_last then
        raise insufficient_privilege;
      end if;
      v_last := v_need.statement;
      execute v_need.statement;
    exception
      -- Roles belong to all databases of the server: another one's migration was faster.
      when duplicate_object or unique_violation then
        if v_need.kind <> 'role' then
          raise;
        end if;
      when insufficient_privilege then
        raise exception 'the role % may not make what pgledger needs first: %',
          current_user, v_need.name
          using errcode = 'insufficient_privilege',
            hint = pg_catalog.format(
              'Have an administrator run what `pgledger roles --for %I` prints, connected to '
              'the database %I.', current_user, pg_catalog.current_database());
    end;
  end loop;
  perform pg_catalog.set_config('search_path', v_search_path, true);
end
$requirements$;

set local search_path = pgledger, pg_temp;

-- file: migrations/0001_create_foundation.sql
/*
The private schema and the record of what has been applied to this database.

The role that creates all this also owns it: pgledger_owner, or, without roles of pgledger's own,
the role that migrates.
*/
create schema pgledger;

comment on schema pgledger is
  'Private part of pgledger: tables, private types and helper functions. '
  'Applications use the functions and views named pgledger_*, never this schema.';

revoke all on schema pgledger from public;
grant usage on schema pgledger to pgledger_auditor;

create table pgledger.schema_history (
  name text collate "C" not null,
  kind text collate "C" not null,
  sha256 text collate "C" not null,
  applied_at timestamptz not null,
  package_version text not null,
  constraint schema_history_name_pk primary key (name),
  constraint schema_history_kind_is_versioned_or_repeatable_check
  check (kind in ('versioned', 'repeatable')),
  constraint schema_history_sha256_is_64_hex_digits_check
  check (sha256 ~ '^[0-9a-f]{64}$')
);

comment on table pgledger.schema_history is
  'One row for each SQL file applied to this database; `pgledger migrate` compares them.';
comment on column pgledger.schema_history.name is
  'Path of the file below sql/, for example migrations/0001_create_foundation.sql.';
comment on column pgledger.schema_history.kind is
  'versioned: run once, never edited. repeatable: applied again whenever a file changed.';
comment on column pgledger.schema_history.sha256 is
  'SHA-256 of the file as applied, 64 lower-case hexadecimal digits.';
comment on column pgledger.schema_history.applied_at is
  'When the file was last applied: the start of the migration''s transaction.';
comment on column pgledger.schema_history.package_version is
  'Version of the pgledger package that applied the file.';

revoke all on table pgledger.schema_history from public;
grant select on table pgledger.schema_history to pgledger_auditor;

-- file: migrations/0002_create_accounts.sql
/*
Accounts. Every transfer updates the rows of its accounts. So the columns that change stand together
(less to log), pages keep room for the next version of a row beside the last one (heap-only
updates), and no index holds a column that changes.

There are no CHECK constraints: PostgreSQL parses them anew for every statement that writes the
table, which cost a sixth of a transfer. Only the writing functions write here, and they check
first; pgledger_verify() checks what was written.
*/
create table pgledger.accounts (
  -- An entry's id has 40 bits for this key: 8 for the node, which is 0 here, and 32 for the count.
  key bigint generated always as identity (minvalue 1 maxvalue 4294967295),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version bigint default 0 not null,
  balance numeric default 0 not null,
  held_out numeric default 0 not null,
  held_in numeric default 0 not null,
  min_balance numeric,
  max_balance numeric,
  status smallint default 0 not null,
  amount_scale smallint,
  allow_negative_balance boolean not null,
  allow_positive_balance boolean not null,
  id text collate "C" not null,
  app_id text collate "C" not null,
  currency text collate "C" not null,
  name text collate "C" not null,
  tenant_id text collate "C" not null,
  metadata jsonb,
  constraint accounts_key_pk primary key (key),
  constraint accounts_id_key unique (id)
) with (fillfactor = 50);

create index accounts_app_id_tenant_id_name_idx
on pgledger.accounts (app_id, tenant_id, name);

comment on table pgledger.accounts is
  'One row an account: what it is, and its balance and version after the newest transfer. '
  'Rows are never deleted; id, key, app, currency, name, tenant, limits and metadata never change.';
comment on column pgledger.accounts.key is
  'Internal key of the account; transfers refer to it. 8 bits name the node, 32 count.';
comment on column pgledger.accounts.created_at is 'When the account was recorded.';
comment on column pgledger.accounts.updated_at is
  'created_at of the newest transfer; before the first one, of the account itself. The next '
  'transfer is later.';
comment on column pgledger.accounts.version is
  'Count of the account''s entries, whose versions run from 1 to this without a gap.';
comment on column pgledger.accounts.balance is
  'Sum of the account''s entries, in units of its currency, with at most 18 decimal places.';
comment on column pgledger.accounts.held_out is
  'Sum of what open holds keep back to leave the account; 0 as long as there are no holds.';
comment on column pgledger.accounts.held_in is
  'Sum of what open holds keep back on other accounts to reach this one; 0 as long as there are '
  'no holds.';
comment on column pgledger.accounts.min_balance is
  'The balance less held_out never falls below this limit; null for none.';
comment on column pgledger.accounts.max_balance is
  'The balance plus held_in never exceeds this limit; null for none.';
comment on column pgledger.accounts.status is
  '0: open. 1: frozen, nothing may leave. 2: frozen, nothing may reach it. 3: frozen for both. 4: '
  'closed.';
comment on column pgledger.accounts.amount_scale is
  'Decimal places that amounts may have; null for 18.';
comment on column pgledger.accounts.allow_negative_balance is
  'Whether a transfer may leave the balance below zero.';
comment on column pgledger.accounts.allow_positive_balance is
  'Whether a transfer may leave the balance above zero.';
comment on column pgledger.accounts.id is 'Public id: pgla_ and a ULID.';
comment on column pgledger.accounts.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column pgledger.accounts.currency is
  'Unit of the balance: 1 to 32 visible characters, for example USD.';
comment on column pgledger.accounts.name is 'Name for people, 1 to 255 characters, as given.';
comment on column pgledger.accounts.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';
comment on column pgledger.accounts.metadata is
  'JSON object given at creation, at most 64 KiB. Store references in it, never personal data.';

revoke all on table pgledger.accounts from public;
grant select on table pgledger.accounts to pgledger_auditor;

-- file: migrations/0003_create_transfers.sql
/*
Transfers. One row holds both legs, so a transfer that does not balance cannot be written down.

There is no foreign key to accounts: it would lock both accounts a second time for every row. The
accounts of a transfer exist all the same: the writing functions hold both rows locked, and accounts
are never deleted. There are no CHECK constraints, for the reason given for accounts.
*/
create table pgledger.transfers (
  from_key bigint not null,
  to_key bigint not null,
  from_version bigint not null,
  to_version bigint not null,
  created_at timestamptz not null,
  event_at timestamptz,
  id text collate "C" not null,
  app_id text collate "C" not null,
  amount numeric not null,
  from_balance numeric not null,
  to_balance numeric not null,
  group_id text collate "C",
  origin_id text collate "C",
  metadata jsonb,
  constraint transfers_id_pk primary key (id),
  constraint transfers_from_key_from_version_key unique (from_key, from_version),
  constraint transfers_to_key_to_version_key unique (to_key, to_version)
);

create index transfers_app_id_group_id_idx on pgledger.transfers (app_id, group_id)
where group_id is not null;
create index transfers_app_id_origin_id_idx on pgledger.transfers (app_id, origin_id)
where origin_id is not null;

comment on table pgledger.transfers is
  'One row a transfer, with both of its legs: the account that the amount left and the one that '
  'it reached. Rows are never updated or deleted; a correction is another transfer.';
comment on column pgledger.transfers.from_key is 'Account that the amount left.';
comment on column pgledger.transfers.to_key is 'Account that the amount reached.';
comment on column pgledger.transfers.from_version is
  'Version of the account that the amount left, right after the transfer.';
comment on column pgledger.transfers.to_version is
  'Version of the account that the amount reached, right after the transfer.';
comment on column pgledger.transfers.created_at is
  'When it was recorded, decided under both accounts'' locks: later than everything recorded '
  'before on either account.';
comment on column pgledger.transfers.event_at is
  'When it happened in the world, as given; null if it was not given, and then it is created_at.';
comment on column pgledger.transfers.id is 'Public id: pglt_ and a ULID.';
comment on column pgledger.transfers.app_id is
  'Set of books that both accounts belong to; the empty text where there is only one.';
comment on column pgledger.transfers.amount is
  'What moved, in units of the currency: above 0, below 1e30, at most 18 decimal places.';
comment on column pgledger.transfers.from_balance is
  'Balance of the account that the amount left, right after the transfer.';
comment on column pgledger.transfers.to_balance is
  'Balance of the account that the amount reached, right after the transfer.';
comment on column pgledger.transfers.group_id is
  'Name that joins the transfers of one call, for example an order''s number, or null.';
comment on column pgledger.transfers.origin_id is
  'Hold that it posts (pglh_) or transfer that it reverses (pglt_), or null.';
comment on column pgledger.transfers.metadata is
  'JSON object given at creation, at most 64 KiB. Store references in it, never personal data.';

revoke all on table pgledger.transfers from public;
grant select on table pgledger.transfers to pgledger_auditor;

-- file: migrations/0004_create_ledger_types.sql
/*
What the ledger's functions take and return. Results are types of their own and not rows of views.
So functions need no view, and a result may have columns that a view cannot have. New columns are
only added at the end of a type.
*/
-- This type keeps its three attributes for ever: callers write plain rows, which match them by
-- position.
create type public.pgledger_transfer_request as (
  from_account_id text,
  to_account_id text,
  amount numeric
);

comment on type public.pgledger_transfer_request is
  'One transfer to make: (from_account_id, to_account_id, amount). '
  'Written as a plain row: (''pgla_...'', ''pgla_...'', 12.34).';
comment on column public.pgledger_transfer_request.from_account_id is
  'Account that the amount leaves.';
comment on column public.pgledger_transfer_request.to_account_id is
  'Account that the amount reaches.';
comment on column public.pgledger_transfer_request.amount is
  'What to move, in units of the currency.';

revoke all on type public.pgledger_transfer_request from public;
grant usage on type public.pgledger_transfer_request to pgledger_reader;

create type public.pgledger_account as (
  id text collate "C",
  name text collate "C",
  currency text collate "C",
  balance numeric,
  version bigint,
  allow_negative_balance boolean,
  allow_positive_balance boolean,
  metadata jsonb,
  created_at timestamptz,
  updated_at timestamptz,
  app_id text collate "C",
  tenant_id text collate "C",
  replayed boolean
);

comment on type public.pgledger_account is 'An account as it stands.';
comment on column public.pgledger_account.id is 'Public id: pgla_ and a ULID.';
comment on column public.pgledger_account.name is
  'Name for people, 1 to 255 characters, as given.';
comment on column public.pgledger_account.currency is
  'Unit of the balance: 1 to 32 visible characters, for example USD.';
comment on column public.pgledger_account.balance is
  'Sum of the account''s entries, in units of its currency, with at most 18 decimal places.';
comment on column public.pgledger_account.version is
  'Count of the account''s entries, whose versions run from 1 to this without a gap.';
comment on column public.pgledger_account.allow_negative_balance is
  'Whether a transfer may leave the balance below zero.';
comment on column public.pgledger_account.allow_positive_balance is
  'Whether a transfer may leave the balance above zero.';
comment on column public.pgledger_account.metadata is
  'JSON object given at creation, or null.';
comment on column public.pgledger_account.created_at is 'When the account was recorded.';
comment on column public.pgledger_account.updated_at is
  'created_at of the newest transfer; before the first one, of the account itself.';
comment on column public.pgledger_account.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column public.pgledger_account.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';
comment on column public.pgledger_account.replayed is
  'Whether the call was a repeat, and this is what the first one made; null for what was only '
  'read.';

revoke all on type public.pgledger_account from public;
grant usage on type public.pgledger_account to pgledger_reader;

create type public.pgledger_transfer as (
  id text collate "C",
  from_account_id text collate "C",
  to_account_id text collate "C",
  amount numeric,
  created_at timestamptz,
  event_at timestamptz,
  metadata jsonb,
  currency text collate "C",
  from_account_name text collate "C",
  to_account_name text collate "C",
  from_account_balance numeric,
  to_account_balance numeric,
  from_account_version bigint,
  to_account_version bigint,
  group_id text collate "C",
  app_id text collate "C",
  from_tenant_id text collate "C",
  to_tenant_id text collate "C",
  origin_id text collate "C",
  replayed boolean
);

comment on type public.pgledger_transfer is
  'A transfer: an amount that left one account and reached another, in one currency.';
comment on column public.pgledger_transfer.id is 'Public id: pglt_ and a ULID.';
comment on column public.pgledger_transfer.from_account_id is 'Account that the amount left.';
comment on column public.pgledger_transfer.to_account_id is 'Account that the amount reached.';
comment on column public.pgledger_transfer.amount is
  'What moved, in units of the currency: above 0, below 1e30, at most 18 decimal places.';
comment on column public.pgledger_transfer.created_at is
  'When it was recorded: later than everything recorded before on either account.';
comment on column public.pgledger_transfer.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column public.pgledger_transfer.metadata is
  'JSON object given at creation, or null.';
comment on column public.pgledger_transfer.currency is 'Currency of both accounts.';
comment on column public.pgledger_transfer.from_account_name is
  'Name of the account that the amount left.';
comment on column public.pgledger_transfer.to_account_name is
  'Name of the account that the amount reached.';
comment on column public.pgledger_transfer.from_account_balance is
  'Balance of the account that the amount left, right after the transfer.';
comment on column public.pgledger_transfer.to_account_balance is
  'Balance of the account that the amount reached, right after the transfer.';
comment on column public.pgledger_transfer.from_account_version is
  'Version of the account that the amount left, right after the transfer.';
comment on column public.pgledger_transfer.to_account_version is
  'Version of the account that the amount reached, right after the transfer.';
comment on column public.pgledger_transfer.group_id is
  'Name that joins the transfers of one call, for example an order''s number, or null.';
comment on column public.pgledger_transfer.app_id is
  'Set of books that both accounts belong to; the empty text where there is only one.';
comment on column public.pgledger_transfer.from_tenant_id is
  'Tenant of the account that the amount left.';
comment on column public.pgledger_transfer.to_tenant_id is
  'Tenant of the account that the amount reached.';
comment on column public.pgledger_transfer.origin_id is
  'Hold that it posts (pglh_) or transfer that it reverses (pglt_), or null.';
comment on column public.pgledger_transfer.replayed is
  'Whether the call was a repeat, and this is what the first one made; null for what was only '
  'read.';

revoke all on type public.pgledger_transfer from public;
grant usage on type public.pgledger_transfer to pgledger_reader;

create type public.pgledger_entry as (
  id text collate "C",
  account_id text collate "C",
  transfer_id text collate "C",
  amount numeric,
  account_previous_balance numeric,
  account_current_balance numeric,
  account_version bigint,
  created_at timestamptz,
  event_at timestamptz,
  metadata jsonb,
  account_name text collate "C",
  currency text collate "C",
  app_id text collate "C",
  tenant_id text collate "C"
);

comment on type public.pgledger_entry is 'An entry: one account''s side of a transfer.';
comment on column public.pgledger_entry.id is
  'Public id: pgle_ and a ULID; ascends along the account.';
comment on column public.pgledger_entry.account_id is 'Account that the entry belongs to.';
comment on column public.pgledger_entry.transfer_id is
  'Transfer that the entry is one leg of.';
comment on column public.pgledger_entry.amount is
  'What the entry adds to the balance: negative on the account that the amount left.';
comment on column public.pgledger_entry.account_previous_balance is
  'Balance of the account right before the entry.';
comment on column public.pgledger_entry.account_current_balance is
  'Balance of the account right after the entry.';
comment on column public.pgledger_entry.account_version is
  'Number of the entry on its account, from 1 without a gap.';
comment on column public.pgledger_entry.created_at is
  'When the transfer was recorded; ascends along the account.';
comment on column public.pgledger_entry.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column public.pgledger_entry.metadata is
  'JSON object given with the transfer, or null.';
comment on column public.pgledger_entry.account_name is 'Name of the account.';
comment on column public.pgledger_entry.currency is 'Currency of the account.';
comment on column public.pgledger_entry.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column public.pgledger_entry.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';

revoke all on type public.pgledger_entry from public;
grant usage on type public.pgledger_entry to pgledger_reader;

create type public.pgledger_check as (
  check_name text collate "C",
  rows_checked bigint,
  violations bigint,
  example text collate "C"
);

comment on type public.pgledger_check is 'Outcome of one check of the books.';
comment on column public.pgledger_check.check_name is 'Which rule was checked.';
comment on column public.pgledger_check.rows_checked is 'How many rows were checked.';
comment on column public.pgledger_check.violations is 'How many of these rows break the rule.';
comment on column public.pgledger_check.example is
  'One row that breaks it, in words, or null.';

revoke all on type public.pgledger_check from public;
grant usage on type public.pgledger_check to pgledger_reader;

create type public.pgledger_transfer_outcome as (
  request_index bigint,
  status text collate "C",
  id text collate "C",
  error text collate "C",
  error_name text collate "C",
  reason text,
  created_at timestamptz,
  from_account_balance numeric,
  to_account_balance numeric,
  from_account_version bigint,
  to_account_version bigint
);

comment on type public.pgledger_transfer_outcome is
  'What became of one request of a batch whose requests succeed or fail each by itself.';
comment on column public.pgledger_transfer_outcome.request_index is
  'Which request of the batch this is about, from 1.';
comment on column public.pgledger_transfer_outcome.status is
  'What became of it; one of: posted, replayed, failed.';
comment on column public.pgledger_transfer_outcome.id is
  'Public id of the transfer, pglt_ and a ULID; null for a failed one.';
comment on column public.pgledger_transfer_outcome.error is
  'SQLSTATE of the error of a failed request, or null.';
comment on column public.pgledger_transfer_outcome.error_name is
  'Name of that error, as pgledger_errors_v1 has it, or null.';
comment on column public.pgledger_transfer_outcome.reason is
  'What is wrong, in words, or null.';
comment on column public.pgledger_transfer_outcome.created_at is
  'When the transfer was recorded, or null.';
comment on column public.pgledger_transfer_outcome.from_account_balance is
  'Balance of the account that the amount left, right after the transfer, or null.';
comment on column public.pgledger_transfer_outcome.to_account_balance is
  'Balance of the account that the amount reached, right after the transfer, or null.';
comment on column public.pgledger_transfer_outcome.from_account_version is
  'Version of the account that the amount left, right after the transfer, or null.';
comment on column public.pgledger_transfer_outcome.to_account_version is
  'Version of the account that the amount reached, right after the transfer, or null.';

revoke all on type public.pgledger_transfer_outcome from public;
grant usage on type public.pgledger_transfer_outcome to pgledger_reader;

create type public.pgledger_hold as (
  id text collate "C",
  from_account_id text collate "C",
  to_account_id text collate "C",
  amount numeric,
  posted_amount numeric,
  status text collate "C",
  created_at timestamptz,
  event_at timestamptz,
  expires_at timestamptz,
  ended_at timestamptz,
  metadata jsonb,
  currency text collate "C",
  from_account_name text collate "C",
  to_account_name text collate "C",
  group_id text collate "C",
  app_id text collate "C",
  from_tenant_id text collate "C",
  to_tenant_id text collate "C",
  replayed boolean
);

comment on type public.pgledger_hold is
  'An amount that is kept back on one account for another until it is posted or voided, or '
  'expires.';
comment on column public.pgledger_hold.id is 'Public id: pglh_ and a ULID.';
comment on column public.pgledger_hold.from_account_id is
  'Account that the amount is to leave.';
comment on column public.pgledger_hold.to_account_id is 'Account that the amount is to reach.';
comment on column public.pgledger_hold.amount is 'What is held, above zero.';
comment on column public.pgledger_hold.posted_amount is
  'How much of it has been posted so far.';
comment on column public.pgledger_hold.status is
  'State; every state but pending is final; one of: pending, posted, voided, expired.';
comment on column public.pgledger_hold.created_at is 'When it was recorded.';
comment on column public.pgledger_hold.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column public.pgledger_hold.expires_at is
  'When it expires, unless it was posted or voided before, or null.';
comment on column public.pgledger_hold.ended_at is
  'When it was posted, voided or expired, or null.';
comment on column public.pgledger_hold.metadata is 'JSON object given at creation, or null.';
comment on column public.pgledger_hold.currency is 'Currency of both accounts.';
comment on column public.pgledger_hold.from_account_name is
  'Name of the account that the amount is to leave.';
comment on column public.pgledger_hold.to_account_name is
  'Name of the account that the amount is to reach.';
comment on column public.pgledger_hold.group_id is
  'Name that joins the holds of one call, or null.';
comment on column public.pgledger_hold.app_id is
  'Set of books that both accounts belong to; the empty text where there is only one.';
comment on column public.pgledger_hold.from_tenant_id is
  'Tenant of the account that the amount is to leave.';
comment on column public.pgledger_hold.to_tenant_id is
  'Tenant of the account that the amount is to reach.';
comment on column public.pgledger_hold.replayed is
  'Whether the call was a repeat, and this is what the first one made; null for what was only '
  'read.';

revoke all on type public.pgledger_hold from public;
grant usage on type public.pgledger_hold to pgledger_reader;

-- file: migrations/0005_create_catalogue.sql
/*
The billing store's catalogue: currencies, settings of an app, tenants, features and plans.

These rows are few and are read far more often than written, so their rules are constraints as well
as checks of the writing functions.
*/
create table pgledger.apps (
  app_id text collate "C" not null,
  usage_skew interval default interval '1 hour' not null,
  payment_terms integer default 30 not null,
  invoice_number bigint default 0 not null,
  constraint apps_app_id_pk primary key (app_id),
  constraint apps_usage_skew_is_not_negative_check check (usage_skew >= interval '0'),
  constraint apps_payment_terms_are_not_negative_check check (payment_terms >= 0)
);

comment on table pgledger.apps is
  'Settings of an app of the billing store; an app without a row has the defaults.';
comment on column pgledger.apps.app_id is 'App.';
comment on column pgledger.apps.usage_skew is
  'How far ahead of the clock a usage event may be, for machines whose clocks differ.';
comment on column pgledger.apps.payment_terms is
  'Days from the moment an invoice is final to the moment it is due.';
comment on column pgledger.apps.invoice_number is
  'Number of the invoice finalised last. It is counted in this row and not by a sequence, so that '
  'a rollback leaves no gap.';

create table pgledger.currencies (
  app_id text collate "C" not null,
  code text collate "C" not null,
  exponent integer not null,
  constraint currencies_app_id_code_pk primary key (app_id, code),
  constraint currencies_exponent_is_0_to_18_check check (exponent between 0 and 18)
);

comment on table pgledger.currencies is
  'Currencies that an app has defined itself, beside those of ISO 4217.';
comment on column pgledger.currencies.app_id is 'App that defined it.';
comment on column pgledger.currencies.code is 'Code, for example POINTS.';
comment on column pgledger.currencies.exponent is 'Decimal places that amounts are rounded to.';

create table pgledger.tenants (
  key integer generated always as identity,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  cache_version bigint default 0 not null,
  purged_before timestamptz default '-infinity' not null,
  constraint tenants_key_pk primary key (key),
  constraint tenants_app_id_tenant_id_key unique (app_id, tenant_id)
);

comment on table pgledger.tenants is
  'Tenants that have recorded usage or cached an entitlement. Each has an internal key, so that '
  'usage events need not repeat two texts, and what holds for a tenant as a whole.';
comment on column pgledger.tenants.key is 'Internal key of (app_id, tenant_id).';
comment on column pgledger.tenants.app_id is 'App.';
comment on column pgledger.tenants.tenant_id is 'Tenant of the app.';
comment on column pgledger.tenants.cache_version is
  'Counts invalidations of the tenant''s cached entitlements.';
comment on column pgledger.tenants.purged_before is
  'Usage events before this whole UTC hour may have been purged, so events that old are no longer '
  'taken.';

create table pgledger.features (
  id text collate "C" not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  key text collate "C" not null,
  name text not null,
  description text,
  type text collate "C" not null,
  aggregation text collate "C",
  unique_key text collate "C",
  status text collate "C" default 'active' not null,
  version bigint default 1 not null,
  metadata jsonb,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint features_id_pk primary key (id),
  constraint features_app_id_tenant_id_key_key unique (app_id, tenant_id, key),
  constraint features_type_is_known_check check (type in ('boolean', 'metered', 'seat')),
  constraint features_aggregation_is_known_check
  check (aggregation in ('sum', 'count', 'max', 'unique_count', 'latest')),
  constraint features_only_metered_ones_aggregate_check
  check ((type = 'metered') = (aggregation is not null)),
  constraint features_unique_key_is_for_metered_ones_check
  check (unique_key is null or type = 'metered'),
  constraint features_status_is_known_check check (status in ('active', 'archived'))
);

comment on table pgledger.features is 'What plans can contain. A key names a feature for a tenant, '
  'an app (tenant_id empty) or all apps (app_id *); the narrowest one counts.';
comment on column pgledger.features.id is 'Public id: feat_ and a ULID.';
comment on column pgledger.features.app_id is 'App that it belongs to; * for all apps.';
comment on column pgledger.features.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column pgledger.features.key is 'Name in plans and usage events, for example api_calls.';
comment on column pgledger.features.name is 'Name for people.';
comment on column pgledger.features.description is 'Text for people, or null.';
comment on column pgledger.features.type is
  'What it is. boolean: on or off. metered: usage adds up over a period. seat: a level. One of: '
  'boolean, metered, seat.';
comment on column pgledger.features.aggregation is
  'How usage of a metered feature is counted (null for other types); one of: sum, count, max, '
  'unique_count, latest, or null.';
comment on column pgledger.features.unique_key is
  'Member of an event''s metadata whose different values unique_count counts; never changes.';
comment on column pgledger.features.status is
  'State; no new plan may contain an archived feature; one of: active, archived.';
comment on column pgledger.features.version is 'Counts changes, from 1.';
comment on column pgledger.features.metadata is 'JSON object of the app''s own, or null.';
comment on column pgledger.features.created_at is 'When it was created.';
comment on column pgledger.features.updated_at is 'When it was last changed.';

create table pgledger.plans (
  key bigint generated always as identity (minvalue 1 maxvalue 4294967295),
  id text collate "C" not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  slug text collate "C" not null,
  name text not null,
  description text,
  status text collate "C" default 'active' not null,
  currency text collate "C" not null,
  features jsonb not null,
  pricing jsonb not null,
  billing_interval text collate "C" not null,
  interval_count integer not null,
  trial_days integer not null,
  anchor_at_trial_end boolean not null,
  add_on boolean not null,
  version bigint default 1 not null,
  metadata jsonb,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint plans_key_pk primary key (key),
  constraint plans_id_key unique (id),
  constraint plans_app_id_tenant_id_slug_key unique (app_id, tenant_id, slug),
  constraint plans_status_is_known_check check (status in ('active', 'archived')),
  constraint plans_billing_interval_is_known_check
  check (billing_interval in ('day', 'week', 'month', 'year')),
  constraint plans_interval_count_is_positive_check check (interval_count > 0),
  constraint plans_trial_days_is_not_negative_check check (trial_days >= 0)
);

comment on table pgledger.plans is 'Plans: what a subscription gives and what it costs.';
comment on column pgledger.plans.key is 'Internal key.';
comment on column pgledger.plans.id is 'Public id: plan_ and a ULID.';
comment on column pgledger.plans.app_id is 'App that it belongs to.';
comment on column pgledger.plans.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column pgledger.plans.slug is 'Name in addresses and code, for example pro.';
comment on column pgledger.plans.name is 'Name for people.';
comment on column pgledger.plans.description is 'Text for people, or null.';
comment on column pgledger.plans.status is
  'State; subscriptions keep an archived plan, and no new one may take it; one of: active, '
  'archived.';
comment on column pgledger.plans.currency is 'Currency of every amount in pricing.';
comment on column pgledger.plans.features is 'JSON array of features and their limits, as given.';
comment on column pgledger.plans.pricing is 'JSON object of base fee and prices, as given.';
comment on column pgledger.plans.billing_interval is
  'Unit of the billing period, copied from pricing; one of: day, week, month, year.';
comment on column pgledger.plans.interval_count is
  'Units in a billing period, copied from pricing.';
comment on column pgledger.plans.trial_days is 'Days of trial that a new subscription gets.';
comment on column pgledger.plans.anchor_at_trial_end is
  'Whether billing periods count from the end of the trial rather than from its start.';
comment on column pgledger.plans.add_on is
  'Whether a tenant may have it beside another active subscription.';
comment on column pgledger.plans.version is 'Counts changes, from 1.';
comment on column pgledger.plans.metadata is 'JSON object of the app''s own, or null.';
comment on column pgledger.plans.created_at is 'When it was created.';
comment on column pgledger.plans.updated_at is 'When it was last changed.';

create table pgledger.plan_features (
  plan_key bigint not null,
  feature_key text collate "C" not null,
  feature_id text collate "C" not null,
  place integer not null,
  type text collate "C" not null,
  quota numeric not null,
  period text collate "C" not null,
  soft_limit boolean not null,
  aggregation text collate "C" not null,
  constraint plan_features_plan_key_feature_key_pk primary key (plan_key, feature_key),
  constraint plan_features_plan_key_fk foreign key (plan_key)
  references pgledger.plans (key) on delete cascade,
  constraint plan_features_feature_id_fk foreign key (feature_id)
  references pgledger.features (id),
  constraint plan_features_quota_is_not_below_unlimited_check
  check (quota = -1 or (quota >= 0 and quota < 1e30)),
  constraint plan_features_period_is_known_check
  check (period in ('day', 'week', 'month', 'year', 'billing', 'lifetime'))
);

create index plan_features_feature_id_idx on pgledger.plan_features (feature_id);

comment on table pgledger.plan_features is
  'Features of plans, one row each: copied from pgledger.plans.features, with defaults filled in.';
comment on column pgledger.plan_features.plan_key is 'Plan.';
comment on column pgledger.plan_features.feature_key is 'Key of the feature.';
comment on column pgledger.plan_features.feature_id is 'Id of the feature in the catalogue.';
comment on column pgledger.plan_features.place is 'Index in the plan''s array, from 0.';
comment on column pgledger.plan_features.type is 'boolean, metered or seat: that of the feature.';
comment on column pgledger.plan_features.quota is
  'Limit: -1 for unlimited; of a boolean feature 1 for on, 0 for off.';
comment on column pgledger.plan_features.period is
  'Period that a metered limit is for: day, week, month, year, billing (the subscription''s own '
  'period) or lifetime.';
comment on column pgledger.plan_features.soft_limit is
  'Whether usage beyond the limit is allowed, and priced.';
comment on column pgledger.plan_features.aggregation is
  'How usage is counted; latest for a seat and for a boolean.';

revoke all on table pgledger.apps from public;
grant select on table pgledger.apps to pgledger_auditor;
revoke all on table pgledger.currencies from public;
grant select on table pgledger.currencies to pgledger_auditor;
alter table pgledger.tenants enable row level security;
revoke all on table pgledger.tenants from public;
grant select on table pgledger.tenants to pgledger_auditor;
alter table pgledger.features enable row level security;
revoke all on table pgledger.features from public;
grant select on table pgledger.features to pgledger_auditor;
alter table pgledger.plans enable row level security;
revoke all on table pgledger.plans from public;
grant select on table pgledger.plans to pgledger_auditor;
revoke all on table pgledger.plan_features from public;
grant select on table pgledger.plan_features to pgledger_auditor;

create type public.ledger_currency as (
  app_id text collate "C",
  code text collate "C",
  exponent integer
);

comment on type public.ledger_currency is
  'To how many decimal places amounts of a currency are rounded.';
comment on column public.ledger_currency.app_id is 'App that defined it; * for ISO 4217.';
comment on column public.ledger_currency.code is 'Code, for example JPY or POINTS.';
comment on column public.ledger_currency.exponent is
  'Decimal places that amounts are rounded to.';

revoke all on type public.ledger_currency from public;
grant usage on type public.ledger_currency to pgledger_reader;

create type public.ledger_feature as (
  id text collate "C",
  app_id text collate "C",
  tenant_id text collate "C",
  key text collate "C",
  name text,
  description text,
  type text collate "C",
  aggregation text collate "C",
  unique_key text collate "C",
  status text collate "C",
  version bigint,
  metadata jsonb,
  created_at timestamptz,
  updated_at timestamptz
);

comment on type public.ledger_feature is 'What plans can contain.';
comment on column public.ledger_feature.id is 'Public id: feat_ and a ULID.';
comment on column public.ledger_feature.app_id is 'App that it belongs to; * for all apps.';
comment on column public.ledger_feature.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column public.ledger_feature.key is
  'Name in plans and usage events, for example api_calls.';
comment on column public.ledger_feature.name is 'Name for people.';
comment on column public.ledger_feature.description is 'Text for people, or null.';
comment on column public.ledger_feature.type is
  'What it is. boolean: on or off. metered: usage adds up over a period. seat: a level. One of: '
  'boolean, metered, seat.';
comment on column public.ledger_feature.aggregation is
  'How usage of a metered feature is counted (null for other types); one of: sum, count, max, '
  'unique_count, latest, or null.';
comment on column public.ledger_feature.unique_key is
  'Member of an event''s metadata whose different values unique_count counts, or null.';
comment on column public.ledger_feature.status is
  'State; no new plan may contain an archived feature; one of: active, archived.';
comment on column public.ledger_feature.version is 'Counts changes, from 1.';
comment on column public.ledger_feature.metadata is 'JSON object of the app''s own, or null.';
comment on column public.ledger_feature.created_at is 'When it was created.';
comment on column public.ledger_feature.updated_at is 'When it was last changed.';

revoke all on type public.ledger_feature from public;
grant usage on type public.ledger_feature to pgledger_reader;

create type public.ledger_plan as (
  id text collate "C",
  app_id text collate "C",
  tenant_id text collate "C",
  slug text collate "C",
  name text,
  description text,
  status text collate "C",
  currency text collate "C",
  features jsonb,
  pricing jsonb,
  billing_interval text collate "C",
  interval_count integer,
  trial_days integer,
  anchor_at_trial_end boolean,
  add_on boolean,
  version bigint,
  metadata jsonb,
  created_at timestamptz,
  updated_at timestamptz
);

comment on type public.ledger_plan is 'What a subscription gives and what it costs.';
comment on column public.ledger_plan.id is 'Public id: plan_ and a ULID.';
comment on column public.ledger_plan.app_id is 'App that it belongs to.';
comment on column public.ledger_plan.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column public.ledger_plan.slug is 'Name in addresses and code, for example pro.';
comment on column public.ledger_plan.name is 'Name for people.';
comment on column public.ledger_plan.description is 'Text for people, or null.';
comment on column public.ledger_plan.status is
  'State; subscriptions keep an archived plan, and no new one may take it; one of: active, '
  'archived.';
comment on column public.ledger_plan.currency is 'Currency of every amount in pricing.';
comment on column public.ledger_plan.features is
  'JSON array of features and their limits, as given.';
comment on column public.ledger_plan.pricing is
  'JSON object of base fee and prices, as given.';
comment on column public.ledger_plan.billing_interval is
  'Unit of the billing period; one of: day, week, month, year.';
comment on column public.ledger_plan.interval_count is 'Units in a billing period.';
comment on column public.ledger_plan.trial_days is
  'Days of trial that a new subscription gets.';
comment on column public.ledger_plan.anchor_at_trial_end is
  'Whether billing periods count from the end of the trial rather than from its start.';
comment on column public.ledger_plan.add_on is
  'Whether a tenant may have it beside another active subscription.';
comment on column public.ledger_plan.version is 'Counts changes, from 1.';
comment on column public.ledger_plan.metadata is 'JSON object of the app''s own, or null.';
comment on column public.ledger_plan.created_at is 'When it was created.';
comment on column public.ledger_plan.updated_at is 'When it was last changed.';

revoke all on type public.ledger_plan from public;
grant usage on type public.ledger_plan to pgledger_reader;

create type public.ledger_price_line as (
  line integer,
  kind text collate "C",
  description text collate "C",
  quantity numeric,
  unit_amount numeric,
  flat_amount numeric,
  amount numeric
);

comment on type public.ledger_price_line is 'One line of what usage costs.';
comment on column public.ledger_price_line.line is 'Number of the line, from 1.';
comment on column public.ledger_price_line.kind is
  'What it is for. usage: what was used. true_up: what is missing to the minimum. cap: what is '
  'above the maximum, taken off again and so below zero. One of: usage, true_up, cap.';
comment on column public.ledger_price_line.description is 'Text for people.';
comment on column public.ledger_price_line.quantity is 'How much is charged for, or null.';
comment on column public.ledger_price_line.unit_amount is 'Price of one unit, or null.';
comment on column public.ledger_price_line.flat_amount is
  'Amount that is due whatever the quantity, or null.';
comment on column public.ledger_price_line.amount is 'Amount of the line.';

revoke all on type public.ledger_price_line from public;
grant usage on type public.ledger_price_line to pgledger_reader;

-- file: migrations/0006_create_subscriptions.sql
/*
Subscriptions, and what happened to each. A subscription is live while it is trialing or active and
its cancel_at, if it has one, is still ahead. ledger_advance writes down what has become due.
*/
create table pgledger.subscriptions (
  key bigint generated always as identity (minvalue 1 maxvalue 4294967295),
  id text collate "C" not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  plan_key bigint not null,
  add_on boolean not null,
  status text collate "C" not null,
  quantity numeric not null,
  started_at timestamptz not null,
  anchor_at timestamptz not null,
  time_zone text collate "C" not null,
  billing_interval text collate "C" not null,
  interval_count integer not null,
  period_number integer not null,
  current_period_start timestamptz not null,
  current_period_end timestamptz not null,
  trial_end timestamptz,
  cancel_at timestamptz,
  canceled_at timestamptz,
  paused_at timestamptz,
  ended_at timestamptz,
  due_at timestamptz,
  unused_time text collate "C" default 'none' not null,
  tax_rates jsonb default '[]' not null,
  invoiced_version bigint default 0 not null,
  invoice_due_at timestamptz,
  advance_at timestamptz,
  version bigint default 1 not null,
  metadata jsonb,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint subscriptions_key_pk primary key (key),
  constraint subscriptions_id_key unique (id),
  constraint subscriptions_plan_key_fk foreign key (plan_key) references pgledger.plans (key),
  constraint subscriptions_status_is_known_check
  check (status in ('trialing', 'active', 'paused', 'canceled')),
  constraint subscriptions_period_is_not_empty_check
  check (current_period_start < current_period_end),
  constraint subscriptions_unused_time_is_known_check
  check (unused_time in ('none', 'credit', 'refund'))
) with (fillfactor = 70);

create index subscriptions_app_id_tenant_id_idx on pgledger.subscriptions (app_id, tenant_id);
create unique index subscriptions_app_id_tenant_id_live_idx
on pgledger.subscriptions (app_id, tenant_id)
where not add_on and status in ('trialing', 'active');
create index subscriptions_app_id_advance_at_idx on pgledger.subscriptions (app_id, advance_at)
where advance_at is not null;
create index subscriptions_plan_key_idx on pgledger.subscriptions (plan_key);

comment on table pgledger.subscriptions is
  'Which tenant has which plan, since when and until when.';
comment on column pgledger.subscriptions.key is 'Internal key.';
comment on column pgledger.subscriptions.id is 'Public id: sub_ and a ULID.';
comment on column pgledger.subscriptions.app_id is 'App.';
comment on column pgledger.subscriptions.tenant_id is 'Tenant who subscribes.';
comment on column pgledger.subscriptions.plan_key is 'Current plan.';
comment on column pgledger.subscriptions.add_on is
  'Whether the plan was an add-on when it was taken: others may be active beside it.';
comment on column pgledger.subscriptions.status is
  'State; canceled is final; one of: trialing, active, paused, canceled.';
comment on column pgledger.subscriptions.quantity is 'How many times the plan is taken.';
comment on column pgledger.subscriptions.started_at is 'Start of the first period or trial.';
comment on column pgledger.subscriptions.anchor_at is
  'Boundary 0 of its periods: every other boundary is a whole number of billing periods from it.';
comment on column pgledger.subscriptions.time_zone is
  'IANA time zone in which the days and months of its periods are counted.';
comment on column pgledger.subscriptions.billing_interval is
  'Unit of the billing period; one of: day, week, month, year.';
comment on column pgledger.subscriptions.interval_count is 'Units in a billing period.';
comment on column pgledger.subscriptions.period_number is
  'Number of the boundary that the current period starts at, or would if it were whole.';
comment on column pgledger.subscriptions.current_period_start is
  'Start of the current period, inclusive.';
comment on column pgledger.subscriptions.current_period_end is
  'End of the current period, exclusive.';
comment on column pgledger.subscriptions.trial_end is
  'When the trial ends or ended (null without a trial), or null.';
comment on column pgledger.subscriptions.cancel_at is
  'When it will end, if that is decided, or null.';
comment on column pgledger.subscriptions.canceled_at is
  'When its cancellation was asked for, or null.';
comment on column pgledger.subscriptions.paused_at is 'Since when it is paused, or null.';
comment on column pgledger.subscriptions.ended_at is 'When it ended, or null.';
comment on column pgledger.subscriptions.due_at is
  'Earliest of trial end, period end and cancellation that is still to be written down.';
comment on column pgledger.subscriptions.unused_time is
  'What becomes of time that was paid and is left unused by an immediate cancellation; one of: '
  'none, credit, refund.';
comment on column pgledger.subscriptions.tax_rates is
  'JSON array of the tax rates of its invoices, as given; an invoice may be given others.';
comment on column pgledger.subscriptions.invoiced_version is
  'Version of the subscription up to which ledger_advance has looked for what is to be invoiced.';
comment on column pgledger.subscriptions.invoice_due_at is
  'When ledger_advance has to look again for what is to be invoiced; null if there is nothing.';
comment on column pgledger.subscriptions.advance_at is
  'Earlier of due_at and invoice_due_at.';
comment on column pgledger.subscriptions.version is 'Counts changes, from 1.';
comment on column pgledger.subscriptions.metadata is 'JSON object of the app''s own, or null.';
comment on column pgledger.subscriptions.created_at is 'When it was created.';
comment on column pgledger.subscriptions.updated_at is 'When it was last changed.';

create table pgledger.subscription_changes (
  subscription_key bigint not null,
  version bigint not null,
  change text collate "C" not null,
  occurred_at timestamptz not null,
  created_at timestamptz not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  status text collate "C" not null,
  plan_key bigint not null,
  quantity numeric not null,
  period_number integer not null,
  period_start timestamptz not null,
  period_end timestamptz not null,
  whole_start timestamptz not null,
  constraint subscription_changes_subscription_key_version_pk
  primary key (subscription_key, version),
  constraint subscription_changes_subscription_key_fk foreign key (subscription_key)
  references pgledger.subscriptions (key),
  constraint subscription_changes_plan_key_fk foreign key (plan_key)
  references pgledger.plans (key)
);

create index subscription_changes_app_id_tenant_id_idx
on pgledger.subscription_changes (app_id, tenant_id);
create index subscription_changes_plan_key_idx on pgledger.subscription_changes (plan_key);

comment on table pgledger.subscription_changes is
  'One row each time a subscription changed: what happened, and what it was afterwards.';
comment on column pgledger.subscription_changes.subscription_key is 'Subscription.';
comment on column pgledger.subscription_changes.version is
  'The subscription''s version after the change: 1, 2, 3 and so on without a gap.';
comment on column pgledger.subscription_changes.change is
  'What happened; one of: created, updated, plan_changed, trial_ended, period_started, '
  'cancellation_scheduled, cancellation_withdrawn, canceled, paused, resumed.';
comment on column pgledger.subscription_changes.occurred_at is
  'When it took effect; for a change that the clock makes due, the boundary itself.';
comment on column pgledger.subscription_changes.created_at is 'When it was written down.';
comment on column pgledger.subscription_changes.app_id is 'App.';
comment on column pgledger.subscription_changes.tenant_id is 'Tenant who subscribes.';
comment on column pgledger.subscription_changes.status is 'Status afterwards.';
comment on column pgledger.subscription_changes.plan_key is 'Plan afterwards.';
comment on column pgledger.subscription_changes.quantity is 'Quantity afterwards.';
comment on column pgledger.subscription_changes.period_number is 'Number of the period afterwards.';
comment on column pgledger.subscription_changes.period_start is 'Start of the period afterwards.';
comment on column pgledger.subscription_changes.period_end is 'End of the period afterwards.';
comment on column pgledger.subscription_changes.whole_start is
  'Start of the period if it is whole; earlier than period_start if it is a part of one.';

alter table pgledger.subscriptions enable row level security;
revoke all on table pgledger.subscriptions from public;
grant select on table pgledger.subscriptions to pgledger_auditor;
alter table pgledger.subscription_changes enable row level security;
revoke all on table pgledger.subscription_changes from public;
grant select on table pgledger.subscription_changes to pgledger_auditor;

create type public.ledger_subscription as (
  id text collate "C",
  app_id text collate "C",
  tenant_id text collate "C",
  plan_id text collate "C",
  plan_slug text collate "C",
  status text collate "C",
  quantity numeric,
  started_at timestamptz,
  anchor_at timestamptz,
  time_zone text collate "C",
  billing_interval text collate "C",
  interval_count integer,
  current_period_start timestamptz,
  current_period_end timestamptz,
  trial_end timestamptz,
  cancel_at timestamptz,
  canceled_at timestamptz,
  paused_at timestamptz,
  ended_at timestamptz,
  add_on boolean,
  unused_time text collate "C",
  tax_rates jsonb,
  version bigint,
  metadata jsonb,
  created_at timestamptz,
  updated_at timestamptz
);

comment on type public.ledger_subscription is
  'Which plan a tenant has, since when and until when.';
comment on column public.ledger_subscription.id is 'Public id: sub_ and a ULID.';
comment on column public.ledger_subscription.app_id is 'App.';
comment on column public.ledger_subscription.tenant_id is 'Tenant who subscribes.';
comment on column public.ledger_subscription.plan_id is 'Id of the current plan.';
comment on column public.ledger_subscription.plan_slug is 'Slug of the current plan.';
comment on column public.ledger_subscription.status is
  'State; canceled is final; one of: trialing, active, paused, canceled.';
comment on column public.ledger_subscription.quantity is 'How many times the plan is taken.';
comment on column public.ledger_subscription.started_at is
  'Start of the first period or trial.';
comment on column public.ledger_subscription.anchor_at is
  'Boundary 0 of its periods: every other boundary is a whole number of billing periods from it.';
comment on column public.ledger_subscription.time_zone is
  'IANA time zone in which the days and months of its periods are counted.';
comment on column public.ledger_subscription.billing_interval is
  'Unit of the billing period; one of: day, week, month, year.';
comment on column public.ledger_subscription.interval_count is 'Units in a billing period.';
comment on column public.ledger_subscription.current_period_start is
  'Start of the current period, inclusive.';
comment on column public.ledger_subscription.current_period_end is
  'End of the current period, exclusive.';
comment on column public.ledger_subscription.trial_end is
  'When the trial ends or ended (null without a trial), or null.';
comment on column public.ledger_subscription.cancel_at is
  'When it will end, if that is decided, or null.';
comment on column public.ledger_subscription.canceled_at is
  'When its cancellation was asked for, or null.';
comment on column public.ledger_subscription.paused_at is 'Since when it is paused, or null.';
comment on column public.ledger_subscription.ended_at is 'When it ended, or null.';
comment on column public.ledger_subscription.add_on is
  'Whether the plan was an add-on when it was taken: others may be active beside it.';
comment on column public.ledger_subscription.unused_time is
  'What becomes of time that was paid and is left unused by an immediate cancellation; one of: '
  'none, credit, refund.';
comment on column public.ledger_subscription.tax_rates is
  'JSON array of the tax rates of its invoices, as given; an invoice may be given others.';
comment on column public.ledger_subscription.version is 'Counts changes, from 1.';
comment on column public.ledger_subscription.metadata is
  'JSON object of the app''s own, or null.';
comment on column public.ledger_subscription.created_at is 'When it was created.';
comment on column public.ledger_subscription.updated_at is 'When it was last changed.';

revoke all on type public.ledger_subscription from public;
grant usage on type public.ledger_subscription to pgledger_reader;

create type public.ledger_subscription_move as (
  tenant_id text collate "C",
  subscription_id text collate "C",
  change text collate "C",
  occurred_at timestamptz,
  invoice_id text collate "C",
  error text collate "C"
);

comment on type public.ledger_subscription_move is 'One step that the clock has made due.';
comment on column public.ledger_subscription_move.tenant_id is
  'Tenant whose subscription or invoice it is.';
comment on column public.ledger_subscription_move.subscription_id is
  'Id of the subscription (null for a one-off invoice), or null.';
comment on column public.ledger_subscription_move.change is
  'What happened. failed: it could not be moved or invoiced, and is tried again in an hour. '
  'nothing_due: very many subscriptions were looked at, and none had anything to do. One of: '
  'trial_ended, period_started, canceled, invoice_drafted, invoice_finalized, invoice_past_due, '
  'failed, nothing_due.';
comment on column public.ledger_subscription_move.occurred_at is
  'The boundary at which it took effect; for an invoice, when it was made or due.';
comment on column public.ledger_subscription_move.invoice_id is
  'Id of the invoice, if the step is about one, or null.';
comment on column public.ledger_subscription_move.error is
  'What went wrong, if the step failed, or null.';

revoke all on type public.ledger_subscription_move from public;
grant usage on type public.ledger_subscription_move to pgledger_reader;

-- file: migrations/0007_create_usage.sql
/*
Usage: events as they were reported, and roll-ups, which the statement that records events keeps up
to date.

Most rows of the billing store are events, so an event holds internal keys instead of texts:
tenant_key stands for (app_id, tenant_id), meter_key for these two and the feature. The indexes of
events lead with these keys.
Events and roll-ups have no CHECK constraints and no foreign keys, for the reasons given for
accounts and transfers.
*/
create table pgledger.meters (
  key integer generated always as identity,
  tenant_key integer not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  feature_key text collate "C" not null,
  type text collate "C" not null,
  unique_key text collate "C",
  turn bigint default 0 not null,
  constraint meters_key_pk primary key (key),
  constraint meters_app_id_tenant_id_feature_key_key unique (app_id, tenant_id, feature_key),
  constraint meters_tenant_key_fk foreign key (tenant_key) references pgledger.tenants (key)
) with (fillfactor = 80);

create index meters_tenant_key_idx on pgledger.meters (tenant_key);
create index meters_feature_key_idx on pgledger.meters (feature_key);
create index meters_app_id_tenant_id_seat_idx on pgledger.meters (app_id, tenant_id)
where type = 'seat';

comment on table pgledger.meters is
  'One row for each feature that a tenant has used, made by the first event.';
comment on column pgledger.meters.key is 'Internal key of (app_id, tenant_id, feature_key).';
comment on column pgledger.meters.tenant_key is 'Internal key of (app_id, tenant_id).';
comment on column pgledger.meters.app_id is 'App.';
comment on column pgledger.meters.tenant_id is 'Tenant.';
comment on column pgledger.meters.feature_key is 'Key of the feature.';
comment on column pgledger.meters.type is 'metered or seat, as the feature was at the first event.';
comment on column pgledger.meters.unique_key is
  'Member of metadata whose different values are kept, as the feature was at the first event.';
comment on column pgledger.meters.turn is
  'Counts the calls that needed the usage to stand still: calls that consume, and reports of '
  'seats.';

-- Each call that records usage takes one number; an event's key is that number and its place.
create sequence pgledger.usage_calls_seq as bigint maxvalue 8796093022207;

comment on sequence pgledger.usage_calls_seq is
  'Numbers of the calls that recorded usage; the upper 43 bits of their events'' keys.';

create table pgledger.usage_events (
  key bigint not null,
  event_at timestamptz not null,
  created_at timestamptz not null,
  tenant_key integer not null,
  meter_key integer not null,
  quantity numeric not null,
  idempotency_key text collate "C",
  metadata jsonb,
  constraint usage_events_meter_key_event_at_key_pk primary key (meter_key, event_at, key),
  constraint usage_events_tenant_key_idempotency_key_key unique (tenant_key, idempotency_key)
);

comment on table pgledger.usage_events is
  'Usage as it was reported. Rows never change; purging removes old ones.';
comment on column pgledger.usage_events.key is
  'Unique key: the number of the call times 2^20, plus the event''s place within the call. Part '
  'of the public id.';
comment on column pgledger.usage_events.event_at is
  'When it happened, as reported. The event counts in the period that this time lies in.';
comment on column pgledger.usage_events.created_at is 'When it was recorded.';
comment on column pgledger.usage_events.tenant_key is 'Internal key of (app_id, tenant_id).';
comment on column pgledger.usage_events.meter_key is
  'Internal key of (app_id, tenant_id, feature_key).';
comment on column pgledger.usage_events.quantity is
  'How much was used; for a seat, how many there are. 0 or more, below 1e30, at most 18 decimal '
  'places.';
comment on column pgledger.usage_events.idempotency_key is
  'Key of the event, as given (a second event of the tenant with this key is not counted), or '
  'null.';
comment on column pgledger.usage_events.metadata is 'JSON object given with the event, or null.';

create table pgledger.usage_rollups (
  meter_key integer not null,
  span smallint not null,
  starts_at timestamptz not null,
  events bigint not null,
  quantity numeric not null,
  highest numeric not null,
  latest_at timestamptz not null,
  latest_key bigint not null,
  latest numeric not null,
  constraint usage_rollups_meter_key_span_starts_at_pk primary key (meter_key, span, starts_at)
) with (fillfactor = 60);

comment on table pgledger.usage_rollups is
  'What the events of a meter come to in each UTC hour and each UTC day, exactly. '
  'Kept by the statement that records the events; purging leaves them.';
comment on column pgledger.usage_rollups.meter_key is 'Meter.';
comment on column pgledger.usage_rollups.span is
  '1: a day. 2: an hour.';
comment on column pgledger.usage_rollups.starts_at is
  'Start of the day or hour in UTC.';
comment on column pgledger.usage_rollups.events is 'Count of events.';
comment on column pgledger.usage_rollups.quantity is 'Sum of quantities.';
comment on column pgledger.usage_rollups.highest is 'Highest quantity.';
comment on column pgledger.usage_rollups.latest_at is 'event_at of the latest event.';
comment on column pgledger.usage_rollups.latest_key is
  'Key of the latest event; of events at the same time the one recorded last.';
comment on column pgledger.usage_rollups.latest is 'Quantity of the latest event.';

create table pgledger.usage_values (
  meter_key integer not null,
  span smallint not null,
  starts_at timestamptz not null,
  value text collate "C" not null,
  constraint usage_values_meter_key_span_starts_at_value_pk
  primary key (meter_key, span, starts_at, value)
);

comment on table pgledger.usage_values is
  'Different values of the named member of metadata in each UTC hour and day, for unique_count.';
comment on column pgledger.usage_values.meter_key is 'Meter.';
comment on column pgledger.usage_values.span is '1: a day. 2: an hour.';
comment on column pgledger.usage_values.starts_at is 'Start of the day or hour in UTC.';
comment on column pgledger.usage_values.value is 'The value as text, 1 to 255 characters.';

alter table pgledger.meters enable row level security;
revoke all on table pgledger.meters from public;
grant select on table pgledger.meters to pgledger_auditor;
revoke all on sequence pgledger.usage_calls_seq from public;
alter table pgledger.usage_events enable row level security;
revoke all on table pgledger.usage_events from public;
grant select on table pgledger.usage_events to pgledger_auditor;
revoke all on table pgledger.usage_rollups from public;
grant select on table pgledger.usage_rollups to pgledger_auditor;
revoke all on table pgledger.usage_values from public;
grant select on table pgledger.usage_values to pgledger_auditor;

create type public.ledger_usage_event as (
  id text collate "C",
  app_id text collate "C",
  tenant_id text collate "C",
  feature_key text collate "C",
  quantity numeric,
  event_at timestamptz,
  idempotency_key text collate "C",
  metadata jsonb,
  created_at timestamptz
);

comment on type public.ledger_usage_event is 'Usage as it was reported.';
comment on column public.ledger_usage_event.id is 'Public id: evt_ and a ULID.';
comment on column public.ledger_usage_event.app_id is 'App.';
comment on column public.ledger_usage_event.tenant_id is 'Tenant whose usage it is.';
comment on column public.ledger_usage_event.feature_key is 'Key of the feature that was used.';
comment on column public.ledger_usage_event.quantity is
  'How much was used; for a seat, how many there are.';
comment on column public.ledger_usage_event.event_at is
  'When it happened, as reported. The event counts in the period that this time lies in.';
comment on column public.ledger_usage_event.idempotency_key is
  'Key of the event, as given (a second event of the tenant with this key is not counted), or '
  'null.';
comment on column public.ledger_usage_event.metadata is
  'JSON object given with the event, or null.';
comment on column public.ledger_usage_event.created_at is 'When it was recorded.';

revoke all on type public.ledger_usage_event from public;
grant usage on type public.ledger_usage_event to pgledger_reader;

create type public.ledger_usage_answer as (
  event_index bigint,
  status text collate "C",
  id text collate "C",
  error text collate "C",
  reason text collate "C"
);

comment on type public.ledger_usage_answer is 'What became of one event of a batch.';
comment on column public.ledger_usage_answer.event_index is
  'Which event of the batch this is about, from 1.';
comment on column public.ledger_usage_answer.status is
  'What became of it; the key of a duplicate was counted before; one of: inserted, duplicate, '
  'rejected.';
comment on column public.ledger_usage_answer.id is
  'Public id of the event: evt_ and a ULID; for a duplicate the id of the first event, unless '
  'that one has just been purged (null for a rejected event), or null.';
comment on column public.ledger_usage_answer.error is
  'SQLSTATE of what is wrong with a rejected event, or null.';
comment on column public.ledger_usage_answer.reason is 'What is wrong, in words, or null.';

revoke all on type public.ledger_usage_answer from public;
grant usage on type public.ledger_usage_answer to pgledger_reader;

create type public.ledger_usage_receipt as (
  status text collate "C",
  id text collate "C"
);

comment on type public.ledger_usage_receipt is 'What became of a single event.';
comment on column public.ledger_usage_receipt.status is
  'What became of it; the key of a duplicate was counted before; one of: inserted, duplicate.';
comment on column public.ledger_usage_receipt.id is
  'Public id of the event: evt_ and a ULID; for a duplicate the id of the first event, unless '
  'that one has just been purged, or null.';

revoke all on type public.ledger_usage_receipt from public;
grant usage on type public.ledger_usage_receipt to pgledger_reader;

create type public.ledger_feature_usage as (
  feature_key text collate "C",
  aggregation text collate "C",
  value numeric
);

comment on type public.ledger_feature_usage is 'What usage of a feature comes to.';
comment on column public.ledger_feature_usage.feature_key is
  'Key of the feature that was used.';
comment on column public.ledger_feature_usage.aggregation is
  'How it was counted; one of: sum, count, max, unique_count, latest.';
comment on column public.ledger_feature_usage.value is 'What the usage comes to.';

revoke all on type public.ledger_feature_usage from public;
grant usage on type public.ledger_feature_usage to pgledger_reader;

-- file: migrations/0008_create_entitlement_cache.sql
/*
Cached entitlements. An entry holds the versions of everything it was made from, and is served only
while none of them has changed. So a change need not look for entries to remove, and recording usage
never writes here.
*/
create table pgledger.entitlement_cache (
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  feature_key text collate "C" not null,
  used numeric not null,
  quota numeric not null,
  soft_limit boolean not null,
  reason text collate "C" not null,
  starts_at timestamptz,
  ends_at timestamptz,
  plan_version bigint not null,
  subscription_version bigint not null,
  usage_version bigint not null,
  tenant_version bigint not null,
  feature_version bigint not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  constraint entitlement_cache_app_id_tenant_id_feature_key_pk
  primary key (app_id, tenant_id, feature_key)
) with (fillfactor = 70);

comment on table pgledger.entitlement_cache is
  'Answers of ledger_check_entitlement, kept for at most their time to live.';
comment on column pgledger.entitlement_cache.app_id is 'App.';
comment on column pgledger.entitlement_cache.tenant_id is 'Tenant.';
comment on column pgledger.entitlement_cache.feature_key is 'Key of the feature.';
comment on column pgledger.entitlement_cache.used is
  'Usage in the limit''s period, or seats taken.';
comment on column pgledger.entitlement_cache.quota is 'Limit; -1 for unlimited.';
comment on column pgledger.entitlement_cache.soft_limit is
  'Whether usage may go beyond the limit, at a price.';
comment on column pgledger.entitlement_cache.reason is
  'Why nothing is allowed at all; empty where the limit decides.';
comment on column pgledger.entitlement_cache.starts_at is
  'Start of the time in which usage was counted, inclusive; null where none was.';
comment on column pgledger.entitlement_cache.ends_at is
  'End of the time in which usage was counted, exclusive; null where none was.';
comment on column pgledger.entitlement_cache.plan_version is
  'Sum of the versions of the plans it was made from.';
comment on column pgledger.entitlement_cache.subscription_version is
  'Sum of the versions of all the tenant''s subscriptions when it was made.';
comment on column pgledger.entitlement_cache.usage_version is
  'Count of the events between starts_at and ends_at when it was made.';
comment on column pgledger.entitlement_cache.tenant_version is
  'Count of the tenant''s invalidations when it was made.';
comment on column pgledger.entitlement_cache.feature_version is
  'Count of the feature''s invalidations when it was made.';
comment on column pgledger.entitlement_cache.created_at is 'When it was made.';
comment on column pgledger.entitlement_cache.expires_at is
  'When it expires: its time to live, the end of the limit''s period, trial end or cancellation, '
  'whichever is first.';

create table pgledger.feature_invalidations (
  app_id text collate "C" not null,
  feature_key text collate "C" not null,
  version bigint not null,
  constraint feature_invalidations_app_id_feature_key_pk primary key (app_id, feature_key)
);

comment on table pgledger.feature_invalidations is
  'Counts how often the cached entitlements of a feature were invalidated for all tenants.';
comment on column pgledger.feature_invalidations.app_id is 'App.';
comment on column pgledger.feature_invalidations.feature_key is 'Key of the feature.';
comment on column pgledger.feature_invalidations.version is 'Count of invalidations.';

alter table pgledger.entitlement_cache enable row level security;
revoke all on table pgledger.entitlement_cache from public;
grant select on table pgledger.entitlement_cache to pgledger_auditor;
revoke all on table pgledger.feature_invalidations from public;
grant select on table pgledger.feature_invalidations to pgledger_auditor;

create type public.ledger_entitlement as (
  allowed boolean,
  feature text collate "C",
  used numeric,
  "limit" numeric,
  remaining numeric,
  soft_limit boolean,
  reason text collate "C"
);

comment on type public.ledger_entitlement is 'Whether a tenant may use a feature.';
comment on column public.ledger_entitlement.allowed is
  'Whether the quantity asked for may be used.';
comment on column public.ledger_entitlement.feature is 'Key of the feature.';
comment on column public.ledger_entitlement.used is
  'Usage in the limit''s period, or seats taken.';
comment on column public.ledger_entitlement."limit" is 'Limit; -1 for unlimited.';
comment on column public.ledger_entitlement.remaining is
  'What is left of the limit; -1 for unlimited.';
comment on column public.ledger_entitlement.soft_limit is
  'Whether usage may go beyond the limit, at a price.';
comment on column public.ledger_entitlement.reason is
  'Why it is allowed or not; soft_limit means beyond the limit, at a price; one of: within_limit, '
  'unlimited, soft_limit, enabled, limit_exceeded, disabled, not_in_plan, no_subscription, '
  'paused.';

revoke all on type public.ledger_entitlement from public;
grant usage on type public.ledger_entitlement to pgledger_reader;

create type public.ledger_consumption as (
  allowed boolean,
  feature text collate "C",
  used numeric,
  "limit" numeric,
  remaining numeric,
  soft_limit boolean,
  reason text collate "C",
  event_id text collate "C"
);

comment on type public.ledger_consumption is
  'What became of a check of an entitlement that records the usage in the same step.';
comment on column public.ledger_consumption.allowed is
  'Whether the quantity was recorded as used.';
comment on column public.ledger_consumption.feature is 'Key of the feature.';
comment on column public.ledger_consumption.used is
  'Usage in the limit''s period afterwards, or seats taken.';
comment on column public.ledger_consumption."limit" is 'Limit; -1 for unlimited.';
comment on column public.ledger_consumption.remaining is
  'What is left of the limit afterwards; -1 for unlimited.';
comment on column public.ledger_consumption.soft_limit is
  'Whether usage may go beyond the limit, at a price.';
comment on column public.ledger_consumption.reason is
  'Why it is allowed or not; soft_limit means beyond the limit, at a price; duplicate means '
  'recorded before; one of: within_limit, unlimited, soft_limit, enabled, limit_exceeded, '
  'disabled, not_in_plan, no_subscription, paused, duplicate.';
comment on column public.ledger_consumption.event_id is
  'Public id of the usage event: evt_ and a ULID; for a duplicate the id of the first event (null '
  'if nothing was recorded), or null.';

revoke all on type public.ledger_consumption from public;
grant usage on type public.ledger_consumption to pgledger_reader;

-- file: migrations/0009_create_tenant_roles.sql
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

-- file: migrations/0010_create_coupons.sql
/*
Coupons, who has redeemed them, and which invoices they have reduced. A redemption belongs to the
tenant: invoices use it up when they become final, and give it back when they are voided.
*/
create table pgledger.coupons (
  key bigint generated always as identity (minvalue 1 maxvalue 4294967295),
  id text collate "C" not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  code text collate "C" not null,
  name text not null,
  percentage numeric,
  amount numeric,
  currency text collate "C",
  duration text collate "C" not null,
  duration_invoices integer,
  applies_to text[] collate "C",
  minimum_subtotal numeric,
  valid_from timestamptz,
  valid_until timestamptz,
  max_redemptions bigint,
  max_redemptions_per_tenant bigint,
  redemptions bigint default 0 not null,
  status text collate "C" default 'active' not null,
  version bigint default 1 not null,
  metadata jsonb,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint coupons_key_pk primary key (key),
  constraint coupons_id_key unique (id),
  constraint coupons_app_id_tenant_id_code_key unique (app_id, tenant_id, code),
  constraint coupons_percentage_or_amount_check check (num_nonnulls(percentage, amount) = 1),
  constraint coupons_percentage_is_0_to_100_check
  check (percentage > 0 and percentage <= 100),
  constraint coupons_amount_is_positive_check check (amount > 0 and amount < 1e30),
  constraint coupons_amounts_have_a_currency_check
  check (currency is not null or (amount is null and minimum_subtotal is null)),
  constraint coupons_duration_is_known_check
  check (duration in ('once', 'repeating', 'forever')),
  constraint coupons_only_repeating_ones_count_invoices_check
  check ((duration = 'repeating') = (duration_invoices is not null)),
  constraint coupons_redemptions_are_within_limit_check check (redemptions <= max_redemptions),
  constraint coupons_status_is_known_check check (status in ('active', 'archived'))
);

comment on table pgledger.coupons is 'Discounts that tenants can redeem by a code.';
comment on column pgledger.coupons.key is 'Internal key.';
comment on column pgledger.coupons.id is 'Public id: cpn_ and a ULID.';
comment on column pgledger.coupons.app_id is 'App that it belongs to.';
comment on column pgledger.coupons.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column pgledger.coupons.code is 'What is typed to redeem it, for example WELCOME20.';
comment on column pgledger.coupons.name is 'Name for people; stands on invoices.';
comment on column pgledger.coupons.percentage is
  'Percent off, above 0 and at most 100 (null if it takes off an amount), or null.';
comment on column pgledger.coupons.amount is
  'Amount off, in its currency (null if it takes off a percentage), or null.';
comment on column pgledger.coupons.currency is
  'Currency of its amounts; if it has one, it reduces only invoices in that currency, or null.';
comment on column pgledger.coupons.duration is
  'How many invoices a redemption reduces; repeating means duration_invoices of them; one of: '
  'once, repeating, forever.';
comment on column pgledger.coupons.duration_invoices is
  'How many invoices a redemption reduces if duration is repeating, or null.';
comment on column pgledger.coupons.applies_to is
  'Which lines it reduces: keys of features, base for the base fee, items of one-off lines (null '
  'for the whole invoice), or null.';
comment on column pgledger.coupons.minimum_subtotal is
  'Least sum of an invoice''s lines, before discounts, for it to apply, or null.';
comment on column pgledger.coupons.valid_from is
  'First moment at which it can be redeemed (null for any time), or null.';
comment on column pgledger.coupons.valid_until is
  'First moment at which it can no longer be redeemed (null for never), or null.';
comment on column pgledger.coupons.max_redemptions is
  'How often it can be redeemed in all (null for any number), or null.';
comment on column pgledger.coupons.max_redemptions_per_tenant is
  'How often one tenant can redeem it (null for any number), or null.';
comment on column pgledger.coupons.redemptions is 'How often it has been redeemed.';
comment on column pgledger.coupons.status is
  'State; an archived coupon can no longer be redeemed, and earlier redemptions stay; one of: '
  'active, archived.';
comment on column pgledger.coupons.version is
  'Counts changes, from 1; a redemption is not a change.';
comment on column pgledger.coupons.metadata is 'JSON object of the app''s own, or null.';
comment on column pgledger.coupons.created_at is 'When it was created.';
comment on column pgledger.coupons.updated_at is 'When it was last changed.';

create table pgledger.coupon_redemptions (
  key bigint generated always as identity (minvalue 1 maxvalue 4294967295),
  id text collate "C" not null,
  coupon_key bigint not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  subscription_key bigint,
  uses_left integer,
  amount_left numeric,
  created_at timestamptz not null,
  constraint coupon_redemptions_key_pk primary key (key),
  constraint coupon_redemptions_id_key unique (id),
  constraint coupon_redemptions_coupon_key_fk foreign key (coupon_key)
  references pgledger.coupons (key),
  constraint coupon_redemptions_subscription_key_fk foreign key (subscription_key)
  references pgledger.subscriptions (key),
  constraint coupon_redemptions_uses_left_is_not_negative_check check (uses_left >= 0),
  constraint coupon_redemptions_amount_left_is_not_negative_check check (amount_left >= 0)
) with (fillfactor = 80);

create index coupon_redemptions_app_id_tenant_id_idx
on pgledger.coupon_redemptions (app_id, tenant_id);
create index coupon_redemptions_coupon_key_tenant_id_idx
on pgledger.coupon_redemptions (coupon_key, tenant_id);
create index coupon_redemptions_subscription_key_idx
on pgledger.coupon_redemptions (subscription_key);

comment on table pgledger.coupon_redemptions is 'Coupons that tenants have, and what is left.';
comment on column pgledger.coupon_redemptions.key is 'Internal key.';
comment on column pgledger.coupon_redemptions.id is 'Public id: red_ and a ULID.';
comment on column pgledger.coupon_redemptions.coupon_key is 'Coupon.';
comment on column pgledger.coupon_redemptions.app_id is 'App.';
comment on column pgledger.coupon_redemptions.tenant_id is 'Tenant who redeemed it.';
comment on column pgledger.coupon_redemptions.subscription_key is
  'Subscription whose invoices it reduces; null for all of the tenant''s.';
comment on column pgledger.coupon_redemptions.uses_left is
  'How many invoices it can still reduce (null for any number), or null.';
comment on column pgledger.coupon_redemptions.amount_left is
  'What is left of the amount, if the coupon takes off an amount once, or null.';
comment on column pgledger.coupon_redemptions.created_at is 'When it was redeemed.';

alter table pgledger.coupons enable row level security;
revoke all on table pgledger.coupons from public;
grant select on table pgledger.coupons to pgledger_auditor;
create policy auditors_read_all on pgledger.coupons
for select to pgledger_auditor using (true);
alter table pgledger.coupon_redemptions enable row level security;
revoke all on table pgledger.coupon_redemptions from public;
grant select on table pgledger.coupon_redemptions to pgledger_auditor;
create policy auditors_read_all on pgledger.coupon_redemptions
for select to pgledger_auditor using (true);

create type public.ledger_coupon as (
  id text collate "C",
  app_id text collate "C",
  tenant_id text collate "C",
  code text collate "C",
  name text,
  percentage numeric,
  amount numeric,
  currency text collate "C",
  duration text collate "C",
  duration_invoices integer,
  applies_to text array,
  minimum_subtotal numeric,
  valid_from timestamptz,
  valid_until timestamptz,
  max_redemptions bigint,
  max_redemptions_per_tenant bigint,
  redemptions bigint,
  status text collate "C",
  version bigint,
  metadata jsonb,
  created_at timestamptz,
  updated_at timestamptz
);

comment on type public.ledger_coupon is 'A discount that tenants can redeem.';
comment on column public.ledger_coupon.id is 'Public id: cpn_ and a ULID.';
comment on column public.ledger_coupon.app_id is 'App that it belongs to.';
comment on column public.ledger_coupon.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column public.ledger_coupon.code is
  'What is typed to redeem it, for example WELCOME20.';
comment on column public.ledger_coupon.name is 'Name for people; stands on invoices.';
comment on column public.ledger_coupon.percentage is
  'Percent off, above 0 and at most 100 (null if it takes off an amount), or null.';
comment on column public.ledger_coupon.amount is
  'Amount off, in its currency (null if it takes off a percentage), or null.';
comment on column public.ledger_coupon.currency is
  'Currency of its amounts; if it has one, it reduces only invoices in that currency, or null.';
comment on column public.ledger_coupon.duration is
  'How many invoices a redemption reduces; repeating means duration_invoices of them; one of: '
  'once, repeating, forever.';
comment on column public.ledger_coupon.duration_invoices is
  'How many invoices a redemption reduces if duration is repeating, or null.';
comment on column public.ledger_coupon.applies_to is
  'Which lines it reduces: keys of features, base for the base fee, items of one-off lines (null '
  'for the whole invoice), or null.';
comment on column public.ledger_coupon.minimum_subtotal is
  'Least sum of an invoice''s lines, before discounts, for it to apply, or null.';
comment on column public.ledger_coupon.valid_from is
  'First moment at which it can be redeemed (null for any time), or null.';
comment on column public.ledger_coupon.valid_until is
  'First moment at which it can no longer be redeemed (null for never), or null.';
comment on column public.ledger_coupon.max_redemptions is
  'How often it can be redeemed in all (null for any number), or null.';
comment on column public.ledger_coupon.max_redemptions_per_tenant is
  'How often one tenant can redeem it (null for any number), or null.';
comment on column public.ledger_coupon.redemptions is 'How often it has been redeemed.';
comment on column public.ledger_coupon.status is
  'State; an archived coupon can no longer be redeemed, and earlier redemptions stay; one of: '
  'active, archived.';
comment on column public.ledger_coupon.version is
  'Counts changes, from 1; a redemption is not a change.';
comment on column public.ledger_coupon.metadata is 'JSON object of the app''s own, or null.';
comment on column public.ledger_coupon.created_at is 'When it was created.';
comment on column public.ledger_coupon.updated_at is 'When it was last changed.';

revoke all on type public.ledger_coupon from public;
grant usage on type public.ledger_coupon to pgledger_reader;

create type public.ledger_coupon_redemption as (
  id text collate "C",
  app_id text collate "C",
  tenant_id text collate "C",
  coupon_id text collate "C",
  code text collate "C",
  subscription_id text collate "C",
  status text,
  uses_left integer,
  amount_left numeric,
  created_at timestamptz
);

comment on type public.ledger_coupon_redemption is
  'A coupon that a tenant has, and what is left of it.';
comment on column public.ledger_coupon_redemption.id is 'Public id: red_ and a ULID.';
comment on column public.ledger_coupon_redemption.app_id is 'App.';
comment on column public.ledger_coupon_redemption.tenant_id is 'Tenant who redeemed it.';
comment on column public.ledger_coupon_redemption.coupon_id is 'Id of the coupon.';
comment on column public.ledger_coupon_redemption.code is 'Code of the coupon.';
comment on column public.ledger_coupon_redemption.subscription_id is
  'Id of the subscription whose invoices it reduces (null for all of the tenant''s), or null.';
comment on column public.ledger_coupon_redemption.status is
  'State; nothing is left of a used redemption; one of: active, used.';
comment on column public.ledger_coupon_redemption.uses_left is
  'How many invoices it can still reduce (null for any number), or null.';
comment on column public.ledger_coupon_redemption.amount_left is
  'What is left of the amount, if the coupon takes off an amount once, or null.';
comment on column public.ledger_coupon_redemption.created_at is 'When it was redeemed.';

revoke all on type public.ledger_coupon_redemption from public;
grant usage on type public.ledger_coupon_redemption to pgledger_reader;

-- file: migrations/0011_create_invoices.sql
/*
Invoices: their lines, the payments made on them, and the coupons that reduced them. A draft is
computed anew whenever it is refreshed; once an invoice is final, only its state and its payments
change.

The lines are also the record of what has been billed: a later invoice for the same time charges or
credits the difference to them.
*/
create type pgledger.billing_segment as (
  starts_at timestamptz,
  ends_at timestamptz,
  plan_key bigint,
  quantity numeric,
  status text,
  whole_start timestamptz,
  whole_end timestamptz
);

comment on type pgledger.billing_segment is
  'A part of a subscription''s period in which neither plan, quantity nor status changed.';
revoke all on type pgledger.billing_segment from public;

create type pgledger.priced_feature as (
  description text,
  feature_key text,
  unit_amount numeric,
  meter_key integer,
  unique_key text,
  basis jsonb
);

comment on type pgledger.priced_feature is
  'A feature that has a price, with what a charge is computed from and the meter that counts it.';
revoke all on type pgledger.priced_feature from public;

create table pgledger.invoices (
  key bigint generated always as identity (minvalue 1 maxvalue 4294967295),
  id text collate "C" not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  subscription_key bigint,
  kind text collate "C" not null,
  period_start timestamptz,
  period_end timestamptz,
  status text collate "C" default 'draft' not null,
  number bigint,
  currency text collate "C" not null,
  subtotal numeric not null,
  discount numeric not null,
  tax numeric not null,
  total numeric not null,
  credits_applied numeric default 0 not null,
  amount_due numeric not null,
  amount_paid numeric default 0 not null,
  refund_due numeric default 0 not null,
  unapplied numeric default 0 not null,
  tax_rates jsonb default '[]' not null,
  as_of_version bigint,
  finalized_at timestamptz,
  due_at timestamptz,
  paid_at timestamptz,
  voided_at timestamptz,
  void_reason text,
  uncollectible_at timestamptz,
  version bigint default 1 not null,
  metadata jsonb,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint invoices_key_pk primary key (key),
  constraint invoices_id_key unique (id),
  constraint invoices_app_id_number_key unique (app_id, number),
  constraint invoices_subscription_key_fk foreign key (subscription_key)
  references pgledger.subscriptions (key),
  constraint invoices_kind_is_known_check
  check (kind in ('period', 'start', 'interim', 'one_off')),
  constraint invoices_only_one_off_ones_have_no_subscription_check
  check ((kind = 'one_off') = (subscription_key is null)),
  constraint invoices_status_is_known_check
  check (status in ('draft', 'pending', 'paid', 'past_due', 'voided', 'uncollectible')),
  constraint invoices_total_adds_up_check check (total = subtotal - discount + tax),
  constraint invoices_amount_due_adds_up_check
  check (amount_due = greatest(total - credits_applied, 0))
) with (fillfactor = 80);

create unique index invoices_subscription_key_kind_period_start_live_idx
on pgledger.invoices (subscription_key, kind, period_start)
where status <> 'voided';
create index invoices_app_id_tenant_id_idx on pgledger.invoices (app_id, tenant_id);
create index invoices_app_id_due_at_idx on pgledger.invoices (app_id, due_at)
where status = 'pending';

comment on table pgledger.invoices is 'Invoices, from the draft to the last payment.';
comment on column pgledger.invoices.key is 'Internal key.';
comment on column pgledger.invoices.id is 'Public id: inv_ and a ULID.';
comment on column pgledger.invoices.app_id is 'App.';
comment on column pgledger.invoices.tenant_id is 'Tenant who is billed.';
comment on column pgledger.invoices.subscription_key is 'Subscription; null for a one-off invoice.';
comment on column pgledger.invoices.kind is
  'What it is for. period: what a period has come to. start: a base fee that is due at the start '
  'of the time it pays for. interim: usage within a period. one_off: lines that the app gave. One '
  'of: period, start, interim, one_off.';
comment on column pgledger.invoices.period_start is
  'Start of the period it is for, inclusive (null for a one-off invoice), or null.';
comment on column pgledger.invoices.period_end is
  'End of the period it is for, exclusive (null for a one-off invoice), or null.';
comment on column pgledger.invoices.status is
  'State; paid and voided are final; one of: draft, pending, paid, past_due, voided, '
  'uncollectible.';
comment on column pgledger.invoices.number is
  'Number within the app, from 1 without a gap (null for a draft), or null.';
comment on column pgledger.invoices.currency is 'Currency of all its amounts.';
comment on column pgledger.invoices.subtotal is 'Sum of its lines before discounts and taxes.';
comment on column pgledger.invoices.discount is 'Sum of what coupons take off.';
comment on column pgledger.invoices.tax is 'Sum of its taxes.';
comment on column pgledger.invoices.total is
  'What it comes to: subtotal less discount plus tax; below zero where it credits more than it '
  'charges.';
comment on column pgledger.invoices.credits_applied is 'What a wallet has paid of the total.';
comment on column pgledger.invoices.amount_due is
  'What is to be paid: total less credits_applied, at least 0.';
comment on column pgledger.invoices.amount_paid is 'Sum of the payments made on it.';
comment on column pgledger.invoices.refund_due is
  'What is to be paid back: the part of a total below zero that was credited to be refunded.';
comment on column pgledger.invoices.unapplied is
  'What was paid too much, or credited and not refunded: kept for the tenant, and not yet used.';
comment on column pgledger.invoices.tax_rates is
  'JSON array of the tax rates it was computed with, as given.';
comment on column pgledger.invoices.as_of_version is
  'Version of the subscription up to which its changes were looked at; null for a one-off invoice '
  'and for a draft whose period has not ended.';
comment on column pgledger.invoices.finalized_at is 'When it became final, or null.';
comment on column pgledger.invoices.due_at is 'When it is to be paid, or null.';
comment on column pgledger.invoices.paid_at is 'When its payments covered it, or null.';
comment on column pgledger.invoices.voided_at is 'When it was voided, or null.';
comment on column pgledger.invoices.void_reason is 'Why it was voided, as given, or null.';
comment on column pgledger.invoices.uncollectible_at is
  'When it was given up as uncollectible, or null.';
comment on column pgledger.invoices.version is 'Counts changes, from 1.';
comment on column pgledger.invoices.metadata is 'JSON object of the app''s own, or null.';
comment on column pgledger.invoices.created_at is 'When it was drawn up.';
comment on column pgledger.invoices.updated_at is 'When it was last changed.';

create table pgledger.invoice_lines (
  invoice_key bigint not null,
  place integer not null,
  kind text collate "C" not null,
  description text not null,
  item text collate "C",
  period_start timestamptz,
  period_end timestamptz,
  quantity numeric,
  unit_amount numeric,
  amount numeric not null,
  discount numeric default 0 not null,
  tax numeric default 0 not null,
  subscription_key bigint,
  for_period timestamptz,
  plan_key bigint,
  gross numeric,
  counted numeric,
  events bigint,
  redemption_key bigint,
  basis jsonb,
  constraint invoice_lines_invoice_key_place_pk primary key (invoice_key, place),
  constraint invoice_lines_kind_is_known_check
  check (
    kind in (
      'base_fee', 'proration', 'usage', 'overage', 'seats', 'true_up', 'cap', 'late_usage', 'item',
      'discount', 'tax'
    )
  )
);

create index invoice_lines_subscription_key_for_period_idx
on pgledger.invoice_lines (subscription_key, for_period)
where subscription_key is not null;

comment on table pgledger.invoice_lines is
  'Lines of invoices. The amounts of all lines of an invoice add up to its total.';
comment on column pgledger.invoice_lines.invoice_key is 'Invoice.';
comment on column pgledger.invoice_lines.place is 'Place on the invoice, from 1.';
comment on column pgledger.invoice_lines.kind is
  'What it is. base_fee, proration, usage, overage, seats, true_up, cap, late_usage and item '
  'charge or credit something; discount and tax follow from these.';
comment on column pgledger.invoice_lines.description is 'Text for people.';
comment on column pgledger.invoice_lines.item is
  'What it is for, as coupons and tax rates name it: the key of a feature, or base; null for '
  'discounts and taxes.';
comment on column pgledger.invoice_lines.period_start is 'Start of the time it is for, inclusive.';
comment on column pgledger.invoice_lines.period_end is 'End of the time it is for, exclusive.';
comment on column pgledger.invoice_lines.quantity is 'How much is charged for.';
comment on column pgledger.invoice_lines.unit_amount is 'Price of one unit, where there is one.';
comment on column pgledger.invoice_lines.amount is
  'Amount, rounded to the currency''s exponent; credits and discounts are below zero.';
comment on column pgledger.invoice_lines.discount is
  'This line''s share of the invoice''s discounts; 0 for discounts and taxes.';
comment on column pgledger.invoice_lines.tax is
  'This line''s share of the invoice''s taxes; 0 for discounts and taxes.';
comment on column pgledger.invoice_lines.subscription_key is
  'Subscription; only on lines that later invoices charge or credit the difference to.';
comment on column pgledger.invoice_lines.for_period is
  'Start of the subscription''s period that it belongs to.';
comment on column pgledger.invoice_lines.plan_key is 'Plan that it was charged by.';
comment on column pgledger.invoice_lines.gross is
  'For a base fee, its amount before those discounts that a credit gives back in part.';
comment on column pgledger.invoice_lines.counted is
  'What usage had come to, from the start of the period to the end of the time that the line is '
  'for.';
comment on column pgledger.invoice_lines.events is
  'Count of the events that were looked at; for late usage, of the events added.';
comment on column pgledger.invoice_lines.redemption_key is
  'For a discount, the redemption of the coupon that gives it.';
comment on column pgledger.invoice_lines.basis is
  'JSON object of what it was computed from: the price, the allowance, the rate.';

create table pgledger.invoice_payments (
  key bigint generated always as identity (minvalue 1 maxvalue 4294967295),
  id text collate "C" not null,
  invoice_key bigint not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  amount numeric not null,
  reference text,
  paid_at timestamptz not null,
  created_at timestamptz not null,
  constraint invoice_payments_key_pk primary key (key),
  constraint invoice_payments_id_key unique (id),
  constraint invoice_payments_invoice_key_fk foreign key (invoice_key)
  references pgledger.invoices (key),
  constraint invoice_payments_amount_is_positive_check check (amount > 0)
);

create index invoice_payments_invoice_key_idx on pgledger.invoice_payments (invoice_key);
create index invoice_payments_app_id_tenant_id_idx
on pgledger.invoice_payments (app_id, tenant_id);

comment on table pgledger.invoice_payments is 'Payments made on invoices. Rows never change.';
comment on column pgledger.invoice_payments.key is 'Internal key.';
comment on column pgledger.invoice_payments.id is 'Public id: pay_ and a ULID.';
comment on column pgledger.invoice_payments.invoice_key is 'Invoice.';
comment on column pgledger.invoice_payments.app_id is 'App.';
comment on column pgledger.invoice_payments.tenant_id is 'Tenant who paid.';
comment on column pgledger.invoice_payments.amount is 'Amount in the invoice''s currency.';
comment on column pgledger.invoice_payments.reference is
  'What the payment is called where it was made, or null.';
comment on column pgledger.invoice_payments.paid_at is 'When it was paid.';
comment on column pgledger.invoice_payments.created_at is 'When it was written down.';

create table pgledger.coupon_applications (
  invoice_key bigint not null,
  redemption_key bigint not null,
  discount numeric not null,
  created_at timestamptz not null,
  returned_at timestamptz,
  constraint coupon_applications_invoice_key_redemption_key_pk
  primary key (invoice_key, redemption_key),
  constraint coupon_applications_invoice_key_fk foreign key (invoice_key)
  references pgledger.invoices (key),
  constraint coupon_applications_redemption_key_fk foreign key (redemption_key)
  references pgledger.coupon_redemptions (key)
);

create index coupon_applications_redemption_key_idx
on pgledger.coupon_applications (redemption_key);

comment on table pgledger.coupon_applications is 'What redemptions have taken off final invoices.';
comment on column pgledger.coupon_applications.invoice_key is 'Invoice.';
comment on column pgledger.coupon_applications.redemption_key is 'Redemption.';
comment on column pgledger.coupon_applications.discount is 'What it took off.';
comment on column pgledger.coupon_applications.created_at is 'When the invoice became final.';
comment on column pgledger.coupon_applications.returned_at is
  'When the invoice was voided and the discount given back; null if it stands.';

revoke all on table pgledger.coupon_applications from public;
grant select on table pgledger.coupon_applications to pgledger_auditor;

/*
Tenants' own database roles read their invoices under the same policies as their other rows.
*/
alter table pgledger.invoices enable row level security;
revoke all on table pgledger.invoices from public;
grant select on table pgledger.invoices to pgledger_auditor;
create policy auditors_read_all on pgledger.invoices
for select to pgledger_auditor using (true);
grant select on table pgledger.invoices to pgledger_tenant_views;
create policy tenants_read_their_own on pgledger.invoices
for select to pgledger_tenant_views
using (
  (invoices.app_id, invoices.tenant_id) = (
    select
      mapped.app_id,
      mapped.tenant_id
    from pgledger.tenant_roles as mapped
    where mapped.role_name = current_user
  )
);

alter table pgledger.invoice_lines enable row level security;
revoke all on table pgledger.invoice_lines from public;
grant select on table pgledger.invoice_lines to pgledger_auditor;
create policy auditors_read_all on pgledger.invoice_lines
for select to pgledger_auditor using (true);
grant select on table pgledger.invoice_lines to pgledger_tenant_views;
create policy tenants_read_their_own on pgledger.invoice_lines
for select to pgledger_tenant_views
using (
  exists (
    select
    from pgledger.invoices
    inner join pgledger.tenant_roles as mapped
      on invoices.app_id = mapped.app_id and invoices.tenant_id = mapped.tenant_id
    where invoices.key = invoice_lines.invoice_key and mapped.role_name = current_user
  )
);

alter table pgledger.invoice_payments enable row level security;
revoke all on table pgledger.invoice_payments from public;
grant select on table pgledger.invoice_payments to pgledger_auditor;
create policy auditors_read_all on pgledger.invoice_payments
for select to pgledger_auditor using (true);
grant select on table pgledger.invoice_payments to pgledger_tenant_views;
create policy tenants_read_their_own on pgledger.invoice_payments
for select to pgledger_tenant_views
using (
  (invoice_payments.app_id, invoice_payments.tenant_id) = (
    select
      mapped.app_id,
      mapped.tenant_id
    from pgledger.tenant_roles as mapped
    where mapped.role_name = current_user
  )
);

create type public.ledger_invoice as (
  id text collate "C",
  app_id text collate "C",
  tenant_id text collate "C",
  subscription_id text collate "C",
  kind text collate "C",
  period_start timestamptz,
  period_end timestamptz,
  status text collate "C",
  number bigint,
  currency text collate "C",
  subtotal numeric,
  discount numeric,
  tax numeric,
  total numeric,
  credits_applied numeric,
  amount_due numeric,
  amount_paid numeric,
  amount_remaining numeric,
  refund_due numeric,
  unapplied numeric,
  line_items jsonb,
  tax_rates jsonb,
  finalized_at timestamptz,
  due_at timestamptz,
  paid_at timestamptz,
  voided_at timestamptz,
  void_reason text,
  uncollectible_at timestamptz,
  version bigint,
  metadata jsonb,
  created_at timestamptz,
  updated_at timestamptz
);

comment on type public.ledger_invoice is 'An invoice with its lines.';
comment on column public.ledger_invoice.id is 'Public id: inv_ and a ULID.';
comment on column public.ledger_invoice.app_id is 'App.';
comment on column public.ledger_invoice.tenant_id is 'Tenant who is billed.';
comment on column public.ledger_invoice.subscription_id is
  'Id of the subscription (null for a one-off invoice), or null.';
comment on column public.ledger_invoice.kind is
  'What it is for. period: what a period has come to. start: a base fee that is due at the start '
  'of the time it pays for. interim: usage within a period. one_off: lines that the app gave. One '
  'of: period, start, interim, one_off.';
comment on column public.ledger_invoice.period_start is
  'Start of the period it is for, inclusive (null for a one-off invoice), or null.';
comment on column public.ledger_invoice.period_end is
  'End of the period it is for, exclusive (null for a one-off invoice), or null.';
comment on column public.ledger_invoice.status is
  'State; paid and voided are final; one of: draft, pending, paid, past_due, voided, '
  'uncollectible.';
comment on column public.ledger_invoice.number is
  'Number within the app, from 1 without a gap (null for a draft), or null.';
comment on column public.ledger_invoice.currency is 'Currency of all its amounts.';
comment on column public.ledger_invoice.subtotal is
  'Sum of its lines before discounts and taxes.';
comment on column public.ledger_invoice.discount is 'Sum of what coupons take off.';
comment on column public.ledger_invoice.tax is 'Sum of its taxes.';
comment on column public.ledger_invoice.total is
  'What it comes to: subtotal less discount plus tax; below zero where it credits more than it '
  'charges.';
comment on column public.ledger_invoice.credits_applied is
  'What a wallet has paid of the total.';
comment on column public.ledger_invoice.amount_due is
  'What is to be paid: total less credits_applied, at least 0.';
comment on column public.ledger_invoice.amount_paid is 'Sum of the payments made on it.';
comment on column public.ledger_invoice.amount_remaining is
  'What is still to be paid; 0 for a voided invoice.';
comment on column public.ledger_invoice.refund_due is
  'What is to be paid back: the part of a total below zero that was credited to be refunded.';
comment on column public.ledger_invoice.unapplied is
  'What was paid too much, or credited and not refunded: kept for the tenant, and not yet used.';
comment on column public.ledger_invoice.line_items is
  'JSON array of its lines, in their order.';
comment on column public.ledger_invoice.tax_rates is
  'JSON array of the tax rates it was computed with, as given.';
comment on column public.ledger_invoice.finalized_at is 'When it became final, or null.';
comment on column public.ledger_invoice.due_at is 'When it is to be paid, or null.';
comment on column public.ledger_invoice.paid_at is 'When its payments covered it, or null.';
comment on column public.ledger_invoice.voided_at is 'When it was voided, or null.';
comment on column public.ledger_invoice.void_reason is 'Why it was voided, as given, or null.';
comment on column public.ledger_invoice.uncollectible_at is
  'When it was given up as uncollectible, or null.';
comment on column public.ledger_invoice.version is 'Counts changes, from 1.';
comment on column public.ledger_invoice.metadata is 'JSON object of the app''s own, or null.';
comment on column public.ledger_invoice.created_at is 'When it was drawn up.';
comment on column public.ledger_invoice.updated_at is 'When it was last changed.';

revoke all on type public.ledger_invoice from public;
grant usage on type public.ledger_invoice to pgledger_reader;

create type public.ledger_invoice_preview as (
  id text collate "C",
  app_id text collate "C",
  tenant_id text collate "C",
  subscription_id text collate "C",
  kind text collate "C",
  period_start timestamptz,
  period_end timestamptz,
  status text collate "C",
  number bigint,
  currency text collate "C",
  subtotal numeric,
  discount numeric,
  tax numeric,
  total numeric,
  credits_applied numeric,
  amount_due numeric,
  amount_paid numeric,
  amount_remaining numeric,
  refund_due numeric,
  unapplied numeric,
  line_items jsonb,
  tax_rates jsonb,
  finalized_at timestamptz,
  due_at timestamptz,
  paid_at timestamptz,
  voided_at timestamptz,
  void_reason text,
  uncollectible_at timestamptz,
  version bigint,
  metadata jsonb,
  created_at timestamptz,
  updated_at timestamptz
);

comment on type public.ledger_invoice_preview is
  'An invoice as it would be drawn up now, or as it was drawn up.';
comment on column public.ledger_invoice_preview.id is
  'Public id: inv_ and a ULID (null as long as it is not written down), or null.';
comment on column public.ledger_invoice_preview.app_id is 'App.';
comment on column public.ledger_invoice_preview.tenant_id is 'Tenant who is billed.';
comment on column public.ledger_invoice_preview.subscription_id is
  'Id of the subscription (null for a one-off invoice), or null.';
comment on column public.ledger_invoice_preview.kind is
  'What it is for. period: what a period has come to. start: a base fee that is due at the start '
  'of the time it pays for. interim: usage within a period. one_off: lines that the app gave. One '
  'of: period, start, interim, one_off.';
comment on column public.ledger_invoice_preview.period_start is
  'Start of the period it is for, inclusive (null for a one-off invoice), or null.';
comment on column public.ledger_invoice_preview.period_end is
  'End of the period it is for, exclusive (null for a one-off invoice), or null.';
comment on column public.ledger_invoice_preview.status is
  'State; paid and voided are final; one of: draft, pending, paid, past_due, voided, '
  'uncollectible.';
comment on column public.ledger_invoice_preview.number is
  'Number within the app, from 1 without a gap (null for a draft), or null.';
comment on column public.ledger_invoice_preview.currency is 'Currency of all its amounts.';
comment on column public.ledger_invoice_preview.subtotal is
  'Sum of its lines before discounts and taxes.';
comment on column public.ledger_invoice_preview.discount is 'Sum of what coupons take off.';
comment on column public.ledger_invoice_preview.tax is 'Sum of its taxes.';
comment on column public.ledger_invoice_preview.total is
  'What it comes to: subtotal less discount plus tax; below zero where it credits more than it '
  'charges.';
comment on column public.ledger_invoice_preview.credits_applied is
  'What a wallet has paid of the total.';
comment on column public.ledger_invoice_preview.amount_due is
  'What is to be paid: total less credits_applied, at least 0.';
comment on column public.ledger_invoice_preview.amount_paid is
  'Sum of the payments made on it.';
comment on column public.ledger_invoice_preview.amount_remaining is
  'What is still to be paid; 0 for a voided invoice.';
comment on column public.ledger_invoice_preview.refund_due is
  'What is to be paid back: the part of a total below zero that was credited to be refunded.';
comment on column public.ledger_invoice_preview.unapplied is
  'What was paid too much, or credited and not refunded: kept for the tenant, and not yet used.';
comment on column public.ledger_invoice_preview.line_items is
  'JSON array of its lines, in their order.';
comment on column public.ledger_invoice_preview.tax_rates is
  'JSON array of the tax rates it was computed with, as given.';
comment on column public.ledger_invoice_preview.finalized_at is
  'When it became final, or null.';
comment on column public.ledger_invoice_preview.due_at is 'When it is to be paid, or null.';
comment on column public.ledger_invoice_preview.paid_at is
  'When its payments covered it, or null.';
comment on column public.ledger_invoice_preview.voided_at is 'When it was voided, or null.';
comment on column public.ledger_invoice_preview.void_reason is
  'Why it was voided, as given, or null.';
comment on column public.ledger_invoice_preview.uncollectible_at is
  'When it was given up as uncollectible, or null.';
comment on column public.ledger_invoice_preview.version is
  'Counts changes, from 1 (null as long as it is not written down), or null.';
comment on column public.ledger_invoice_preview.metadata is
  'JSON object of the app''s own, or null.';
comment on column public.ledger_invoice_preview.created_at is
  'When it was drawn up (null as long as it is not written down), or null.';
comment on column public.ledger_invoice_preview.updated_at is
  'When it was last changed (null as long as it is not written down), or null.';

revoke all on type public.ledger_invoice_preview from public;
grant usage on type public.ledger_invoice_preview to pgledger_reader;

create type public.ledger_payment as (
  id text collate "C",
  app_id text collate "C",
  tenant_id text collate "C",
  invoice_id text collate "C",
  amount numeric,
  currency text collate "C",
  reference text,
  paid_at timestamptz,
  created_at timestamptz
);

comment on type public.ledger_payment is 'A payment made on an invoice.';
comment on column public.ledger_payment.id is 'Public id: pay_ and a ULID.';
comment on column public.ledger_payment.app_id is 'App.';
comment on column public.ledger_payment.tenant_id is 'Tenant who paid.';
comment on column public.ledger_payment.invoice_id is 'Id of the invoice.';
comment on column public.ledger_payment.amount is 'Amount in the invoice''s currency.';
comment on column public.ledger_payment.currency is 'Currency of the amount.';
comment on column public.ledger_payment.reference is
  'What the payment is called where it was made, or null.';
comment on column public.ledger_payment.paid_at is 'When it was paid.';
comment on column public.ledger_payment.created_at is 'When it was written down.';

revoke all on type public.ledger_payment from public;
grant usage on type public.ledger_payment to pgledger_reader;

-- file: repeatable/00_core/checks/amount_fault.sql
/*
Says what is wrong with an amount, or null if nothing is. Decimal places are those that matter:
trailing zeros do not count.
*/
create or replace function pgledger.amount_fault(amount numeric)
returns text
language sql
stable
parallel safe
as $$
  select case
    -- NaN is above every number, so the comparison with 1e30 refuses it, too.
    when amount > 0 and amount < 1e30 and min_scale(amount) <= 18 then null
    when amount is null then 'it is null'
    when amount = 'NaN' then 'it is not a number'
    when amount in ('Infinity', '-Infinity') then 'it is not finite'
    when amount = 0 then 'it is zero'
    when amount < 0 then 'it is negative'
    when amount >= 1e30 then 'it is not below 1e30'
    else format('it has %s decimal places', min_scale(amount))
  end
$$;

comment on function pgledger.amount_fault is 'What is wrong with an amount, or null.';

revoke all on function pgledger.amount_fault from public;

-- file: repeatable/00_core/checks/check_app.sql
/*
Refuses an app that the billing store cannot have. Unlike the ledger's, it must be named. The app *
stands for all apps, and the empty text would name one that nobody meant, so both are refused.
Errors: NullArgument, InvalidScope.
*/
create or replace function pgledger.check_app(app_id text)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id, 1);
  if app_id = '*' then
    v_ok := pgledger.fail('InvalidScope', array['app_id', '''*''', 'it stands for all apps']);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_app is
  'Raises NullArgument or InvalidScope unless the text can name an app of the billing store.';

revoke all on function pgledger.check_app from public;

-- file: repeatable/00_core/checks/check_arrays.sql
/*
Refuses parallel arrays that do not have one dimension and one length, or that have more than
100,000 elements. The length of the first array counts. The first arrays, as many as `required`
says, must be given; the others may be null.
Errors: InvalidBatch, BatchTooLarge.
*/
create or replace function pgledger.check_arrays(
  names text[],
  sizes bigint[],
  dimensions integer[],
  required integer
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  for v_place in 1..cardinality(names) loop
    if sizes[v_place] is null then
      if v_place <= required then
        v_ok := pgledger.fail('InvalidBatch', array[names[v_place] || ' must not be null']);
      end if;
    elsif dimensions[v_place] > 1 then
      v_ok := pgledger.fail(
        'InvalidBatch', array[format('%s has %s dimensions', names[v_place], dimensions[v_place])]
      );
    elsif sizes[v_place] <> sizes[1] then
      v_ok := pgledger.fail(
        'InvalidBatch',
        array[
          format('%s has %s elements, %s %s', names[v_place], sizes[v_place], names[1], sizes[1])
        ]
      );
    end if;
  end loop;
  if sizes[1] > 100000 then
    v_ok := pgledger.fail('BatchTooLarge', array[sizes[1]::text, '100000']);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_arrays is
  'Raises InvalidBatch or BatchTooLarge unless parallel arrays have one length and one dimension.';

revoke all on function pgledger.check_arrays from public;

-- file: repeatable/00_core/checks/check_billing_scope.sql
/*
Refuses an app or a tenant that the billing store cannot have. Only in the catalogue may the tenant
be empty, where it means the whole app; so an empty tenant is refused here.
Errors: NullArgument, InvalidScope.
*/
create or replace function pgledger.check_billing_scope(
  app_id text,
  tenant_id text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);
  return pgledger.check_scope('tenant_id', tenant_id, 1);
end;
$$;

comment on function pgledger.check_billing_scope is
  'Raises NullArgument or InvalidScope unless both can name an app and a tenant of it.';

revoke all on function pgledger.check_billing_scope from public;

-- file: repeatable/00_core/checks/check_catalogue_scope.sql
/*
Refuses an app or a tenant that the catalogue cannot have. The empty tenant stands for the whole
app. The app * stands for all apps: only features can belong to it, and it has no tenants.

Errors: NullArgument, InvalidScope.
*/
create or replace function pgledger.check_catalogue_scope(
  app_id text,
  tenant_id text default '',
  all_apps_allowed boolean default false
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if not all_apps_allowed or (app_id = '*') is not true then
    v_ok := pgledger.check_app(app_id);
  end if;

  v_ok := pgledger.check_scope('tenant_id', tenant_id);

  if app_id = '*' and tenant_id <> '' then
    v_ok := pgledger.fail(
      'InvalidScope',
      array[
        'tenant_id',
        quote_literal(pgledger.abridged(tenant_id)),
        'what belongs to all apps belongs to no tenant'
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_catalogue_scope is
  'Raises NullArgument or InvalidScope unless both can name an app, or all apps where that is '
  'allowed, and a tenant of it or the whole app.';

revoke all on function pgledger.check_catalogue_scope from public;

-- file: repeatable/00_core/checks/check_choice.sql
/*
Refuses a text that is none of the choices. The message names the argument by the name given here.

Errors: NullArgument, InvalidArgument.
*/
create or replace function pgledger.check_choice(
  name text,
  value text,
  choices text[]
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if value is null then
    v_ok := pgledger.fail('NullArgument', array[name]);
  elsif value <> all(choices) then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        name,
        quote_literal(pgledger.abridged(value)),
        'it is none of ' || array_to_string(choices, ', ')
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_choice is
  'Raises NullArgument or InvalidArgument unless the text is one of the choices.';

revoke all on function pgledger.check_choice from public;

-- file: repeatable/00_core/checks/check_id.sql
/*
Refuses what is not an id with that prefix. The name is that of the argument, for the message.

Errors: NullArgument, InvalidId.
*/
create or replace function pgledger.check_id(
  name text,
  id text,
  prefix text,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text := pgledger.id_fault(id, prefix);
  v_ok boolean;
begin
  if id is null then
    v_ok := pgledger.fail('NullArgument', array[name], request_index, request_count);
  elsif v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidId',
      array[name || ' ' || quote_literal(pgledger.abridged(id)), v_fault],
      request_index,
      request_count
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_id is
  'Raises NullArgument or InvalidId unless the text is an id with that prefix.';

revoke all on function pgledger.check_id from public;

-- file: repeatable/00_core/checks/check_metadata.sql
/*
Refuses metadata that is not a JSON object, or is too large.

Errors: InvalidMetadata.
*/
create or replace function pgledger.check_metadata(
  metadata jsonb,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text := pgledger.metadata_fault(metadata);
  v_ok boolean;
begin
  if v_fault is not null then
    v_ok := pgledger.fail('InvalidMetadata', array[v_fault], request_index, request_count);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_metadata is
  'Raises InvalidMetadata unless metadata is null or a JSON object that is not too large.';

revoke all on function pgledger.check_metadata from public;

-- file: repeatable/00_core/checks/check_page.sql
/*
Refuses a page size or a page offset that is out of range.
Errors: NullArgument, InvalidPage.
*/
create or replace function pgledger.check_page(page_size integer, page_offset bigint)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if page_size is null then
    v_ok := pgledger.fail('NullArgument', array['page_size']);
  elsif page_size not between 1 and 10000 then
    v_ok := pgledger.fail(
      'InvalidPage', array['page_size', page_size::text, 'it is not between 1 and 10000']
    );
  elsif page_offset is null then
    v_ok := pgledger.fail('NullArgument', array['page_offset']);
  elsif page_offset < 0 then
    v_ok := pgledger.fail('InvalidPage', array['page_offset', page_offset::text, 'it is negative']);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_page is
  'Raises NullArgument or InvalidPage unless page_size and page_offset are in range.';

revoke all on function pgledger.check_page from public;

-- file: repeatable/00_core/checks/check_quantity.sql
/*
Refuses a quantity that cannot be one. The name is that of the argument.
Errors: NullArgument, InvalidQuantity.
*/
create or replace function pgledger.check_quantity(name text, quantity numeric)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if quantity is null then
    v_ok := pgledger.fail('NullArgument', array[name]);
  elsif pgledger.quantity_fault(quantity) is not null then
    v_ok := pgledger.fail(
      'InvalidQuantity',
      array[name, pgledger.abridged(quantity::text), pgledger.quantity_fault(quantity)]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_quantity is
  'Raises NullArgument or InvalidQuantity unless the number can be a quantity.';

revoke all on function pgledger.check_quantity from public;

-- file: repeatable/00_core/checks/check_scope.sql
/*
Refuses an app_id, tenant_id or group_id that could not name anything, or that could be mistaken for
another one.

Errors: NullArgument, InvalidScope.
*/
create or replace function pgledger.check_scope(
  name text,
  value text,
  minimum integer default 0,
  maximum integer default 128
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text := pgledger.text_fault(value, minimum, maximum, false);
  v_ok boolean;
begin
  if value is null then
    v_ok := pgledger.fail('NullArgument', array[name]);
  elsif v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidScope', array[name, quote_literal(pgledger.abridged(value)), v_fault]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_scope is
  'Raises NullArgument or InvalidScope unless the value can be an app_id, tenant_id or group_id.';

revoke all on function pgledger.check_scope from public;

-- file: repeatable/00_core/checks/check_tax_rates.sql
/*
Refuses tax rates that are not an array of at most 20 objects, each with a name and a percentage.
Null means that no rates were given, and passes.

Errors: InvalidInvoice.
*/
create or replace function pgledger.check_tax_rates(
  tax_rates jsonb,
  path text default '$.tax_rates'
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_rate record;
  v_items jsonb;
  v_path text;
  v_ok boolean;
begin
  v_ok := pgledger.check_json_size(tax_rates, path, false);
  v_ok := pgledger.check_json_array(tax_rates, path);
  if jsonb_array_length(tax_rates) > 20 then
    v_ok := pgledger.refuse_json(
      tax_rates,
      path,
      format('has %s elements, at most 20 are allowed', jsonb_array_length(tax_rates))
    );
  end if;

  for v_rate in
    select rate.value, format('%s[%s]', path, rate.place - 1) as path
    from jsonb_array_elements(tax_rates) with ordinality as rate (value, place)
    order by rate.place
  loop
    v_ok := pgledger.check_json_object(
      v_rate.value, v_rate.path, array['name', 'percentage', 'applies_to']
    );
    perform pgledger.json_text(v_rate.value, v_rate.path, 'name');
    perform pgledger.invoice_text(v_rate.value -> 'name', v_rate.path || '.name', 255);
    perform pgledger.json_decimal(
      v_rate.value, v_rate.path, 'percentage', required => true, maximum => 100
    );

    v_items := nullif(v_rate.value -> 'applies_to', 'null');
    v_path := v_rate.path || '.applies_to';
    v_ok := pgledger.check_json_array(v_items, v_path);
    if jsonb_array_length(v_items) not between 1 and 100 then
      v_ok := pgledger.refuse_json(
        v_items,
        v_path,
        format('has %s elements, 1 to 100 are allowed', jsonb_array_length(v_items))
      );
    end if;
    perform pgledger.invoice_text(item.value, format('%s[%s]', v_path, item.place - 1), 255)
    from jsonb_array_elements(v_items) with ordinality as item (value, place);
  end loop;

  return true;
end;
$$;

comment on function pgledger.check_tax_rates is
  'Raises InvalidInvoice unless JSON is an array of tax rates.';

revoke all on function pgledger.check_tax_rates from public;

-- file: repeatable/00_core/checks/check_text.sql
/*
Refuses a text that cannot name or describe something. The name is that of the argument.

Errors: NullArgument, InvalidArgument.
*/
create or replace function pgledger.check_text(
  name text,
  value text,
  maximum integer,
  allow_invisible boolean default false,
  minimum integer default 1
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text := pgledger.text_fault(value, minimum, maximum, allow_invisible);
  v_ok boolean;
begin
  if value is null then
    v_ok := pgledger.fail('NullArgument', array[name]);
  elsif v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidArgument', array[name, quote_literal(pgledger.abridged(value)), v_fault]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_text is
  'Raises NullArgument or InvalidArgument unless the text is visible and of a length in range.';

revoke all on function pgledger.check_text from public;

-- file: repeatable/00_core/checks/in_app.sql
/*
Names the app in a message. The empty app is not named: most callers know of no apps.
*/
create or replace function pgledger.in_app(app_id text)
returns text
language sql
immutable
parallel safe
as $$
  select case when app_id <> '' then ' in app ' || quote_literal(app_id) else '' end
$$;

comment on function pgledger.in_app is
  'The words in which a message names the app; empty for the empty app.';

revoke all on function pgledger.in_app from public;

-- file: repeatable/00_core/checks/in_catalogue.sql
/*
Says in a message where in the catalogue something stands or was looked for.
*/
create or replace function pgledger.in_catalogue(
  app_id text,
  tenant_id text
)
returns text
language sql
immutable
parallel safe
as $$
  select case
    when app_id = '*' then ' among the features of all apps'
    when tenant_id = '' then pgledger.in_app(app_id)
    else pgledger.in_app(app_id) || ' for tenant ' || quote_literal(tenant_id)
  end
$$;

comment on function pgledger.in_catalogue is
  'The words in which a message names a part of the catalogue: an app''s or a tenant''s.';

revoke all on function pgledger.in_catalogue from public;

-- file: repeatable/00_core/checks/metadata_fault.sql
/*
Says what is wrong with metadata, or null if nothing is. Null is no metadata.

Only what takes more than 308 bytes, in memory or as text, can have a number of more than 308 digits
or more than 64 levels, and is looked at closer. Text is made by concat, which is stable: immutable
functions of a constant are worked out by the planner, before anything is measured.
*/
create or replace function pgledger.metadata_fault(metadata jsonb)
returns text
language sql
stable
parallel safe
as $$
  select case
    when metadata is null then null
    when jsonb_typeof(metadata) <> 'object'
      then format('it is of type %s, not an object', jsonb_typeof(metadata))
    when case
      when pgledger.json_bytes(metadata) > 308 then true
      else octet_length(concat(metadata)) > 308
    end
      then pgledger.searched_metadata_fault(metadata)
  end
$$;

comment on function pgledger.metadata_fault is 'What is wrong with metadata, or null.';

revoke all on function pgledger.metadata_fault from public;

-- file: repeatable/00_core/checks/quantity_fault.sql
/*
Says what is wrong with a quantity, or null if nothing is. Zero is a quantity. Decimal places are
those that matter: trailing zeros do not count.
*/
create or replace function pgledger.quantity_fault(quantity numeric)
returns text
language sql
stable
parallel safe
as $$
  select case
    -- NaN is above every number, so the comparison with 1e30 refuses it, too.
    when quantity >= 0 and quantity < 1e30 and min_scale(quantity) <= 18 then null
    when quantity is null then 'it is null'
    when quantity = 'NaN' then 'it is not a number'
    when quantity in ('Infinity', '-Infinity') then 'it is not finite'
    when quantity < 0 then 'it is negative'
    when quantity >= 1e30 then 'it is not below 1e30'
    else format('it has %s decimal places', min_scale(quantity))
  end
$$;

comment on function pgledger.quantity_fault is 'What is wrong with a quantity, or null.';

revoke all on function pgledger.quantity_fault from public;

-- file: repeatable/00_core/checks/searched_metadata_fault.sql
/*
Says what is wrong with a JSON object that is not small, or null if nothing is.

It is measured before it is searched, and searched before it is made text, because a number of a few
bytes can be written with 131072 digits, or with 16383 decimal places. Every client can read 64
levels and 308 digits; Python gives up at some 1000 levels and 4300 digits. A level takes 8 bytes at
least, and 1024 bytes have no more decimal places than can be written in a moment.
*/
create or replace function pgledger.searched_metadata_fault(metadata jsonb)
returns text
language plpgsql
stable
parallel safe
as $$
declare
  v_size integer := pgledger.json_bytes(metadata);
  v_bytes bigint;
begin
  if v_size > 8 * 65536 then
    return 'it has more than 65536 bytes';
  elsif v_size > 512 and jsonb_path_exists(
    metadata, 'strict $.**{64} ? (@.type() == "object" || @.type() == "array")'
  ) then
    return 'it is nested more than 64 levels deep';
  elsif jsonb_path_exists(
    metadata, 'strict $.** ? (@.type() == "number" && (@ >= 1e308 || @ <= -1e308))'
  ) then
    return 'it has a number of more than 308 digits';
  end if;

  if v_size > 1024 then
    select sum(scale(number.value::numeric))
    into v_bytes
    from jsonb_path_query(metadata, 'strict $.** ? (@.type() == "number")') as number (value);
    if v_bytes > 65536 then
      return 'it has more than 65536 bytes';
    end if;
  end if;

  v_bytes := octet_length(metadata::text);
  if v_bytes > 65536 then
    return format('it has %s bytes, at most 65536 are allowed', v_bytes);
  end if;
  return null;
end;
$$;

comment on function pgledger.searched_metadata_fault is
  'What is wrong with metadata that is a JSON object, or null.';

revoke all on function pgledger.searched_metadata_fault from public;

-- file: repeatable/00_core/checks/time_fault.sql
/*
Says what is wrong with a time that a caller gives, or null if nothing is.
*/
create or replace function pgledger.time_fault(at timestamptz)
returns text
language sql
immutable
parallel safe
as $$
  select case
    when at >= '0001-01-01 00:00:00+00' and at < '10000-01-01 00:00:00+00' then null
    when at is null then 'it is null'
    when not isfinite(at) then 'it is not finite'
    when at < '0001-01-01 00:00:00+00' then 'it is before the year 1'
    else 'it is after the year 9999'
  end
$$;

comment on function pgledger.time_fault is 'What is wrong with a time given by a caller, or null.';

revoke all on function pgledger.time_fault from public;

-- file: repeatable/00_core/errors/abridged.sql
/*
Shortens a value for a message: a short one stays whole, a long one keeps its beginning, followed by
dots. A caller may pass megabytes.
*/
create or replace function pgledger.abridged(value text)
returns text
language sql
immutable
parallel safe
as $$
  select case when char_length(value) > 64 then left(value, 61) || '...' else value end
$$;

comment on function pgledger.abridged is 'A value as messages show it: at most 64 characters.';

revoke all on function pgledger.abridged from public;

-- file: repeatable/00_core/errors/error_code.sql
/*
The SQLSTATE of the error of that name. Null for a name that is not registered.
*/
create or replace function pgledger.error_code(name text)
returns text
language sql
stable
parallel safe
as $$
  select registry.code
  from pgledger.error_registry() as registry
  where registry.name = error_code.name
$$;

comment on function pgledger.error_code is
  'SQLSTATE of the registered error of that name, or null.';

revoke all on function pgledger.error_code from public;

-- file: repeatable/00_core/errors/error_registry.sql
/*
Every error of pgledger, one row each: the only place where codes, names and texts are written.
Functions raise an error by its name. The message is a form for format(); whoever raises the error
gives its arguments. The meaning is what the reference and the Python class say of the error. Codes
are of SQLSTATE class LG and are never reused. Running the same transaction again at once cures none
of these errors: those that it does cure (40001, 40P01, 55P03) are PostgreSQL's own.
*/
create or replace function pgledger.error_registry()
returns table (
  code text,
  name text,
  message text,
  hint text,
  meaning text,
  retryable boolean
)
language sql
immutable
parallel safe
as $$
  values
    (
      'LG001', 'InvalidId', '%s is not a valid id: %s',
      'An id is a prefix, an underscore and a ULID: 26 characters out of 0-9 and A-Z without I, L, '
      'O and U, the first at most 7.',
      'An id is malformed; the message says how. An id is a prefix, an underscore and a ULID: 26 '
      'characters out of 0-9 and A-Z without I, L, O and U, the first at most 7. Pass ids on '
      'exactly as they were received. In Python, pgledger.ids raises it too, without asking a '
      'database.',
      false
    ),
    (
      'LG002', 'InvalidIdPrefix', '%s is not a valid prefix for ids',
      'A prefix is 1 to 16 lower-case letters a-z, for example pgla.',
      'A prefix to make ids with is not 1 to 16 lower-case letters a-z. Choose another.',
      false
    ),
    (
      'LG003', 'NullArgument', '%s must not be null',
      'Give a value; an argument that has a default may be left out.',
      'An argument that has to be given is null. Give it, or leave it out to get its default.',
      false
    ),
    (
      'LG004', 'InvalidName', 'account name %s is not valid: %s',
      'A name has 1 to 255 characters and at least one that can be seen.',
      'An account''s name is empty, cannot be seen, or has more than 255 characters.',
      false
    ),
    (
      'LG005', 'InvalidCurrency', 'currency %s is not valid: %s',
      'A currency is 1 to 32 visible characters without spaces, for example USD.',
      'A currency is not 1 to 32 visible characters without spaces. Use a code such as USD.',
      false
    ),
    (
      'LG006', 'InvalidScope', '%s %s is not valid: %s',
      'app_id and tenant_id have at most 128 characters, group_id 1 to 255, all of them visible. '
      'In the billing store neither may be empty.',
      'An app_id, tenant_id or group_id is too long or cannot be seen. '
      'In the billing store, neither app_id nor tenant_id may be empty.',
      false
    ),
    (
      'LG007', 'InvalidMetadata', 'metadata is not valid: %s',
      'Metadata is a JSON object of at most 65536 bytes, with at most 64 levels and numbers of at '
      'most 308 digits, or null. Store large things elsewhere and a reference here.',
      'Metadata is not a JSON object, or is too large or too deep. It has at most 65536 bytes, 64 '
      'levels, and numbers of at most 308 digits. Store large things elsewhere and a reference to '
      'them here.',
      false
    ),
    (
      'LG008', 'InvalidTime', '%s %s is not valid: %s',
      'Give a finite time from the year 1 to the year 9999.',
      'A time is infinite or outside the years 1 to 9999. Give one inside.',
      false
    ),
    (
      'LG009', 'EventAtInFuture', 'event_at %s is more than a day ahead of %s',
      'If the event really is that far ahead, call with allow_future_event_at => true.',
      'event_at is more than a day ahead. Usually a mistaken unit or time zone. Where it is '
      'meant, call with allow_future_event_at => true.',
      false
    ),
    (
      'LG010', 'InvalidAmount', 'amount %s is not valid: %s',
      'An amount is a number above 0 and below 1e30 with at most 18 decimal places. To move money '
      'the other way, swap the accounts.',
      'An amount is not above 0 and below 1e30 with at most 18 decimal places. To move money the '
      'other way, swap the accounts.',
      false
    ),
    (
      'LG011', 'SameAccount', 'cannot transfer from account %s to itself',
      'A transfer needs two different accounts.',
      'A transfer goes from an account to itself. Give two different accounts.',
      false
    ),
    (
      'LG012', 'InvalidBatch', '%s',
      'Give one-dimensional arrays of equal length, one element a request; an optional array may '
      'be left out.',
      'The arrays of a batch are null, not one-dimensional, or of unequal length. Comes from SQL '
      'only: Python always sends well-formed arrays.',
      false
    ),
    (
      'LG013', 'BatchTooLarge', '%s requests in one call, at most %s are taken',
      'Split the requests into several calls, in one transaction if they belong together.',
      'More than 100,000 requests in one call. Split them into several calls, in one transaction '
      'if they belong together.',
      false
    ),
    (
      'LG014', 'InvalidPage', '%s %s is not valid: %s',
      'page_size is 1 to 10000. after_version is the account_version of the last entry of the page '
      'before, or null; page_offset counts rows to leave out, from 0.',
      'A page was asked for with a size outside 1 to 10,000, or with a wrong start. after_version '
      'is the account_version of the last entry of the page before; page_offset counts rows to '
      'leave out, from 0.',
      false
    ),
    (
      'LG020', 'AccountNotFound', 'account %s does not exist%s',
      'Check the id, and the app_id: an account is found only under its own app.',
      'There is no account of this id under this app_id. Check both.',
      false
    ),
    (
      'LG021', 'TransferNotFound', 'transfer %s does not exist%s',
      'Check the id, and the app_id: a transfer is found only under its own app.',
      'There is no transfer of this id under this app_id. Check both.',
      false
    ),
    (
      'LG022', 'CurrencyMismatch',
      'cannot transfer between different currencies: account %s is in %s, account %s in %s',
      'An exchange is two transfers in one call, each within its currency, through accounts that '
      'hold both currencies'' liquidity.',
      'A transfer joins accounts of different currencies. An exchange is two transfers in one '
      'call, each within its own currency, through accounts that hold the liquidity of both.',
      false
    ),
    (
      'LG023', 'IdempotencyConflict', 'id %s is already taken by a different request',
      'Send exactly the same request to get its first result again, or choose a new id.',
      'An id chosen by the caller is already taken by a different request. Send exactly the same '
      'request to get its first result again, or choose a new id.',
      false
    ),
    (
      'LG024', 'InsufficientFunds',
      'account %s (%s) does not allow a negative balance: %s less %s would leave %s',
      'Move a smaller amount, or move money into the account first.',
      'A transfer would leave an account below zero that does not allow it. Move less, or move '
      'money into the account first.',
      false
    ),
    (
      'LG025', 'PositiveBalanceNotAllowed',
      'account %s (%s) does not allow a positive balance: %s plus %s would leave %s',
      'Move a smaller amount, or move money out of the account first.',
      'A transfer would leave an account above zero that does not allow it. Move less, or move '
      'money out of the account first.',
      false
    ),
    (
      'LG026', 'BalanceOutOfRange', 'account %s (%s) cannot hold a balance of %s',
      'A balance stays above -1e30 and below 1e30.',
      'A transfer would bring a balance to 1e30 or beyond, or to -1e30 or beyond.',
      false
    ),
    (
      'LG030', 'ImmutableRecord', '%s on %s is not allowed: its rows never change',
      'Correct a transfer with another transfer.',
      'Somebody tried to change or delete what was recorded. Correct a transfer with another '
      'transfer.',
      false
    ),
    (
      'LG101', 'InvalidArgument', '%s %s is not valid: %s',
      'The description of the function says what each argument can be: \df+ in psql, help() in '
      'Python.',
      'An argument is not one of the values or forms it can have; the message says which. A '
      'status, an aggregation, a key, a slug, a time zone, a number of trial days and the like.',
      false
    ),
    (
      'LG102', 'InvalidPlan', 'the plan is not valid at %s: %s',
      'The message names the JSON path of what is wrong; the comment on the function has the form.',
      'A plan''s features or pricing are not valid. The message names the JSON path of what is '
      'wrong, for example $.pricing.prices[0].tiers[1].up_to, and says why.',
      false
    ),
    (
      'LG103', 'UnknownCurrency', 'currency %s is not known%s',
      'Use a code of ISO 4217, or define a currency of the app''s own with ledger_set_currency.',
      'A currency is neither of ISO 4217 nor defined by the app. Define one of the app''s own '
      'with ledger_set_currency.',
      false
    ),
    (
      'LG104', 'InvalidQuantity', '%s %s is not valid: %s',
      'A quantity is a number from 0 to below 1e30 with at most 18 decimal places.',
      'A quantity is not from 0 to below 1e30 with at most 18 decimal places.',
      false
    ),
    (
      'LG105', 'UsageInFuture', 'event_at %s is more than %s ahead of %s',
      'Check the unit and the time zone; ledger_set_usage_skew changes how far ahead is allowed.',
      'event_at of a usage event is further ahead than the app allows, an hour by default. '
      'Usually a mistaken unit or time zone, or a clock that runs fast. ledger_set_usage_skew '
      'changes how far ahead is allowed.',
      false
    ),
    (
      'LG106', 'UsagePurged', '%s %s is before %s, where usage events may have been purged',
      'Usage that old is neither taken nor split any more. Ask for whole UTC hours, whose totals '
      'are kept.',
      'A time lies where the tenant''s usage events may have been purged. Usage that old is '
      'neither taken nor split any more. Ask for whole UTC hours, whose totals are kept.',
      false
    ),
    (
      'LG107', 'InvalidInvoice', 'the invoice is not valid at %s: %s',
      'The message names the JSON path of what is wrong; the comment on the function has the form.',
      'Lines or tax rates given for an invoice are not valid. The message names the JSON path of '
      'what is wrong, for example $.lines[0].amount, and says why.',
      false
    ),
    (
      'LG110', 'PlanNotFound', 'plan %s does not exist%s',
      'Check the id or slug, the app_id, and whether the plan belongs to another tenant.',
      'There is no plan of this id or slug for this app_id and tenant. Check all three.',
      false
    ),
    (
      'LG111', 'FeatureNotFound', 'feature %s does not exist%s',
      'Check the id or key and the app_id, or create it with ledger_create_feature.',
      'There is no feature of this id or key for this app_id and tenant, nor a global one. Check '
      'all three, or create it with ledger_create_feature.',
      false
    ),
    (
      'LG112', 'SubscriptionNotFound', 'subscription %s does not exist%s',
      'Check the id, the app_id and the tenant_id: a subscription is found only under its own.',
      'There is no subscription of this id under this app_id and tenant_id. Check all three.',
      false
    ),
    (
      'LG113', 'InvoiceNotFound', 'invoice %s does not exist%s',
      'Check the id, the app_id and the tenant_id: an invoice is found only under its own.',
      'There is no invoice of this id under this app_id and tenant_id. Check all three.',
      false
    ),
    (
      'LG114', 'CouponNotFound', 'coupon %s does not exist%s',
      'Check the code or id, the app_id, and whether the coupon belongs to another tenant.',
      'There is no coupon of this code or id for this app_id and tenant. Check all three.',
      false
    ),
    (
      'LG120', 'AlreadyExists', '%s %s is already taken%s',
      'Choose another, or get the one that has it.',
      'A slug, key or code is already taken. Choose another, or get the one that has it.',
      false
    ),
    (
      'LG121', 'Archived', '%s %s is archived',
      'What is archived stays for those who have it and takes nobody new; choose another.',
      'A plan or feature is archived: it stays for those who have it and takes nobody new.',
      false
    ),
    (
      'LG122', 'InUse', '%s %s cannot be %s: %s',
      'What is in use stays as it is. Archive it, so that nobody else takes it, or choose another.',
      'Something cannot be deleted or changed because others refer to it; the message says who. '
      'Archive it instead, so that those who have it keep it and nobody else takes it.',
      false
    ),
    (
      'LG123', 'InvalidState', '%s %s is %s and cannot become %s',
      'Get it again to see its state; it may have changed since.',
      'A change is not allowed in the state that something is in; the message names both states. '
      'Get it again to see its state; it may have changed since.',
      false
    ),
    (
      'LG124', 'ActiveSubscriptionExists', 'tenant %s has an active subscription already%s',
      'Change its plan or cancel it at once, or take a plan that is an add-on.',
      'The tenant has an active or trialing subscription already. Change its plan or cancel it at '
      'once, or take a plan that is an add-on.',
      false
    ),
    (
      'LG125', 'CouponNotValid', 'coupon %s cannot be redeemed: %s',
      'A coupon is redeemed while it is active, from valid_from until valid_until.',
      'A coupon cannot be redeemed now: it is archived, not valid yet or not valid any more.',
      false
    ),
    (
      'LG126', 'CouponExhausted', 'coupon %s is used up: it has been redeemed %s of %s times%s',
      'max_redemptions limits all tenants together, max_redemptions_per_tenant each of them; '
      'ledger_update_coupon raises either.',
      'A coupon has been redeemed as often as it can be, in all or by this tenant. '
      'ledger_update_coupon raises either limit.',
      false
    )
$$;

comment on function pgledger.error_registry is
  'Every error of pgledger: SQLSTATE, name, form of the message, hint, meaning, '
  'and whether a retry can help.';

-- The view of errors calls this function with the privileges of whoever reads the view.
revoke all on function pgledger.error_registry from public;
grant execute on function pgledger.error_registry to pgledger_reader;

-- file: repeatable/00_core/errors/error_text.sql
/*
The message of the error of that name: the registry's form filled in with the arguments. Null for a
name that is not registered.
*/
create or replace function pgledger.error_text(name text, arguments text[])
returns text
language sql
stable
parallel safe
as $$
  select format(registry.message, variadic error_text.arguments)
  from pgledger.error_registry() as registry
  where registry.name = error_text.name
$$;

comment on function pgledger.error_text is
  'Message of the registered error of that name, filled in.';

revoke all on function pgledger.error_text from public;

-- file: repeatable/00_core/errors/fail.sql
/*
Raises the error of that name, and never returns. The message is the registry's form filled in with
the arguments; in a batch it begins with the request that is at fault, counted from 1.

It is called as v_ok := pgledger.fail(…), and checks as v_ok := pgledger.check_id(…): an assignment
adds one line to the CONTEXT that psql and logs show, a perform the whole text of its statement too.
*/
create or replace function pgledger.fail(
  name text,
  arguments text[],
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_message text := pgledger.error_text(name, arguments);
  v_error record;
begin
  select registry.code, registry.hint
  into strict v_error
  from pgledger.error_registry() as registry
  where registry.name = fail.name;

  if fail.request_index is not null then
    v_message := format('request %s of %s: %s', fail.request_index, fail.request_count, v_message);
  end if;

  raise exception using errcode = v_error.code, message = v_message, hint = v_error.hint;
end;
$$;

comment on function pgledger.fail is
  'Raises the registered error of that name with its message filled in.';

revoke all on function pgledger.fail from public;

-- file: repeatable/00_core/ids/base32_lanes.sql
/*
Spreads the low 40 bits of a number over eight bytes, five bits a byte, most significant first: its
digits in base 32. It takes three halvings (2 x 20 bits, 4 x 10, 8 x 5) instead of eight shifts. It
is one expression, so that the planner inlines it; pass a plain variable or column, because the
argument stands in it eight times. Constants are decimal because PostgreSQL 15 has no hexadecimal
ones.
*/
create or replace function pgledger.base32_lanes(bits bigint)
returns bigint
language sql
immutable
parallel safe
as $$
  select
    (
      (
        (
          ((((bits & 1099510579200) << 12) | (bits & 1048575)) & 4499201581906944) << 6
          | ((((bits & 1099510579200) << 12) | (bits & 1048575)) & 4393751544831)
        ) & 279227437569541088
      ) << 3
    )
    | (
      (
        ((((bits & 1099510579200) << 12) | (bits & 1048575)) & 4499201581906944) << 6
        | ((((bits & 1099510579200) << 12) | (bits & 1048575)) & 4393751544831)
      ) & 8725857424048159
    )
$$;

comment on function pgledger.base32_lanes is
  'The low 40 bits of a number as eight base-32 digits, one a byte.';

revoke all on function pgledger.base32_lanes from public;

-- file: repeatable/00_core/ids/base32_pair.sql
/*
Writes ten bits as two characters of Crockford's alphabet. A ULID's 26 characters are 130 bits:
three groups of eight characters, and these two.
*/
create or replace function pgledger.base32_pair(bits integer)
returns text
language sql
immutable
parallel safe
as $$
  select
    substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', ((bits >> 5) & 31) + 1, 1)
    || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', (bits & 31) + 1, 1)
$$;

comment on function pgledger.base32_pair is
  'Ten bits as two characters of Crockford''s alphabet.';

revoke all on function pgledger.base32_pair from public;

-- file: repeatable/00_core/ids/base32_text.sql
/*
Writes eight base-32 digits, one a byte, in Crockford's alphabet. Each digit is added to the code of
'0'. From digit 10 on, where letters begin, 7 more are added, and 1 more for each of the letters I,
L, O and U that is passed over. Each comparison is one addition over all eight bytes: a carry into a
byte's sixth bit says "at least".
*/
create or replace function pgledger.base32_text(lanes bigint)
returns text
language sql
immutable
parallel safe
as $$
  select encode(
    int8send(
      lanes + 3472328296227680304
      + 7 * (((lanes + 1591483802437686806) >> 5) & 72340172838076673)
      + (((lanes + 1012762419733073422) >> 5) & 72340172838076673)
      + (((lanes + 868082074056920076) >> 5) & 72340172838076673)
      + (((lanes + 723401728380766730) >> 5) & 72340172838076673)
      + (((lanes + 361700864190383365) >> 5) & 72340172838076673)
    ),
    'escape'
  )
$$;

comment on function pgledger.base32_text is
  'Eight base-32 digits, one a byte, as eight characters of Crockford''s alphabet.';

revoke all on function pgledger.base32_text from public;

-- file: repeatable/00_core/ids/derived_ulid.sql
/*
The ULID of a record whose id is not stored. It is computed from the time when the record was
written (milliseconds, 48 bits) and two numbers (the low 40 bits of each).
*/
create or replace function pgledger.derived_ulid(
  created_at timestamptz,
  upper_number bigint,
  lower_number bigint
)
returns text
language plpgsql
immutable
parallel safe
as $$
declare
  v_milliseconds bigint := floor(extract(epoch from derived_ulid.created_at) * 1000);
  v_time bigint := pgledger.base32_lanes(v_milliseconds);
  v_upper bigint := pgledger.base32_lanes(derived_ulid.upper_number);
  v_lower bigint := pgledger.base32_lanes(derived_ulid.lower_number);
begin
  -- Ten characters hold 50 bits and the time has 48: its upper 8 go into the first two.
  return pgledger.base32_pair((v_milliseconds >> 40)::integer)
    || pgledger.base32_text(v_time)
    || pgledger.base32_text(v_upper)
    || pgledger.base32_text(v_lower);
end;
$$;

comment on function pgledger.derived_ulid is
  'ULID made of a time in milliseconds and the low 40 bits of two numbers.';

revoke all on function pgledger.derived_ulid from public;

-- file: repeatable/00_core/ids/entry_id.sql
/*
The id of an entry, which is not stored: a ULID of the time when the entry was recorded, its account
and its version on that account. It is unique and ascends along an account.
Views call this function with the privileges and the search_path of whoever reads them, so it has
both of its own.
*/
create or replace function pgledger.entry_id(
  created_at timestamptz,
  account_key bigint,
  account_version bigint
)
returns text
language plpgsql
immutable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  return 'pgle_'
    || pgledger.derived_ulid(entry_id.created_at, entry_id.account_key, entry_id.account_version);
end;
$$;

comment on function pgledger.entry_id is
  'Id of the entry on that account with that version, recorded at that time.';

revoke all on function pgledger.entry_id from public;
grant execute on function pgledger.entry_id to pgledger_reader;

-- file: repeatable/00_core/ids/event_id.sql
/*
The id of a usage event, which is not stored: a ULID of the time when the event was recorded and its
key.
Views call this function with the privileges and the search_path of whoever reads them, so it has
both of its own.
*/
create or replace function pgledger.event_id(
  created_at timestamptz,
  key bigint
)
returns text
language plpgsql
immutable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  return 'evt_' || pgledger.derived_ulid(event_id.created_at, event_id.key >> 40, event_id.key);
end;
$$;

comment on function pgledger.event_id is
  'Id of the usage event with that key, recorded at that time.';

revoke all on function pgledger.event_id from public;
grant execute on function pgledger.event_id to pgledger_reader;
grant execute on function pgledger.event_id to pgledger_tenant;

-- file: repeatable/00_core/ids/id_fault.sql
/*
Says what is wrong with an id that must carry that prefix, or null if nothing is.
*/
create or replace function pgledger.id_fault(id text, prefix text)
returns text
language sql
stable
parallel safe
as $$
  select case
    when id is null then 'it is null'
    when id collate "C" ~ ('^' || prefix || '_[0-7][0-9A-HJKMNP-TV-Z]{25}$') then null
    when not starts_with(id, prefix || '_')
      then format('it does not begin with %s_', prefix)
    else pgledger.ulid_fault(substr(id, char_length(prefix) + 2))
  end
$$;

comment on function pgledger.id_fault is
  'What is wrong with an id that must be that prefix, an underscore and a ULID, or null.';

revoke all on function pgledger.id_fault from public;

-- file: repeatable/00_core/ids/new_ulid.sql
/*
A new ULID for that time. Its bits are a UUIDv7 of RFC 9562: 48 bits of milliseconds, the version,
12 bits of the fraction of the millisecond (each microsecond has its own value, so ids of different
microseconds sort by time), the variant, and random bits. A server's own uuidv7() is not used: it
cannot be told the time, and a stranger may have made a function of that name.

A transaction that makes one transfer runs this function once. PostgreSQL then sets up each of its
operators anew, so the number of operators is what it costs. That is why the halvings of
pgledger.base32_lanes are written out over variables, and why the tail is twelve hexadecimal digits,
which are digits of Crockford's alphabet as they stand: 48 random bits, the other bits zero.
*/
create or replace function pgledger.new_ulid(at timestamptz)
returns text
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_microseconds bigint := extract(epoch from at) * 1000000;
  -- Eight characters: the milliseconds without their last ten bits.
  v_head bigint := v_microseconds / 1024000;
  -- Six characters: those ten bits, version 7, the fraction, variant 2 and two zero bits.
  v_rest bigint :=
    (((v_microseconds / 1000) & 1023) << 20)
    | 458760
    | (((v_microseconds % 1000) * 4096 / 1000) << 4);
begin
  v_head := ((v_head & 1099510579200) << 12) | (v_head & 1048575);
  v_head := ((v_head & 4499201581906944) << 6) | (v_head & 4393751544831);
  v_head := ((v_head & 279227437569541088) << 3) | (v_head & 8725857424048159);
  v_rest := ((v_rest & 1099510579200) << 12) | (v_rest & 1048575);
  v_rest := ((v_rest & 4499201581906944) << 6) | (v_rest & 4393751544831);
  v_rest := ((v_rest & 279227437569541088) << 3) | (v_rest & 8725857424048159);

  -- The code of '0' is added to each byte; the characters that follow '9' are then made letters.
  return translate(
    encode(
      int8send(v_head + 3472328296227680304)
      || substring(int8send(v_rest + 3472328296227680304) from 3),
      'escape'
    ),
    ':;<=>?@ABCDEFGHIJKLMNO',
    'ABCDEFGHJKMNPQRSTVWXYZ'
  )
  -- The last group of a UUID's text is all random: version and variant stand before it.
  || translate(right(gen_random_uuid()::text, 12), 'abcdef', 'ABCDEF');
end;
$$;

comment on function pgledger.new_ulid is
  'A new ULID of that time, 26 characters; its bits are a UUIDv7.';

revoke all on function pgledger.new_ulid from public;

-- file: repeatable/00_core/ids/pgledger_generate_id.sql
/*
Makes a new id. Ids ascend strictly within a session, within a statement and between statements, as
long as the clock does not step back: the function waits until the clock has left the microsecond of
the id, however fast the machine is. The wait is bounded, because a clock that stands still (a
test's) must not hang a session.

Errors: InvalidIdPrefix.
*/
create or replace function public.pgledger_generate_id(prefix text)
returns text
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_ok boolean;
begin
  if (prefix collate "C" ~ '^[a-z]{1,16}$') is not true then
    v_ok := pgledger.fail('InvalidIdPrefix', array[quote_nullable(pgledger.abridged(prefix))]);
  end if;

  for v_attempt in 1..100 loop
    exit when pgledger.clock() > v_now;
  end loop;

  return prefix || '_' || pgledger.new_ulid(v_now);
end;
$$;

comment on function public.pgledger_generate_id is
$$Makes a new id.

Ids of one session ascend while the clock does not step back.

prefix: What the id is for: 1 to 16 lower-case letters, for example pglt.

Returns: The prefix, an underscore and a ULID.

Errors: InvalidIdPrefix (the prefix is something else, or null).$$;

revoke all on function public.pgledger_generate_id from public;
grant execute on function public.pgledger_generate_id to pgledger_reader;

-- file: repeatable/00_core/ids/pgledger_id_timestamp.sql
/*
The time inside an id, with or without its prefix. Null for null. Whole seconds and milliseconds are
added as two intervals: intervals are multiplied in double precision, which is exact for each.

Errors: InvalidId.
*/
create or replace function public.pgledger_id_timestamp(id text)
returns timestamptz
language plpgsql
immutable
strict
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_prefix text := substring(id collate "C" from '^([a-z]{1,16})_');
  v_ulid text := case when v_prefix is null then id else substr(id, char_length(v_prefix) + 2) end;
  v_fault text := pgledger.ulid_fault(v_ulid);
  v_milliseconds bigint;
  v_ok boolean;
begin
  if v_fault is not null then
    v_ok := pgledger.fail('InvalidId', array[quote_nullable(pgledger.abridged(id)), v_fault]);
  end if;

  select sum(
    (strpos('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(v_ulid, place, 1)) - 1)::bigint
    << (5 * (10 - place))
  )
  into v_milliseconds
  from generate_series(1, 10) as place;

  return timestamptz 'epoch'
    + (v_milliseconds / 1000) * interval '1 second'
    + (v_milliseconds % 1000) * interval '1 millisecond';
end;
$$;

comment on function public.pgledger_id_timestamp is
$$Returns the time inside an id.

id: An id with its prefix, or a ULID without.

Returns: When the id was made, in whole milliseconds; null for null.

Errors: InvalidId.$$;

revoke all on function public.pgledger_id_timestamp from public;
grant execute on function public.pgledger_id_timestamp to pgledger_reader;

-- file: repeatable/00_core/ids/pgledger_ulid_to_uuid.sql
/*
The UUID of the same 128 bits as a ULID. Null for null. A text that is not exactly 26 characters of
Crockford's alphabet within 128 bits is refused: guessing at a mistyped id moves the wrong money.

Errors: InvalidId.
*/
create or replace function public.pgledger_ulid_to_uuid(ulid text)
returns uuid
language plpgsql
immutable
strict
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_fault text := pgledger.ulid_fault(ulid);
  v_bits text;
  v_ok boolean;
begin
  if v_fault is not null then
    v_ok := pgledger.fail('InvalidId', array[quote_nullable(pgledger.abridged(ulid)), v_fault]);
  end if;

  select string_agg(
    (strpos('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(ulid, place, 1)) - 1)::bit(5)::text,
    '' order by place
  )
  into v_bits
  from generate_series(1, 26) as place;

  -- 26 characters hold 130 bits; the first two are zero, or the ULID would have been refused.
  return encode(
    int8send(substr(v_bits, 3, 64)::bit(64)::bigint)
    || int8send(substr(v_bits, 67, 64)::bit(64)::bigint),
    'hex'
  )::uuid;
end;
$$;

comment on function public.pgledger_ulid_to_uuid is
$$Returns the UUID of the same 128 bits as a ULID.

ulid: ULID of 26 characters, without a prefix.

Returns: The UUID; null for null.

Errors: InvalidId.$$;

revoke all on function public.pgledger_ulid_to_uuid from public;
grant execute on function public.pgledger_ulid_to_uuid to pgledger_reader;

-- file: repeatable/00_core/ids/pgledger_uuid_to_ulid.sql
/*
The ULID of the same 128 bits as a UUID. Null for null.
*/
create or replace function public.pgledger_uuid_to_ulid(uuid uuid)
returns text
language plpgsql
immutable
strict
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_hex text := encode(uuid_send(uuid), 'hex');
  v_head bigint := ('x' || substr(v_hex, 3, 10))::bit(40)::bigint;
  v_middle bigint := ('x' || substr(v_hex, 13, 10))::bit(40)::bigint;
  v_tail bigint := ('x' || substr(v_hex, 23, 10))::bit(40)::bigint;
begin
  v_head := pgledger.base32_lanes(v_head);
  v_middle := pgledger.base32_lanes(v_middle);
  v_tail := pgledger.base32_lanes(v_tail);

  return pgledger.base32_pair(('x' || left(v_hex, 2))::bit(8)::integer)
    || pgledger.base32_text(v_head)
    || pgledger.base32_text(v_middle)
    || pgledger.base32_text(v_tail);
end;
$$;

comment on function public.pgledger_uuid_to_ulid is
$$Returns the ULID of the same 128 bits as a UUID.

uuid: Any UUID; it need not be one made from a time.

Returns: 26 characters, without a prefix; null for null.$$;

revoke all on function public.pgledger_uuid_to_ulid from public;
grant execute on function public.pgledger_uuid_to_ulid to pgledger_reader;

-- file: repeatable/00_core/ids/ulid_fault.sql
/*
Says what is wrong with a ULID, or null if nothing is. The reader of a message should see at once
which of the usual mistakes it is, so the first that applies is named.
*/
create or replace function pgledger.ulid_fault(ulid text)
returns text
language sql
stable
parallel safe
as $$
  select case
    when ulid is null then 'it is null'
    when char_length(ulid) <> 26
      then format('its ULID has %s characters instead of 26', char_length(ulid))
    when ulid collate "C" ~ '[a-z]' then 'its ULID has lower-case letters'
    when ulid collate "C" ~ '[ILOU]' then 'I, L, O and U are not used in a ULID'
    when ulid collate "C" !~ '^[0-9A-HJKMNP-TV-Z]*$'
      then 'its ULID has characters other than 0-9 and A-Z'
    when ulid collate "C" >= '8'
      then 'the first character of its ULID is above 7, which is more than 128 bits hold'
  end
$$;

comment on function pgledger.ulid_fault is 'What is wrong with a ULID, or null.';

revoke all on function pgledger.ulid_fault from public;

-- file: repeatable/00_core/json/check_json_array.sql
/*
Refuses what is not an array, or has more than 1000 elements.

Errors: InvalidPlan, or InvalidInvoice in an invoice's lines and tax rates.
*/
create or replace function pgledger.check_json_array(
  value jsonb,
  path text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if jsonb_typeof(value) <> 'array' then
    v_ok := pgledger.refuse_json(
      value, path, format('is of type %s, not an array', jsonb_typeof(value))
    );
  elsif jsonb_array_length(value) > 1000 then
    v_ok := pgledger.refuse_json(
      value,
      path,
      format('has %s elements, at most 1000 are allowed', jsonb_array_length(value))
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_json_array is
  'Raises an error unless the JSON is an array of at most 1000 elements.';

revoke all on function pgledger.check_json_array from public;

-- file: repeatable/00_core/json/check_json_object.sql
/*
Refuses what is not an object, or has members other than those named. A misspelt member would be a
price or a limit that silently does not hold.

Errors: InvalidPlan, or InvalidInvoice in an invoice's lines and tax rates.
*/
create or replace function pgledger.check_json_object(
  value jsonb,
  path text,
  members text[]
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_stranger text;
  v_ok boolean;
begin
  if jsonb_typeof(value) <> 'object' then
    v_ok := pgledger.refuse_json(
      value, path, format('is of type %s, not an object', jsonb_typeof(value))
    );
  end if;

  select stranger.name
  into v_stranger
  from jsonb_object_keys(value) as stranger (name)
  where stranger.name <> all(members)
  order by stranger.name collate "C"
  limit 1;

  if found then
    v_ok := pgledger.refuse_json(
      null,
      pgledger.json_path(path, v_stranger),
      'is not known here: there may be ' || array_to_string(members, ', ')
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_json_object is
  'Raises an error unless the JSON is an object without members other than those named.';

revoke all on function pgledger.check_json_object from public;

-- file: repeatable/00_core/json/check_json_size.sql
/*
Refuses JSON that is larger than 1 MiB as text. A number such as 1e131071 takes 12 bytes
and is written with 131072. So the text is only made once every value in the JSON has been found to
be sound. Before that, only JSON that is too large in any case is refused: JSON takes less than
eight times the bytes of its text.

Errors: InvalidPlan, or InvalidInvoice in an invoice's lines and tax rates.
*/
create or replace function pgledger.check_json_size(
  value jsonb,
  path text,
  sound boolean
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_bytes integer := case
    when sound then octet_length(value::text)
    else pgledger.json_bytes(value) / 8
  end;
  v_ok boolean;
begin
  if v_bytes > 1048576 then
    v_ok := pgledger.refuse_json(null, path, 'has more than 1048576 bytes');
  end if;

  return true;
end;
$$;

comment on function pgledger.check_json_size is
  'Raises an error if JSON is larger than 1 MiB; as long as its values may be unsound, only if '
  'it is too large in any case.';

revoke all on function pgledger.check_json_size from public;

-- file: repeatable/00_core/json/decimal_fault.sql
/*
Says what is wrong with a number in JSON, or null if nothing is. It may be a number or a string of
digits. It must be below 1e30, with at most 18 decimal places, trailing zeros not counted. Its
length is checked before it is converted, because too many digits overflow a numeric.
*/
create or replace function pgledger.decimal_fault(value jsonb)
returns text
language sql
stable
parallel safe
as $$
  select case
    when jsonb_typeof(value) not in ('string', 'number')
      then format('is of type %s, not a number or a string of digits', jsonb_typeof(value))
    when char_length(value #>> '{}') > 100
      then format(
        'is written with %s characters, at most 100 are allowed', char_length(value #>> '{}')
      )
    when (value #>> '{}') collate "C" !~ '^-?[0-9]+(\.[0-9]+)?$'
      then 'is not a plain decimal number such as 10 or 0.05'
    when (value #>> '{}')::numeric >= 1e30 then 'is not below 1e30'
    when min_scale((value #>> '{}')::numeric) > 18
      then format(
        'has %s decimal places, at most 18 are allowed', min_scale((value #>> '{}')::numeric)
      )
  end
$$;

comment on function pgledger.decimal_fault is
  'What is wrong with a number in JSON (a number, or a string of digits), or null.';

revoke all on function pgledger.decimal_fault from public;

-- file: repeatable/00_core/json/invoice_text.sql
/*
The text of a value in the JSON of an invoice; null if there is no value.

Errors: InvalidInvoice.
*/
create or replace function pgledger.invoice_text(
  value jsonb,
  path text,
  maximum integer
)
returns text
language plpgsql
stable
parallel safe
as $$
declare
  v_text text := value #>> '{}';
  v_fault text := pgledger.text_fault(v_text, 1, maximum, true);
  v_ok boolean;
begin
  if value is null then
    return null;
  elsif jsonb_typeof(value) <> 'string' then
    v_ok := pgledger.refuse_json(
      value, path, format('is of type %s, not a string', jsonb_typeof(value))
    );
  elsif v_fault is not null then
    v_ok := pgledger.fail('InvalidInvoice', array[path, v_fault]);
  end if;

  return v_text;
end;
$$;

comment on function pgledger.invoice_text is
  'Text of a value in the JSON of an invoice, or null; raises InvalidInvoice if it is not sound.';

revoke all on function pgledger.invoice_text from public;

-- file: repeatable/00_core/json/invoice_time.sql
/*
The time that a member of an object in an invoice's JSON holds; null if there is no such member, or
it is null. The text needs an offset, because without one its meaning depends on the session. Its
form is checked first; then the conversion can only refuse dates such as the 30th of February.

Errors: InvalidInvoice.
*/
create or replace function pgledger.invoice_time(
  object jsonb,
  path text,
  member text
)
returns timestamptz
language plpgsql
stable
parallel safe
as $$
declare
  v_value jsonb := nullif(object -> member, 'null');
  v_path text := pgledger.json_path(path, member);
  v_text text := v_value #>> '{}';
  v_time timestamptz;
  v_ok boolean;
begin
  if v_value is null then
    return null;
  elsif jsonb_typeof(v_value) <> 'string' then
    v_ok := pgledger.refuse_json(
      v_value, v_path, format('is of type %s, not a string', jsonb_typeof(v_value))
    );
  elsif (
    v_text collate "C" ~ (
      '^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
      '[Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?'
      '([Zz]|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)$'
    )
  ) is not true then
    v_ok := pgledger.refuse_json(
      v_value, v_path, 'is not an ISO 8601 time with an offset such as 2025-01-31T00:00:00Z'
    );
  elsif substr(v_text, 9, 2)::integer > extract(
    day from (left(v_text, 7) || '-01')::timestamp + interval '1 month -1 day'
  ) then
    v_ok := pgledger.refuse_json(v_value, v_path, 'is a day that its month does not have');
  end if;

  v_time := v_text::timestamptz;
  if pgledger.time_fault(v_time) is not null then
    v_ok := pgledger.fail('InvalidInvoice', array[v_path, pgledger.time_fault(v_time)]);
  end if;
  return v_time;
end;
$$;

comment on function pgledger.invoice_time is
  'Time of a member in the JSON of an invoice, or null; raises InvalidInvoice if it is not sound.';

revoke all on function pgledger.invoice_time from public;

-- file: repeatable/00_core/json/json_bytes.sql
/*
The size of JSON in memory, which costs next to nothing to find. A value that comes out of a table
may be compressed: the empty path unpacks it, so that it is measured as it would be searched. The
size is less than eight times that of the text, unless the text writes out large numbers: then it is
far less.
*/
create or replace function pgledger.json_bytes(value jsonb)
returns integer
language sql
stable
parallel safe
as $$
  select pg_column_size(value #> '{}')
$$;

comment on function pgledger.json_bytes is
  'Bytes that JSON takes in memory, less than eight times those of its text.';

revoke all on function pgledger.json_bytes from public;

-- file: repeatable/00_core/json/json_choice.sql
/*
The word that a member of a JSON object holds, which must be one of the choices; null if there is no
such member, or it is null.

Errors: InvalidPlan, or InvalidInvoice in an invoice's lines and tax rates.
*/
create or replace function pgledger.json_choice(
  object jsonb,
  path text,
  member text,
  choices text[],
  required boolean default false
)
returns text
language plpgsql
stable
parallel safe
as $$
declare
  v_value jsonb := nullif(object -> member, 'null');
  v_path text := pgledger.json_path(path, member);
  v_ok boolean;
begin
  if v_value is null then
    if required then
      v_ok := pgledger.refuse_json(null, v_path, 'is missing');
    end if;
    return null;
  elsif jsonb_typeof(v_value) <> 'string' then
    v_ok := pgledger.refuse_json(
      v_value, v_path, format('is of type %s, not a string', jsonb_typeof(v_value))
    );
  elsif v_value #>> '{}' <> all(choices) then
    v_ok := pgledger.refuse_json(
      v_value, v_path, 'is none of ' || array_to_string(choices, ', ')
    );
  end if;

  return v_value #>> '{}';
end;
$$;

comment on function pgledger.json_choice is
  'Word that a member of a JSON object holds, or null; raises an error unless it is one of the '
  'choices.';

revoke all on function pgledger.json_choice from public;

-- file: repeatable/00_core/json/json_decimal.sql
/*
The number that a member of a JSON object holds, within bounds; null if there is no such member, or
it is null.

Errors: InvalidPlan, or InvalidInvoice in an invoice's lines and tax rates.
*/
create or replace function pgledger.json_decimal(
  object jsonb,
  path text,
  member text,
  required boolean default false,
  minimum numeric default 0,
  maximum numeric default null
)
returns numeric
language plpgsql
stable
parallel safe
as $$
declare
  v_value jsonb := nullif(object -> member, 'null');
  v_path text := pgledger.json_path(path, member);
  v_fault text := pgledger.decimal_fault(v_value);
  v_number numeric;
  v_ok boolean;
begin
  if v_value is null then
    if required then
      v_ok := pgledger.refuse_json(null, v_path, 'is missing');
    end if;
    return null;
  elsif v_fault is not null then
    v_ok := pgledger.refuse_json(v_value, v_path, v_fault);
  end if;

  v_number := (v_value #>> '{}')::numeric;

  if v_number < minimum then
    v_ok := pgledger.refuse_json(v_value, v_path, format('is below %s', minimum));
  elsif v_number > maximum then
    v_ok := pgledger.refuse_json(v_value, v_path, format('is above %s', maximum));
  end if;

  return v_number;
end;
$$;

comment on function pgledger.json_decimal is
  'Number that a member of a JSON object holds, or null; raises an error unless it is sound.';

revoke all on function pgledger.json_decimal from public;

-- file: repeatable/00_core/json/json_path.sql
/*
The path of an object's member in the notation of SQL/JSON. A name that is no plain word is quoted
as JSON quotes it, so a line end or a quotation mark in it cannot be taken for part of the message.
*/
create or replace function pgledger.json_path(
  path text,
  member text
)
returns text
language sql
stable
parallel safe
as $$
  select path || '.' || case
    when member collate "C" ~ '^[A-Za-z_][A-Za-z0-9_]{0,63}$' then member
    else to_jsonb(pgledger.abridged(member))::text
  end
$$;

comment on function pgledger.json_path is
  'Path of a member of the object at that path; the member''s name is quoted where it has to be.';

revoke all on function pgledger.json_path from public;

-- file: repeatable/00_core/json/json_text.sql
/*
The text that a member of a JSON object holds. The member has to be there.

Errors: InvalidPlan, or InvalidInvoice in an invoice's lines and tax rates.
*/
create or replace function pgledger.json_text(
  object jsonb,
  path text,
  member text
)
returns text
language plpgsql
stable
parallel safe
as $$
declare
  v_value jsonb := nullif(object -> member, 'null');
  v_ok boolean;
begin
  if v_value is null then
    v_ok := pgledger.refuse_json(null, pgledger.json_path(path, member), 'is missing');
  elsif jsonb_typeof(v_value) <> 'string' then
    v_ok := pgledger.refuse_json(
      v_value,
      pgledger.json_path(path, member),
      format('is of type %s, not a string', jsonb_typeof(v_value))
    );
  end if;

  return v_value #>> '{}';
end;
$$;

comment on function pgledger.json_text is
  'Text that a member of a JSON object holds; raises an error unless it is there and a string.';

revoke all on function pgledger.json_text from public;

-- file: repeatable/00_core/json/refuse_json.sql
/*
Raises what is wrong with a value in the JSON of a plan, or of an invoice's lines and tax rates. The
message shows the value unless it is an array or an object, whose text may be far larger than the
value itself.

Errors: InvalidPlan, InvalidInvoice.
*/
create or replace function pgledger.refuse_json(
  value jsonb,
  path text,
  fault text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  return pgledger.fail(
    case when path ~ '^[$][.](lines|tax_rates)' then 'InvalidInvoice' else 'InvalidPlan' end,
    array[
      path,
      case
        when jsonb_typeof(value) in ('string', 'number', 'boolean')
          then pgledger.abridged(value::text)
        else 'it'
      end || ' ' || fault
    ]
  );
end;
$$;

comment on function pgledger.refuse_json is
  'Raises InvalidPlan or InvalidInvoice: the path of the value, followed by the fault.';

revoke all on function pgledger.refuse_json from public;

-- file: repeatable/00_core/numbers/prorated.sql
/*
The part of an amount that falls to the units (days, seconds) between two points of a whole length.
It is the difference between the rounded amounts that are reached at the end and at the start. So
the parts add up to the rounded whole, wherever it is cut, and a credit for a part is exactly what
was charged for it.
*/
create or replace function pgledger.prorated(
  amount numeric,
  from_unit numeric,
  to_unit numeric,
  length numeric,
  exponent integer
)
returns numeric
language sql
immutable
parallel safe
as $$
  select
    pgledger.rounded_quotient(
      prorated.amount * prorated.to_unit, prorated.length, prorated.exponent
    )
    - pgledger.rounded_quotient(
      prorated.amount * prorated.from_unit, prorated.length, prorated.exponent
    )
$$;

comment on function pgledger.prorated is
  'Part of an amount that falls to the units between two points of a length; the parts add up to '
  'the whole.';

revoke all on function pgledger.prorated from public;

-- file: repeatable/00_core/numbers/rounded_quotient.sql
/*
A quotient, rounded half away from zero, once and exactly. round() of a division would round twice:
a division stops after some 16 digits, so a quotient just below a half of the last place would
become that half, and then be rounded up. The divisor is above 0.
*/
create or replace function pgledger.rounded_quotient(
  dividend numeric,
  divisor numeric,
  exponent integer
)
returns numeric
language sql
immutable
parallel safe
as $$
  select
    sign(dividend)
    * div(2 * abs(dividend) * ('1e' || exponent::text)::numeric + divisor, 2 * divisor)
    * ('1e-' || exponent::text)::numeric
$$;

comment on function pgledger.rounded_quotient is
  'Quotient, rounded half away from zero to that many decimal places; the divisor is above 0.';

revoke all on function pgledger.rounded_quotient from public;

-- file: repeatable/00_core/numbers/split_amount.sql
/*
Rounds shares so that they add up to a total, which is a multiple of the unit. First each share is
rounded down. The missing units then go to the shares with the largest fractions, and among equal
fractions to the earlier ones. Shares may be negative, and need not add up to the total: if more
units are missing than there are shares, or there are too many, they are spread evenly. So the sum
is right, whatever divisions the shares come from.
*/
create or replace function pgledger.split_amount(
  shares numeric[],
  total numeric,
  exponent integer
)
returns numeric[]
language sql
immutable
parallel safe
as $$
  with share as (
    select
      element.place,
      element.value * ('1e' || split_amount.exponent::text)::numeric as units
    from unnest(split_amount.shares) with ordinality as element (value, place)
  ),
  ranked as (
    select
      share.place,
      floor(share.units) as units,
      row_number() over (order by share.units - floor(share.units) desc, share.place) as rank,
      count(*) over () as parts,
      split_amount.total * ('1e' || split_amount.exponent::text)::numeric
      - sum(floor(share.units)) over () as missing
    from share
  )
  select coalesce(
    array_agg(
      (
        ranked.units
        -- floor((missing - rank) / parts) + 1, but exact, as a quotient is not.
        + div(ranked.missing - ranked.rank, ranked.parts)
        + case when mod(ranked.missing - ranked.rank, ranked.parts) < 0 then 0 else 1 end
      ) * ('1e-' || split_amount.exponent::text)::numeric
      order by ranked.place
    ),
    '{}'
  )
  from ranked
$$;

comment on function pgledger.split_amount is
  'Shares, rounded so that they add up to the total: missing units go to the largest fractions.';

revoke all on function pgledger.split_amount from public;

-- file: repeatable/00_core/periods/check_time_zone.sql
/*
Refuses what is not the name of a time zone. PostgreSQL also takes other texts for one: an
abbreviation, whose meaning depends on a setting of the session, a POSIX rule, or a name in any
case. A name with an area before a slash cannot be taken for any of these. The directories posix/
and right/ of the operating system are left out, because not every server has them.

Looking through the names takes some 20 ms; UTC is accepted without it.
Errors: NullArgument, InvalidArgument.
*/
create or replace function pgledger.check_time_zone(time_zone text)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if time_zone is null then
    v_ok := pgledger.fail('NullArgument', array['time_zone']);
  elsif time_zone <> 'UTC' and (
    time_zone !~ '^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)+$'
    or not exists (
      select
      from pg_catalog.pg_timezone_names
      where pg_timezone_names.name = check_time_zone.time_zone
    )
  ) then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'time_zone',
        quote_literal(pgledger.abridged(time_zone)),
        'it is neither UTC nor the name of a time zone such as Europe/Berlin'
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_time_zone is
  'Raises NullArgument or InvalidArgument unless the text is UTC or the name of a time zone.';

revoke all on function pgledger.check_time_zone from public;

-- file: repeatable/00_core/periods/interval_length.sql
/*
The length of a billing interval, for comparing it with another one: a year is 12 months and a week
is 7 days, but no number of days is a month.
*/
create or replace function pgledger.interval_length(unit text, count integer)
returns text
language sql
immutable
parallel safe
as $$
  select case unit
    when 'year' then format('%s months', 12 * count)
    when 'month' then format('%s months', count)
    when 'week' then format('%s days', 7 * count)
    when 'day' then format('%s days', count)
  end
$$;

comment on function pgledger.interval_length is
  'Length of a billing interval, in months or in days; equal for equal lengths.';

revoke all on function pgledger.interval_length from public;

-- file: repeatable/00_core/periods/period_at.sql
/*
The period that a time lies in: starts_at <= at < ends_at. Both boundaries are those of
pgledger.period_boundary, also before the anchor, where their numbers are negative. An empty period
contains no time, so it is never the answer. Times are finite; null where an argument is null.

First the number is found among local times, exactly: the difference in months or days, less one if
the clamped boundary is still ahead. Local times go back by at most a day, and periods are a day or
longer, so the true period is at most one number away.
*/
create or replace function pgledger.period_at(
  anchor_at timestamptz,
  time_zone text,
  unit text,
  count integer,
  at timestamptz,
  out number integer,
  out starts_at timestamptz,
  out ends_at timestamptz
)
language plpgsql
stable
strict
parallel safe
as $$
declare
  v_anchor timestamp := anchor_at at time zone time_zone;
  v_at timestamp := at at time zone time_zone;
  v_first timestamp;
  v_last timestamp;
  v_length integer;
begin
  if unit in ('month', 'year') then
    -- 400 years are added, after which the calendar repeats: years BC would count backwards.
    v_first := v_anchor + interval '400 years';
    v_last := v_at + interval '400 years';
    v_length := case unit when 'year' then 12 * count else count end;
    number := floor(
      (
        12 * (date_part('year', v_last) - date_part('year', v_first))
        + date_part('month', v_last) - date_part('month', v_first)
      ) / v_length
    );
    if v_anchor + make_interval(months => number * v_length) > v_at then
      number := number - 1;
    end if;
  else
    v_length := case unit when 'week' then 7 * count else count end;
    number := floor(
      (v_at::date - v_anchor::date - (v_at::time < v_anchor::time)::integer)::double precision
      / v_length
    );
  end if;

  starts_at := pgledger.period_boundary(anchor_at, time_zone, unit, count, number);
  if starts_at > at then
    ends_at := starts_at;
    number := number - 1;
    starts_at := pgledger.period_boundary(anchor_at, time_zone, unit, count, number);
  else
    ends_at := pgledger.period_boundary(anchor_at, time_zone, unit, count, number + 1);
    if ends_at <= at then
      starts_at := ends_at;
      number := number + 1;
      ends_at := pgledger.period_boundary(anchor_at, time_zone, unit, count, number + 1);
    end if;
  end if;
end;
$$;

comment on function pgledger.period_at is
  'The period that a time lies in, among those that count from an anchor in a time zone: its '
  'number, start and end.';

revoke all on function pgledger.period_at from public;

-- file: repeatable/00_core/periods/period_boundary.sql
/*
Boundary number n of the periods that count from an anchor: the anchor's local time plus n times the
length of a period, read in that time zone. It always counts from the anchor, so a month that is too
short moves only its own boundary and not the ones after it: Jan 31, Feb 28, Mar 31.

Boundary 0 is the anchor itself, because the anchor's local time may have come twice. For any other
boundary: if its local time comes twice, the second one counts; if its local time is left out, the
boundary is as late as if the clock had not been put forward. Boundaries ascend strictly, except
where a zone left out a whole day: the two around it are the same moment, and the period between
them is empty.

Written so that it is inlined; null where an argument is null.
*/
create or replace function pgledger.period_boundary(
  anchor_at timestamptz,
  time_zone text,
  unit text,
  count integer,
  number integer
)
returns timestamptz
language sql
stable
parallel safe
as $$
  select case
    when number = 0 then anchor_at
    else (
      (anchor_at at time zone time_zone)
      + case unit
        when 'month' then make_interval(months => number * count)
        when 'year' then make_interval(years => number * count)
        when 'week' then make_interval(weeks => number * count)
        when 'day' then make_interval(days => number * count)
      end
    ) at time zone time_zone
  end
$$;

comment on function pgledger.period_boundary is
  'Boundary of that number, of the periods that count from an anchor in a time zone.';

revoke all on function pgledger.period_boundary from public;

-- file: repeatable/00_core/periods/whole_period_start.sql
/*
Where the current period of a subscription would start if it were whole: a part of a period is
charged by its share of the whole one. A trial that ends at the anchor is a whole period of its own
length.
*/
create or replace function pgledger.whole_period_start(subscription pgledger.subscriptions)
returns timestamptz
language sql
stable
parallel safe
as $$
  select case
    when subscription.current_period_start > subscription.started_at
      or subscription.current_period_end = subscription.trial_end
      then subscription.current_period_start
    else least(
      subscription.current_period_start,
      pgledger.period_boundary(
        subscription.anchor_at,
        subscription.time_zone,
        subscription.billing_interval,
        subscription.interval_count,
        subscription.period_number
      )
    )
  end
$$;

comment on function pgledger.whole_period_start is
  'Where the current period of a subscription would start if it were whole.';

revoke all on function pgledger.whole_period_start from public;

-- file: repeatable/00_core/text/invisible_characters.sql
/*
One character that cannot be seen, as a regular expression: controls, white space of every width,
joiners, direction marks, fillers, variation selectors and tags. Two texts that look the same and
differ in one of these would name two currencies.
*/
create or replace function pgledger.invisible_characters()
returns text
language sql
immutable
parallel safe
as $$
  select
    E'[\\u0001-\\u0020\\u007f-\\u00a0\\u00ad\\u034f\\u061c\\u115f\\u1160\\u1680\\u17b4\\u17b5'
    '\\u180b-\\u180f\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u2800\\u3000\\u3164'
    '\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb\\U00013430-\\U00013438'
    '\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff]'
$$;

comment on function pgledger.invisible_characters is
  'Regular expression that matches one character which cannot be seen.';

revoke all on function pgledger.invisible_characters from public;

-- file: repeatable/00_core/text/text_fault.sql
/*
Says what is wrong with a text that a caller gives to name something, or null if nothing is.
A blank text has no visible character. Where allow_invisible is false, every character must be
visible. The text itself is stored as given.
*/
create or replace function pgledger.text_fault(
  value text,
  minimum integer,
  maximum integer,
  allow_invisible boolean
)
returns text
language sql
stable
parallel safe
as $$
  select case
    when value is null then 'it is null'
    when char_length(value) > maximum
      then format('it has %s characters, at most %s are allowed', char_length(value), maximum)
    when value = '' and minimum > 0 then 'it is empty'
    when value = '' then null
    when regexp_replace(value, pgledger.invisible_characters(), '', 'g') = ''
      then 'no character of it can be seen'
    when not allow_invisible and value collate "C" ~ pgledger.invisible_characters()
      then 'it contains a space, a control character or another character that cannot be seen'
  end
$$;

comment on function pgledger.text_fault is
  'What is wrong with a text that names something (its length, blank, invisible), or null.';

revoke all on function pgledger.text_fault from public;

-- file: repeatable/00_core/time/clock.sql
/*
The only source of time. Wall-clock time, not the transaction's start: two overlapping transactions
would otherwise record times that contradict the order in which they changed an account.
Tests replace it; nothing else does.
*/
create or replace function pgledger.clock()
returns timestamptz
language sql
volatile
parallel safe
as $$
  select pg_catalog.clock_timestamp()
$$;

comment on function pgledger.clock is
  'The time now, at microsecond precision, advancing within a transaction. Only tests replace it.';

revoke all on function pgledger.clock from public;

-- file: repeatable/00_core/errors/views/pgledger_errors_v1.sql
/*
The registry of errors, readable by everyone who may call anything.
*/
create or replace view public.pgledger_errors_v1 as
select
  registry.code,
  registry.name,
  registry.message,
  registry.hint,
  registry.retryable
from pgledger.error_registry() as registry;

comment on view public.pgledger_errors_v1 is
  'Every error that pgledger raises: its SQLSTATE, name, the form of its message (%s stands for a '
  'value), what to do, and whether running the same transaction again at once can help.';
comment on column public.pgledger_errors_v1.code is 'SQLSTATE, of class LG.';
comment on column public.pgledger_errors_v1.name is
  'Name, which is also that of the Python class.';
comment on column public.pgledger_errors_v1.message is
  'Form of the message; %s stands for a value.';
comment on column public.pgledger_errors_v1.hint is 'What to do about it.';
comment on column public.pgledger_errors_v1.retryable is
  'Whether the same transaction can succeed when it is run again at once.';

revoke all on table public.pgledger_errors_v1 from public;
grant select on table public.pgledger_errors_v1 to pgledger_reader;

-- file: repeatable/10_ledger/account_key.sql
/*
The key and the version of an account, or the reason why it cannot be found.

Errors: NullArgument, InvalidId, InvalidScope, AccountNotFound.
*/
create or replace function pgledger.account_key(
  account_id text,
  app_id text,
  out key bigint,
  out version bigint
)
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  select accounts.key, accounts.version
  into account_key.key, account_key.version
  from pgledger.accounts
  where accounts.id = account_key.account_id
    and accounts.app_id = account_key.app_id;

  if not found then
    v_ok := pgledger.refuse_account('account_id', account_id, app_id);
  end if;
end;
$$;

comment on function pgledger.account_key is
  'Key and version of the account with that id; raises an error if there is none.';

revoke all on function pgledger.account_key from public;

-- file: repeatable/10_ledger/check_accounts.sql
/*
First refuses requests whose account ids are not ids; then those whose accounts do not exist in the
app or are in different currencies. The lowest request is named first. Within a request the order
is: the account it leaves, the account it reaches, the currencies.

Only accounts that the caller has locked are taken to exist. An account that was created while the
caller waited for those locks can be seen by now, but it is not locked: anyone may be changing it.

Errors: NullArgument, InvalidId, AccountNotFound, CurrencyMismatch.
*/
create or replace function pgledger.check_accounts(
  from_account_ids text[],
  to_account_ids text[],
  app_id text,
  locked_ids text[],
  request_indexes bigint[] default null,
  request_count bigint default null
)
returns boolean
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set jit = off
as $$
declare
  v_fault record;
  v_ok boolean;
begin
  for v_fault in
    select
      request.from_account_id,
      request.to_account_id,
      case
        when request_count is not null
          then coalesce(check_accounts.request_indexes[request.place], request.place)
      end as index
    from unnest(from_account_ids, to_account_ids)
      with ordinality as request (from_account_id, to_account_id, place)
    where pgledger.id_fault(request.from_account_id, 'pgla') is not null
      or pgledger.id_fault(request.to_account_id, 'pgla') is not null
    order by request.place
    limit 1
  loop
    v_ok := pgledger.check_id(
      'from_account_id', v_fault.from_account_id, 'pgla', v_fault.index, request_count
    );
    v_ok := pgledger.check_id(
      'to_account_id', v_fault.to_account_id, 'pgla', v_fault.index, request_count
    );
  end loop;

  with account as materialized (
    select accounts.id, accounts.currency
    from pgledger.accounts
    where accounts.id = any(check_accounts.locked_ids)
      and accounts.app_id = check_accounts.app_id
  )
  select
    request.from_account_id,
    request.to_account_id,
    case
      when request_count is not null
        then coalesce(check_accounts.request_indexes[request.place], request.place)
    end as index,
    source.currency as from_currency,
    target.currency as to_currency
  into v_fault
  from unnest(from_account_ids, to_account_ids)
    with ordinality as request (from_account_id, to_account_id, place)
  left join account as source on request.from_account_id = source.id
  left join account as target on request.to_account_id = target.id
  where (source.currency = target.currency) is not true
  order by request.place
  limit 1;

  if not found then
    return true;
  elsif v_fault.from_currency is null then
    return pgledger.refuse_account(
      'from_account_id', v_fault.from_account_id, app_id, v_fault.index, request_count
    );
  elsif v_fault.to_currency is null then
    return pgledger.refuse_account(
      'to_account_id', v_fault.to_account_id, app_id, v_fault.index, request_count
    );
  else
    return pgledger.fail(
      'CurrencyMismatch',
      array[
        v_fault.from_account_id, v_fault.from_currency, v_fault.to_account_id, v_fault.to_currency
      ],
      v_fault.index,
      request_count
    );
  end if;
end;
$$;

comment on function pgledger.check_accounts is
  'Raises an error for the first request whose accounts do not exist in the app or differ in '
  'currency.';

revoke all on function pgledger.check_accounts from public;

-- file: repeatable/10_ledger/check_balance.sql
/*
Refuses a leg that would break its account's limits. A leg that takes from an account can only break
the lower limit, and a leg that gives can only break the upper one.

Errors: InsufficientFunds, PositiveBalanceNotAllowed, BalanceOutOfRange.
*/
create or replace function pgledger.check_balance(
  account_id text,
  account_name text,
  allow_negative_balance boolean,
  allow_positive_balance boolean,
  previous_balance numeric,
  change numeric,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_balance numeric := previous_balance + change;
  v_ok boolean;
begin
  if change < 0 and v_balance < 0 and not allow_negative_balance then
    v_ok := pgledger.fail(
      'InsufficientFunds',
      array[account_id, account_name, previous_balance::text, abs(change)::text, v_balance::text],
      request_index,
      request_count
    );
  elsif change > 0 and v_balance > 0 and not allow_positive_balance then
    v_ok := pgledger.fail(
      'PositiveBalanceNotAllowed',
      array[account_id, account_name, previous_balance::text, change::text, v_balance::text],
      request_index,
      request_count
    );
  elsif abs(v_balance) >= 1e30 then
    v_ok := pgledger.fail(
      'BalanceOutOfRange',
      array[account_id, account_name, v_balance::text], request_index, request_count
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_balance is
  'Raises an error if the balance that a leg would leave breaks a limit.';

revoke all on function pgledger.check_balance from public;

-- file: repeatable/10_ledger/check_balances.sql
/*
Walks through a batch in order, on the accounts' present balances, and raises the first leg that
would break a limit. It is only called when there is such a leg: the set-based path knows that there
is one, but not which.

Errors: InsufficientFunds, PositiveBalanceNotAllowed, BalanceOutOfRange.
*/
create or replace function pgledger.check_balances(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  request_indexes bigint[],
  request_count bigint
)
returns boolean
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_custom_plan
set jit = off
as $$
declare
  v_leg record;
  v_ok boolean;
begin
  for v_leg in
    select
      accounts.id,
      accounts.name,
      accounts.allow_negative_balance,
      accounts.allow_positive_balance,
      accounts.balance + coalesce(
        sum(leg.change) over (
          partition by leg.account_id
          order by leg.place
          rows between unbounded preceding and 1 preceding
        ),
        0
      ) as previous_balance,
      leg.change,
      coalesce(check_balances.request_indexes[leg.place], leg.place) as index
    from (
      select request.place, 1 as side, request.from_account_id as account_id, -request.amount
      from unnest(from_account_ids, amounts)
        with ordinality as request (from_account_id, amount, place)
      union all
      select request.place, 2 as side, request.to_account_id as account_id, request.amount
      from unnest(to_account_ids, amounts)
        with ordinality as request (to_account_id, amount, place)
    ) as leg (place, side, account_id, change)
    inner join pgledger.accounts on leg.account_id = accounts.id
    where accounts.id = any(from_account_ids || to_account_ids)
    order by leg.place, leg.side
  loop
    v_ok := pgledger.check_balance(
      v_leg.id, v_leg.name, v_leg.allow_negative_balance, v_leg.allow_positive_balance,
      v_leg.previous_balance, v_leg.change, v_leg.index, request_count
    );
  end loop;

  return true;
end;
$$;

comment on function pgledger.check_balances is
  'Raises an error for the first leg of a batch that would break its account''s limits.';

revoke all on function pgledger.check_balances from public;

-- file: repeatable/10_ledger/check_transfer_request.sql
/*
Refuses a request whose own values are wrong, whatever the accounts hold. The order of the checks is
part of the interface: both account ids, that they differ, the amount, event_at, metadata, the id.

Errors: NullArgument, InvalidId, SameAccount, InvalidAmount, InvalidTime, EventAtInFuture,
InvalidMetadata.
*/
create or replace function pgledger.check_transfer_request(
  from_account_id text,
  to_account_id text,
  amount numeric,
  event_at timestamptz,
  metadata jsonb,
  id text,
  allow_future_event_at boolean,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_fault text;
  v_ok boolean;
begin
  v_ok := pgledger.check_id(
    'from_account_id', from_account_id, 'pgla', request_index, request_count
  );
  v_ok := pgledger.check_id('to_account_id', to_account_id, 'pgla', request_index, request_count);

  if from_account_id = to_account_id then
    v_ok := pgledger.fail('SameAccount', array[from_account_id], request_index, request_count);
  end if;

  v_fault := pgledger.amount_fault(amount);
  if v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidAmount',
      array[coalesce(pgledger.abridged(amount::text), 'null'), v_fault],
      request_index,
      request_count
    );
  end if;

  v_fault := pgledger.time_fault(event_at);
  if event_at is not null and v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidTime', array['event_at', event_at::text, v_fault], request_index, request_count
    );
  elsif event_at > v_now + interval '1 day' and allow_future_event_at is not true then
    v_ok := pgledger.fail(
      'EventAtInFuture', array[event_at::text, v_now::text], request_index, request_count
    );
  end if;

  v_ok := pgledger.check_metadata(metadata, request_index, request_count);

  if id is not null then
    v_ok := pgledger.check_id('id', id, 'pglt', request_index, request_count);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_transfer_request is
  'Raises the first thing that is wrong with a request by itself, whatever the accounts hold.';

revoke all on function pgledger.check_transfer_request from public;

-- file: repeatable/10_ledger/check_transfer_requests.sql
/*
Refuses a batch whose shape is wrong, then the lowest of its requests whose own values are wrong.
One statement finds out whether the whole batch is sound; only if it is not are the requests looked
at one by one, to find the fault. An account id that is not an id is not refused here if the batch
is sound otherwise: pgledger.check_accounts refuses it.

Errors: NullArgument, InvalidScope, InvalidBatch, BatchTooLarge, and those of
pgledger.check_transfer_request.
*/
create or replace function pgledger.check_transfer_requests(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
  allow_future_event_at boolean,
  shared_event_at timestamptz default null,
  shared_metadata jsonb default null
)
returns boolean
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_custom_plan
set jit = off
as $$
declare
  v_latest_event_at timestamptz := pgledger.clock() + interval '1 day';
  v_count bigint := cardinality(from_account_ids);
  v_shared_is_sound boolean :=
    pgledger.metadata_fault(shared_metadata) is null
    and (
      shared_event_at is null
      or pgledger.time_fault(shared_event_at) is null
      and (shared_event_at <= v_latest_event_at or allow_future_event_at)
    );
  v_request record;
  v_ok boolean;
begin
  v_ok := pgledger.check_arrays(
    array['from_account_ids', 'to_account_ids', 'amounts', 'event_ats', 'metadatas', 'ids'],
    array[
      v_count, cardinality(to_account_ids), cardinality(amounts), cardinality(event_ats),
      cardinality(metadatas), cardinality(ids)
    ],
    array[
      array_ndims(from_account_ids), array_ndims(to_account_ids), array_ndims(amounts),
      array_ndims(event_ats), array_ndims(metadatas), array_ndims(ids)
    ],
    3
  );
  v_ok := pgledger.check_scope('app_id', app_id);
  if group_id is not null then
    v_ok := pgledger.check_scope('group_id', group_id, 1, 255);
  end if;

  perform
  from unnest(from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids)
    as request (from_account_id, to_account_id, amount, event_at, metadata, id)
  where (
    v_shared_is_sound
    and request.from_account_id <> request.to_account_id
    and pgledger.amount_fault(request.amount) is null
    and (
      request.event_at is null
      or pgledger.time_fault(request.event_at) is null
      and (request.event_at <= v_latest_event_at or allow_future_event_at)
    )
    and pgledger.metadata_fault(request.metadata) is null
    and (request.id is null or pgledger.id_fault(request.id, 'pglt') is null)
  ) is not true
  limit 1;

  if not found then
    return true;
  end if;

  for v_request in
    select
      request.from_account_id, request.to_account_id, request.amount, request.id, request.index,
      coalesce(request.event_at, shared_event_at) as event_at,
      coalesce(request.metadata, shared_metadata) as metadata
    from unnest(from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids)
      with ordinality
      as request (from_account_id, to_account_id, amount, event_at, metadata, id, index)
    order by request.index
  loop
    v_ok := pgledger.check_transfer_request(
      v_request.from_account_id, v_request.to_account_id, v_request.amount, v_request.event_at,
      v_request.metadata, v_request.id, allow_future_event_at, v_request.index, v_count
    );
  end loop;

  return true;
end;
$$;

comment on function pgledger.check_transfer_requests is
  'Raises what is wrong with a batch''s shape, or with its first request that is wrong.';

revoke all on function pgledger.check_transfer_requests from public;

-- file: repeatable/10_ledger/create_repeatable_transfers.sql
/*
Creates a batch in which the caller chose ids, so that some requests may be repeats: of earlier
calls, or of one another. Locks the accounts, then finds out which requests are new and which exist,
posts the new ones, and answers all in the order of the requests.

The body is long because the columns of requests and results are named in each of its five steps.

Locks: the accounts FOR NO KEY UPDATE ascending by id, then those of pgledger.post_transfers.
Errors: IdempotencyConflict, and those of pgledger.check_accounts and pgledger.post_transfers.
*/
create or replace function pgledger.create_repeatable_transfers(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text
)
returns setof public.pgledger_transfer
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set jit = off
as $$
declare
  v_count bigint := cardinality(from_account_ids);
  v_new_places bigint[];
  v_posted_ids text[];
  v_locked_ids text[];
  v_taken text;
  v_answer_ids text[];
  v_ok boolean;
begin
  select coalesce(array_agg(locked.id), '{}')
  into v_locked_ids
  from (
    select accounts.id
    from pgledger.accounts
    where accounts.id = any(from_account_ids || to_account_ids)
    order by accounts.id
    for no key update
  ) as locked;

  v_ok := pgledger.check_accounts(
    from_account_ids, to_account_ids, app_id, v_locked_ids, null, v_count
  );

  v_new_places := pgledger.new_transfer_places(
    from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids, app_id, v_locked_ids
  );

  -- Posts the new ones in their order.
  begin
    select array_agg(posted.id order by posted.ordinality)
    into v_posted_ids
    from (
      select
        array_agg(request.from_account_id order by request.place) as from_account_ids,
        array_agg(request.to_account_id order by request.place) as to_account_ids,
        array_agg(request.amount order by request.place) as amounts,
        array_agg(request.event_at order by request.place) as event_ats,
        array_agg(request.metadata order by request.place) as metadatas,
        array_agg(request.id order by request.place) as ids
      from unnest(from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids)
        with ordinality
        as request (from_account_id, to_account_id, amount, event_at, metadata, id, place)
      inner join unnest(v_new_places) as new (place) on request.place = new.place
      having count(*) > 0
    ) as new
    cross join lateral pgledger.post_transfers(
      new.from_account_ids, new.to_account_ids, new.amounts, new.event_ats, new.metadatas, new.ids,
      create_repeatable_transfers.app_id, create_repeatable_transfers.group_id, v_new_places,
      v_count
    ) with ordinality as posted;
  exception
    when unique_violation then
      get stacked diagnostics v_taken = pg_exception_detail;
      -- Another call took an id meanwhile. It did not wait for the accounts that this call
      -- holds, so it asked for something else. Our snapshot may not show it, but the error's
      -- detail names it.
      v_taken := substring(v_taken from '[(]id[)]=[(](pglt_[0-9A-Z]{26})[)]');
      if v_taken is null or v_taken <> all(array_remove(ids, null)) then
        raise;
      end if;
      v_ok := pgledger.refuse_taken_id(v_taken, ids);
  end;

  -- By now every request has an id: the caller's, or the one it was posted under.
  select array_agg(coalesce(given.id, posted.id) order by given.place)
  into v_answer_ids
  from unnest(ids) with ordinality as given (id, place)
  left join unnest(v_new_places, v_posted_ids) as posted (place, id)
    on given.place = posted.place;

  return query
  select
    answer.id, answer.from_account_id, answer.to_account_id, answer.amount, answer.created_at,
    answer.event_at, answer.metadata, answer.currency, answer.from_account_name,
    answer.to_account_name, answer.from_account_balance, answer.to_account_balance,
    answer.from_account_version, answer.to_account_version, answer.group_id, answer.app_id,
    answer.from_tenant_id, answer.to_tenant_id, answer.origin_id,
    answer.place <> all(v_new_places)
  from pgledger.transfers_by_id(v_answer_ids) with ordinality
    as answer (
      id, from_account_id, to_account_id, amount, created_at, event_at, metadata, currency,
      from_account_name, to_account_name, from_account_balance, to_account_balance,
      from_account_version, to_account_version, group_id, app_id, from_tenant_id, to_tenant_id,
      origin_id, replayed, place
    );
end;
$$;

comment on function pgledger.create_repeatable_transfers is
  'Creates a batch in which the caller chose ids; transfers that exist are returned, not made '
  'again.';

revoke all on function pgledger.create_repeatable_transfers from public;

-- file: repeatable/10_ledger/create_transfers_of_rows.sql
/*
Creates the transfers of an array of rows; event_at, metadata, app_id and group_id are given once,
for all of them. Rows carry no ids of the caller's choice, so none of them can be a repeat. Checks
are in the order of pgledger_create_transfers_bulk.

Errors: InvalidBatch, and those of pgledger.check_transfer_requests and pgledger.post_transfers.
*/
create or replace function pgledger.create_transfers_of_rows(
  transfer_requests public.pgledger_transfer_request[],
  event_at timestamptz,
  metadata jsonb,
  app_id text,
  group_id text,
  allow_future_event_at boolean
)
returns setof public.pgledger_transfer
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_count integer := cardinality(transfer_requests);
  v_from_account_ids text[];
  v_to_account_ids text[];
  v_amounts numeric[];
  v_ok boolean;
begin
  if transfer_requests is null then
    v_ok := pgledger.fail('InvalidBatch', array['transfer_requests must not be null']);
  elsif array_ndims(transfer_requests) > 1 then
    v_ok := pgledger.fail(
      'InvalidBatch',
      array[format('transfer_requests has %s dimensions', array_ndims(transfer_requests))]
    );
  end if;

  select
    coalesce(array_agg(request.from_account_id order by request.place), '{}'),
    coalesce(array_agg(request.to_account_id order by request.place), '{}'),
    coalesce(array_agg(request.amount order by request.place), '{}')
  into v_from_account_ids, v_to_account_ids, v_amounts
  from unnest(transfer_requests)
    with ordinality as request (from_account_id, to_account_id, amount, place);

  v_ok := pgledger.check_transfer_requests(
    v_from_account_ids, v_to_account_ids, v_amounts, null, null, null, app_id, group_id,
    allow_future_event_at, event_at, metadata
  );

  if v_count > 0 then
    return query
    select
      posted.id, posted.from_account_id, posted.to_account_id, posted.amount, posted.created_at,
      posted.event_at, posted.metadata, posted.currency, posted.from_account_name,
      posted.to_account_name, posted.from_account_balance, posted.to_account_balance,
      posted.from_account_version, posted.to_account_version, posted.group_id, posted.app_id,
      posted.from_tenant_id, posted.to_tenant_id, posted.origin_id, posted.replayed
    from pgledger.post_transfers(
      v_from_account_ids, v_to_account_ids, v_amounts, null, null, null,
      create_transfers_of_rows.app_id, create_transfers_of_rows.group_id, null, v_count,
      create_transfers_of_rows.event_at, create_transfers_of_rows.metadata
    ) as posted;
  end if;
end;
$$;

comment on function pgledger.create_transfers_of_rows is
  'Creates the transfers of an array of rows, which share event_at and metadata.';

revoke all on function pgledger.create_transfers_of_rows from public;

-- file: repeatable/10_ledger/legs.sql
/*
Both legs of every transfer, of one app or of all apps: the rows that verification reads. The
function stays inlinable, so that its rows go straight to the query that asks for them.
*/
create or replace function pgledger.legs(app_id text)
returns table (
  id text,
  key bigint,
  version bigint,
  amount numeric,
  balance numeric,
  created_at timestamptz
)
language sql
stable
parallel safe
as $$
  select
    transfers.id,
    transfers.from_key,
    transfers.from_version,
    -transfers.amount,
    transfers.from_balance,
    transfers.created_at
  from pgledger.transfers
  where legs.app_id is null or transfers.app_id = legs.app_id
  union all
  select
    transfers.id,
    transfers.to_key,
    transfers.to_version,
    transfers.amount,
    transfers.to_balance,
    transfers.created_at
  from pgledger.transfers
  where legs.app_id is null or transfers.app_id = legs.app_id
$$;

comment on function pgledger.legs is
  'Both legs of every transfer of that app, or of all apps where it is null.';

revoke all on function pgledger.legs from public;

-- file: repeatable/10_ledger/new_transfer_places.sql
/*
The places, from 1, of those requests of a batch that are new: they repeat neither an existing
transfer nor an earlier request of the batch. The lowest request that reuses an id for something
else is refused.

The caller has locked the accounts. Any earlier call for the same transfer held these locks, so what
it wrote can be seen by now. Nearly all of the work is one statement, which compares the whole batch
at once.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.new_transfer_places(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  locked_ids text[]
)
returns bigint[]
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set jit = off
as $$
declare
  v_new_places bigint[];
  v_conflict_place bigint;
  v_id text;
  v_ok boolean;
begin
  with given as materialized (
    select
      request.place,
      request.id,
      request.from_account_id,
      request.to_account_id,
      request.amount,
      request.event_at,
      request.metadata,
      case
        when request.id is not null then min(request.place) over (partition by request.id)
        else request.place
      end as first_place
    from unnest(from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids)
      with ordinality
      as request (from_account_id, to_account_id, amount, event_at, metadata, id, place)
  ),

  account as materialized (
    select accounts.id, accounts.key
    from pgledger.accounts
    where accounts.id = any(new_transfer_places.locked_ids)
  ),

  existing as materialized (
    select
      transfers.id, transfers.app_id, transfers.from_key, transfers.to_key, transfers.amount,
      transfers.event_at, transfers.metadata
    from pgledger.transfers
    where transfers.id = any(new_transfer_places.ids)
  ),

  -- A request can repeat both a transfer that exists already and the first request with its id.
  compared as (
    select
      given.place,
      existing.id is null and given.place = given.first_place as is_new,
      (
        existing.id is null
        or (
          existing.app_id, existing.from_key, existing.to_key, existing.amount, existing.event_at,
          existing.metadata
        ) is not distinct from (
          new_transfer_places.app_id, source.key, target.key, given.amount, given.event_at,
          given.metadata
        )
      )
      and (
        earlier.from_account_id, earlier.to_account_id, earlier.amount, earlier.event_at,
        earlier.metadata
      ) is not distinct from (
        given.from_account_id, given.to_account_id, given.amount, given.event_at, given.metadata
      ) as is_same
    from given
    inner join given as earlier on given.first_place = earlier.place
    inner join account as source on given.from_account_id = source.id
    inner join account as target on given.to_account_id = target.id
    left join existing on given.id = existing.id
  )

  select
    coalesce(
      array_agg(compared.place order by compared.place) filter (where compared.is_new), '{}'
    ),
    min(compared.place) filter (where not compared.is_same)
  into v_new_places, v_conflict_place
  from compared;

  if v_conflict_place is not null then
    select given.id
    into v_id
    from unnest(ids) with ordinality as given (id, place)
    where given.place = v_conflict_place;

    v_ok := pgledger.fail('IdempotencyConflict', array[v_id], v_conflict_place, cardinality(ids));
  end if;

  return v_new_places;
end;
$$;

comment on function pgledger.new_transfer_places is
  'Places of the new requests of a batch; raises an error for the first that reuses an id for '
  'something else.';

revoke all on function pgledger.new_transfer_places from public;

-- file: repeatable/10_ledger/pgledger_account_entries.sql
/*
One page of an account's entries. Versions have no gap, so a page is a range of versions. However
long the account's history is, a page reads its own rows and no more.

Errors: NullArgument, InvalidId, InvalidScope, InvalidPage, AccountNotFound.
*/
create or replace function public.pgledger_account_entries(
  account_id text,
  page_size integer default 100,
  newest_first boolean default true,
  after_version bigint default null,
  app_id text default ''
)
returns setof public.pgledger_entry
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_account record;
  v_lowest bigint;
  v_highest bigint;
  v_ok boolean;
begin
  v_account := pgledger.account_key(account_id, app_id);

  if page_size is null then
    v_ok := pgledger.fail('NullArgument', array['page_size']);
  elsif page_size not between 1 and 10000 then
    v_ok := pgledger.fail(
      'InvalidPage', array['page_size', page_size::text, 'it is not between 1 and 10000']
    );
  elsif newest_first is null then
    v_ok := pgledger.fail('NullArgument', array['newest_first']);
  elsif after_version < 0 then
    v_ok := pgledger.fail(
      'InvalidPage', array['after_version', after_version::text, 'it is negative']
    );
  end if;

  if newest_first then
    v_highest := least(after_version - 1, v_account.version);
    v_lowest := v_highest - page_size + 1;
  else
    v_lowest := least(coalesce(after_version, 0), v_account.version) + 1;
    v_highest := v_lowest + page_size - 1;
  end if;

  return query
  select
    pgledger.entry_id(leg.created_at, v_account.key, leg.version),
    accounts.id,
    leg.id,
    leg.amount,
    leg.balance - leg.amount,
    leg.balance,
    leg.version,
    leg.created_at,
    coalesce(leg.event_at, leg.created_at),
    leg.metadata,
    accounts.name,
    accounts.currency,
    accounts.app_id,
    accounts.tenant_id
  from (
    select
      transfers.from_version, transfers.from_balance, -transfers.amount, transfers.id,
      transfers.created_at, transfers.event_at, transfers.metadata
    from pgledger.transfers
    where transfers.from_key = v_account.key
      and transfers.from_version between v_lowest and v_highest
    union all
    select
      transfers.to_version, transfers.to_balance, transfers.amount, transfers.id,
      transfers.created_at, transfers.event_at, transfers.metadata
    from pgledger.transfers
    where transfers.to_key = v_account.key
      and transfers.to_version between v_lowest and v_highest
  ) as leg (version, balance, amount, id, created_at, event_at, metadata)
  inner join pgledger.accounts on v_account.key = accounts.key
  order by case when newest_first then -leg.version else leg.version end;
end;
$$;

comment on function public.pgledger_account_entries is
$$Returns one page of an account's entries.

A page costs what its own rows cost, however long the account's history is.

account_id: Whose entries.
page_size: How many at most, 1 to 10,000.
newest_first: Whether from the newest to the oldest, or the other way.
after_version: The account_version of the last entry of the page before; null
  for the first page.
app_id: Set of books that the account belongs to.

Returns: The entries in order; fewer than page_size on the last page.

Errors: NullArgument, InvalidScope, InvalidId, AccountNotFound (there is no
  such account under this app_id), InvalidPage.$$;

revoke all on function public.pgledger_account_entries from public;
grant execute on function public.pgledger_account_entries to pgledger_reader;

-- file: repeatable/10_ledger/pgledger_balance_at.sql
/*
The balance that was recorded for an account at a time: after the newest entry whose created_at is
not later. Along an account versions and times ascend together, and versions have no gap. So the
entry is found by halving the range of versions: at most 40 halvings of 2 index look-ups each,
whatever the time.

Errors: NullArgument, InvalidId, InvalidScope, AccountNotFound.
*/
create or replace function public.pgledger_balance_at(
  account_id text,
  at timestamptz,
  app_id text default ''
)
returns numeric
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_account record;
  v_entry record;
  v_balance numeric := 0;
  v_lowest bigint := 1;
  v_highest bigint;
  v_middle bigint;
  v_ok boolean;
begin
  v_account := pgledger.account_key(account_id, app_id);

  if at is null then
    v_ok := pgledger.fail('NullArgument', array['at']);
  end if;

  v_highest := v_account.version;
  while v_lowest <= v_highest loop
    v_middle := (v_lowest + v_highest) / 2;

    select transfers.created_at, transfers.from_balance as balance
    into v_entry
    from pgledger.transfers
    where transfers.from_key = v_account.key and transfers.from_version = v_middle;

    if not found then
      select transfers.created_at, transfers.to_balance as balance
      into v_entry
      from pgledger.transfers
      where transfers.to_key = v_account.key and transfers.to_version = v_middle;
    end if;

    if v_entry.created_at <= at then
      v_balance := v_entry.balance;
      v_lowest := v_middle + 1;
    else
      v_highest := v_middle - 1;
    end if;
  end loop;

  return v_balance;
end;
$$;

comment on function public.pgledger_balance_at is
$$Returns an account's balance at a time, as recorded.

A transfer is recorded shortly before it commits. So the answer for a time is
final once the transactions that were open then have ended.

account_id: Whose balance.
at: The time: every entry whose created_at is not later counts.
app_id: Set of books that the account belongs to.

Returns: The balance in units of the account's currency; 0 before its first
  entry.

Errors: NullArgument, InvalidScope, InvalidId, AccountNotFound (there is no
  such account under this app_id).$$;

revoke all on function public.pgledger_balance_at from public;
grant execute on function public.pgledger_balance_at to pgledger_reader;

-- file: repeatable/10_ledger/pgledger_create_account.sql
/*
Creates an account, with a balance of zero.

With an id of the caller's choice the call can be repeated: the second call returns the account as
it stands now if everything it asks for is the same, and is refused if anything differs.

Checks, in this order: app_id, tenant_id, name, currency, limits, metadata, id, repeat.
Errors: NullArgument, InvalidScope, InvalidName, InvalidCurrency, InvalidMetadata, InvalidId,
IdempotencyConflict.
*/
create or replace function public.pgledger_create_account(
  name text,
  currency text,
  allow_negative_balance boolean default true,
  allow_positive_balance boolean default true,
  metadata jsonb default null,
  id text default null,
  app_id text default '',
  tenant_id text default ''
)
returns public.pgledger_account
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_name_fault text := pgledger.text_fault(name, 1, 255, true);
  v_currency_fault text := pgledger.text_fault(currency, 1, 32, false);
  v_created_at timestamptz := pgledger.clock();
  v_id text := coalesce(id, 'pgla_' || pgledger.new_ulid(v_created_at));
  v_is_new boolean;
  v_account record;
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_scope('tenant_id', tenant_id);

  if v_name_fault is not null then
    v_ok := pgledger.fail(
      'InvalidName', array[quote_nullable(pgledger.abridged(name)), v_name_fault]
    );
  elsif v_currency_fault is not null then
    v_ok := pgledger.fail(
      'InvalidCurrency', array[quote_nullable(pgledger.abridged(currency)), v_currency_fault]
    );
  elsif allow_negative_balance is null then
    v_ok := pgledger.fail('NullArgument', array['allow_negative_balance']);
  elsif allow_positive_balance is null then
    v_ok := pgledger.fail('NullArgument', array['allow_positive_balance']);
  end if;

  v_ok := pgledger.check_metadata(metadata);
  v_ok := pgledger.check_id('id', v_id, 'pgla');

  insert into pgledger.accounts (
    created_at, updated_at, allow_negative_balance, allow_positive_balance, id, app_id, currency,
    name, tenant_id, metadata
  )
  values (
    v_created_at,
    v_created_at,
    pgledger_create_account.allow_negative_balance,
    pgledger_create_account.allow_positive_balance,
    v_id,
    pgledger_create_account.app_id,
    pgledger_create_account.currency,
    pgledger_create_account.name,
    pgledger_create_account.tenant_id,
    pgledger_create_account.metadata
  )
  on conflict on constraint accounts_id_key do nothing;
  v_is_new := found;

  select
    accounts.id, accounts.name, accounts.currency, accounts.balance, accounts.version,
    accounts.allow_negative_balance, accounts.allow_positive_balance, accounts.metadata,
    accounts.created_at, accounts.updated_at, accounts.app_id, accounts.tenant_id,
    not v_is_new as replayed
  into v_account
  from pgledger.accounts
  where accounts.id = v_id;

  if (
    v_account.app_id, v_account.tenant_id, v_account.name, v_account.currency,
    v_account.allow_negative_balance, v_account.allow_positive_balance, v_account.metadata
  ) is distinct from (
    app_id, tenant_id, name, currency, allow_negative_balance, allow_positive_balance, metadata
  ) then
    v_ok := pgledger.fail('IdempotencyConflict', array[v_id]);
  end if;

  return v_account;
end;
$$;

comment on function public.pgledger_create_account is
$$Opens an account, with a balance of zero.

Call it in FROM: (pgledger_create_account(...)).* calls it once for every
column.

name: For people: 1 to 255 characters, stored as given; need not be unique.
currency: Unit of the balance: 1 to 32 visible characters, for example USD.
allow_negative_balance: Whether a transfer may leave the balance below zero.
allow_positive_balance: Whether a transfer may leave the balance above zero.
metadata: JSON object, at most 64 KiB, which never changes. Store references
  in it, never personal data, or null.
id: Its id, pgla_ and a ULID. With an id of your own choice the call can be
  repeated: every repeat returns the same account, as it stands then; null for
  a new id.
app_id: Set of books that the account belongs to.
tenant_id: Whose account it is.

Returns: The account.

Errors: NullArgument, InvalidScope, InvalidName (the name is empty, cannot be
  seen or is too long), InvalidCurrency (the currency is empty, has spaces or
  is too long), InvalidMetadata, InvalidId, IdempotencyConflict (the id is
  taken by a different account).$$;

revoke all on function public.pgledger_create_account from public;
grant execute on function public.pgledger_create_account to pgledger_poster;

-- file: repeatable/10_ledger/pgledger_create_transfer.sql
/*
Moves an amount from one account to another: one row, and both balances, or nothing.

Locks both accounts FOR NO KEY UPDATE, in ascending order of their ids, so that calls never
deadlock with one another and rows of an application that refer to an account are not blocked;
then the transfer's id, if the caller chose it.

With an id of the caller's choice the call can be repeated: the second call returns the first
result if app, accounts, amount, event_at and metadata are the same, and is refused if not.

This is the path for one transfer, and pgledger.post_transfers the one for many: each is several
times faster than the other would be in its place. Both check in this order: app_id; the request's
own values; that the accounts exist and share a currency; whether it is a repeat; limits.

The body is long because every call of a function costs a plain transfer about a microsecond: only
what a plain one does not need stands in functions of its own.
*/
create or replace function public.pgledger_create_transfer(
  from_account_id text,
  to_account_id text,
  amount numeric,
  event_at timestamptz default null,
  metadata jsonb default null,
  id text default null,
  app_id text default '',
  allow_future_event_at boolean default false
)
returns public.pgledger_transfer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_first_id text := least(from_account_id collate "C", to_account_id);
  v_second_id text := greatest(from_account_id collate "C", to_account_id);
  v_amount numeric := amount;
  v_from record;
  v_to record;
  v_swap record;
  v_earlier record;
  v_created_at timestamptz;
  v_from_balance numeric;
  v_to_balance numeric;
  v_id text := id;
  v_ok boolean;
begin
  -- One expression passes most requests; only the others are looked at in detail.
  if (
    amount > 0 and amount < 1e30 and scale(amount) <= 18 and v_first_id <> v_second_id
    and event_at is null and metadata is null and id is null
  ) is not true then
    v_ok := pgledger.check_scope('app_id', app_id);
    v_ok := pgledger.check_transfer_request(
      from_account_id, to_account_id, amount, event_at, metadata, id, allow_future_event_at
    );
    v_amount := case when scale(amount) > 18 then trim_scale(amount) else amount end;
  end if;

  select
    accounts.key, accounts.updated_at, accounts.version, accounts.balance,
    accounts.allow_negative_balance, accounts.allow_positive_balance, accounts.currency,
    accounts.app_id, accounts.name, accounts.tenant_id
  into v_from
  from pgledger.accounts
  where accounts.id = v_first_id
  for no key update;

  select
    accounts.key, accounts.updated_at, accounts.version, accounts.balance,
    accounts.allow_negative_balance, accounts.allow_positive_balance, accounts.currency,
    accounts.app_id, accounts.name, accounts.tenant_id
  into v_to
  from pgledger.accounts
  where accounts.id = v_second_id
  for no key update;

  if v_first_id <> from_account_id then
    v_swap := v_from;
    v_from := v_to;
    v_to := v_swap;
  end if;

  if (
    v_from.currency = v_to.currency and v_from.app_id = app_id and v_to.app_id = app_id
  ) is not true then
    v_ok := pgledger.check_scope('app_id', app_id);
    v_ok := pgledger.check_accounts(
      array[from_account_id],
      array[to_account_id],
      app_id,
      array[
        case when v_from.key is not null then from_account_id end,
        case when v_to.key is not null then to_account_id end
      ]
    );
  end if;

  if id is not null then
    v_earlier := pgledger.repeated_transfer(
      v_id, app_id, v_from.key, v_to.key, v_amount, event_at, metadata
    );
    if v_earlier.created_at is not null then
      return row(
        v_id, from_account_id, to_account_id, v_earlier.amount, v_earlier.created_at,
        coalesce(event_at, v_earlier.created_at), metadata, v_from.currency, v_from.name,
        v_to.name, v_earlier.from_balance, v_earlier.to_balance, v_earlier.from_version,
        v_earlier.to_version, v_earlier.group_id, app_id, v_from.tenant_id, v_to.tenant_id,
        v_earlier.origin_id, true
      );
    end if;
  end if;

  v_from_balance := v_from.balance - v_amount;
  v_to_balance := v_to.balance + v_amount;

  if
    v_from_balance < 0 and (not v_from.allow_negative_balance or v_from_balance <= -1e30)
    or v_to_balance > 0 and (not v_to.allow_positive_balance or v_to_balance >= 1e30)
  then
    v_ok := pgledger.check_balance(
      from_account_id, v_from.name, v_from.allow_negative_balance, v_from.allow_positive_balance,
      v_from.balance, -v_amount
    );
    v_ok := pgledger.check_balance(
      to_account_id, v_to.name, v_to.allow_negative_balance, v_to.allow_positive_balance,
      v_to.balance, v_amount
    );
  end if;

  -- Later than everything recorded on either account, even if the clock steps back.
  v_created_at := greatest(
    pgledger.clock(),
    v_from.updated_at + interval '1 microsecond',
    v_to.updated_at + interval '1 microsecond'
  );

  if id is null then
    v_id := 'pglt_' || pgledger.new_ulid(v_created_at);

    insert into pgledger.transfers (
      from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
      to_balance, event_at, metadata
    )
    values (
      v_from.key, v_to.key, v_from.version + 1, v_to.version + 1, v_created_at, v_id,
      pgledger_create_transfer.app_id, v_amount, v_from_balance, v_to_balance,
      pgledger_create_transfer.event_at, pgledger_create_transfer.metadata
    );
  else
    insert into pgledger.transfers (
      from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
      to_balance, event_at, metadata
    )
    values (
      v_from.key, v_to.key, v_from.version + 1, v_to.version + 1, v_created_at, v_id,
      pgledger_create_transfer.app_id, v_amount, v_from_balance, v_to_balance,
      pgledger_create_transfer.event_at, pgledger_create_transfer.metadata
    )
    on conflict on constraint transfers_id_pk do nothing;

    -- Another call took the id since we looked. It did not wait for our accounts, so it asked for
    -- something else.
    if not found then
      v_ok := pgledger.fail('IdempotencyConflict', array[v_id]);
    end if;
  end if;

  update pgledger.accounts
  set updated_at = v_created_at, version = accounts.version + 1, balance = v_from_balance
  where accounts.key = v_from.key;

  update pgledger.accounts
  set updated_at = v_created_at, version = accounts.version + 1, balance = v_to_balance
  where accounts.key = v_to.key;

  return row(
    v_id, from_account_id, to_account_id, v_amount, v_created_at,
    coalesce(event_at, v_created_at), metadata, v_from.currency, v_from.name, v_to.name,
    v_from_balance, v_to_balance, v_from.version + 1, v_to.version + 1, null::text, app_id,
    v_from.tenant_id, v_to.tenant_id, null::text, false
  );
end;
$$;

comment on function public.pgledger_create_transfer is
$$Moves an amount from one account to another.

Call it in FROM: (pgledger_create_transfer(...)).* calls it once for every
column.

Not within an UPDATE, a MERGE or an INSERT with ON CONFLICT: PostgreSQL may
evaluate a row twice there, or evaluate it and write nothing, and the amount
moves each time. Lock the row with SELECT FOR UPDATE first and call this in a
statement of its own, or pass an id that the row holds: then it moves once.

from_account_id: Account that the amount leaves.
to_account_id: Account that the amount reaches, of the same currency.
amount: What to move, in units of the accounts' currency: above 0, below 1e30,
  at most 18 decimal places.
event_at: When it happened in the world, at most a day ahead unless
  allow_future_event_at; null for when it is recorded.
metadata: JSON object, at most 64 KiB, which never changes. Store references
  in it, never personal data, or null.
id: Its id, pglt_ and a ULID. With an id of your own choice the call can be
  repeated: it takes effect once, and every repeat returns the first result;
  null for a new id.
app_id: Set of books that both accounts belong to.
allow_future_event_at: Whether event_at may be more than a day ahead.

Returns: The transfer, with both accounts' balances and versions right after
  it.

Errors: NullArgument, InvalidScope, InvalidId, SameAccount (both accounts are
  the same), InvalidAmount (the amount is not in range), InvalidTime (event_at
  is outside the years 1 to 9999), EventAtInFuture (event_at is more than a
  day ahead), InvalidMetadata, AccountNotFound (there is no such account under
  this app_id), CurrencyMismatch (the accounts have different currencies),
  IdempotencyConflict (the id is taken by a different transfer),
  InsufficientFunds (it would leave an account below zero that does not allow
  it), PositiveBalanceNotAllowed (it would leave an account above zero that
  does not allow it), BalanceOutOfRange (a balance would reach 1e30 or -1e30).$$;

revoke all on function public.pgledger_create_transfer from public;
grant execute on function public.pgledger_create_transfer to pgledger_poster;

-- file: repeatable/10_ledger/pgledger_create_transfers.sql
/*
Moves several amounts at once, given as plain rows: all of them, or none. This form takes the rows
as its arguments; the other form takes an array of rows and the values that they share. A row has no
place for an id, a time or metadata of its own; pgledger_create_transfers_bulk has.
*/
create or replace function public.pgledger_create_transfers(
  variadic transfer_requests public.pgledger_transfer_request[]
)
returns setof public.pgledger_transfer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  return query
  select
    created.id, created.from_account_id, created.to_account_id, created.amount,
    created.created_at, created.event_at, created.metadata, created.currency,
    created.from_account_name, created.to_account_name, created.from_account_balance,
    created.to_account_balance, created.from_account_version, created.to_account_version,
    created.group_id, created.app_id, created.from_tenant_id, created.to_tenant_id,
    created.origin_id, created.replayed
  from pgledger.create_transfers_of_rows(transfer_requests, null, null, '', null, false) as created;
end;
$$;

comment on function
  public.pgledger_create_transfers(public.pgledger_transfer_request[]) is
$$Makes several transfers, all or none, each of its arguments a plain row.

An error names the request at fault, counted from 1. The other form takes an
array of rows, an app_id and what else they share. Like
pgledger_create_transfer, neither is for use within an UPDATE, a MERGE or an
INSERT with ON CONFLICT.

transfer_requests: Rows (from_account_id, to_account_id, amount), at most
  100,000, in the books whose app_id is the empty text.

Returns: One transfer for each request, in their order.

Errors: InvalidBatch, BatchTooLarge (more than 100,000 requests),
  NullArgument, InvalidId, SameAccount, InvalidAmount, AccountNotFound,
  CurrencyMismatch, InsufficientFunds, PositiveBalanceNotAllowed,
  BalanceOutOfRange.$$;

revoke all on function
  public.pgledger_create_transfers(public.pgledger_transfer_request[])
  from public;
grant execute on function
  public.pgledger_create_transfers(public.pgledger_transfer_request[])
  to pgledger_poster;
/*
Moves several amounts at once, given as an array of plain rows which share event_at, metadata,
app_id and group_id: all of them, or none.
*/
create or replace function public.pgledger_create_transfers(
  transfer_requests public.pgledger_transfer_request[],
  event_at timestamptz default null,
  metadata jsonb default null,
  app_id text default '',
  group_id text default null,
  allow_future_event_at boolean default false
)
returns setof public.pgledger_transfer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  return query
  select
    created.id, created.from_account_id, created.to_account_id, created.amount,
    created.created_at, created.event_at, created.metadata, created.currency,
    created.from_account_name, created.to_account_name, created.from_account_balance,
    created.to_account_balance, created.from_account_version, created.to_account_version,
    created.group_id, created.app_id, created.from_tenant_id, created.to_tenant_id,
    created.origin_id, created.replayed
  from pgledger.create_transfers_of_rows(
    pgledger_create_transfers.transfer_requests, pgledger_create_transfers.event_at,
    pgledger_create_transfers.metadata, pgledger_create_transfers.app_id,
    pgledger_create_transfers.group_id, pgledger_create_transfers.allow_future_event_at
  ) as created;
end;
$$;

comment on function public.pgledger_create_transfers(
  public.pgledger_transfer_request[], timestamptz, jsonb, text, text, boolean
) is
$$Makes several transfers, all or none, which share what else is given.

An error names the request at fault, counted from 1. Requests with ids of your
own choice are for pgledger_create_transfers_bulk.

transfer_requests: Rows (from_account_id, to_account_id, amount), at most
  100,000.
event_at: When they happened in the world, at most a day ahead unless
  allow_future_event_at; null for when they are recorded.
metadata: JSON object, at most 64 KiB, which never changes. Store references
  in it, never personal data, or null.
app_id: Set of books that all accounts belong to.
group_id: Name that joins these transfers, 1 to 255 visible characters, for
  example an order's number, or null.
allow_future_event_at: Whether event_at may be more than a day ahead.

Returns: One transfer for each request, in their order.

Errors: InvalidBatch, BatchTooLarge (more than 100,000 requests),
  InvalidScope, NullArgument, InvalidId, SameAccount, InvalidAmount,
  InvalidTime, EventAtInFuture, InvalidMetadata, AccountNotFound,
  CurrencyMismatch, InsufficientFunds, PositiveBalanceNotAllowed,
  BalanceOutOfRange.$$;

revoke all on function public.pgledger_create_transfers(
  public.pgledger_transfer_request[], timestamptz, jsonb, text, text, boolean
) from public;
grant execute on function public.pgledger_create_transfers(
  public.pgledger_transfer_request[], timestamptz, jsonb, text, text, boolean
) to pgledger_poster;

-- file: repeatable/10_ledger/pgledger_create_transfers_bulk.sql
/*
Moves many amounts at once, given as parallel arrays: all of them, or none.

If the caller chose no ids, the batch cannot hold a repeat and is posted as it is. If the caller
chose ids, it takes the longer way: transfers that exist already are returned and not made again.

Checks, in this order: the arrays, app_id and group_id; each request's own values; that accounts
exist and share a currency; whether it is a repeat; limits. Each check looks at all requests before
the next one begins, and names the lowest request at fault.

Locks and errors: those of the functions that it calls.
*/
create or replace function public.pgledger_create_transfers_bulk(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[] default null,
  metadatas jsonb[] default null,
  ids text[] default null,
  app_id text default '',
  group_id text default null,
  allow_future_event_at boolean default false
)
returns setof public.pgledger_transfer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_transfer_requests(
    from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids, app_id, group_id,
    allow_future_event_at
  );

  if array_remove(ids, null) <> '{}' then
    return query
    select
      answered.id, answered.from_account_id, answered.to_account_id, answered.amount,
      answered.created_at, answered.event_at, answered.metadata, answered.currency,
      answered.from_account_name, answered.to_account_name, answered.from_account_balance,
      answered.to_account_balance, answered.from_account_version, answered.to_account_version,
      answered.group_id, answered.app_id, answered.from_tenant_id, answered.to_tenant_id,
      answered.origin_id, answered.replayed
    from pgledger.create_repeatable_transfers(
      from_account_ids, to_account_ids, amounts, event_ats, metadatas, ids,
      pgledger_create_transfers_bulk.app_id, pgledger_create_transfers_bulk.group_id
    ) as answered;
  elsif cardinality(from_account_ids) > 0 then
    return query
    select
      posted.id, posted.from_account_id, posted.to_account_id, posted.amount, posted.created_at,
      posted.event_at, posted.metadata, posted.currency, posted.from_account_name,
      posted.to_account_name, posted.from_account_balance, posted.to_account_balance,
      posted.from_account_version, posted.to_account_version, posted.group_id, posted.app_id,
      posted.from_tenant_id, posted.to_tenant_id, posted.origin_id, posted.replayed
    from pgledger.post_transfers(
      from_account_ids, to_account_ids, amounts, event_ats, metadatas, null,
      pgledger_create_transfers_bulk.app_id, pgledger_create_transfers_bulk.group_id, null,
      cardinality(from_account_ids)
    ) as posted;
  end if;
end;
$$;

comment on function public.pgledger_create_transfers_bulk is
$$Makes up to 100,000 transfers, all or none.

Element n of each array belongs to request n, counted from 1. Arrays that have
a default may be left out, and may hold nulls. An error names the request at
fault. Like pgledger_create_transfer, it is not for use within an UPDATE, a
MERGE or an INSERT with ON CONFLICT, unless every request has an id that a row
holds.

from_account_ids: Accounts that the amounts leave.
to_account_ids: Accounts that they reach, each of its request's currency.
amounts: What to move, in units of the accounts' currencies: above 0, below
  1e30, at most 18 decimal places.
event_ats: When each happened in the world, at most a day ahead unless
  allow_future_event_at; null for when it is recorded.
metadatas: A JSON object for each, at most 64 KiB, which never changes, or
  null.
ids: An id for each, pglt_ and a ULID. A request with an id of your own choice
  can be repeated: it takes effect once, and every repeat returns the first
  result; null for a new id.
app_id: Set of books that all accounts belong to.
group_id: Name that joins these transfers, 1 to 255 visible characters, for
  example an order's number, or null.
allow_future_event_at: Whether an event_at may be more than a day ahead.

Returns: One transfer for each request, in their order.

Errors: InvalidBatch (the arrays are not of one length), BatchTooLarge (more
  than 100,000 requests), InvalidScope, NullArgument, InvalidId, SameAccount,
  InvalidAmount, InvalidTime, EventAtInFuture, InvalidMetadata,
  AccountNotFound, CurrencyMismatch, IdempotencyConflict, InsufficientFunds,
  PositiveBalanceNotAllowed, BalanceOutOfRange.$$;

revoke all on function public.pgledger_create_transfers_bulk from public;
grant execute on function public.pgledger_create_transfers_bulk to pgledger_poster;

-- file: repeatable/10_ledger/pgledger_get_account.sql
/*
One account, as it stands. An id that does not exist is an error rather than no row: a mistyped id
must not look like an account without money.

Errors: NullArgument, InvalidId, InvalidScope, AccountNotFound.
*/
create or replace function public.pgledger_get_account(
  id text,
  app_id text default ''
)
returns public.pgledger_account
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_account record;
  v_ok boolean;
begin
  select
    accounts.id, accounts.name, accounts.currency, accounts.balance, accounts.version,
    accounts.allow_negative_balance, accounts.allow_positive_balance, accounts.metadata,
    accounts.created_at, accounts.updated_at, accounts.app_id, accounts.tenant_id,
    null::boolean as replayed
  into v_account
  from pgledger.accounts
  where accounts.id = pgledger_get_account.id
    and accounts.app_id = pgledger_get_account.app_id;

  if not found then
    v_ok := pgledger.refuse_account('id', id, app_id);
  end if;

  return v_account;
end;
$$;

comment on function public.pgledger_get_account is
$$Returns an account as it stands now.

id: The account's id.
app_id: Set of books that it belongs to.

Returns: The account, with its balance and version.

Errors: NullArgument, InvalidScope, InvalidId, AccountNotFound (there is no
  such account under this app_id).$$;

revoke all on function public.pgledger_get_account from public;
grant execute on function public.pgledger_get_account to pgledger_reader;

-- file: repeatable/10_ledger/pgledger_get_transfer.sql
/*
One transfer. An id that does not exist is an error rather than no row.

Errors: NullArgument, InvalidId, InvalidScope, TransferNotFound.
*/
create or replace function public.pgledger_get_transfer(
  id text,
  app_id text default ''
)
returns public.pgledger_transfer
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_transfer record;
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_id('id', id, 'pglt');

  select
    transfer.id, transfer.from_account_id, transfer.to_account_id, transfer.amount,
    transfer.created_at, transfer.event_at, transfer.metadata, transfer.currency,
    transfer.from_account_name, transfer.to_account_name, transfer.from_account_balance,
    transfer.to_account_balance, transfer.from_account_version, transfer.to_account_version,
    transfer.group_id, transfer.app_id, transfer.from_tenant_id, transfer.to_tenant_id,
    transfer.origin_id, transfer.replayed
  into v_transfer
  from pgledger.transfers_by_id(array[pgledger_get_transfer.id]) as transfer
  where transfer.app_id = pgledger_get_transfer.app_id;

  if not found then
    v_ok := pgledger.fail('TransferNotFound', array[id, pgledger.in_app(app_id)]);
  end if;

  return v_transfer;
end;
$$;

comment on function public.pgledger_get_transfer is
$$Returns a transfer.

id: The transfer's id.
app_id: Set of books that it belongs to.

Returns: The transfer, with both accounts' balances and versions right after
  it.

Errors: NullArgument, InvalidScope, InvalidId, TransferNotFound (there is no
  such transfer under this app_id).$$;

revoke all on function public.pgledger_get_transfer from public;
grant execute on function public.pgledger_get_transfer to pgledger_reader;

-- file: repeatable/10_ledger/pgledger_verify.sql
/*
Proves from the data that the books are in order. All functions here are stable, so they read the
snapshot of the calling statement, and transfers may go on meanwhile. Expressions here, and in the
functions it calls, repeat on purpose what the writing functions compute: they are its audit.

Checks of one app also read every transfer, but keep and sort only those of the app.

Errors: InvalidScope.
*/
create or replace function public.pgledger_verify(app_id text default null)
returns setof public.pgledger_check
language sql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
  select pgledger.check_scope('app_id', pgledger_verify.app_id)
  where pgledger_verify.app_id is not null;

  select books.check_name, books.rows_checked, books.violations, books.example
  from pgledger.verify_books(pgledger_verify.app_id) as books
  union all
  select accounts.check_name, accounts.rows_checked, accounts.violations, accounts.example
  from pgledger.verify_accounts(pgledger_verify.app_id) as accounts
  union all
  select entries.check_name, entries.rows_checked, entries.violations, entries.example
  from pgledger.verify_entries(pgledger_verify.app_id) as entries
  union all
  select transfers.check_name, transfers.rows_checked, transfers.violations, transfers.example
  from pgledger.verify_transfers(pgledger_verify.app_id) as transfers
  union all
  select guards.check_name, guards.rows_checked, guards.violations, guards.example
  from pgledger.verify_guards() as guards
$$;

comment on function public.pgledger_verify is
$$Proves from the data that the books are in order.

Reads every transfer, as an auditor would, on one snapshot, while transfers go
on. A large ledger takes its time: run it where that is welcome, for example
on a replica.

The triggers that keep records unchanged are checked whatever the app.

app_id: Set of books to check, only its accounts and transfers; null for all
  of them.

Returns: One row for each check: what it checks, how many rows it looked at,
  how many of them break the rule, and one that does. All is well when
  violations are 0 throughout.

Errors: InvalidScope.$$;

revoke all on function public.pgledger_verify from public;
grant execute on function public.pgledger_verify to pgledger_auditor;

-- file: repeatable/10_ledger/post_transfers.sql
/*
Writes many transfers at once, each new and sound by itself: the path for batches. Whatever the
number of requests, there are three statements. The first locks the accounts. The second runs after
all waiting for these locks and sees what other calls wrote meanwhile: it computes and writes the
transfers, and answers. The third updates the accounts.

Only accounts that the first statement locked take part. An account that was created while it waited
can be seen by the second one, but is not locked: anyone may be changing it.

The second statement leaves out each request that has no accounts, mixes currencies or breaks a
limit. If it posted fewer transfers than were asked for, there is such a request: it is looked for
and raised.

Transfer n of the call is created n - 1 microseconds after the first, so that versions and times
ascend together along each account. Their ids share one random tail; their times tell them apart.

The statements are planned for the arrays at hand and without nested loops. So a batch never costs
the square of its size, even where the statistics still say that a table is empty.

Values that all requests share are given once: 100000 copies of large metadata are more than an
array can hold.

request_indexes says which request of the caller's each request is, for messages; null means all of
them in order.

The body is long because its main part is one statement, whose steps share what the first ones
found. A function could only take over a part if this were written down and read again.

Locks: the accounts FOR NO KEY UPDATE ascending by id, then the transfers ascending by id.
Errors: those of pgledger.check_accounts and pgledger.check_balances; a unique violation where an id
that a caller chose was taken.
*/
create or replace function pgledger.post_transfers(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  event_ats timestamptz[],
  metadatas jsonb[],
  ids text[],
  app_id text,
  group_id text,
  request_indexes bigint[],
  request_count bigint,
  shared_event_at timestamptz default null,
  shared_metadata jsonb default null
)
returns setof public.pgledger_transfer
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set jit = off
as $$
declare
  v_amounts numeric[] := amounts;
  v_created_at timestamptz;
  v_microseconds bigint;
  v_head text;
  v_next_head text;
  v_head_places bigint;
  v_tail text;
  v_locked_ids text[];
  v_posted bigint;
  v_ok boolean;
begin
  if exists (select from unnest(amounts) as given (amount) where scale(given.amount) > 18) then
    select
      array_agg(
        case when scale(given.amount) > 18 then trim_scale(given.amount) else given.amount end
        order by given.place
      )
    into v_amounts
    from unnest(amounts) with ordinality as given (amount, place);
  end if;

  select
    greatest(pgledger.clock(), max(locked.updated_at) + interval '1 microsecond'),
    coalesce(array_agg(locked.id), '{}')
  into v_created_at, v_locked_ids
  from (
    select accounts.id, accounts.updated_at
    from pgledger.accounts
    where accounts.id = any(from_account_ids || to_account_ids)
    order by accounts.id
    for no key update
  ) as locked;

  v_microseconds := extract(epoch from v_created_at) * 1000000;
  v_tail := right(pgledger.new_ulid(v_created_at), 12);

  -- The first eight characters of an id change every 1.024 seconds. A call's times span less than
  -- that, so there are at most two such heads.
  v_head := left(pgledger.new_ulid(v_created_at), 8);
  v_next_head := left(pgledger.new_ulid(v_created_at + interval '1.024 seconds'), 8);
  v_head_places := 1024000 - v_microseconds % 1024000;

  return query
  with account as materialized (
    select
      accounts.key, accounts.version, accounts.balance, accounts.allow_negative_balance,
      accounts.allow_positive_balance, accounts.id, accounts.app_id, accounts.currency,
      accounts.name, accounts.tenant_id
    from pgledger.accounts
    where accounts.id = any(v_locked_ids)
  ),

  -- Rows stay narrow on their way; names and ids of accounts are joined at the end.
  request as materialized (
    select
      given.place,
      given.amount,
      given.event_at,
      given.metadata,
      given.id,
      source.key as from_key,
      target.key as to_key
    from unnest(from_account_ids, to_account_ids, v_amounts, event_ats, metadatas, ids)
      with ordinality
      as given (from_account_id, to_account_id, amount, event_at, metadata, id, place)
    inner join account as source on given.from_account_id = source.id
    inner join account as target on given.to_account_id = target.id
    where source.currency = target.currency
      and source.app_id = post_transfers.app_id
      and target.app_id = post_transfers.app_id
  ),

  leg as materialized (
    select
      change.place,
      change.is_target,
      account.balance + sum(change.amount) over account_so_far as balance,
      account.version + row_number() over account_so_far as version,
      account.allow_negative_balance,
      account.allow_positive_balance
    from (
      select request.place, false, request.from_key, -request.amount
      from request
      union all
      select request.place, true, request.to_key, request.amount
      from request
    ) as change (place, is_target, key, amount)
    inner join account on change.key = account.key
    window account_so_far as (partition by change.key order by change.place)
  ),

  transfer as materialized (
    select
      request.place,
      request.id as chosen_id,
      'pglt_'
      || case when request.place <= v_head_places then v_head else v_next_head end
      || substr(pgledger.base32_text(digits.lanes), 3)
      || v_tail as generated_id,
      v_created_at + (request.place - 1) * interval '1 microsecond' as created_at,
      request.amount,
      request.event_at,
      request.metadata,
      source.balance as from_balance,
      target.balance as to_balance,
      source.version as from_version,
      target.version as to_version,
      request.from_key,
      request.to_key
    from request
    inner join leg as source on request.place = source.place and not source.is_target
    inner join leg as target on request.place = target.place and target.is_target
    -- The six characters of pgledger.new_ulid that change from one microsecond to the next. Each
    -- OFFSET keeps the planner from repeating a step's expression wherever its result is used.
    cross join lateral (
      select pgledger.base32_lanes(step.bits) as lanes
      from (
        select
          (((clock.microseconds / 1000) & 1023) << 20)
          | 458760
          | (((clock.microseconds % 1000) * 4096 / 1000) << 4) as bits
        from (select v_microseconds + request.place - 1 as microseconds offset 0) as clock
        offset 0
      ) as step
      offset 0
    ) as digits
    where (source.balance >= 0 or source.allow_negative_balance) and source.balance > -1e30
      and (target.balance <= 0 or target.allow_positive_balance) and target.balance < 1e30
  ),

  written as (
    insert into pgledger.transfers (
      from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
      to_balance, event_at, group_id, metadata
    )
    select
      transfer.from_key, transfer.to_key, transfer.from_version, transfer.to_version,
      transfer.created_at, coalesce(transfer.chosen_id, transfer.generated_id),
      post_transfers.app_id, transfer.amount, transfer.from_balance, transfer.to_balance,
      coalesce(transfer.event_at, shared_event_at), post_transfers.group_id,
      coalesce(transfer.metadata, shared_metadata)
    from transfer
    -- Inserting can wait only for an id that a caller chose; ascending order avoids deadlocks.
    order by transfer.chosen_id, transfer.place
  )

  select
    coalesce(transfer.chosen_id, transfer.generated_id),
    source.id,
    target.id,
    transfer.amount,
    transfer.created_at,
    coalesce(transfer.event_at, shared_event_at, transfer.created_at),
    coalesce(transfer.metadata, shared_metadata),
    source.currency,
    source.name,
    target.name,
    transfer.from_balance,
    transfer.to_balance,
    transfer.from_version,
    transfer.to_version,
    post_transfers.group_id,
    post_transfers.app_id,
    source.tenant_id,
    target.tenant_id,
    null::text,
    false
  from transfer
  inner join account as source on transfer.from_key = source.key
  inner join account as target on transfer.to_key = target.key
  order by transfer.place;

  get diagnostics v_posted = row_count;

  if v_posted <> cardinality(from_account_ids) then
    v_ok := pgledger.check_accounts(
      from_account_ids, to_account_ids, app_id, v_locked_ids, request_indexes, request_count
    );
    v_ok := pgledger.check_balances(
      from_account_ids, to_account_ids, amounts, request_indexes, request_count
    );
    assert false, 'fewer transfers were posted than were asked for';
  end if;

  update pgledger.accounts
  set
    updated_at = v_created_at + (change.last_place - 1) * interval '1 microsecond',
    version = accounts.version + change.entries,
    balance = accounts.balance + change.amount
  from (
    select leg.account_id, sum(leg.amount), count(*), max(leg.place)
    from (
      select given.account_id, -given.amount, given.place
      from unnest(from_account_ids, v_amounts) with ordinality as given (account_id, amount, place)
      union all
      select given.account_id, given.amount, given.place
      from unnest(to_account_ids, v_amounts) with ordinality as given (account_id, amount, place)
    ) as leg (account_id, amount, place)
    group by leg.account_id
  ) as change (account_id, amount, entries, last_place)
  where accounts.id = change.account_id
    and accounts.id = any(v_locked_ids);
end;
$$;

comment on function pgledger.post_transfers is
  'Writes many transfers at once, each new and sound by itself, and returns them in order.';

revoke all on function pgledger.post_transfers from public;

-- file: repeatable/10_ledger/refuse_account.sql
/*
Raises why an account cannot be found: the app or the id is malformed, or there is no such account.

Errors: NullArgument, InvalidScope, InvalidId, AccountNotFound.
*/
create or replace function pgledger.refuse_account(
  name text,
  account_id text,
  app_id text,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_id(name, account_id, 'pgla', request_index, request_count);
  return pgledger.fail(
    'AccountNotFound', array[account_id, pgledger.in_app(app_id)], request_index, request_count
  );
end;
$$;

comment on function pgledger.refuse_account is
  'Raises why an account cannot be found; name is the argument that held its id.';

revoke all on function pgledger.refuse_account from public;

-- file: repeatable/10_ledger/refuse_change.sql
/*
Keeps records as they were written: nobody can update, delete or truncate transfers, or delete or
truncate accounts. The triggers are ENABLE ALWAYS, so that session_replication_role does not switch
them off. They fire for each row as well as for each statement, because replication applies rows.

Errors: ImmutableRecord.
*/
create or replace function pgledger.refuse_change()
returns trigger
language plpgsql
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.fail(
    'ImmutableRecord', array[tg_op, format('%I.%I', tg_table_schema, tg_table_name)]
  );
  return null;
end;
$$;

comment on function pgledger.refuse_change is
  'Trigger: refuses to change or remove rows that never change.';

revoke all on function pgledger.refuse_change from public;

create or replace trigger transfers_rows_never_change
before update or delete on pgledger.transfers
for each row execute function pgledger.refuse_change();

create or replace trigger transfers_never_change
before update or delete or truncate on pgledger.transfers
for each statement execute function pgledger.refuse_change();

create or replace trigger accounts_rows_are_never_deleted
before delete on pgledger.accounts
for each row execute function pgledger.refuse_change();

create or replace trigger accounts_are_never_deleted
before delete or truncate on pgledger.accounts
for each statement execute function pgledger.refuse_change();

alter table pgledger.transfers
enable always trigger transfers_rows_never_change,
enable always trigger transfers_never_change;

alter table pgledger.accounts
enable always trigger accounts_rows_are_never_deleted,
enable always trigger accounts_are_never_deleted;

-- file: repeatable/10_ledger/refuse_taken_id.sql
/*
Refuses the first request of a batch that asks for that id, after another call has taken the id for
something else. Under repeatable read or serializable the transaction cannot see that other
transfer: it is told to run again, as PostgreSQL tells a transaction that creates a single transfer.

Errors: IdempotencyConflict, or PostgreSQL's serialization_failure.
*/
create or replace function pgledger.refuse_taken_id(
  id text,
  ids text[]
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_place bigint;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception using
      errcode = '40001',
      message = format('could not serialize access: id %s was taken meanwhile', id);
  end if;

  select min(given.place)
  into v_place
  from unnest(ids) with ordinality as given (id, place)
  where given.id = refuse_taken_id.id;

  return pgledger.fail('IdempotencyConflict', array[id], v_place, cardinality(ids));
end;
$$;

comment on function pgledger.refuse_taken_id is
  'Raises an error because another call has taken an id of this batch.';

revoke all on function pgledger.refuse_taken_id from public;

-- file: repeatable/10_ledger/repeated_transfer.sql
/*
What the transfer with that id did, if it was asked for with the same values; nulls if there is no
such transfer. The accounts are locked before this looks. Any earlier call for the same transfer
held these locks, so what it wrote can be seen by now. Names of the accounts are left to the caller,
who knows them.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.repeated_transfer(
  id text,
  app_id text,
  from_key bigint,
  to_key bigint,
  requested_amount numeric,
  event_at timestamptz,
  metadata jsonb,
  out amount numeric,
  out created_at timestamptz,
  out from_balance numeric,
  out to_balance numeric,
  out from_version bigint,
  out to_version bigint,
  out group_id text,
  out origin_id text
)
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_is_same boolean;
  v_ok boolean;
begin
  select
    transfers.amount, transfers.created_at, transfers.from_balance, transfers.to_balance,
    transfers.from_version, transfers.to_version, transfers.group_id, transfers.origin_id,
    (
      transfers.app_id, transfers.from_key, transfers.to_key, transfers.amount,
      transfers.event_at, transfers.metadata
    ) is not distinct from (
      repeated_transfer.app_id, repeated_transfer.from_key, repeated_transfer.to_key,
      repeated_transfer.requested_amount, repeated_transfer.event_at, repeated_transfer.metadata
    )
  into
    repeated_transfer.amount, repeated_transfer.created_at, repeated_transfer.from_balance,
    repeated_transfer.to_balance, repeated_transfer.from_version, repeated_transfer.to_version,
    repeated_transfer.group_id, repeated_transfer.origin_id, v_is_same
  from pgledger.transfers
  where transfers.id = repeated_transfer.id;

  if not v_is_same then
    v_ok := pgledger.fail('IdempotencyConflict', array[id]);
  end if;
end;
$$;

comment on function pgledger.repeated_transfer is
  'What the transfer with that id did, or nulls if there is none; raises an error if it differs '
  'from the request.';

revoke all on function pgledger.repeated_transfer from public;

-- file: repeatable/10_ledger/transfers_by_id.sql
/*
The transfers with those ids, in the order of the ids, as applications see them. It looks each up by
index, even when the caller has switched nested loops off.
*/
create or replace function pgledger.transfers_by_id(ids text[])
returns setof public.pgledger_transfer
language sql
stable
parallel safe
rows 1
set enable_nestloop = on
as $$
  select
    transfers.id,
    source.id,
    target.id,
    transfers.amount,
    transfers.created_at,
    coalesce(transfers.event_at, transfers.created_at),
    transfers.metadata,
    source.currency,
    source.name,
    target.name,
    transfers.from_balance,
    transfers.to_balance,
    transfers.from_version,
    transfers.to_version,
    transfers.group_id,
    transfers.app_id,
    source.tenant_id,
    target.tenant_id,
    transfers.origin_id,
    null::boolean
  from unnest(transfers_by_id.ids) with ordinality as wanted (id, place)
  inner join pgledger.transfers on wanted.id = transfers.id
  inner join pgledger.accounts as source on transfers.from_key = source.key
  inner join pgledger.accounts as target on transfers.to_key = target.key
  order by wanted.place
$$;

comment on function pgledger.transfers_by_id is
  'The transfers with those ids, in the order of the ids.';

revoke all on function pgledger.transfers_by_id from public;

-- file: repeatable/10_ledger/verify_accounts.sql
/*
Checks each account against its entries.
*/
create or replace function pgledger.verify_accounts(app_id text)
returns setof public.pgledger_check
language sql
stable
parallel safe
as $$
  with total as materialized (
    select
      accounts.id,
      accounts.balance = coalesce(sum(leg.amount), 0) as balance_is_right,
      accounts.version = count(leg.id) as version_is_right,
      accounts.updated_at = coalesce(max(leg.created_at), accounts.created_at) as time_is_right
    from pgledger.accounts
    left join pgledger.legs(verify_accounts.app_id) as leg on accounts.key = leg.key
    where verify_accounts.app_id is null or accounts.app_id = verify_accounts.app_id
    group by accounts.key
  )

  select
    'account balances are the sums of their entries',
    count(*),
    count(*) filter (where not total.balance_is_right),
    min(total.id) filter (where not total.balance_is_right)
  from total
  union all
  select
    'account versions are the counts of their entries',
    count(*),
    count(*) filter (where not total.version_is_right),
    min(total.id) filter (where not total.version_is_right)
  from total
  union all
  select
    'accounts were updated when their newest entry was recorded',
    count(*),
    count(*) filter (where not total.time_is_right),
    min(total.id) filter (where not total.time_is_right)
  from total
$$;

comment on function pgledger.verify_accounts is
  'Checks each account''s balance, version and time against its entries.';

revoke all on function pgledger.verify_accounts from public;

-- file: repeatable/10_ledger/verify_books.sql
/*
Checks each set of books as a whole: what left one account has reached another.
*/
create or replace function pgledger.verify_books(app_id text)
returns setof public.pgledger_check
language sql
stable
parallel safe
as $$
  select
    'balances of each app and currency sum to zero',
    coalesce(sum(book.accounts), 0)::bigint,
    count(*) filter (where book.balance <> 0),
    min(format('app %L, currency %L: %s', book.app_id, book.currency, book.balance))
      filter (where book.balance <> 0)
  from (
    select accounts.app_id, accounts.currency, sum(accounts.balance), count(*)
    from pgledger.accounts
    where verify_books.app_id is null or accounts.app_id = verify_books.app_id
    group by accounts.app_id, accounts.currency
  ) as book (app_id, currency, balance, accounts)
$$;

comment on function pgledger.verify_books is
  'Checks that balances sum to zero, in the books of that app or of all.';

revoke all on function pgledger.verify_books from public;

-- file: repeatable/10_ledger/verify_entries.sql
/*
Checks each entry against the one before it on its account. Entries of an account that does not
exist also count as violations where accounts are checked.
*/
create or replace function pgledger.verify_entries(app_id text)
returns setof public.pgledger_check
language sql
stable
parallel safe
as $$
  with chain as materialized (
    select
      leg.id,
      leg.version = coalesce(lag(leg.version) over along, 0) + 1 as has_no_gap,
      leg.balance - leg.amount = coalesce(lag(leg.balance) over along, 0) as follows,
      leg.created_at > coalesce(lag(leg.created_at) over along, accounts.created_at) as is_later,
      (leg.balance >= 0 or accounts.allow_negative_balance)
      and (leg.balance <= 0 or accounts.allow_positive_balance)
      and leg.balance > -1e30 and leg.balance < 1e30 as is_within_limits
    from pgledger.legs(verify_entries.app_id) as leg
    left join pgledger.accounts on leg.key = accounts.key
    window along as (partition by leg.key order by leg.version)
  )

  select
    'versions of entries run from 1 without a gap',
    count(*),
    count(*) filter (where not chain.has_no_gap),
    min(chain.id) filter (where not chain.has_no_gap)
  from chain
  union all
  select
    'each entry starts from the balance that the one before left',
    count(*),
    count(*) filter (where not chain.follows),
    min(chain.id) filter (where not chain.follows)
  from chain
  union all
  select
    'each entry was recorded later than the one before',
    count(*),
    count(*) filter (where chain.is_later is not true),
    min(chain.id) filter (where chain.is_later is not true)
  from chain
  union all
  select
    'balances stayed within their account''s limits after every entry',
    count(*),
    count(*) filter (where chain.is_within_limits is not true),
    min(chain.id) filter (where chain.is_within_limits is not true)
  from chain
$$;

comment on function pgledger.verify_entries is
  'Checks each entry against the one before it, and against its account''s limits.';

revoke all on function pgledger.verify_entries from public;

-- file: repeatable/10_ledger/verify_guards.sql
/*
Checks that the triggers that keep records unchanged are there, that nothing switches them off, and
that the function they call is the one of this version, whose body's hash stands here.
*/
create or replace function pgledger.verify_guards()
returns setof public.pgledger_check
language sql
stable
parallel safe
as $$
  with guard as materialized (
    select
      expected.name,
      exists (
        select
        from pg_catalog.pg_trigger
        where pg_trigger.tgrelid = expected.relation
          and pg_trigger.tgname = expected.name
          and pg_trigger.tgenabled = 'A'
          and pg_trigger.tgfoid = 'pgledger.refuse_change'::regproc
          and pg_trigger.tgtype = expected.type
          -- No WHEN and no list of columns, either of which could leave rows out.
          and pg_trigger.tgqual is null
          and pg_trigger.tgattr = ''
      )
      and exists (
        select
        from pg_catalog.pg_proc
        where pg_proc.oid = 'pgledger.refuse_change'::regproc
          and encode(sha256(convert_to(pg_proc.prosrc, 'UTF8')), 'hex')
          = 'f7e2b3f4d876013fb1aea9705e2d654df0189e87a5c3dad1499da86fcefb92d6'
      ) as stands
    from (
      values
        ('pgledger.transfers'::regclass, 'transfers_rows_never_change', 27),
        ('pgledger.transfers'::regclass, 'transfers_never_change', 58),
        ('pgledger.accounts'::regclass, 'accounts_rows_are_never_deleted', 11),
        ('pgledger.accounts'::regclass, 'accounts_are_never_deleted', 42)
    ) as expected (relation, name, type)
  )

  select
    'triggers that keep records unchanged stand and are always on',
    count(*),
    count(*) filter (where not guard.stands),
    min(guard.name) filter (where not guard.stands)
  from guard
$$;

comment on function pgledger.verify_guards is
  'Checks that the triggers that keep records unchanged are there and always on.';

revoke all on function pgledger.verify_guards from public;

-- file: repeatable/10_ledger/verify_transfers.sql
/*
Checks each transfer by itself, and the ids of transfers and accounts. A transfer belongs to the app
that it names, whatever its accounts say. So a transfer of accounts of another app is found in both
sets of books: here in those that it names, and as a gap in the entries of those accounts.
*/
create or replace function pgledger.verify_transfers(app_id text)
returns setof public.pgledger_check
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

-- file: repeatable/10_ledger/views/pgledger_accounts_v1.sql
/*
Accounts as applications see them. Columns never change; a change of shape is a new version.
*/
create or replace view public.pgledger_accounts_v1 as
select
  accounts.id,
  accounts.name,
  accounts.currency,
  accounts.balance,
  accounts.version,
  accounts.allow_negative_balance,
  accounts.allow_positive_balance,
  accounts.metadata,
  accounts.created_at,
  accounts.updated_at,
  accounts.app_id,
  accounts.tenant_id
from pgledger.accounts
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view public.pgledger_accounts_v1 is
  'One row an account, with its balance and version after the newest transfer.';
comment on column public.pgledger_accounts_v1.id is 'Public id: pgla_ and a ULID.';
comment on column public.pgledger_accounts_v1.name is
  'Name for people, 1 to 255 characters, as given.';
comment on column public.pgledger_accounts_v1.currency is
  'Unit of the balance: 1 to 32 visible characters, for example USD.';
comment on column public.pgledger_accounts_v1.balance is
  'Sum of the account''s entries, in units of its currency, with at most 18 decimal places.';
comment on column public.pgledger_accounts_v1.version is
  'Count of the account''s entries, whose versions run from 1 to this without a gap.';
comment on column public.pgledger_accounts_v1.allow_negative_balance is
  'Whether a transfer may leave the balance below zero.';
comment on column public.pgledger_accounts_v1.allow_positive_balance is
  'Whether a transfer may leave the balance above zero.';
comment on column public.pgledger_accounts_v1.metadata is
  'JSON object given at creation, or null.';
comment on column public.pgledger_accounts_v1.created_at is 'When the account was recorded.';
comment on column public.pgledger_accounts_v1.updated_at is
  'created_at of the newest transfer; before the first one, of the account itself.';
comment on column public.pgledger_accounts_v1.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column public.pgledger_accounts_v1.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';

revoke all on table public.pgledger_accounts_v1 from public;
grant select on table public.pgledger_accounts_v1 to pgledger_reader;

-- file: repeatable/10_ledger/views/pgledger_accounts_view.sql
/*
The newest version of pgledger_accounts_v1, under the name that stays.
*/
create or replace view public.pgledger_accounts_view as
select
  newest.id,
  newest.name,
  newest.currency,
  newest.balance,
  newest.version,
  newest.allow_negative_balance,
  newest.allow_positive_balance,
  newest.metadata,
  newest.created_at,
  newest.updated_at,
  newest.app_id,
  newest.tenant_id
from public.pgledger_accounts_v1 as newest;

comment on view public.pgledger_accounts_view is
  'Accounts: today''s version, pgledger_accounts_v1.';
comment on column public.pgledger_accounts_view.id is 'Public id: pgla_ and a ULID.';
comment on column public.pgledger_accounts_view.name is
  'Name for people, 1 to 255 characters, as given.';
comment on column public.pgledger_accounts_view.currency is
  'Unit of the balance: 1 to 32 visible characters, for example USD.';
comment on column public.pgledger_accounts_view.balance is
  'Sum of the account''s entries, in units of its currency, with at most 18 decimal places.';
comment on column public.pgledger_accounts_view.version is
  'Count of the account''s entries, whose versions run from 1 to this without a gap.';
comment on column public.pgledger_accounts_view.allow_negative_balance is
  'Whether a transfer may leave the balance below zero.';
comment on column public.pgledger_accounts_view.allow_positive_balance is
  'Whether a transfer may leave the balance above zero.';
comment on column public.pgledger_accounts_view.metadata is
  'JSON object given at creation, or null.';
comment on column public.pgledger_accounts_view.created_at is 'When the account was recorded.';
comment on column public.pgledger_accounts_view.updated_at is
  'created_at of the newest transfer; before the first one, of the account itself.';
comment on column public.pgledger_accounts_view.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column public.pgledger_accounts_view.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';

revoke all on table public.pgledger_accounts_view from public;
grant select on table public.pgledger_accounts_view to pgledger_reader;

-- file: repeatable/10_ledger/views/pgledger_entries_v1.sql
/*
Entries as applications see them: the two legs of each transfer.

A page of an account's newest entries is pgledger_account_entries: here, sorting means reading the
whole account first.
*/
create or replace view public.pgledger_entries_v1 as
select
  pgledger.entry_id(transfers.created_at, transfers.from_key, transfers.from_version)
  collate "C" as id,
  accounts.id as account_id,
  transfers.id as transfer_id,
  -transfers.amount as amount,
  transfers.from_balance + transfers.amount as account_previous_balance,
  transfers.from_balance as account_current_balance,
  transfers.from_version as account_version,
  transfers.created_at,
  coalesce(transfers.event_at, transfers.created_at) as event_at,
  transfers.metadata,
  accounts.name as account_name,
  accounts.currency,
  accounts.app_id,
  accounts.tenant_id
from pgledger.transfers
inner join pgledger.accounts on transfers.from_key = accounts.key
union all
select
  pgledger.entry_id(transfers.created_at, transfers.to_key, transfers.to_version)
  collate "C" as id,
  accounts.id as account_id,
  transfers.id as transfer_id,
  transfers.amount,
  transfers.to_balance - transfers.amount as account_previous_balance,
  transfers.to_balance as account_current_balance,
  transfers.to_version as account_version,
  transfers.created_at,
  coalesce(transfers.event_at, transfers.created_at) as event_at,
  transfers.metadata,
  accounts.name as account_name,
  accounts.currency,
  accounts.app_id,
  accounts.tenant_id
from pgledger.transfers
inner join pgledger.accounts on transfers.to_key = accounts.key;

comment on view public.pgledger_entries_v1 is
  'One row an entry: two for each transfer, one on each of its accounts. '
  'For pages of one account''s entries use pgledger_account_entries.';
comment on column public.pgledger_entries_v1.id is
  'Public id: pgle_ and a ULID; ascends along the account.';
comment on column public.pgledger_entries_v1.account_id is
  'Account that the entry belongs to.';
comment on column public.pgledger_entries_v1.transfer_id is
  'Transfer that the entry is one leg of.';
comment on column public.pgledger_entries_v1.amount is
  'What the entry adds to the balance: negative on the account that the amount left.';
comment on column public.pgledger_entries_v1.account_previous_balance is
  'Balance of the account right before the entry.';
comment on column public.pgledger_entries_v1.account_current_balance is
  'Balance of the account right after the entry.';
comment on column public.pgledger_entries_v1.account_version is
  'Number of the entry on its account, from 1 without a gap.';
comment on column public.pgledger_entries_v1.created_at is
  'When the transfer was recorded; ascends along the account.';
comment on column public.pgledger_entries_v1.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column public.pgledger_entries_v1.metadata is
  'JSON object given with the transfer, or null.';
comment on column public.pgledger_entries_v1.account_name is 'Name of the account.';
comment on column public.pgledger_entries_v1.currency is 'Currency of the account.';
comment on column public.pgledger_entries_v1.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column public.pgledger_entries_v1.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';

revoke all on table public.pgledger_entries_v1 from public;
grant select on table public.pgledger_entries_v1 to pgledger_reader;

-- file: repeatable/10_ledger/views/pgledger_entries_view.sql
/*
The newest version of pgledger_entries_v1, under the name that stays.
*/
create or replace view public.pgledger_entries_view as
select
  newest.id,
  newest.account_id,
  newest.transfer_id,
  newest.amount,
  newest.account_previous_balance,
  newest.account_current_balance,
  newest.account_version,
  newest.created_at,
  newest.event_at,
  newest.metadata,
  newest.account_name,
  newest.currency,
  newest.app_id,
  newest.tenant_id
from public.pgledger_entries_v1 as newest;

comment on view public.pgledger_entries_view is
  'Entries: today''s version, pgledger_entries_v1.';
comment on column public.pgledger_entries_view.id is
  'Public id: pgle_ and a ULID; ascends along the account.';
comment on column public.pgledger_entries_view.account_id is
  'Account that the entry belongs to.';
comment on column public.pgledger_entries_view.transfer_id is
  'Transfer that the entry is one leg of.';
comment on column public.pgledger_entries_view.amount is
  'What the entry adds to the balance: negative on the account that the amount left.';
comment on column public.pgledger_entries_view.account_previous_balance is
  'Balance of the account right before the entry.';
comment on column public.pgledger_entries_view.account_current_balance is
  'Balance of the account right after the entry.';
comment on column public.pgledger_entries_view.account_version is
  'Number of the entry on its account, from 1 without a gap.';
comment on column public.pgledger_entries_view.created_at is
  'When the transfer was recorded; ascends along the account.';
comment on column public.pgledger_entries_view.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column public.pgledger_entries_view.metadata is
  'JSON object given with the transfer, or null.';
comment on column public.pgledger_entries_view.account_name is 'Name of the account.';
comment on column public.pgledger_entries_view.currency is 'Currency of the account.';
comment on column public.pgledger_entries_view.app_id is
  'Set of books that the account belongs to; the empty text where there is only one.';
comment on column public.pgledger_entries_view.tenant_id is
  'Tenant whose account it is; the empty text where there are no tenants.';

revoke all on table public.pgledger_entries_view from public;
grant select on table public.pgledger_entries_view to pgledger_reader;

-- file: repeatable/10_ledger/views/pgledger_transfers_v1.sql
/*
Transfers as applications see them, with both accounts as they stood after each.
*/
create or replace view public.pgledger_transfers_v1 as
select
  transfers.id,
  source.id as from_account_id,
  target.id as to_account_id,
  transfers.amount,
  transfers.created_at,
  coalesce(transfers.event_at, transfers.created_at) as event_at,
  transfers.metadata,
  source.currency,
  source.name as from_account_name,
  target.name as to_account_name,
  transfers.from_balance as from_account_balance,
  transfers.to_balance as to_account_balance,
  transfers.from_version as from_account_version,
  transfers.to_version as to_account_version,
  transfers.group_id,
  transfers.app_id,
  source.tenant_id as from_tenant_id,
  target.tenant_id as to_tenant_id
from pgledger.transfers
inner join pgledger.accounts as source on transfers.from_key = source.key
inner join pgledger.accounts as target on transfers.to_key = target.key;

comment on view public.pgledger_transfers_v1 is
  'One row a transfer: an amount that left one account and reached another, in one currency.';
comment on column public.pgledger_transfers_v1.id is 'Public id: pglt_ and a ULID.';
comment on column public.pgledger_transfers_v1.from_account_id is
  'Account that the amount left.';
comment on column public.pgledger_transfers_v1.to_account_id is
  'Account that the amount reached.';
comment on column public.pgledger_transfers_v1.amount is
  'What moved, in units of the currency: above 0, below 1e30, at most 18 decimal places.';
comment on column public.pgledger_transfers_v1.created_at is
  'When it was recorded: later than everything recorded before on either account.';
comment on column public.pgledger_transfers_v1.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column public.pgledger_transfers_v1.metadata is
  'JSON object given at creation, or null.';
comment on column public.pgledger_transfers_v1.currency is 'Currency of both accounts.';
comment on column public.pgledger_transfers_v1.from_account_name is
  'Name of the account that the amount left.';
comment on column public.pgledger_transfers_v1.to_account_name is
  'Name of the account that the amount reached.';
comment on column public.pgledger_transfers_v1.from_account_balance is
  'Balance of the account that the amount left, right after the transfer.';
comment on column public.pgledger_transfers_v1.to_account_balance is
  'Balance of the account that the amount reached, right after the transfer.';
comment on column public.pgledger_transfers_v1.from_account_version is
  'Version of the account that the amount left, right after the transfer.';
comment on column public.pgledger_transfers_v1.to_account_version is
  'Version of the account that the amount reached, right after the transfer.';
comment on column public.pgledger_transfers_v1.group_id is
  'Name that joins the transfers of one call, for example an order''s number, or null.';
comment on column public.pgledger_transfers_v1.app_id is
  'Set of books that both accounts belong to; the empty text where there is only one.';
comment on column public.pgledger_transfers_v1.from_tenant_id is
  'Tenant of the account that the amount left.';
comment on column public.pgledger_transfers_v1.to_tenant_id is
  'Tenant of the account that the amount reached.';

revoke all on table public.pgledger_transfers_v1 from public;
grant select on table public.pgledger_transfers_v1 to pgledger_reader;

-- file: repeatable/10_ledger/views/pgledger_transfers_view.sql
/*
The newest version of pgledger_transfers_v1, under the name that stays.
*/
create or replace view public.pgledger_transfers_view as
select
  newest.id,
  newest.from_account_id,
  newest.to_account_id,
  newest.amount,
  newest.created_at,
  newest.event_at,
  newest.metadata,
  newest.currency,
  newest.from_account_name,
  newest.to_account_name,
  newest.from_account_balance,
  newest.to_account_balance,
  newest.from_account_version,
  newest.to_account_version,
  newest.group_id,
  newest.app_id,
  newest.from_tenant_id,
  newest.to_tenant_id
from public.pgledger_transfers_v1 as newest;

comment on view public.pgledger_transfers_view is
  'Transfers: today''s version, pgledger_transfers_v1.';
comment on column public.pgledger_transfers_view.id is 'Public id: pglt_ and a ULID.';
comment on column public.pgledger_transfers_view.from_account_id is
  'Account that the amount left.';
comment on column public.pgledger_transfers_view.to_account_id is
  'Account that the amount reached.';
comment on column public.pgledger_transfers_view.amount is
  'What moved, in units of the currency: above 0, below 1e30, at most 18 decimal places.';
comment on column public.pgledger_transfers_view.created_at is
  'When it was recorded: later than everything recorded before on either account.';
comment on column public.pgledger_transfers_view.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column public.pgledger_transfers_view.metadata is
  'JSON object given at creation, or null.';
comment on column public.pgledger_transfers_view.currency is 'Currency of both accounts.';
comment on column public.pgledger_transfers_view.from_account_name is
  'Name of the account that the amount left.';
comment on column public.pgledger_transfers_view.to_account_name is
  'Name of the account that the amount reached.';
comment on column public.pgledger_transfers_view.from_account_balance is
  'Balance of the account that the amount left, right after the transfer.';
comment on column public.pgledger_transfers_view.to_account_balance is
  'Balance of the account that the amount reached, right after the transfer.';
comment on column public.pgledger_transfers_view.from_account_version is
  'Version of the account that the amount left, right after the transfer.';
comment on column public.pgledger_transfers_view.to_account_version is
  'Version of the account that the amount reached, right after the transfer.';
comment on column public.pgledger_transfers_view.group_id is
  'Name that joins the transfers of one call, for example an order''s number, or null.';
comment on column public.pgledger_transfers_view.app_id is
  'Set of books that both accounts belong to; the empty text where there is only one.';
comment on column public.pgledger_transfers_view.from_tenant_id is
  'Tenant of the account that the amount left.';
comment on column public.pgledger_transfers_view.to_tenant_id is
  'Tenant of the account that the amount reached.';

revoke all on table public.pgledger_transfers_view from public;
grant select on table public.pgledger_transfers_view to pgledger_reader;

-- file: repeatable/20_catalogue/check_currency_unused.sql
/*
Refuses to change the exponent of a currency once a plan, a coupon or an invoice is in it: its
amounts were rounded to that exponent.

Errors: InUse.
*/
create or replace function pgledger.check_currency_unused(
  app_id text,
  code text,
  exponent integer
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_user text := coalesce(
    (
      select 'plan ' || min(plans.id)
      from pgledger.plans
      where plans.app_id = check_currency_unused.app_id
        and plans.currency = check_currency_unused.code
    ),
    (
      select 'coupon ' || min(coupons.id)
      from pgledger.coupons
      where coupons.app_id = check_currency_unused.app_id
        and coupons.currency = check_currency_unused.code
    ),
    (
      select 'invoice ' || min(invoices.id)
      from pgledger.invoices
      where invoices.app_id = check_currency_unused.app_id
        and invoices.currency = check_currency_unused.code
    )
  );
  v_ok boolean;
begin
  if v_user is not null then
    v_ok := pgledger.fail(
      'InUse',
      array[
        'currency',
        quote_literal(code),
        'changed',
        format('%s is in it, so its exponent stays %s', v_user, exponent)
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_currency_unused is
  'Raises InUse if a plan, a coupon or an invoice of the app is in that currency.';

revoke all on function pgledger.check_currency_unused from public;

-- file: repeatable/20_catalogue/check_feature.sql
/*
Refuses a feature that has a wrong value, or values that do not go together. The caller checks its
key. The order of the checks is that of the arguments.

Errors: NullArgument, InvalidArgument, InvalidMetadata.
*/
create or replace function pgledger.check_feature(feature pgledger.features)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text;
  v_ok boolean;
begin
  v_ok := pgledger.check_text('name', feature.name, 255, allow_invisible => true);
  v_ok := pgledger.check_choice('type', feature.type, array['boolean', 'metered', 'seat']);

  if feature.aggregation is not null then
    v_ok := pgledger.check_choice(
      'aggregation', feature.aggregation, array['sum', 'count', 'max', 'unique_count', 'latest']
    );
    v_fault := case
      when feature.type <> 'metered' then 'the feature is not metered but ' || feature.type
      when feature.aggregation = 'unique_count' and feature.unique_key is null
        then 'the feature has no unique_key, whose different values it would count'
    end;
    if v_fault is not null then
      v_ok := pgledger.fail(
        'InvalidArgument', array['aggregation', quote_literal(feature.aggregation), v_fault]
      );
    end if;
  end if;

  if feature.unique_key is not null then
    v_ok := pgledger.check_text('unique_key', feature.unique_key, 128, allow_invisible => true);
    if feature.type <> 'metered' then
      v_ok := pgledger.fail(
        'InvalidArgument',
        array[
          'unique_key',
          quote_literal(pgledger.abridged(feature.unique_key)),
          'the feature is not metered but ' || feature.type
        ]
      );
    end if;
  end if;

  if feature.description is not null then
    v_ok := pgledger.check_text(
      'description', feature.description, 10000, allow_invisible => true, minimum => 0
    );
  end if;

  return pgledger.check_metadata(feature.metadata);
end;
$$;

comment on function pgledger.check_feature is
  'Raises the first thing that is wrong with a feature''s name, type, aggregation or metadata.';

revoke all on function pgledger.check_feature from public;

-- file: repeatable/20_catalogue/check_feature_exists.sql
/*
Refuses a key that names no feature for a tenant: neither the tenant's own, nor the app's, nor one
of all apps. An archived feature is one.

Errors: NullArgument, FeatureNotFound.
*/
create or replace function pgledger.check_feature_exists(
  app_id text,
  tenant_id text,
  feature_key text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if feature_key is null then
    v_ok := pgledger.fail('NullArgument', array['feature_key']);
  elsif (pgledger.find_feature(app_id, feature_key, tenant_id)).id is null then
    v_ok := pgledger.fail(
      'FeatureNotFound',
      array[quote_literal(pgledger.abridged(feature_key)), pgledger.in_app(app_id)]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_feature_exists is
  'Raises NullArgument or FeatureNotFound unless a key names a feature for a tenant.';

revoke all on function pgledger.check_feature_exists from public;

-- file: repeatable/20_catalogue/check_plan.sql
/*
Refuses a plan that has a wrong value. Its slug, currency and JSON are checked elsewhere. The order
of the checks is that of the arguments.

Errors: NullArgument, InvalidArgument, InvalidMetadata.
*/
create or replace function pgledger.check_plan(plan pgledger.plans)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_text('name', plan.name, 255, allow_invisible => true);

  if plan.features is null then
    v_ok := pgledger.fail('NullArgument', array['features']);
  elsif plan.pricing is null then
    v_ok := pgledger.fail('NullArgument', array['pricing']);
  elsif plan.description is not null then
    v_ok := pgledger.check_text(
      'description', plan.description, 10000, allow_invisible => true, minimum => 0
    );
  end if;

  if plan.trial_days is null then
    v_ok := pgledger.fail('NullArgument', array['trial_days']);
  elsif plan.trial_days not between 0 and 3650 then
    v_ok := pgledger.fail(
      'InvalidArgument', array['trial_days', plan.trial_days::text, 'it is not between 0 and 3650']
    );
  elsif plan.anchor_at_trial_end is null then
    v_ok := pgledger.fail('NullArgument', array['anchor_at_trial_end']);
  elsif plan.add_on is null then
    v_ok := pgledger.fail('NullArgument', array['add_on']);
  end if;

  return pgledger.check_metadata(plan.metadata);
end;
$$;

comment on function pgledger.check_plan is
  'Raises the first thing that is wrong with a plan''s name, texts, trial, choices or metadata.';

revoke all on function pgledger.check_plan from public;

-- file: repeatable/20_catalogue/check_price.sql
/*
Refuses a price whose model is not known, that lacks what its model needs, or that has what its
model ignores. The caller checks its feature.

Errors: InvalidPlan.
*/
create or replace function pgledger.check_price(
  price jsonb,
  path text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_model text := pgledger.json_choice(
    price,
    path,
    'model',
    array[
      'flat', 'per_unit', 'package', 'percentage', 'graduated', 'volume', 'graduated_percentage'
    ],
    required => true
  );
  v_members text[] := case v_model
    when 'flat' then array['flat_amount']
    when 'per_unit' then array['unit_amount']
    when 'package' then array['package_size', 'package_amount', 'free']
    when 'percentage' then array['percentage', 'flat_amount']
    else array['tiers']
  end;
  v_optional text[] := case v_model
    when 'package' then array['free']
    when 'percentage' then array['flat_amount']
    else '{}'
  end;
  v_member text;
  v_number numeric;
  v_ok boolean;
begin
  select given.name
  into v_member
  from jsonb_each(price) as given (name, value)
  where given.value <> 'null'
    and given.name <> all(v_members || array['feature', 'model', 'minimum', 'maximum'])
  order by given.name collate "C"
  limit 1;

  if found then
    v_ok := pgledger.refuse_json(
      null, pgledger.json_path(path, v_member), format('is not part of the model %s', v_model)
    );
  elsif v_members = array['tiers'] then
    if nullif(price -> 'tiers', 'null') is null then
      v_ok := pgledger.refuse_json(null, path || '.tiers', 'is missing');
    end if;
    v_ok := pgledger.check_price_tiers(price -> 'tiers', path || '.tiers', v_model);
    v_members := '{}';
  end if;

  foreach v_member in array v_members loop
    -- Read before it is looked at: a condition need not be evaluated as far as the call.
    v_number := pgledger.json_decimal(
      price,
      path,
      v_member,
      required => v_member <> all(v_optional),
      maximum => case when v_member = 'percentage' then 100 end
    );
    if v_member = 'package_size' and v_number = 0 then
      v_ok := pgledger.refuse_json(
        price -> 'package_size', path || '.package_size', 'is not above 0'
      );
    end if;
  end loop;

  perform pgledger.json_decimal(
    price, path, 'maximum', minimum => coalesce(pgledger.json_decimal(price, path, 'minimum'), 0)
  );

  return true;
end;
$$;

comment on function pgledger.check_price is
  'Raises InvalidPlan unless a price has a known model and just what that needs.';

revoke all on function pgledger.check_price from public;

-- file: repeatable/20_catalogue/check_price_object.sql
/*
Refuses what is not an object, or has members that no price has. pgledger.check_price says which of
them a model needs.

Errors: InvalidPlan.
*/
create or replace function pgledger.check_price_object(
  price jsonb,
  path text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  return pgledger.check_json_object(
    price,
    path,
    array[
      'feature', 'model', 'tiers', 'unit_amount', 'flat_amount', 'package_size',
      'package_amount', 'free', 'percentage', 'minimum', 'maximum'
    ]
  );
end;
$$;

comment on function pgledger.check_price_object is
  'Raises InvalidPlan unless the value is an object with no other members than prices have.';

revoke all on function pgledger.check_price_object from public;

-- file: repeatable/20_catalogue/check_price_tiers.sql
/*
Refuses tiers that leave a quantity without a price, or give it two. The last tier is unbounded, and
every other one ends above the one before.

Errors: InvalidPlan.
*/
create or replace function pgledger.check_price_tiers(
  tiers jsonb,
  path text,
  model text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_rate text := case when model = 'graduated_percentage' then 'percentage' else 'unit_amount' end;
  v_tier record;
  v_path text;
  v_bound numeric;
  v_amounts integer;
  v_last numeric := 0;
  v_ok boolean;
begin
  v_ok := pgledger.check_json_array(tiers, path);

  if jsonb_array_length(tiers) = 0 then
    v_ok := pgledger.refuse_json(tiers, path, 'is empty: there must be one tier at least');
  end if;

  for v_tier in
    select tier.value, tier.place = jsonb_array_length(tiers) as is_last, tier.place
    from jsonb_array_elements(tiers) with ordinality as tier (value, place)
    order by tier.place
  loop
    v_path := format('%s[%s]', path, v_tier.place - 1);
    v_ok := pgledger.check_json_object(v_tier.value, v_path, array['up_to', v_rate, 'flat_amount']);
    v_bound := pgledger.json_decimal(v_tier.value, v_path, 'up_to');

    if v_tier.is_last and v_bound is not null then
      v_ok := pgledger.refuse_json(
        v_tier.value -> 'up_to',
        v_path || '.up_to',
        'bounds the last tier, which must be unbounded: leave it out'
      );
    elsif not v_tier.is_last and v_bound is null then
      v_ok := pgledger.refuse_json(
        null, v_path || '.up_to', 'is missing: only the last tier is unbounded'
      );
    elsif v_bound <= v_last then
      v_ok := pgledger.refuse_json(
        v_tier.value -> 'up_to',
        v_path || '.up_to',
        case
          when v_last = 0 then 'is not above 0'
          else format('is not above %s, where the tier before ends', v_last)
        end
      );
    end if;

    v_amounts := num_nonnulls(
      pgledger.json_decimal(
        v_tier.value,
        v_path,
        v_rate,
        maximum => case when v_rate = 'percentage' then 100 end
      ),
      pgledger.json_decimal(v_tier.value, v_path, 'flat_amount')
    );
    if v_amounts = 0 then
      v_ok := pgledger.refuse_json(
        v_tier.value, v_path, format('has neither %s nor flat_amount', v_rate)
      );
    end if;

    v_last := v_bound;
  end loop;

  return true;
end;
$$;

comment on function pgledger.check_price_tiers is
  'Raises InvalidPlan unless tiers cover every quantity once, in ascending order.';

revoke all on function pgledger.check_price_tiers from public;

-- file: repeatable/20_catalogue/check_priced_limit.sql
/*
Refuses a soft limit of a priced feature that is not for the billing period. Such a limit is the
price's allowance: an invoice charges for what the usage of the billing period has above it, and an
allowance for each day, for example, would mean nothing to that.

Errors: InvalidPlan.
*/
create or replace function pgledger.check_priced_limit(
  feature pgledger.plan_features,
  billing_interval text,
  interval_count integer
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if feature.type = 'metered'
    and feature.soft_limit
    and feature.quota >= 0
    and feature.period <> 'billing'
    and pgledger.interval_length(feature.period, 1)
    is distinct from pgledger.interval_length(billing_interval, interval_count) then
    v_ok := pgledger.refuse_json(
      to_jsonb(feature.period),
      format('$.features[%s].period', feature.place),
      'is not as long as the billing period: the soft limit is an allowance of a price, and '
      'counts over that'
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_priced_limit is
  'Raises InvalidPlan if a soft limit of a priced feature is not for the billing period.';

revoke all on function pgledger.check_priced_limit from public;

-- file: repeatable/20_catalogue/check_usage_keeps_meaning.sql
/*
Refuses a new feature that would give usage recorded under its key another meaning. A tenant's meter
is of the type and unique_key of the feature that its key named when the meter was opened, and its
totals are kept accordingly.

Errors: InUse.
*/
create or replace function pgledger.check_usage_keeps_meaning(feature pgledger.features)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_meter record;
  v_ok boolean;
begin
  select meters.tenant_id, meters.type, meters.unique_key
  into v_meter
  from pgledger.meters
  where meters.feature_key = feature.key
    and feature.app_id in (meters.app_id, '*')
    and feature.tenant_id in (meters.tenant_id, '')
    and (meters.type, meters.unique_key) is distinct from (feature.type, feature.unique_key)
    -- Where a narrower feature exists, the key goes on naming that one.
    and not exists (
      select
      from pgledger.features as narrower
      where narrower.key = feature.key
        and (narrower.app_id, narrower.tenant_id) in (
          (meters.app_id, meters.tenant_id), (meters.app_id, '')
        )
        and (narrower.app_id, narrower.tenant_id) <> (feature.app_id, feature.tenant_id)
        and (narrower.tenant_id <> '' or feature.app_id = '*')
    )
  limit 1;
  if found then
    v_ok := pgledger.fail(
      'InUse',
      array[
        'feature key',
        quote_literal(feature.key),
        'given another type or unique_key',
        format(
          'usage of tenant %s was recorded as %s%s',
          quote_literal(v_meter.tenant_id),
          v_meter.type,
          ' by ' || quote_literal(v_meter.unique_key)
        )
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_usage_keeps_meaning is
  'Raises InUse if a feature would give another meaning to usage recorded under its key.';

revoke all on function pgledger.check_usage_keeps_meaning from public;

-- file: repeatable/20_catalogue/currency_exponent.sql
/*
How many decimal places amounts of a currency are rounded to; null if the app does not know the
currency. An app's own definition goes on counting if ISO 4217 takes up its code later, because
amounts were rounded by it.
*/
create or replace function pgledger.currency_exponent(
  app_id text,
  currency text
)
returns integer
language sql
stable
parallel safe
as $$
  select coalesce(
    (
      select currencies.exponent
      from pgledger.currencies
      where currencies.app_id = currency_exponent.app_id
        and currencies.code = currency_exponent.currency
    ),
    (
      select iso_currencies.exponent
      from pgledger.iso_currencies()
      where iso_currencies.code = currency_exponent.currency
    )
  )
$$;

comment on function pgledger.currency_exponent is
  'Decimal places of a currency of the app or of ISO 4217, or null if there is none of that code.';

revoke all on function pgledger.currency_exponent from public;

-- file: repeatable/20_catalogue/feature_allowed_in_plan.sql
/*
The feature that a key in a plan's features names. The plan may contain it if it exists and is not
archived; a plan that contains it already may keep an archived one.

Errors: FeatureNotFound, Archived.
*/
create or replace function pgledger.feature_allowed_in_plan(
  app_id text,
  tenant_id text,
  feature_key text,
  plan_key bigint
)
returns pgledger.features
language plpgsql
stable
parallel safe
as $$
declare
  v_feature pgledger.features := pgledger.find_feature(app_id, feature_key, tenant_id);
  v_ok boolean;
begin
  if v_feature.id is null then
    v_ok := pgledger.fail(
      'FeatureNotFound',
      array[
        quote_literal(pgledger.abridged(feature_key)), pgledger.in_catalogue(app_id, tenant_id)
      ]
    );
  elsif v_feature.status = 'archived' and not exists (
    select
    from pgledger.plan_features
    where plan_features.plan_key = feature_allowed_in_plan.plan_key
      and plan_features.feature_id = v_feature.id
  ) then
    v_ok := pgledger.fail('Archived', array['feature', quote_literal(feature_key)]);
  end if;

  return v_feature;
end;
$$;

comment on function pgledger.feature_allowed_in_plan is
  'The feature that a key in a plan names; raises unless the plan may contain it.';

revoke all on function pgledger.feature_allowed_in_plan from public;

-- file: repeatable/20_catalogue/feature_is_repeated.sql
/*
Whether an earlier call with that id has created the feature. Once the feature has been updated,
only what an update cannot change is compared.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.feature_is_repeated(request pgledger.features)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_feature pgledger.features := (
    select features
    from pgledger.features
    where features.id = request.id
  );
  v_ok boolean;
begin
  if v_feature.id is null then
    return false;
  elsif (
    v_feature.app_id, v_feature.tenant_id, v_feature.key, v_feature.type, v_feature.unique_key
  ) is distinct from (
    request.app_id, request.tenant_id, request.key, request.type, request.unique_key
  )
    or (
      v_feature.version = 1
      and (v_feature.name, v_feature.description, v_feature.aggregation, v_feature.metadata)
      is distinct from (request.name, request.description, request.aggregation, request.metadata)
    ) then
    v_ok := pgledger.fail('IdempotencyConflict', array[request.id]);
  end if;

  return true;
end;
$$;

comment on function pgledger.feature_is_repeated is
  'Whether a feature has that id already; raises if another request created it.';

revoke all on function pgledger.feature_is_repeated from public;

-- file: repeatable/20_catalogue/feature_with_id.sql
/*
The feature with that id as applications see it, or null.
*/
create or replace function pgledger.feature_with_id(id text)
returns public.ledger_feature
language sql
stable
parallel safe
as $$
  select
    features.id, features.app_id, features.tenant_id, features.key, features.name,
    features.description, features.type, features.aggregation, features.unique_key,
    features.status, features.version, features.metadata, features.created_at,
    features.updated_at
  from pgledger.features
  where features.id = feature_with_id.id
$$;

comment on function pgledger.feature_with_id is
  'The feature with that id as applications see it, or null.';

revoke all on function pgledger.feature_with_id from public;

-- file: repeatable/20_catalogue/features_page.sql
/*
A page of the features of an app, or of all apps, in the order of their ids.

Checks, in this order: app_id, tenant_id, status, page_size, page_offset.
Errors: NullArgument, InvalidScope, InvalidArgument, InvalidPage.
*/
create or replace function pgledger.features_page(
  app_id text,
  status text,
  page_size integer,
  page_offset bigint,
  tenant_id text
)
returns setof public.ledger_feature
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(
    app_id, coalesce(tenant_id, ''), all_apps_allowed => true
  );
  if status is not null then
    v_ok := pgledger.check_choice('status', status, array['active', 'archived']);
  end if;
  v_ok := pgledger.check_page(page_size, page_offset);

  return query
  select
    features.id, features.app_id, features.tenant_id, features.key, features.name,
    features.description, features.type, features.aggregation, features.unique_key,
    features.status, features.version, features.metadata, features.created_at,
    features.updated_at
  from pgledger.features
  where features.app_id = features_page.app_id
    and (features_page.status is null or features.status = features_page.status)
    and (
      features_page.tenant_id is null or features.tenant_id in (features_page.tenant_id, '')
    )
  order by features.id
  limit features_page.page_size
  offset features_page.page_offset;
end;
$$;

comment on function pgledger.features_page is
  'A page of the features of an app or of all apps; raises what is wrong with the arguments.';

revoke all on function pgledger.features_page from public;

-- file: repeatable/20_catalogue/find_feature.sql
/*
The feature that a key names for a tenant: the tenant's own, or else the app's, or else that of all
apps; null if there is none. Archived features count, so that archiving one does not uncover
another.
*/
create or replace function pgledger.find_feature(
  app_id text,
  key text,
  tenant_id text
)
returns pgledger.features
language sql
stable
parallel safe
as $$
  select features
  from pgledger.features
  where features.key = find_feature.key
    and (features.app_id, features.tenant_id) in (
      (find_feature.app_id, find_feature.tenant_id), (find_feature.app_id, ''), ('*', '')
    )
  order by features.tenant_id = '', features.app_id = '*'
  limit 1
$$;

comment on function pgledger.find_feature is
  'The feature of that key for a tenant: its own, the app''s or that of all apps, or null.';

revoke all on function pgledger.find_feature from public;

-- file: repeatable/20_catalogue/insert_plan.sql
/*
Writes a new plan and its features, and returns the plan's key. If the same call, made at the same
time, has written it meanwhile, that plan's key is returned.

Locks, FOR SHARE: a currency of the app's own, then the features, ascending by id.

Errors: UnknownCurrency, InvalidPlan, FeatureNotFound, Archived, IdempotencyConflict, AlreadyExists.
*/
create or replace function pgledger.insert_plan(plan pgledger.plans)
returns bigint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_features pgledger.plan_features[];
  v_period record;
  v_key bigint;
  v_ok boolean;
begin
  -- So its exponent cannot change before this plan is written.
  perform 1
  from pgledger.currencies
  where currencies.app_id = plan.app_id and currencies.code = plan.currency
  for share;

  if pgledger.currency_exponent(plan.app_id, plan.currency) is null then
    v_ok := pgledger.fail(
      'UnknownCurrency',
      array[quote_literal(pgledger.abridged(plan.currency)), pgledger.in_app(plan.app_id)]
    );
  end if;

  v_features := pgledger.read_plan_features(plan.features, plan.app_id, plan.tenant_id);
  v_period := pgledger.read_pricing(plan.pricing, v_features);

  loop
    -- No constraint is named, because either the id or the slug may be taken.
    insert into pgledger.plans (
      id, app_id, tenant_id, slug, name, description, status, currency, features, pricing,
      billing_interval, interval_count, trial_days, anchor_at_trial_end, add_on, version, metadata,
      created_at, updated_at
    )
    values (
      plan.id, plan.app_id, plan.tenant_id, plan.slug, plan.name, plan.description, plan.status,
      plan.currency, plan.features, plan.pricing, v_period.billing_interval,
      v_period.interval_count, plan.trial_days, plan.anchor_at_trial_end, plan.add_on, plan.version,
      plan.metadata, plan.created_at, plan.updated_at
    )
    on conflict do nothing
    returning plans.key into v_key;

    if found then
      perform pgledger.write_plan_features(v_key, v_features);
      return v_key;
    end if;

    v_key := pgledger.repeated_plan(plan);
    if v_key is not null then
      return v_key;
    end if;

    -- If what was in the way is gone by now, try again.
    if exists (
      select
      from pgledger.plans
      where plans.app_id = plan.app_id
        and plans.tenant_id = plan.tenant_id
        and plans.slug = plan.slug
    ) then
      v_ok := pgledger.fail(
        'AlreadyExists',
        array[
          'plan slug', quote_literal(plan.slug), pgledger.in_catalogue(plan.app_id, plan.tenant_id)
        ]
      );
    end if;
  end loop;
end;
$$;

comment on function pgledger.insert_plan is
  'Writes a new plan and its features; raises what is wrong with its currency or JSON.';

revoke all on function pgledger.insert_plan from public;

-- file: repeatable/20_catalogue/iso_currencies.sql
/*
The active codes of ISO 4217, funds included, with their minor units, as of January 2026. Codes that
have no minor unit (gold, drawing rights, tests) are left out: nothing can be rounded to them.
*/
create or replace function pgledger.iso_currencies()
returns table (code text, exponent integer)
language sql
immutable
parallel safe
as $$
  select listed.code, minor_unit.exponent
  from (
    values
      (
        0,
        'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'
      ),
      (
        2,
        'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD '
        'BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP '
        'DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF '
        'IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL '
        'MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR '
        'NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP '
        'SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD '
        'USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG'
      ),
      (
        3,
        'BHD IQD JOD KWD LYD OMR TND'
      ),
      (
        4,
        'CLF UYW'
      )
  ) as minor_unit (exponent, codes)
  cross join lateral pg_catalog.string_to_table(minor_unit.codes, ' ') as listed (code)
$$;

comment on function pgledger.iso_currencies is
  'The active currencies of ISO 4217 that have a minor unit: code and decimal places.';

-- The view of currencies calls it, with the privileges of whoever reads the view.
revoke all on function pgledger.iso_currencies from public;
grant execute on function pgledger.iso_currencies to pgledger_reader;

-- file: repeatable/20_catalogue/ledger_archive_feature.sql
/*
Locks the feature. Whoever writes a plan that contains it holds it FOR SHARE, so no plan takes it
while it is being archived.
*/
create or replace function public.ledger_archive_feature(
  app_id text,
  id text
)
returns public.ledger_feature
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_feature pgledger.features := pgledger.lock_feature(app_id, id);
begin
  if v_feature.status <> 'archived' then
    update pgledger.features
    set
      status = 'archived',
      version = features.version + 1,
      updated_at = pgledger.clock()
    where features.id = v_feature.id;
  end if;

  return pgledger.feature_with_id(id);
end;
$$;

comment on function public.ledger_archive_feature is
$$Archives a feature: plans that contain it keep it, no other plan may.

app_id: App that it belongs to; * for a feature of all apps.
id: Id of the feature.

Returns: The feature; a second call changes nothing.

Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound (the app has no
  such feature).$$;

revoke all on function public.ledger_archive_feature from public;
grant execute on function public.ledger_archive_feature to pgledger_poster;

-- file: repeatable/20_catalogue/ledger_archive_plan.sql
/*
Locks the plan. Whoever subscribes to it holds it FOR SHARE, so nobody takes it while it is being
archived.
*/
create or replace function public.ledger_archive_plan(
  app_id text,
  id text
)
returns public.ledger_plan
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_plan pgledger.plans := pgledger.lock_plan(app_id, id);
begin
  if v_plan.status <> 'archived' then
    update pgledger.plans
    set
      status = 'archived',
      version = plans.version + 1,
      updated_at = pgledger.clock()
    where plans.key = v_plan.key;
  end if;

  return pgledger.plan_with_key(v_plan.key);
end;
$$;

comment on function public.ledger_archive_plan is
$$Archives a plan: subscriptions that have it keep it, no other may take it.

app_id: App that it belongs to.
id: Id of the plan.

Returns: The plan; a second call changes nothing.

Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound (the app has no
  such plan).$$;

revoke all on function public.ledger_archive_plan from public;
grant execute on function public.ledger_archive_plan to pgledger_poster;

-- file: repeatable/20_catalogue/ledger_create_feature.sql
/*
A repeated call is refused if anything that it asks for differs. Once the feature has been updated,
only what an update cannot change is compared.

Locks the features of that key which the app sees, FOR UPDATE, ascending by id. Whoever opens a
meter of such a feature has finished by then, or waits and looks again.
Checks, in this order: app_id, tenant_id, key, name, type, aggregation, unique_key, description,
metadata, id, repeat, whether the key is taken, or was used for something else.
*/
create or replace function public.ledger_create_feature(
  app_id text,
  key text,
  name text,
  type text default 'metered',
  aggregation text default null,
  unique_key text default null,
  description text default null,
  metadata jsonb default null,
  id text default null,
  tenant_id text default ''
)
returns public.ledger_feature
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_new pgledger.features;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, tenant_id, all_apps_allowed => true);
  v_ok := pgledger.check_text('key', key, 128);

  v_new.id := coalesce(id, 'feat_' || pgledger.new_ulid(v_now));
  v_new.app_id := app_id;
  v_new.tenant_id := tenant_id;
  v_new.key := key;
  v_new.name := name;
  v_new.description := description;
  v_new.type := type;
  v_new.aggregation := coalesce(aggregation, case when type = 'metered' then 'sum' end);
  v_new.unique_key := unique_key;
  v_new.metadata := metadata;
  v_ok := pgledger.check_feature(v_new);
  v_ok := pgledger.check_id('id', v_new.id, 'feat');

  perform
  from pgledger.features
  where features.key = v_new.key and features.app_id in (v_new.app_id, '*')
  order by features.id
  for update;
  loop
    -- No constraint is named, because either the id or the key may be taken.
    insert into pgledger.features (
      id, app_id, tenant_id, key, name, description, type, aggregation, unique_key, metadata,
      created_at, updated_at
    )
    values (
      v_new.id, v_new.app_id, v_new.tenant_id, v_new.key, v_new.name, v_new.description,
      v_new.type, v_new.aggregation, v_new.unique_key, v_new.metadata, v_now, v_now
    )
    on conflict do nothing;

    if found then
      v_ok := pgledger.check_usage_keeps_meaning(v_new);
      exit;
    end if;
    exit when pgledger.feature_is_repeated(v_new);

    -- If what was in the way is gone by now, try again.
    if exists (
      select
      from pgledger.features
      where features.app_id = v_new.app_id
        and features.tenant_id = v_new.tenant_id
        and features.key = v_new.key
    ) then
      v_ok := pgledger.fail(
        'AlreadyExists',
        array['feature key', quote_literal(key), pgledger.in_catalogue(app_id, tenant_id)]
      );
    end if;
  end loop;

  return pgledger.feature_with_id(v_new.id);
end;
$$;

comment on function public.ledger_create_feature is
$$Adds a feature to the catalogue, for an app, one tenant of it, or all apps.

The narrowest feature of a key counts: a tenant's own before the app's, and
the app's before that of all apps.

app_id: App that it belongs to; * for all apps.
key: Name in plans and usage events, unique in the app (and tenant): 1 to 128
  visible characters.
name: Name for people, 1 to 255 characters.
type: What it is: boolean is on or off, metered adds usage up over a period,
  seat is a level; one of: boolean, metered, seat.
aggregation: What usage of a metered feature comes to; null is sum for these,
  and nothing for other types; one of: sum, count, max, unique_count, latest,
  or null.
unique_key: Of a metered feature, the member of an event's metadata whose
  different values unique_count counts, 1 to 128 characters, or null.
description: Text for people, at most 10,000 characters, or null.
metadata: JSON object of the app's own, at most 64 KiB, or null.
id: Id that the caller chooses, feat_ and a ULID, so that the call can be
  repeated: it then returns the feature as it is now; null for a new one.
tenant_id: The one tenant that it is for; the empty text for all tenants, and
  always for a feature of all apps.

Returns: The feature.

Errors: NullArgument, InvalidScope, InvalidArgument (the key, name, type,
  aggregation, unique key or description is not valid), InvalidMetadata,
  InvalidId, IdempotencyConflict (the id is taken by a different feature),
  AlreadyExists (the key is taken), InUse (usage was recorded under this key,
  with another type or unique key).$$;

revoke all on function public.ledger_create_feature from public;
grant execute on function public.ledger_create_feature to pgledger_poster;

-- file: repeatable/20_catalogue/ledger_create_plan.sql
/*
A repeated call is refused if anything that it asks for differs. Once the plan has been updated,
only what an update cannot change is compared.

Locks, FOR SHARE: a currency of the app's own, then the features, ascending by id.
Checks, in this order: app_id, tenant_id, slug, name, currency, features and pricing for null,
description, trial_days, anchor_at_trial_end, add_on, metadata, id, repeat, whether the currency is
known, features, pricing, whether the slug is taken.
*/
create or replace function public.ledger_create_plan(
  app_id text,
  slug text,
  name text,
  currency text,
  features jsonb default '[]',
  pricing jsonb default '{}',
  description text default null,
  trial_days integer default 0,
  anchor_at_trial_end boolean default true,
  add_on boolean default false,
  metadata jsonb default null,
  id text default null,
  tenant_id text default ''
)
returns public.ledger_plan
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_new pgledger.plans;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, tenant_id);
  v_ok := pgledger.check_text('slug', slug, 128);

  if currency is null then
    v_ok := pgledger.fail('NullArgument', array['currency']);
  end if;

  v_new.id := coalesce(id, 'plan_' || pgledger.new_ulid(v_now));
  v_new.app_id := app_id;
  v_new.tenant_id := tenant_id;
  v_new.slug := slug;
  v_new.name := name;
  v_new.description := description;
  v_new.status := 'active';
  v_new.currency := currency;
  v_new.features := features;
  v_new.pricing := pricing;
  v_new.trial_days := trial_days;
  v_new.anchor_at_trial_end := anchor_at_trial_end;
  v_new.add_on := add_on;
  v_new.version := 1;
  v_new.metadata := metadata;
  v_new.created_at := v_now;
  v_new.updated_at := v_now;
  v_ok := pgledger.check_plan(v_new);
  v_ok := pgledger.check_id('id', v_new.id, 'plan');

  v_new.key := pgledger.repeated_plan(v_new);
  if v_new.key is null then
    v_new.key := pgledger.insert_plan(v_new);
  end if;

  return pgledger.plan_with_key(v_new.key);
end;
$$;

comment on function public.ledger_create_plan is
$$Creates a plan, for the whole app or for one tenant of it.

Everything in features and pricing is checked now, so a plan that exists can
always be invoiced. Numbers in them are JSON numbers, or texts such as
"49.00", from 0, below 1e30, with at most 18 decimal places.

app_id: App that it belongs to.
slug: Name in addresses and code, unique in the app (and tenant): 1 to 128
  visible characters.
name: Name for people, 1 to 255 characters.
currency: Currency of every amount: a code of ISO 4217, or one that the app
  has defined.
features: JSON array of what it gives: an object for each feature, for example
  [{"key": "api_calls", "limit": "10000", "period": "month",
  "soft_limit": true}]. A limit of -1 is unlimited.
pricing: JSON object of what it costs, a base fee and prices of features, for
  example {"base": {"amount": "49.00", "interval": "month"}, "prices": []}.
description: Text for people, at most 10,000 characters, or null.
trial_days: Days of trial that a new subscription gets, 0 to 3650.
anchor_at_trial_end: Whether billing periods count from the end of the trial,
  rather than from its start.
add_on: Whether a tenant may have it beside another active subscription.
metadata: JSON object of the app's own, at most 64 KiB, or null.
id: Id that the caller chooses, plan_ and a ULID, so that the call can be
  repeated: it then returns the plan as it is now; null for a new one.
tenant_id: The one tenant that it is for; the empty text for all tenants.

Returns: The plan.

Errors: NullArgument, InvalidScope, InvalidArgument (the slug, name,
  description or days of trial are not valid), InvalidMetadata, InvalidId,
  IdempotencyConflict (the id is taken by a different plan), UnknownCurrency
  (the currency is neither of ISO 4217 nor the app's own), InvalidPlan
  (features or pricing are not valid; the message names the path),
  FeatureNotFound (a feature is not in the catalogue), Archived (a feature is
  archived), AlreadyExists (the slug is taken).$$;

revoke all on function public.ledger_create_plan from public;
grant execute on function public.ledger_create_plan to pgledger_poster;

-- file: repeatable/20_catalogue/ledger_delete_feature.sql
/*
Recorded usage belongs to the feature that its key names for its tenant now.

Locks the feature FOR UPDATE. Whoever writes a plan that contains it holds it FOR SHARE, and a plan
that is written refers to it by a foreign key.
*/
create or replace function public.ledger_delete_feature(
  app_id text,
  id text
)
returns public.ledger_feature
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.features := pgledger.lock_feature(app_id, id, to_delete => true);
  v_feature record := pgledger.feature_with_id(id);
  v_fault text;
  v_ok boolean;
begin
  if exists (
    select
    from pgledger.meters
    where meters.feature_key = v_old.key
      and v_old.app_id in (meters.app_id, '*')
      and v_old.tenant_id in (meters.tenant_id, '')
      and (
        pgledger.find_feature(meters.app_id, meters.feature_key, meters.tenant_id)
      ).id = v_old.id
  ) then
    v_fault := 'usage of it was recorded';
  else
    begin
      delete from pgledger.features
      where features.id = v_old.id;
    exception
      when foreign_key_violation then
        v_fault := 'plans contain it';
    end;
  end if;

  if v_fault is not null then
    v_ok := pgledger.fail(
      'InUse', array['feature', quote_literal(v_old.key), 'deleted', v_fault]
    );
  end if;

  return v_feature;
end;
$$;

comment on function public.ledger_delete_feature is
$$Deletes a feature that no plan contains and that was never used.

app_id: App that it belongs to; * for a feature of all apps.
id: Id of the feature.

Returns: The feature as it was.

Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound (the app has no
  such feature), InUse (a plan contains it, or usage of it was recorded;
  archive it instead).$$;

revoke all on function public.ledger_delete_feature from public;
grant execute on function public.ledger_delete_feature to pgledger_poster;

-- file: repeatable/20_catalogue/ledger_delete_plan.sql
/*
Locks the plan FOR UPDATE. Whoever subscribes to it holds it FOR SHARE, and every subscription that
has it or has had it refers to it by a foreign key.
*/
create or replace function public.ledger_delete_plan(
  app_id text,
  id text
)
returns public.ledger_plan
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.plans := pgledger.lock_plan(app_id, id, to_delete => true);
  v_plan record := pgledger.plan_with_key(v_old.key);
  v_ok boolean;
begin
  begin
    delete from pgledger.plans
    where plans.key = v_old.key;
  exception
    when foreign_key_violation then
      v_ok := pgledger.fail(
        'InUse', array['plan', v_old.id, 'deleted', 'subscriptions have it or have had it']
      );
  end;

  return v_plan;
end;
$$;

comment on function public.ledger_delete_plan is
$$Deletes a plan that no subscription has or has had.

app_id: App that it belongs to.
id: Id of the plan.

Returns: The plan as it was.

Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound (the app has no
  such plan), InUse (a subscription has it, or had it once; archive it
  instead).$$;

revoke all on function public.ledger_delete_plan from public;
grant execute on function public.ledger_delete_plan to pgledger_poster;

-- file: repeatable/20_catalogue/ledger_get_feature.sql
/*
Checks, in this order: app_id, id, existence.
*/
create or replace function public.ledger_get_feature(
  app_id text,
  id text
)
returns public.ledger_feature
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, all_apps_allowed => true);
  v_ok := pgledger.check_id('id', id, 'feat');

  if not exists (
    select
    from pgledger.features
    where features.id = ledger_get_feature.id
      and features.app_id in (ledger_get_feature.app_id, '*')
  ) then
    v_ok := pgledger.fail('FeatureNotFound', array[id, pgledger.in_catalogue(app_id, '')]);
  end if;

  return pgledger.feature_with_id(id);
end;
$$;

comment on function public.ledger_get_feature is
$$Returns a feature of an app, or one of all apps.

app_id: App that asks; * to look among the features of all apps alone.
id: Id of the feature.

Returns: The feature, whichever tenant's it is.

Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound (there is no
  such feature for this app).$$;

revoke all on function public.ledger_get_feature from public;
grant execute on function public.ledger_get_feature to pgledger_reader;

-- file: repeatable/20_catalogue/ledger_get_feature_by_key.sql
/*
Checks, in this order: app_id, tenant_id, key, existence.
*/
create or replace function public.ledger_get_feature_by_key(
  app_id text,
  key text,
  tenant_id text default ''
)
returns public.ledger_feature
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_feature pgledger.features;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, tenant_id, all_apps_allowed => true);

  if key is null then
    v_ok := pgledger.fail('NullArgument', array['key']);
  end if;

  v_feature := pgledger.find_feature(app_id, key, tenant_id);
  if v_feature.id is null then
    v_ok := pgledger.fail(
      'FeatureNotFound',
      array[quote_literal(pgledger.abridged(key)), pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;

  return pgledger.feature_with_id(v_feature.id);
end;
$$;

comment on function public.ledger_get_feature_by_key is
$$Returns the feature that a key names for a tenant.

An archived feature is found too.

app_id: App that asks; * to look among the features of all apps alone.
key: Key of the feature.
tenant_id: Tenant that it is for: its own feature of that key comes before the
  app's, and that before the one of all apps. The empty text leaves tenants'
  own ones out.

Returns: The feature.

Errors: NullArgument, InvalidScope, FeatureNotFound (there is none for this
  app and tenant).$$;

revoke all on function public.ledger_get_feature_by_key from public;
grant execute on function public.ledger_get_feature_by_key to pgledger_reader;

-- file: repeatable/20_catalogue/ledger_get_plan.sql
/*
Checks, in this order: app_id, id, existence.
*/
create or replace function public.ledger_get_plan(
  app_id text,
  id text
)
returns public.ledger_plan
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id);
  v_ok := pgledger.check_id('id', id, 'plan');

  select plans.key
  into v_key
  from pgledger.plans
  where plans.id = ledger_get_plan.id and plans.app_id = ledger_get_plan.app_id;

  if not found then
    v_ok := pgledger.fail('PlanNotFound', array[id, pgledger.in_app(app_id)]);
  end if;

  return pgledger.plan_with_key(v_key);
end;
$$;

comment on function public.ledger_get_plan is
$$Returns a plan of an app.

app_id: App that it belongs to.
id: Id of the plan.

Returns: The plan, whichever tenant's it is.

Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound (the app has no
  such plan).$$;

revoke all on function public.ledger_get_plan from public;
grant execute on function public.ledger_get_plan to pgledger_reader;

-- file: repeatable/20_catalogue/ledger_get_plan_by_slug.sql
/*
Checks, in this order: app_id, tenant_id, slug, existence.
*/
create or replace function public.ledger_get_plan_by_slug(
  app_id text,
  slug text,
  tenant_id text default ''
)
returns public.ledger_plan
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, tenant_id);

  if slug is null then
    v_ok := pgledger.fail('NullArgument', array['slug']);
  end if;

  select plans.key
  into v_key
  from pgledger.plans
  where plans.app_id = ledger_get_plan_by_slug.app_id
    and plans.tenant_id in (ledger_get_plan_by_slug.tenant_id, '')
    and plans.slug = ledger_get_plan_by_slug.slug
  order by plans.tenant_id = ''
  limit 1;

  if not found then
    v_ok := pgledger.fail(
      'PlanNotFound',
      array[quote_literal(pgledger.abridged(slug)), pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;

  return pgledger.plan_with_key(v_key);
end;
$$;

comment on function public.ledger_get_plan_by_slug is
$$Returns the plan that a slug names for a tenant.

An archived plan is found too.

app_id: App that it belongs to.
slug: Slug of the plan.
tenant_id: Tenant that it is for: its own plan of that slug comes before the
  app's. The empty text leaves tenants' own ones out.

Returns: The plan.

Errors: NullArgument, InvalidScope, PlanNotFound (there is none for this app
  and tenant).$$;

revoke all on function public.ledger_get_plan_by_slug from public;
grant execute on function public.ledger_get_plan_by_slug to pgledger_reader;

-- file: repeatable/20_catalogue/ledger_list_features.sql
/*
Checks, in this order: app_id, tenant_id, status, page_size, page_offset.
*/
create or replace function public.ledger_list_features(
  app_id text,
  status text default null,
  page_size integer default 100,
  page_offset bigint default 0,
  tenant_id text default null
)
returns setof public.ledger_feature
language sql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
  select
    features.id, features.app_id, features.tenant_id, features.key, features.name,
    features.description, features.type, features.aggregation, features.unique_key,
    features.status, features.version, features.metadata, features.created_at,
    features.updated_at
  from pgledger.features_page(app_id, status, page_size, page_offset, tenant_id) as features
$$;

comment on function public.ledger_list_features is
$$Returns a page of an app's features, the oldest first.

The order is that of their ids, which for generated ids is that of creation.

app_id: App that they belong to; * for those of all apps.
status: Which ones; one of: active, archived; null for both.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them, 0 or more.
tenant_id: Tenant whose own ones are listed, with those for all tenants; the
  empty text for the latter alone; null for every tenant's.

Returns: The features of the page.

Errors: NullArgument, InvalidScope, InvalidArgument (there is no such status),
  InvalidPage.$$;

revoke all on function public.ledger_list_features from public;
grant execute on function public.ledger_list_features to pgledger_reader;

-- file: repeatable/20_catalogue/ledger_list_global_features.sql
/*
Checks, in this order: status, page_size, page_offset.
*/
create or replace function public.ledger_list_global_features(
  status text default null,
  page_size integer default 100,
  page_offset bigint default 0
)
returns setof public.ledger_feature
language sql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
  select
    features.id, features.app_id, features.tenant_id, features.key, features.name,
    features.description, features.type, features.aggregation, features.unique_key,
    features.status, features.version, features.metadata, features.created_at,
    features.updated_at
  from pgledger.features_page('*', status, page_size, page_offset, '') as features
$$;

comment on function public.ledger_list_global_features is
$$Returns a page of the features of all apps, the oldest first.

The order is that of their ids, which for generated ids is that of creation.

status: Which ones; one of: active, archived; null for both.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them, 0 or more.

Returns: The features of the page.

Errors: NullArgument, InvalidArgument (there is no such status), InvalidPage.$$;

revoke all on function public.ledger_list_global_features from public;
grant execute on function public.ledger_list_global_features to pgledger_reader;

-- file: repeatable/20_catalogue/ledger_list_plans.sql
/*
Checks, in this order: app_id, tenant_id, status, page_size, page_offset.
*/
create or replace function public.ledger_list_plans(
  app_id text,
  status text default null,
  page_size integer default 100,
  page_offset bigint default 0,
  tenant_id text default null
)
returns setof public.ledger_plan
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, coalesce(tenant_id, ''));
  if status is not null then
    v_ok := pgledger.check_choice('status', status, array['active', 'archived']);
  end if;
  v_ok := pgledger.check_page(page_size, page_offset);

  return query
  select
    plans.id, plans.app_id, plans.tenant_id, plans.slug, plans.name, plans.description,
    plans.status, plans.currency, plans.features, plans.pricing, plans.billing_interval,
    plans.interval_count, plans.trial_days, plans.anchor_at_trial_end, plans.add_on,
    plans.version, plans.metadata, plans.created_at, plans.updated_at
  from pgledger.plans
  where plans.app_id = ledger_list_plans.app_id
    and (ledger_list_plans.status is null or plans.status = ledger_list_plans.status)
    and (
      ledger_list_plans.tenant_id is null or plans.tenant_id in (ledger_list_plans.tenant_id, '')
    )
  order by plans.id
  limit ledger_list_plans.page_size
  offset ledger_list_plans.page_offset;
end;
$$;

comment on function public.ledger_list_plans is
$$Returns a page of an app's plans, the oldest first.

The order is that of their ids, which for generated ids is that of creation.

app_id: App that they belong to.
status: Which ones; one of: active, archived; null for both.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them, 0 or more.
tenant_id: Tenant whose own ones are listed, with those for all tenants; the
  empty text for the latter alone; null for every tenant's.

Returns: The plans of the page.

Errors: NullArgument, InvalidScope, InvalidArgument (there is no such status),
  InvalidPage.$$;

revoke all on function public.ledger_list_plans from public;
grant execute on function public.ledger_list_plans to pgledger_reader;

-- file: repeatable/20_catalogue/ledger_set_currency.sql
/*
The exponent stays once something is in the currency, because amounts were rounded to it.

Locks the currency's row; whoever creates a plan in it holds that row FOR SHARE.
Checks, in this order: app_id, code, exponent, use.
*/
create or replace function public.ledger_set_currency(
  app_id text,
  code text,
  exponent integer
)
returns public.ledger_currency
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_code_fault text := pgledger.text_fault(code, 1, 32, false);
  v_standard integer;
  v_currency record;
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);

  if code is null then
    v_ok := pgledger.fail('NullArgument', array['code']);
  elsif v_code_fault is not null then
    v_ok := pgledger.fail(
      'InvalidCurrency', array[quote_literal(pgledger.abridged(code)), v_code_fault]
    );
  end if;

  v_standard := (
    select iso_currencies.exponent
    from pgledger.iso_currencies()
    where iso_currencies.code = ledger_set_currency.code
  );
  if v_standard is not null then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'code',
        quote_literal(code),
        format('it is a code of ISO 4217, whose exponent is %s', v_standard)
      ]
    );
  elsif exponent is null then
    v_ok := pgledger.fail('NullArgument', array['exponent']);
  elsif exponent not between 0 and 18 then
    v_ok := pgledger.fail(
      'InvalidArgument', array['exponent', exponent::text, 'it is not between 0 and 18']
    );
  end if;

  insert into pgledger.currencies (app_id, code, exponent)
  values (
    ledger_set_currency.app_id, ledger_set_currency.code, ledger_set_currency.exponent
  )
  on conflict on constraint currencies_app_id_code_pk do nothing;

  select currencies.app_id, currencies.code, currencies.exponent
  into v_currency
  from pgledger.currencies
  where currencies.app_id = ledger_set_currency.app_id
    and currencies.code = ledger_set_currency.code
  for no key update;

  if v_currency.exponent <> exponent then
    v_ok := pgledger.check_currency_unused(app_id, code, v_currency.exponent);

    update pgledger.currencies
    set exponent = ledger_set_currency.exponent
    where currencies.app_id = ledger_set_currency.app_id
      and currencies.code = ledger_set_currency.code;
    v_currency.exponent := exponent;
  end if;

  return v_currency;
end;
$$;

comment on function public.ledger_set_currency is
$$Defines a currency of the app's own, beside those of ISO 4217.

Its exponent can be changed until a plan, a coupon or an invoice is in the
currency. A second call with the same values changes nothing.

app_id: App that defines it.
code: Code of the currency, not one of ISO 4217: 1 to 32 visible characters.
exponent: Decimal places that amounts are rounded to, 0 to 18.

Returns: The currency.

Errors: NullArgument, InvalidScope, InvalidCurrency (the code cannot be one),
  InvalidArgument (the code is of ISO 4217, or the exponent is out of range),
  InUse (the exponent would change while a plan, a coupon or an invoice is in
  the currency).$$;

revoke all on function public.ledger_set_currency from public;
grant execute on function public.ledger_set_currency to pgledger_poster;

-- file: repeatable/20_catalogue/ledger_update_feature.sql
/*
A plan's features keep the aggregation that they were written with, so that what is billed does not
change for those who have the plan.

Locks the feature.
Checks, in this order: app_id, id, existence, name, aggregation, description, metadata.
*/
create or replace function public.ledger_update_feature(
  app_id text,
  id text,
  name text default null,
  description text default null,
  aggregation text default null,
  metadata jsonb default null
)
returns public.ledger_feature
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.features := pgledger.lock_feature(app_id, id);
  v_new pgledger.features := v_old;
  v_ok boolean;
begin
  v_new.name := coalesce(name, v_old.name);
  v_new.description := coalesce(description, v_old.description);
  v_new.aggregation := coalesce(aggregation, v_old.aggregation);
  v_new.metadata := coalesce(metadata, v_old.metadata);
  v_ok := pgledger.check_feature(v_new);

  if v_new is distinct from v_old then
    update pgledger.features
    set
      name = v_new.name,
      description = v_new.description,
      aggregation = v_new.aggregation,
      metadata = v_new.metadata,
      version = features.version + 1,
      updated_at = pgledger.clock()
    where features.id = v_old.id;
  end if;

  return pgledger.feature_with_id(id);
end;
$$;

comment on function public.ledger_update_feature is
$$Changes a feature.

What is null stays as it is. Key, type and unique key never change. A plan
that names no aggregation keeps the one that the feature had when the plan's
features were written.

app_id: App that it belongs to; * for a feature of all apps.
id: Id of the feature.
name: Name for people, 1 to 255 characters, or null.
description: Text for people, at most 10,000 characters, or null.
aggregation: What usage of a metered feature comes to, for plans that are
  written from now on; one of: sum, count, max, unique_count, latest, or null.
metadata: JSON object of the app's own, at most 64 KiB, or null.

Returns: The feature; with the same version as before if nothing changed.

Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound (the app has no
  such feature), InvalidArgument (the name, aggregation or description is not
  valid), InvalidMetadata.$$;

revoke all on function public.ledger_update_feature from public;
grant execute on function public.ledger_update_feature to pgledger_poster;

-- file: repeatable/20_catalogue/ledger_update_plan.sql
/*
An archived plan can be changed, because subscriptions keep it.

Locks the plan, then, if its features change, those FOR SHARE, ascending by id. Whoever subscribes
to the plan holds it FOR SHARE.
Checks, in this order: app_id, id, existence, name, description, trial_days, metadata, features,
pricing, subscriptions.
*/
create or replace function public.ledger_update_plan(
  app_id text,
  id text,
  name text default null,
  features jsonb default null,
  pricing jsonb default null,
  description text default null,
  trial_days integer default null,
  anchor_at_trial_end boolean default null,
  metadata jsonb default null
)
returns public.ledger_plan
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.plans := pgledger.lock_plan(app_id, id);
  v_new pgledger.plans := v_old;
  v_ok boolean;
begin
  v_new.name := coalesce(name, v_old.name);
  v_new.features := coalesce(features, v_old.features);
  v_new.pricing := coalesce(pricing, v_old.pricing);
  v_new.description := coalesce(description, v_old.description);
  v_new.trial_days := coalesce(trial_days, v_old.trial_days);
  v_new.anchor_at_trial_end := coalesce(anchor_at_trial_end, v_old.anchor_at_trial_end);
  v_new.metadata := coalesce(metadata, v_old.metadata);
  v_ok := pgledger.check_plan(v_new);

  if v_new is distinct from v_old then
    perform pgledger.rewrite_plan(v_old, v_new);
  end if;

  return pgledger.plan_with_key(v_old.key);
end;
$$;

comment on function public.ledger_update_plan is
$$Changes a plan, at once for all its subscriptions.

What is null stays as it is; what is given replaces what there was, as a
whole. Currency, slug and whether it is an add-on never change, nor does the
billing interval while subscriptions have the plan. To change it for new
customers only, create another plan and archive this one.

app_id: App that it belongs to.
id: Id of the plan.
name: Name for people, 1 to 255 characters, or null.
features: JSON array of what it gives, as for ledger_create_plan, or null.
pricing: JSON object of what it costs, as for ledger_create_plan, or null.
description: Text for people, at most 10,000 characters, or null.
trial_days: Days of trial that a new subscription gets, 0 to 3650, or null.
anchor_at_trial_end: Whether billing periods of new subscriptions count from
  the end of the trial, or null.
metadata: JSON object of the app's own, at most 64 KiB, or null.

Returns: The plan; with the same version as before if nothing changed.

Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound (the app has no
  such plan), InvalidArgument (the name, description or days of trial are not
  valid), InvalidMetadata, InvalidPlan (features or pricing are not valid; the
  message names the path), FeatureNotFound (a feature is not in the
  catalogue), Archived (a feature that is new to the plan is archived), InUse
  (the billing interval would change while there are subscriptions).$$;

revoke all on function public.ledger_update_plan from public;
grant execute on function public.ledger_update_plan to pgledger_poster;

-- file: repeatable/20_catalogue/lock_feature.sql
/*
The feature with that id, its row locked: FOR UPDATE if it is to be deleted, so that nothing can
begin to refer to it, and FOR NO KEY UPDATE if it is to be changed.

Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound.
*/
create or replace function pgledger.lock_feature(
  app_id text,
  id text,
  to_delete boolean default false
)
returns pgledger.features
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_feature pgledger.features;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, all_apps_allowed => true);
  v_ok := pgledger.check_id('id', id, 'feat');

  if to_delete then
    v_feature := (
      select features
      from pgledger.features
      where features.id = lock_feature.id and features.app_id = lock_feature.app_id
      for update
    );
  else
    v_feature := (
      select features
      from pgledger.features
      where features.id = lock_feature.id and features.app_id = lock_feature.app_id
      for no key update
    );
  end if;

  if v_feature.id is null then
    v_ok := pgledger.fail('FeatureNotFound', array[id, pgledger.in_catalogue(app_id, '')]);
  end if;

  return v_feature;
end;
$$;

comment on function pgledger.lock_feature is
  'The feature with that id, locked to be changed or deleted; raises FeatureNotFound.';

revoke all on function pgledger.lock_feature from public;

-- file: repeatable/20_catalogue/lock_plan.sql
/*
The plan with that id, its row locked: FOR UPDATE if it is to be deleted, so that nothing can begin
to refer to it, and FOR NO KEY UPDATE if it is to be changed.

Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound.
*/
create or replace function pgledger.lock_plan(
  app_id text,
  id text,
  to_delete boolean default false
)
returns pgledger.plans
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_plan pgledger.plans;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id);
  v_ok := pgledger.check_id('id', id, 'plan');

  if to_delete then
    v_plan := (
      select plans
      from pgledger.plans
      where plans.id = lock_plan.id and plans.app_id = lock_plan.app_id
      for update
    );
  else
    v_plan := (
      select plans
      from pgledger.plans
      where plans.id = lock_plan.id and plans.app_id = lock_plan.app_id
      for no key update
    );
  end if;

  if v_plan.id is null then
    v_ok := pgledger.fail('PlanNotFound', array[id, pgledger.in_catalogue(app_id, '')]);
  end if;

  return v_plan;
end;
$$;

comment on function pgledger.lock_plan is
  'The plan with that id, locked to be changed or deleted; raises PlanNotFound.';

revoke all on function pgledger.lock_plan from public;

-- file: repeatable/20_catalogue/plan_with_key.sql
/*
The plan with that internal key as applications see it, or null.
*/
create or replace function pgledger.plan_with_key(key bigint)
returns public.ledger_plan
language sql
stable
parallel safe
as $$
  select
    plans.id, plans.app_id, plans.tenant_id, plans.slug, plans.name, plans.description,
    plans.status, plans.currency, plans.features, plans.pricing, plans.billing_interval,
    plans.interval_count, plans.trial_days, plans.anchor_at_trial_end, plans.add_on,
    plans.version, plans.metadata, plans.created_at, plans.updated_at
  from pgledger.plans
  where plans.key = plan_with_key.key
$$;

comment on function pgledger.plan_with_key is
  'The plan with that internal key as applications see it, or null.';

revoke all on function pgledger.plan_with_key from public;

-- file: repeatable/20_catalogue/read_plan_base.sql
/*
Reads a plan's base fee, and returns the billing period that it sets.

Errors: InvalidPlan.
*/
create or replace function pgledger.read_plan_base(
  base jsonb,
  out billing_interval text,
  out interval_count integer
)
language plpgsql
stable
parallel safe
as $$
declare
  v_path constant text := '$.pricing.base';
  v_count numeric;
  v_ok boolean;
begin
  v_ok := pgledger.check_json_object(
    base, v_path, array['amount', 'interval', 'interval_count', 'billed', 'proration']
  );
  perform pgledger.json_decimal(base, v_path, 'amount');
  billing_interval := coalesce(
    pgledger.json_choice(base, v_path, 'interval', array['day', 'week', 'month', 'year']),
    'month'
  );

  v_count := coalesce(
    pgledger.json_decimal(base, v_path, 'interval_count', minimum => 1, maximum => 1000), 1
  );
  if v_count <> trunc(v_count) then
    v_ok := pgledger.refuse_json(
      base -> 'interval_count', v_path || '.interval_count', 'is not a whole number'
    );
  end if;
  interval_count := v_count;

  perform pgledger.json_choice(base, v_path, 'billed', array['advance', 'arrears']);
  perform pgledger.json_choice(base, v_path, 'proration', array['day', 'second']);
end;
$$;

comment on function pgledger.read_plan_base is
  'The billing period that a plan''s base fee sets; raises InvalidPlan unless it is sound.';

revoke all on function pgledger.read_plan_base from public;

-- file: repeatable/20_catalogue/read_plan_feature.sql
/*
Reads one element of a plan's features, fills in what it leaves out, and compares it with the
feature that it names. The caller has found the feature by the element's key.

Errors: InvalidPlan.
*/
create or replace function pgledger.read_plan_feature(
  item jsonb,
  path text,
  feature pgledger.features
)
returns pgledger.plan_features
language plpgsql
stable
parallel safe
as $$
declare
  v_row pgledger.plan_features;
  v_type text := pgledger.json_choice(
    item, path, 'type', array['boolean', 'metered', 'seat']
  );
  v_quota numeric := pgledger.json_decimal(item, path, 'limit', minimum => -1);
  v_period text := pgledger.json_choice(
    item, path, 'period', array['day', 'week', 'month', 'year', 'billing', 'lifetime']
  );
  v_soft_limit jsonb := coalesce(nullif(item -> 'soft_limit', 'null'), 'false');
  v_aggregation text := pgledger.json_choice(
    item, path, 'aggregation', array['sum', 'count', 'max', 'unique_count', 'latest']
  );
  v_ok boolean;
begin
  if v_type <> feature.type then
    v_ok := pgledger.refuse_json(
      item -> 'type', path || '.type', 'is not the type of the feature, which is ' || feature.type
    );
  elsif feature.type = 'boolean' and v_quota not in (0, 1) then
    v_ok := pgledger.refuse_json(
      item -> 'limit', path || '.limit', 'is neither 0 nor 1, and the feature is boolean'
    );
  elsif v_quota < 0 and v_quota <> -1 then
    v_ok := pgledger.refuse_json(
      item -> 'limit', path || '.limit', 'is below 0 and not -1, which is for unlimited'
    );
  elsif v_period is not null and feature.type <> 'metered' then
    v_ok := pgledger.refuse_json(
      item -> 'period',
      path || '.period',
      'is for metered features, and this one is ' || feature.type
    );
  elsif jsonb_typeof(v_soft_limit) <> 'boolean' then
    v_ok := pgledger.refuse_json(
      v_soft_limit,
      path || '.soft_limit',
      format('is of type %s, not a boolean', jsonb_typeof(v_soft_limit))
    );
  elsif v_soft_limit = 'true' and feature.type = 'boolean' then
    v_ok := pgledger.refuse_json(
      v_soft_limit, path || '.soft_limit', 'is for limits, and the feature is boolean'
    );
  elsif v_aggregation is not null and feature.type <> 'metered' then
    v_ok := pgledger.refuse_json(
      item -> 'aggregation',
      path || '.aggregation',
      'is for metered features, and this one is ' || feature.type
    );
  elsif v_aggregation = 'unique_count' and feature.unique_key is null then
    v_ok := pgledger.refuse_json(
      item -> 'aggregation', path || '.aggregation', 'needs the feature to have a unique_key'
    );
  end if;

  v_row.feature_key := feature.key;
  v_row.feature_id := feature.id;
  v_row.type := feature.type;
  v_row.quota := coalesce(v_quota, case when feature.type = 'boolean' then 1 else -1 end);
  v_row.period := coalesce(v_period, 'billing');
  v_row.soft_limit := v_soft_limit = 'true';
  v_row.aggregation := coalesce(v_aggregation, feature.aggregation, 'latest');
  return v_row;
end;
$$;

comment on function pgledger.read_plan_feature is
  'One of a plan''s features with defaults filled in; raises InvalidPlan unless it is sound.';

revoke all on function pgledger.read_plan_feature from public;

-- file: repeatable/20_catalogue/read_plan_features.sql
/*
Reads a plan's features in their order, against the catalogue: the rows to store of them, still
without the plan's key.

Locks every feature that one of the keys could name FOR SHARE, ascending by id: until the plan is
written, none of them is archived or deleted. The plan may keep an archived feature.

Errors: InvalidPlan, FeatureNotFound, Archived.
*/
create or replace function pgledger.read_plan_features(
  features jsonb,
  app_id text,
  tenant_id text,
  plan_key bigint default null
)
returns pgledger.plan_features[]
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_rows pgledger.plan_features[] := '{}';
  v_row pgledger.plan_features;
  v_keys text[] := '{}';
  v_key text;
  v_item jsonb;
  v_path text;
  v_ok boolean;
begin
  v_ok := pgledger.check_json_array(read_plan_features.features, '$.features');
  v_ok := pgledger.check_json_size(read_plan_features.features, '$.features', false);

  perform 1
  from pgledger.features
  where features.key in (
    select item.value ->> 'key'
    from jsonb_array_elements(read_plan_features.features) as item
  )
    and features.app_id in (read_plan_features.app_id, '*')
    and features.tenant_id in (read_plan_features.tenant_id, '')
  order by features.id
  for share;

  for v_item in
    select item.value
    from jsonb_array_elements(read_plan_features.features) with ordinality as item (value, place)
    order by item.place
  loop
    v_path := format('$.features[%s]', cardinality(v_keys));
    v_ok := pgledger.check_json_object(
      v_item,
      v_path,
      array['key', 'type', 'limit', 'period', 'soft_limit', 'aggregation']
    );
    v_key := pgledger.json_text(v_item, v_path, 'key');

    if v_key = any(v_keys) then
      v_ok := pgledger.refuse_json(
        v_item -> 'key',
        v_path || '.key',
        format('stands at $.features[%s] already', array_position(v_keys, v_key) - 1)
      );
    end if;

    v_row := pgledger.read_plan_feature(
      v_item,
      v_path,
      pgledger.feature_allowed_in_plan(
        read_plan_features.app_id,
        read_plan_features.tenant_id,
        v_key,
        read_plan_features.plan_key
      )
    );
    v_row.place := cardinality(v_keys);
    v_rows := v_rows || v_row;
    v_keys := v_keys || v_key;
  end loop;

  v_ok := pgledger.check_json_size(read_plan_features.features, '$.features', true);
  return v_rows;
end;
$$;

comment on function pgledger.read_plan_features is
  'A plan''s features as rows, in order; raises unless each is sound and in the catalogue.';

revoke all on function pgledger.read_plan_features from public;

-- file: repeatable/20_catalogue/read_pricing.sql
/*
Checks a plan's pricing against the rows of its features, and returns the billing period that it
sets.

Errors: InvalidPlan.
*/
create or replace function pgledger.read_pricing(
  pricing jsonb,
  features pgledger.plan_features[],
  out billing_interval text,
  out interval_count integer
)
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_prices jsonb := coalesce(nullif(pricing -> 'prices', 'null'), '[]');
  v_places jsonb := (
    select coalesce(jsonb_object_agg(feature.feature_key, feature.ordinality), '{}')
    from unnest(features) with ordinality as feature
  );
  v_feature pgledger.plan_features;
  v_price jsonb;
  v_keys text[] := '{}';
  v_key text;
  v_path text;
  v_fault text;
  v_ok boolean;
begin
  v_ok := pgledger.check_json_size(pricing, '$.pricing', false);
  v_ok := pgledger.check_json_object(pricing, '$.pricing', array['base', 'prices']);

  select base.billing_interval, base.interval_count
  into read_pricing.billing_interval, read_pricing.interval_count
  from pgledger.read_plan_base(coalesce(nullif(pricing -> 'base', 'null'), '{}')) as base;

  v_ok := pgledger.check_json_array(v_prices, '$.pricing.prices');
  for v_price in
    select price.value
    from jsonb_array_elements(v_prices) with ordinality as price (value, place)
    order by price.place
  loop
    v_path := format('$.pricing.prices[%s]', cardinality(v_keys));
    v_ok := pgledger.check_price_object(v_price, v_path);
    v_key := pgledger.json_text(v_price, v_path, 'feature');
    v_feature := features[(v_places ->> v_key)::integer];
    v_fault := case
      when v_key = any(v_keys) then format(
        'has a price at $.pricing.prices[%s] already', array_position(v_keys, v_key) - 1
      )
      when v_feature.feature_key is null then 'is not among the plan''s features'
      when v_feature.type = 'boolean' then 'is a boolean feature, which has no quantity'
    end;
    if v_fault is not null then
      v_ok := pgledger.refuse_json(v_price -> 'feature', v_path || '.feature', v_fault);
    end if;
    v_ok := pgledger.check_priced_limit(v_feature, billing_interval, interval_count);
    v_ok := pgledger.check_price(v_price, v_path);
    v_keys := v_keys || v_key;
  end loop;

  v_ok := pgledger.check_json_size(pricing, '$.pricing', true);
end;
$$;

comment on function pgledger.read_pricing is
  'The billing period that a plan''s pricing sets; raises InvalidPlan unless the pricing is sound.';

revoke all on function pgledger.read_pricing from public;

-- file: repeatable/20_catalogue/repeated_plan.sql
/*
The key of the plan that an earlier call with that id has created, or null if none has. Once the
plan has been updated, only what an update cannot change is compared.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.repeated_plan(request pgledger.plans)
returns bigint
language plpgsql
stable
parallel safe
as $$
declare
  v_plan pgledger.plans := (
    select plans
    from pgledger.plans
    where plans.id = request.id
  );
  v_ok boolean;
begin
  if v_plan.id is null then
    return null;
  elsif (v_plan.app_id, v_plan.tenant_id, v_plan.slug, v_plan.currency, v_plan.add_on)
    is distinct from (
      request.app_id, request.tenant_id, request.slug, request.currency, request.add_on
    )
    or (
      v_plan.version = 1
      and (
        v_plan.name, v_plan.description, v_plan.features, v_plan.pricing, v_plan.trial_days,
        v_plan.anchor_at_trial_end, v_plan.metadata
      ) is distinct from (
        request.name, request.description, request.features, request.pricing, request.trial_days,
        request.anchor_at_trial_end, request.metadata
      )
    ) then
    v_ok := pgledger.fail('IdempotencyConflict', array[request.id]);
  end if;

  return v_plan.key;
end;
$$;

comment on function pgledger.repeated_plan is
  'Key of the plan that has that id already, or null; raises if another request created it.';

revoke all on function pgledger.repeated_plan from public;

-- file: repeatable/20_catalogue/rewrite_plan.sql
/*
Writes a plan that has changed, and its features if they have. The caller has locked its row.

Locks the features, if they change, FOR SHARE, ascending by id.

Errors: InvalidPlan, FeatureNotFound, Archived, InUse.
*/
create or replace function pgledger.rewrite_plan(
  previous pgledger.plans,
  plan pgledger.plans
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_features pgledger.plan_features[];
  v_period record;
  v_ok boolean;
begin
  if plan.features = previous.features then
    v_features := array(
      select plan_features
      from pgledger.plan_features
      where plan_features.plan_key = previous.key
    );
  else
    v_features := pgledger.read_plan_features(
      plan.features, previous.app_id, previous.tenant_id, previous.key
    );
    perform pgledger.write_plan_features(previous.key, v_features);
  end if;

  v_period := pgledger.read_pricing(plan.pricing, v_features);

  if (v_period.billing_interval, v_period.interval_count)
    <> (previous.billing_interval, previous.interval_count)
    and exists (
      select
      from pgledger.subscriptions
      where subscriptions.plan_key = previous.key
    ) then
    v_ok := pgledger.fail(
      'InUse',
      array[
        'plan',
        previous.id,
        'billed otherwise',
        format(
          'subscriptions have it, so its interval stays %s %s',
          previous.interval_count,
          previous.billing_interval
        )
      ]
    );
  end if;

  update pgledger.plans
  set
    name = plan.name,
    description = plan.description,
    features = plan.features,
    pricing = plan.pricing,
    billing_interval = v_period.billing_interval,
    interval_count = v_period.interval_count,
    trial_days = plan.trial_days,
    anchor_at_trial_end = plan.anchor_at_trial_end,
    version = plans.version + 1,
    metadata = plan.metadata,
    updated_at = pgledger.clock()
  where plans.key = previous.key;
end;
$$;

comment on function pgledger.rewrite_plan is
  'Writes a plan that has changed; raises what is wrong with its JSON, or InUse.';

revoke all on function pgledger.rewrite_plan from public;

-- file: repeatable/20_catalogue/write_plan_features.sql
/*
Replaces the rows of a plan's features with those that were read from its JSON. The caller has
locked the plan's row.
*/
create or replace function pgledger.write_plan_features(
  plan_key bigint,
  features pgledger.plan_features[]
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
begin
  delete from pgledger.plan_features
  where plan_features.plan_key = write_plan_features.plan_key;

  insert into pgledger.plan_features (
    plan_key, feature_key, feature_id, place, type, quota, period, soft_limit, aggregation
  )
  select
    write_plan_features.plan_key, feature.feature_key, feature.feature_id, feature.place,
    feature.type, feature.quota, feature.period, feature.soft_limit, feature.aggregation
  from unnest(write_plan_features.features) as feature;
end;
$$;

comment on function pgledger.write_plan_features is
  'Replaces the rows of a plan''s features with those given.';

revoke all on function pgledger.write_plan_features from public;

-- file: repeatable/20_catalogue/views/ledger_currencies.sql
/*
Currencies that plans can be in: those of ISO 4217, and those of each app. If an app has defined a
code that ISO 4217 took up later, both are listed, and for that app its own one counts.
*/
create or replace view public.ledger_currencies as
select
  known.app_id,
  known.code,
  known.exponent
from (
  select
    '*' collate "C" as app_id,
    iso_currencies.code collate "C" as code,
    iso_currencies.exponent
  from pgledger.iso_currencies()
  union all
  select
    currencies.app_id,
    currencies.code,
    currencies.exponent
  from pgledger.currencies
) as known;

comment on view public.ledger_currencies is
  'One row a currency: those of ISO 4217, which all apps share, and those that an app has defined.';
comment on column public.ledger_currencies.app_id is 'App that defined it; * for ISO 4217.';
comment on column public.ledger_currencies.code is 'Code, for example JPY or POINTS.';
comment on column public.ledger_currencies.exponent is
  'Decimal places that amounts are rounded to.';

revoke all on table public.ledger_currencies from public;
grant select on table public.ledger_currencies to pgledger_reader;

-- file: repeatable/20_catalogue/views/ledger_features.sql
/*
The catalogue of features as applications see it. Columns never change.
*/
create or replace view public.ledger_features as
select
  features.id,
  features.app_id,
  features.tenant_id,
  features.key,
  features.name,
  features.description,
  features.type,
  features.aggregation,
  features.unique_key,
  features.status,
  features.version,
  features.metadata,
  features.created_at,
  features.updated_at
from pgledger.features
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view public.ledger_features is
  'One row a feature that plans can contain. A key may be there for a tenant, for an app and for '
  'all apps; the narrowest one counts.';
comment on column public.ledger_features.id is 'Public id: feat_ and a ULID.';
comment on column public.ledger_features.app_id is 'App that it belongs to; * for all apps.';
comment on column public.ledger_features.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column public.ledger_features.key is
  'Name in plans and usage events, for example api_calls.';
comment on column public.ledger_features.name is 'Name for people.';
comment on column public.ledger_features.description is 'Text for people, or null.';
comment on column public.ledger_features.type is
  'What it is. boolean: on or off. metered: usage adds up over a period. seat: a level. One of: '
  'boolean, metered, seat.';
comment on column public.ledger_features.aggregation is
  'How usage of a metered feature is counted (null for other types); one of: sum, count, max, '
  'unique_count, latest, or null.';
comment on column public.ledger_features.unique_key is
  'Member of an event''s metadata whose different values unique_count counts, or null.';
comment on column public.ledger_features.status is
  'State; no new plan may contain an archived feature; one of: active, archived.';
comment on column public.ledger_features.version is 'Counts changes, from 1.';
comment on column public.ledger_features.metadata is 'JSON object of the app''s own, or null.';
comment on column public.ledger_features.created_at is 'When it was created.';
comment on column public.ledger_features.updated_at is 'When it was last changed.';

revoke all on table public.ledger_features from public;
grant select on table public.ledger_features to pgledger_reader;

-- file: repeatable/20_catalogue/views/ledger_plans.sql
/*
Plans as applications see them. Columns never change.
*/
create or replace view public.ledger_plans as
select
  plans.id,
  plans.app_id,
  plans.tenant_id,
  plans.slug,
  plans.name,
  plans.description,
  plans.status,
  plans.currency,
  plans.features,
  plans.pricing,
  plans.billing_interval,
  plans.interval_count,
  plans.trial_days,
  plans.anchor_at_trial_end,
  plans.add_on,
  plans.version,
  plans.metadata,
  plans.created_at,
  plans.updated_at
from pgledger.plans
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view public.ledger_plans is
  'One row a plan: what a subscription to it gives and what it costs.';
comment on column public.ledger_plans.id is 'Public id: plan_ and a ULID.';
comment on column public.ledger_plans.app_id is 'App that it belongs to.';
comment on column public.ledger_plans.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column public.ledger_plans.slug is 'Name in addresses and code, for example pro.';
comment on column public.ledger_plans.name is 'Name for people.';
comment on column public.ledger_plans.description is 'Text for people, or null.';
comment on column public.ledger_plans.status is
  'State; subscriptions keep an archived plan, and no new one may take it; one of: active, '
  'archived.';
comment on column public.ledger_plans.currency is 'Currency of every amount in pricing.';
comment on column public.ledger_plans.features is
  'JSON array of features and their limits, as given.';
comment on column public.ledger_plans.pricing is
  'JSON object of base fee and prices, as given.';
comment on column public.ledger_plans.billing_interval is
  'Unit of the billing period; one of: day, week, month, year.';
comment on column public.ledger_plans.interval_count is 'Units in a billing period.';
comment on column public.ledger_plans.trial_days is
  'Days of trial that a new subscription gets.';
comment on column public.ledger_plans.anchor_at_trial_end is
  'Whether billing periods count from the end of the trial rather than from its start.';
comment on column public.ledger_plans.add_on is
  'Whether a tenant may have it beside another active subscription.';
comment on column public.ledger_plans.version is 'Counts changes, from 1.';
comment on column public.ledger_plans.metadata is 'JSON object of the app''s own, or null.';
comment on column public.ledger_plans.created_at is 'When it was created.';
comment on column public.ledger_plans.updated_at is 'When it was last changed.';

revoke all on table public.ledger_plans from public;
grant select on table public.ledger_plans to pgledger_reader;

-- file: repeatable/20_catalogue/views/ledger_tenant_features.sql
/*
The features that a tenant's own database role may see: the tenant's, its app's, and those of all
apps. Guarded as ledger_tenant_plans is.
*/
create or replace view public.ledger_tenant_features with (security_barrier) as
select
  features.id,
  features.app_id,
  features.tenant_id,
  features.key,
  features.name,
  features.description,
  features.type,
  features.aggregation,
  features.unique_key,
  features.status,
  features.version,
  features.metadata,
  features.created_at,
  features.updated_at
from pgledger.features
inner join pgledger.tenant_roles as mapped
  on
    features.app_id in ('*', mapped.app_id) and features.tenant_id in ('', mapped.tenant_id)
where mapped.role_name = current_user;

comment on view public.ledger_tenant_features is
  'Features that the tenant of the current database role can have: its own, its app''s and '
  'global ones.';
comment on column public.ledger_tenant_features.id is 'Public id: feat_ and a ULID.';
comment on column public.ledger_tenant_features.app_id is
  'App that it belongs to; * for all apps.';
comment on column public.ledger_tenant_features.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column public.ledger_tenant_features.key is
  'Name in plans and usage events, for example api_calls.';
comment on column public.ledger_tenant_features.name is 'Name for people.';
comment on column public.ledger_tenant_features.description is 'Text for people, or null.';
comment on column public.ledger_tenant_features.type is
  'What it is. boolean: on or off. metered: usage adds up over a period. seat: a level. One of: '
  'boolean, metered, seat.';
comment on column public.ledger_tenant_features.aggregation is
  'How usage of a metered feature is counted (null for other types); one of: sum, count, max, '
  'unique_count, latest, or null.';
comment on column public.ledger_tenant_features.unique_key is
  'Member of an event''s metadata whose different values unique_count counts, or null.';
comment on column public.ledger_tenant_features.status is
  'State; no new plan may contain an archived feature; one of: active, archived.';
comment on column public.ledger_tenant_features.version is 'Counts changes, from 1.';
comment on column public.ledger_tenant_features.metadata is
  'JSON object of the app''s own, or null.';
comment on column public.ledger_tenant_features.created_at is 'When it was created.';
comment on column public.ledger_tenant_features.updated_at is 'When it was last changed.';

revoke all on table public.ledger_tenant_features from public;
grant select on table public.ledger_tenant_features to pgledger_tenant;
alter view public.ledger_tenant_features owner to pgledger_tenant_views;

-- file: repeatable/20_catalogue/views/ledger_tenant_plans.sql
/*
The plans that a tenant's own database role may see: the tenant's custom deals, and its app's plans.

Like all views ledger_tenant_*, it is guarded twice. The row-security policies of the tables bind
its owner, pgledger_tenant_views. The view's own condition also holds in a database without
pgledger's roles. Both go by current_user, which no setting changes. The view is a security barrier,
so that functions of the reader's own cannot see rows of other tenants.
*/
create or replace view public.ledger_tenant_plans with (security_barrier) as
select
  plans.id,
  plans.app_id,
  plans.tenant_id,
  plans.slug,
  plans.name,
  plans.description,
  plans.status,
  plans.currency,
  plans.features,
  plans.pricing,
  plans.billing_interval,
  plans.interval_count,
  plans.trial_days,
  plans.anchor_at_trial_end,
  plans.add_on,
  plans.version,
  plans.metadata,
  plans.created_at,
  plans.updated_at
from pgledger.plans
inner join pgledger.tenant_roles as mapped
  on plans.app_id = mapped.app_id and plans.tenant_id in ('', mapped.tenant_id)
where mapped.role_name = current_user;

comment on view public.ledger_tenant_plans is
  'Plans that the tenant of the current database role can have: its own, and its app''s.';
comment on column public.ledger_tenant_plans.id is 'Public id: plan_ and a ULID.';
comment on column public.ledger_tenant_plans.app_id is 'App that it belongs to.';
comment on column public.ledger_tenant_plans.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column public.ledger_tenant_plans.slug is
  'Name in addresses and code, for example pro.';
comment on column public.ledger_tenant_plans.name is 'Name for people.';
comment on column public.ledger_tenant_plans.description is 'Text for people, or null.';
comment on column public.ledger_tenant_plans.status is
  'State; subscriptions keep an archived plan, and no new one may take it; one of: active, '
  'archived.';
comment on column public.ledger_tenant_plans.currency is
  'Currency of every amount in pricing.';
comment on column public.ledger_tenant_plans.features is
  'JSON array of features and their limits, as given.';
comment on column public.ledger_tenant_plans.pricing is
  'JSON object of base fee and prices, as given.';
comment on column public.ledger_tenant_plans.billing_interval is
  'Unit of the billing period; one of: day, week, month, year.';
comment on column public.ledger_tenant_plans.interval_count is 'Units in a billing period.';
comment on column public.ledger_tenant_plans.trial_days is
  'Days of trial that a new subscription gets.';
comment on column public.ledger_tenant_plans.anchor_at_trial_end is
  'Whether billing periods count from the end of the trial rather than from its start.';
comment on column public.ledger_tenant_plans.add_on is
  'Whether a tenant may have it beside another active subscription.';
comment on column public.ledger_tenant_plans.version is 'Counts changes, from 1.';
comment on column public.ledger_tenant_plans.metadata is
  'JSON object of the app''s own, or null.';
comment on column public.ledger_tenant_plans.created_at is 'When it was created.';
comment on column public.ledger_tenant_plans.updated_at is 'When it was last changed.';

revoke all on table public.ledger_tenant_plans from public;
grant select on table public.ledger_tenant_plans to pgledger_tenant;
alter view public.ledger_tenant_plans owner to pgledger_tenant_views;

-- file: repeatable/21_prices/check_price_usage.sql
/*
Refuses what ledger_price_usage cannot price. The order of the checks is that of the arguments.

Errors: NullArgument, InvalidPlan, InvalidQuantity, InvalidArgument.
*/
create or replace function pgledger.check_price_usage(
  price jsonb,
  quantity numeric,
  allowance numeric,
  exponent integer
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  -- Named as the argument is, because $ itself is a plan in other messages.
  v_path constant text := '$.price';
  v_ok boolean;
begin
  if price is null then
    v_ok := pgledger.fail('NullArgument', array['price']);
  end if;
  v_ok := pgledger.check_json_size(price, v_path, false);
  v_ok := pgledger.check_price_object(price, v_path);
  if jsonb_typeof(price -> 'feature') <> 'null' then
    perform pgledger.json_text(price, v_path, 'feature');
  end if;
  v_ok := pgledger.check_price(price, v_path);
  v_ok := pgledger.check_json_size(price, v_path, true);

  v_ok := pgledger.check_quantity('quantity', quantity);
  v_ok := pgledger.check_quantity('allowance', allowance);
  if exponent not between 0 and 18 then
    v_ok := pgledger.fail(
      'InvalidArgument', array['exponent', exponent::text, 'it is not between 0 and 18']
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_price_usage is
  'Raises the first thing that is wrong with a price and the usage that it is asked about.';

revoke all on function pgledger.check_price_usage from public;

-- file: repeatable/21_prices/ledger_price_usage.sql
/*
With an exponent, each line is the difference of two rounded running totals. So the lines add up to
the rounded total, and where a minimum or a maximum decides, that total is just this, rounded.
*/
create or replace function public.ledger_price_usage(
  price jsonb,
  quantity numeric,
  allowance numeric default 0,
  exponent integer default null
)
returns setof public.ledger_price_line
language sql
immutable
parallel safe
rows 3
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
  select pgledger.check_price_usage(
    ledger_price_usage.price,
    ledger_price_usage.quantity,
    ledger_price_usage.allowance,
    ledger_price_usage.exponent
  );

  with exact as (
    select
      part.place,
      part.kind,
      part.description,
      part.quantity,
      part.unit_amount,
      part.flat_amount,
      part.amount,
      sum(part.amount) over (order by part.place) as total
    from pgledger.price_lines(
      ledger_price_usage.price,
      trim_scale(greatest(ledger_price_usage.quantity - ledger_price_usage.allowance, 0))
    ) with ordinality as part (
      kind, description, quantity, unit_amount, flat_amount, amount, place
    )
  ),
  rounded as (
    select
      exact.place,
      exact.kind,
      exact.description,
      exact.quantity,
      exact.unit_amount,
      exact.flat_amount,
      case
        when ledger_price_usage.exponent is null then exact.amount
        else
          round(exact.total, ledger_price_usage.exponent)
          - round(exact.total - exact.amount, ledger_price_usage.exponent)
      end as amount
    from exact
  )
  -- What is missing to a minimum may be too little to charge: it is rounded to 0.
  select
    rounded.place::integer,
    rounded.kind,
    rounded.description,
    rounded.quantity,
    rounded.unit_amount,
    rounded.flat_amount,
    rounded.amount
  from rounded
  where rounded.kind = 'usage' or rounded.amount <> 0
  order by rounded.place
$$;

comment on function public.ledger_price_usage is
$$Says what usage costs by a price, as an invoice would.

It reads nothing but its arguments, so a price can be tried before any plan
has it.

price: JSON object of a price as a plan's pricing has it, with or without its
  feature, for example {"model": "per_unit", "unit_amount": "0.001"}.
quantity: How much was used, 0 or more.
allowance: How much of it is free, 0 or more.
exponent: Decimal places that amounts are rounded to, half away from zero, so
  that the lines add up to the rounded total, 0 to 18; null for exact amounts.

Returns: A line for each tier that is reached, in order; then one with what is
  missing to the minimum, or what is above the maximum, if anything is. The
  amount of a line of usage is quantity * unit_amount + flat_amount; the
  quantity of packages is their number.

Errors: NullArgument, InvalidPlan (the price is not valid; the message names
  the path), InvalidQuantity (the quantity or the allowance is not in range),
  InvalidArgument (the exponent is out of range).$$;

revoke all on function public.ledger_price_usage from public;
grant execute on function public.ledger_price_usage to pgledger_reader;

-- file: repeatable/21_prices/price_amounts.sql
/*
What usage costs, exactly, in three sums: that of all tiers, what is missing to the minimum, and
what is above the maximum (0 or less). The caller knows the price to be sound.
*/
create or replace function pgledger.price_amounts(
  price jsonb,
  quantity numeric,
  out amount numeric,
  out true_up numeric,
  out cap numeric
)
language plpgsql
immutable
parallel safe
as $$
begin
  select
    coalesce(sum(line.amount) filter (where line.kind = 'usage'), 0),
    coalesce(sum(line.amount) filter (where line.kind = 'true_up'), 0),
    coalesce(sum(line.amount) filter (where line.kind = 'cap'), 0)
  into price_amounts.amount, price_amounts.true_up, price_amounts.cap
  from pgledger.price_lines(price, quantity) as line;
end;
$$;

comment on function pgledger.price_amounts is
  'What usage costs by a price, exactly: the usage, and what a minimum or maximum adds to that.';

revoke all on function pgledger.price_amounts from public;

-- file: repeatable/21_prices/price_description.sql
/*
Says in words what a price, or one of its tiers, is for. A tier is named by its bounds, which need
not be whole numbers: what is above one tier begins right after it.
*/
create or replace function pgledger.price_description(
  price jsonb,
  above numeric,
  up_to numeric
)
returns text
language sql
immutable
parallel safe
as $$
  select case price ->> 'model'
    when 'flat' then 'flat amount'
    when 'per_unit' then 'per unit'
    when 'percentage' then trim_scale((price ->> 'percentage')::numeric)::text || ' %'
    when 'package' then
      'packages of ' || trim_scale((price ->> 'package_size')::numeric)::text
      || coalesce(
        ', first ' || nullif(trim_scale((price ->> 'free')::numeric), 0)::text || ' free', ''
      )
    else case
      when above = 0 and up_to is null then 'any quantity'
      when above = 0 then 'up to ' || trim_scale(up_to)::text
      when up_to is null then 'above ' || trim_scale(above)::text
      else 'above ' || trim_scale(above)::text || ' up to ' || trim_scale(up_to)::text
    end
  end
$$;

comment on function pgledger.price_description is
  'What a price, or its tier between those bounds, is for, in words.';

revoke all on function pgledger.price_description from public;

-- file: repeatable/21_prices/price_lines.sql
/*
What usage costs, exactly: a row for each tier that it reaches (`usage`), in order; then one with
what is missing to the minimum (`true_up`) or what is above the maximum (`cap`, negative), if
anything is. The caller knows the price to be sound.

The amount of a usage row is quantity * unit_amount + flat_amount; what the price does not have is
null, and counts as 0. The quantity of packages is their number. Any usage, zero included, reaches
the first tier. A price without tiers is read as its own single tier: both have their amounts under
the same names.
*/
create or replace function pgledger.price_lines(
  price jsonb,
  used numeric
)
returns table (
  kind text,
  description text,
  quantity numeric,
  unit_amount numeric,
  flat_amount numeric,
  amount numeric
)
language plpgsql
immutable
parallel safe
rows 3
as $$
declare
  v_model text := price ->> 'model';
  v_tiers jsonb := coalesce(nullif(price -> 'tiers', 'null'), jsonb_build_array(price));
  v_tier jsonb;
  v_above numeric;
  v_up_to numeric := 0;
  v_total numeric := 0;
  v_to_pack numeric := greatest(used - coalesce((price ->> 'free')::numeric, 0), 0);
  v_size numeric := (price ->> 'package_size')::numeric;
  v_minimum numeric := (price ->> 'minimum')::numeric;
  v_maximum numeric := (price ->> 'maximum')::numeric;
begin
  kind := 'usage';
  for v_place in 0 .. jsonb_array_length(v_tiers) - 1 loop
    v_tier := v_tiers -> v_place;
    v_above := v_up_to;
    v_up_to := (v_tier ->> 'up_to')::numeric;
    exit when v_place > 0 and used <= v_above;
    continue when v_model = 'volume' and used > v_up_to;

    description := pgledger.price_description(price, v_above, v_up_to);
    quantity := case v_model
      when 'volume' then used
      -- Packages begun. div() and mod() are exact; a rounded quotient could be one too low.
      when 'package' then div(v_to_pack, v_size) + sign(mod(v_to_pack, v_size))
      else least(used, v_up_to) - v_above
    end;
    unit_amount := coalesce(
      (v_tier ->> 'unit_amount')::numeric,
      (v_tier ->> 'package_amount')::numeric,
      (v_tier ->> 'percentage')::numeric * 0.01
    );
    flat_amount := (v_tier ->> 'flat_amount')::numeric;
    amount := quantity * coalesce(unit_amount, 0) + coalesce(flat_amount, 0);
    v_total := v_total + amount;
    return next;
  end loop;

  quantity := null;
  unit_amount := null;
  flat_amount := null;
  if v_total < v_minimum then
    kind := 'true_up';
    description := 'minimum of ' || trim_scale(v_minimum)::text;
    amount := v_minimum - v_total;
    return next;
  elsif v_total > v_maximum then
    kind := 'cap';
    description := 'maximum of ' || trim_scale(v_maximum)::text;
    amount := v_maximum - v_total;
    return next;
  end if;
end;
$$;

comment on function pgledger.price_lines is
  'What usage costs by a price, exactly, tier by tier, and what a minimum or maximum adds to it.';

revoke all on function pgledger.price_lines from public;

-- file: repeatable/22_subscriptions/advance_subscription.sql
/*
Moves a subscription to what it is at that time, inclusive: writes each change that has become due
by the clock, in the order in which it happened, and returns the subscription. The caller has locked
its row, and writes it itself unless to_store.

At one and the same time, a trial ends first, then a cancellation takes effect, and only what goes
on starts a period. Each of these is a change of its own, so that no period is left out, however
late the call is.
*/
create or replace function pgledger.advance_subscription(
  subscription pgledger.subscriptions,
  until timestamptz,
  to_store boolean default true
)
returns pgledger.subscriptions
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_version bigint := subscription.version;
  v_now timestamptz;
  v_at timestamptz;
  v_change text;
begin
  while subscription.due_at <= until loop
    v_now := coalesce(v_now, pgledger.clock());
    v_at := subscription.due_at;

    if subscription.status = 'trialing' and subscription.trial_end = v_at then
      v_change := 'trial_ended';
      subscription.status := 'active';
    elsif subscription.cancel_at = v_at then
      v_change := 'canceled';
      subscription.status := 'canceled';
      subscription.paused_at := null;
      subscription.ended_at := v_at;
    else
      v_change := 'period_started';
      select period.number, period.starts_at, period.ends_at
      into
        subscription.period_number,
        subscription.current_period_start,
        subscription.current_period_end
      from pgledger.subscription_period(subscription, v_at) as period;
    end if;

    subscription := pgledger.note_subscription_change(subscription, v_change, v_at, v_now);
  end loop;

  if to_store and subscription.version > v_version then
    perform pgledger.write_subscription(subscription);
  end if;
  return subscription;
end;
$$;

comment on function pgledger.advance_subscription is
  'Moves a locked subscription to that time: ends of trials, cancellations and periods due.';

revoke all on function pgledger.advance_subscription from public;

-- file: repeatable/22_subscriptions/check_new_subscription.sql
/*
Refuses a request for a subscription that has a wrong value. The order of the checks is that of the
arguments.

Errors: NullArgument, InvalidTime, InvalidArgument, InvalidQuantity, InvalidMetadata, InvalidId,
InvalidInvoice.
*/
create or replace function pgledger.check_new_subscription(
  request pgledger.subscriptions,
  trial_days integer
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_started_fault text := coalesce(
    pgledger.time_fault(request.started_at),
    case when request.started_at > request.created_at then 'it is in the future' end
  );
  v_anchor_fault text := pgledger.time_fault(request.anchor_at);
  v_ok boolean;
begin
  if request.started_at is not null and v_started_fault is not null then
    v_ok := pgledger.fail(
      'InvalidTime', array['started_at', request.started_at::text, v_started_fault]
    );
  elsif request.anchor_at is not null and v_anchor_fault is not null then
    v_ok := pgledger.fail(
      'InvalidTime', array['anchor_at', request.anchor_at::text, v_anchor_fault]
    );
  end if;

  v_ok := pgledger.check_time_zone(request.time_zone);
  if trial_days not between 0 and 3650 then
    v_ok := pgledger.fail(
      'InvalidArgument', array['trial_days', trial_days::text, 'it is not between 0 and 3650']
    );
  end if;
  v_ok := pgledger.check_subscription_quantity(request.quantity);
  v_ok := pgledger.check_metadata(request.metadata);
  if request.id is not null then
    v_ok := pgledger.check_id('id', request.id, 'sub');
  end if;
  return pgledger.check_tax_rates(request.tax_rates);
end;
$$;

comment on function pgledger.check_new_subscription is
  'Raises the first thing that is wrong with a value of a request for a subscription.';

revoke all on function pgledger.check_new_subscription from public;

-- file: repeatable/22_subscriptions/check_plan_change.sql
/*
Refuses a plan that a subscription cannot be moved to: one of another currency, an add-on in place
of a plan that is none, or the other way round.

Errors: InvalidArgument.
*/
create or replace function pgledger.check_plan_change(
  subscription pgledger.subscriptions,
  plan pgledger.plans
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_currency text := (
    select plans.currency from pgledger.plans where plans.key = subscription.plan_key
  );
  v_fault text;
  v_ok boolean;
begin
  if plan.currency <> v_currency then
    v_fault := format(
      'its currency is %s, and the subscription''s is %s', plan.currency, v_currency
    );
  elsif plan.add_on and not subscription.add_on then
    v_fault := 'it is an add-on, and the subscription''s is not';
  elsif subscription.add_on and not plan.add_on then
    v_fault := 'it is not an add-on, and the subscription''s is';
  end if;

  if v_fault is not null then
    v_ok := pgledger.fail('InvalidArgument', array['plan_id', quote_literal(plan.id), v_fault]);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_plan_change is
  'Raises InvalidArgument unless a subscription can be moved to that plan.';

revoke all on function pgledger.check_plan_change from public;

-- file: repeatable/22_subscriptions/check_subscription_quantity.sql
/*
Refuses a quantity in which a plan cannot be taken. It has the bounds of an amount, and is above 0.

Errors: NullArgument, InvalidQuantity.
*/
create or replace function pgledger.check_subscription_quantity(quantity numeric)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text := pgledger.amount_fault(quantity);
  v_ok boolean;
begin
  if quantity is null then
    v_ok := pgledger.fail('NullArgument', array['quantity']);
  elsif v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidQuantity', array['quantity', pgledger.abridged(quantity::text), v_fault]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_subscription_quantity is
  'Raises NullArgument or InvalidQuantity unless a plan can be taken in that quantity.';

revoke all on function pgledger.check_subscription_quantity from public;

-- file: repeatable/22_subscriptions/end_overdue_subscription.sql
/*
Ends a tenant's live subscription whose cancellation is due but not written yet, so that another one
can become live. The subscription with the given id, if any, is moved to now as well.

Locks both FOR NO KEY UPDATE, ascending by id.
*/
create or replace function pgledger.end_overdue_subscription(
  app_id text,
  tenant_id text,
  id text default null
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_key bigint;
begin
  for v_key in
    select subscriptions.key
    from pgledger.subscriptions
    where subscriptions.app_id = end_overdue_subscription.app_id
      and subscriptions.tenant_id = end_overdue_subscription.tenant_id
      and (
        subscriptions.id = end_overdue_subscription.id
        or (
          not subscriptions.add_on
          and subscriptions.status in ('trialing', 'active')
          and subscriptions.cancel_at <= v_now
        )
      )
    order by subscriptions.id
    for no key update
  loop
    perform pgledger.advance_subscription(
      (select subscriptions from pgledger.subscriptions where subscriptions.key = v_key), v_now
    );
  end loop;
end;
$$;

comment on function pgledger.end_overdue_subscription is
  'Ends a tenant''s live subscription whose cancellation is due, so that another can be live.';

revoke all on function pgledger.end_overdue_subscription from public;

-- file: repeatable/22_subscriptions/insert_subscription.sql
/*
Creates the subscription that a checked request asks for, moves it to now if it starts in the past,
and returns its key. If the same call, made at the same time, has created it meanwhile, that
subscription's key is returned.

Locks the plan FOR SHARE. If another call is creating one with the same id, or another live one for
the tenant, this waits for it. Either constraint may be the one in conflict, so none is named.
Errors: NullArgument, InvalidId, PlanNotFound, Archived, InvalidTime, IdempotencyConflict,
ActiveSubscriptionExists.
*/
create or replace function pgledger.insert_subscription(
  request pgledger.subscriptions,
  plan_id text,
  trial_days integer
)
returns bigint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_plan pgledger.plans := pgledger.subscribable_plan(request.app_id, request.tenant_id, plan_id);
  v_new pgledger.subscriptions := pgledger.new_subscription(request, v_plan, trial_days);
  v_ok boolean;
begin
  insert into pgledger.subscriptions (
    id, app_id, tenant_id, plan_key, add_on, status, quantity, started_at, anchor_at, time_zone,
    billing_interval, interval_count, period_number, current_period_start, current_period_end,
    trial_end, due_at, tax_rates, invoice_due_at, advance_at, metadata, created_at, updated_at
  )
  values (
    v_new.id, v_new.app_id, v_new.tenant_id, v_new.plan_key, v_new.add_on, v_new.status,
    v_new.quantity, v_new.started_at, v_new.anchor_at, v_new.time_zone, v_new.billing_interval,
    v_new.interval_count, v_new.period_number, v_new.current_period_start,
    v_new.current_period_end, v_new.trial_end, v_new.due_at, v_new.tax_rates,
    v_new.started_at, v_new.started_at, v_new.metadata, v_new.created_at, v_new.created_at
  )
  on conflict do nothing
  returning subscriptions.key into v_new.key;

  if v_new.key is null then
    v_new.key := pgledger.repeated_subscription(request, plan_id, trial_days);
    if v_new.key is null then
      v_ok := pgledger.refuse_second_subscription(request.app_id, request.tenant_id);
    end if;
    return v_new.key;
  end if;

  v_new := pgledger.note_subscription_change(
    v_new, 'created', v_new.started_at, v_new.created_at
  );
  perform pgledger.advance_subscription(v_new, v_new.created_at);
  return v_new.key;
end;
$$;

comment on function pgledger.insert_subscription is
  'Creates the subscription that a checked request asks for, and returns its key.';

revoke all on function pgledger.insert_subscription from public;

-- file: repeatable/22_subscriptions/ledger_cancel_subscription.sql
/*
A paused subscription whose period is over ends at once, because that period does not come back.
Nothing is written if the subscription is already cancelled in that way, or has ended.

Locks the subscription, and first writes what has become due for it.
Checks, in this order: app_id, tenant_id, id, existence, at_period_end, unused_time.
*/
create or replace function public.ledger_cancel_subscription(
  app_id text,
  tenant_id text,
  id text,
  at_period_end boolean default true,
  unused_time text default 'none'
)
returns public.ledger_subscription
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.subscriptions := pgledger.lock_subscription(app_id, tenant_id, id);
  v_now timestamptz := pgledger.subscription_clock(v_old);
  v_new pgledger.subscriptions := pgledger.advance_subscription(v_old, v_now);
  v_ok boolean;
begin
  if at_period_end is null then
    v_ok := pgledger.fail('NullArgument', array['at_period_end']);
  end if;
  v_ok := pgledger.check_choice('unused_time', unused_time, array['none', 'credit', 'refund']);
  if at_period_end and unused_time <> 'none' then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'unused_time', quote_literal(unused_time), 'at the end of the period no time is unused'
      ]
    );
  elsif v_new.status = 'canceled' or (at_period_end and v_new.cancel_at is not null) then
    return pgledger.subscription_with_key(v_new.key);
  end if;

  v_new.canceled_at := v_now;
  v_new.unused_time := unused_time;
  v_new.cancel_at := case
    when not at_period_end then v_now
    when v_new.trial_end > v_now then v_new.trial_end
    else greatest(v_new.current_period_end, v_now)
  end;

  if v_new.cancel_at > v_now then
    v_new := pgledger.note_subscription_change(v_new, 'cancellation_scheduled', v_now, v_now);
  else
    v_new.status := 'canceled';
    v_new.paused_at := null;
    v_new.ended_at := v_now;
    v_new := pgledger.note_subscription_change(v_new, 'canceled', v_now, v_now);
  end if;
  return pgledger.store_subscription(v_new);
end;
$$;

comment on function public.ledger_cancel_subscription is
$$Cancels a subscription, at the end of its period or at once.

Until it has ended, ledger_resume_subscription takes the cancellation back.

app_id: App.
tenant_id: Tenant whose it is.
id: Id of the subscription.
at_period_end: Whether the current period, or during a trial the trial, goes
  to its end first; false ends the subscription at once.
unused_time: What becomes of a base fee that was paid in advance for time
  after an end at once: it is kept, credited or to be refunded, on the invoice
  of the last period; one of: none, credit, refund.

Returns: The subscription; the same call again changes nothing.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidArgument (there is no such
  unused_time, or it is not none although the period goes to its end).$$;

revoke all on function public.ledger_cancel_subscription from public;
grant execute on function public.ledger_cancel_subscription to pgledger_poster;

-- file: repeatable/22_subscriptions/ledger_change_plan.sql
/*
Nothing is written if the subscription has the plan already, even if it has ended.

Locks the subscription, then the plan FOR SHARE; in between writes what has become due.
Checks, in this order: app_id, tenant_id, id, existence, plan_id, status, plan.
*/
create or replace function public.ledger_change_plan(
  app_id text,
  tenant_id text,
  id text,
  plan_id text
)
returns public.ledger_subscription
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.subscriptions := pgledger.lock_subscription(app_id, tenant_id, id);
  v_now timestamptz := pgledger.subscription_clock(v_old);
  v_new pgledger.subscriptions := pgledger.advance_subscription(v_old, v_now);
  v_plan pgledger.plans;
  v_ok boolean;
begin
  v_ok := pgledger.check_id('plan_id', plan_id, 'plan');
  if exists (
    select
    from pgledger.plans
    where plans.key = v_new.plan_key and plans.id = ledger_change_plan.plan_id
  ) then
    return pgledger.subscription_with_key(v_new.key);
  elsif v_new.status = 'canceled' then
    v_ok := pgledger.refuse_subscription_change(v_new, 'one of plan ' || plan_id);
  end if;

  v_plan := pgledger.subscribable_plan(app_id, tenant_id, plan_id);
  v_ok := pgledger.check_plan_change(v_new, v_plan);

  if pgledger.interval_length(v_plan.billing_interval, v_plan.interval_count)
    <> pgledger.interval_length(v_new.billing_interval, v_new.interval_count)
    and (v_now < v_new.trial_end and v_new.anchor_at = v_new.trial_end) is not true then
    v_new.anchor_at := v_now;
    v_new.period_number := 0;
    v_new.current_period_start := v_now;
    v_new.current_period_end := pgledger.period_boundary(
      v_now, v_new.time_zone, v_plan.billing_interval, v_plan.interval_count, 1
    );
  end if;

  v_new.plan_key := v_plan.key;
  v_new.billing_interval := v_plan.billing_interval;
  v_new.interval_count := v_plan.interval_count;
  v_new := pgledger.note_subscription_change(v_new, 'plan_changed', v_now, v_now);
  return pgledger.store_subscription(v_new);
end;
$$;

comment on function public.ledger_change_plan is
$$Moves a subscription to another plan, now.

If the other plan's billing interval is as long, periods stay as they are; if
not, a new period starts now. A trial that is going on ends when it was to
end, and if periods count from its end they still do. A pause or a decided
cancellation stays.

app_id: App.
tenant_id: Tenant whose it is.
id: Id of the subscription.
plan_id: Id of the plan to move to: one for the whole app, or the tenant's
  own, of the same currency, and an add-on if the present one is.

Returns: The subscription; it does not change if it has the plan already.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidState (it is canceled),
  PlanNotFound (there is no such plan for this app and tenant), Archived (the
  plan is archived), InvalidArgument (the plan has another currency, or one of
  both is an add-on).$$;

revoke all on function public.ledger_change_plan from public;
grant execute on function public.ledger_change_plan to pgledger_poster;

-- file: repeatable/22_subscriptions/ledger_create_subscription.sql
/*
A repeated call is refused if anything that it asks for differs. One that starts in the past is
moved to now by the rules of ledger_advance.

Locks the tenant's live subscription, if its cancellation is due, then the plan FOR SHARE.
Checks, in this order: app_id, tenant_id, plan_id, started_at, anchor_at, time_zone, trial_days,
quantity, metadata, id, tax_rates, repeat, plan, whether the tenant has a live subscription.
*/
create or replace function public.ledger_create_subscription(
  app_id text,
  tenant_id text,
  plan_id text,
  started_at timestamptz default null,
  anchor_at timestamptz default null,
  time_zone text default 'UTC',
  trial_days integer default null,
  quantity numeric default 1,
  metadata jsonb default null,
  id text default null,
  tax_rates jsonb default '[]'
)
returns public.ledger_subscription
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_request pgledger.subscriptions;
  v_key bigint;
  v_ok boolean;
begin
  v_request.id := id;
  v_request.app_id := app_id;
  v_request.tenant_id := tenant_id;
  v_request.quantity := quantity;
  v_request.started_at := started_at;
  v_request.anchor_at := anchor_at;
  v_request.time_zone := time_zone;
  v_request.metadata := metadata;
  v_request.tax_rates := tax_rates;
  v_request.created_at := pgledger.clock();

  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_id('plan_id', plan_id, 'plan');
  v_ok := pgledger.check_new_subscription(v_request, trial_days);

  v_key := pgledger.repeated_subscription(v_request, plan_id, trial_days);
  if v_key is null then
    perform pgledger.end_overdue_subscription(app_id, tenant_id);
    v_key := pgledger.insert_subscription(v_request, plan_id, trial_days);
  end if;

  return pgledger.subscription_with_key(v_key);
end;
$$;

comment on function public.ledger_create_subscription is
$$Subscribes a tenant to a plan, from now or from a time in the past.

A tenant has at most one subscription that is trialing or active, and any
number of add-ons beside it. What has happened since a start in the past, such
as the end of the trial and new periods, is written down at once.

Call it in FROM: (ledger_create_subscription(...)).* calls it once for every
column.

app_id: App.
tenant_id: Tenant who subscribes.
plan_id: Id of the plan: one for the whole app, or the tenant's own.
started_at: Start of the first period, not in the future and at most 10,000
  periods ago; null for now.
anchor_at: Boundary that periods are counted from, which may make the first
  one shorter; null for the end of the trial if the plan says so, and else for
  the start.
time_zone: Zone in whose days and months periods are counted: UTC, or a name
  of the IANA database such as Europe/Berlin.
trial_days: Days of trial, 0 to 3650; null for the plan's.
quantity: How many times the plan is taken, above 0.
metadata: JSON object of the app's own, at most 64 KiB, or null.
id: Id that the caller chooses, sub_ and a ULID, so that the call can be
  repeated: it then returns the subscription as it is now; null for a new one.
tax_rates: JSON array of the tax rates of its invoices, at most 20, for
  example [{"name": "Sales tax", "percentage": "8.25",
  "applies_to": ["base", "api_calls"]}]. A percentage is from 0 to 100.
  applies_to names features, and base for base fees; without it a rate is on
  everything. An invoice may be given others.

Returns: The subscription.

Errors: NullArgument, InvalidScope, InvalidId, InvalidTime (started_at is in
  the future or too long ago, or a time is outside the years 1 to 9999),
  InvalidArgument (the time zone or the days of trial are not valid),
  InvalidQuantity (the quantity is not in range), InvalidMetadata,
  InvalidInvoice (tax_rates are not valid; the message names the path),
  IdempotencyConflict (the id is taken by a different subscription),
  PlanNotFound (there is no such plan for this app and tenant), Archived (the
  plan is archived), ActiveSubscriptionExists (neither the tenant's
  subscription nor this one is an add-on).$$;

revoke all on function public.ledger_create_subscription from public;
grant execute on function public.ledger_create_subscription to pgledger_poster;

-- file: repeatable/22_subscriptions/ledger_get_active_subscription.sql
/*
There is at most one: a unique index holds that. No lock is taken and nothing is written, so the
answer looks at cancel_at itself.
*/
create or replace function public.ledger_get_active_subscription(
  app_id text,
  tenant_id text
)
returns setof public.ledger_subscription
language plpgsql
stable
parallel safe
rows 1
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);

  select subscriptions.key
  into v_key
  from pgledger.subscriptions
  where subscriptions.app_id = ledger_get_active_subscription.app_id
    and subscriptions.tenant_id = ledger_get_active_subscription.tenant_id
    and not subscriptions.add_on
    and subscriptions.status in ('trialing', 'active')
    and (subscriptions.cancel_at > v_now or subscriptions.cancel_at is null);

  if found then
    return next pgledger.subscription_with_key(v_key);
  end if;
end;
$$;

comment on function public.ledger_get_active_subscription is
$$Returns what a tenant is subscribed to now, add-ons left out.

One whose cancellation is due does not count any more, even if its end is not
written down yet.

app_id: App.
tenant_id: Tenant whose it is.

Returns: The subscription that is trialing or active and not an add-on, or no
  row.

Errors: NullArgument, InvalidScope.$$;

revoke all on function public.ledger_get_active_subscription from public;
grant execute on function public.ledger_get_active_subscription to pgledger_reader;

-- file: repeatable/22_subscriptions/ledger_get_subscription.sql
/*
Checks, in this order: app_id, tenant_id, id, existence.
*/
create or replace function public.ledger_get_subscription(
  app_id text,
  tenant_id text,
  id text
)
returns public.ledger_subscription
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_id('id', id, 'sub');

  select subscriptions.key
  into v_key
  from pgledger.subscriptions
  where subscriptions.id = ledger_get_subscription.id
    and subscriptions.app_id = ledger_get_subscription.app_id
    and subscriptions.tenant_id = ledger_get_subscription.tenant_id;

  if not found then
    v_ok := pgledger.fail(
      'SubscriptionNotFound', array[id, pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;

  return pgledger.subscription_with_key(v_key);
end;
$$;

comment on function public.ledger_get_subscription is
$$Returns a subscription of a tenant, as it is written down.

app_id: App.
tenant_id: Tenant whose it is.
id: Id of the subscription.

Returns: The subscription.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription).$$;

revoke all on function public.ledger_get_subscription from public;
grant execute on function public.ledger_get_subscription to pgledger_reader;

-- file: repeatable/22_subscriptions/ledger_list_subscriptions.sql
/*
Checks, in this order: app_id, tenant_id, status, page_size, page_offset.
*/
create or replace function public.ledger_list_subscriptions(
  app_id text,
  tenant_id text,
  status text default null,
  page_size integer default 100,
  page_offset bigint default 0
)
returns setof public.ledger_subscription
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  if status is not null then
    v_ok := pgledger.check_choice(
      'status', status, array['trialing', 'active', 'paused', 'canceled']
    );
  end if;
  v_ok := pgledger.check_page(page_size, page_offset);

  return query
  select
    subscriptions.id, subscriptions.app_id, subscriptions.tenant_id, plans.id, plans.slug,
    subscriptions.status, subscriptions.quantity, subscriptions.started_at,
    subscriptions.anchor_at, subscriptions.time_zone, subscriptions.billing_interval,
    subscriptions.interval_count, subscriptions.current_period_start,
    subscriptions.current_period_end, subscriptions.trial_end, subscriptions.cancel_at,
    subscriptions.canceled_at, subscriptions.paused_at, subscriptions.ended_at,
    subscriptions.add_on, subscriptions.unused_time, subscriptions.tax_rates,
    subscriptions.version, subscriptions.metadata,
    subscriptions.created_at, subscriptions.updated_at
  from pgledger.subscriptions
  inner join pgledger.plans on subscriptions.plan_key = plans.key
  where subscriptions.app_id = ledger_list_subscriptions.app_id
    and subscriptions.tenant_id = ledger_list_subscriptions.tenant_id
    and (
      ledger_list_subscriptions.status is null
      or subscriptions.status = ledger_list_subscriptions.status
    )
  order by subscriptions.id
  limit ledger_list_subscriptions.page_size
  offset ledger_list_subscriptions.page_offset;
end;
$$;

comment on function public.ledger_list_subscriptions is
$$Returns a page of a tenant's subscriptions, the oldest first.

They are as they are written down. The order is that of their ids, which for
generated ids is that of creation.

app_id: App.
tenant_id: Tenant whose they are.
status: Which ones; one of: trialing, active, paused, canceled; null for all.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them, 0 or more.

Returns: The subscriptions of the page.

Errors: NullArgument, InvalidScope, InvalidArgument (there is no such status),
  InvalidPage.$$;

revoke all on function public.ledger_list_subscriptions from public;
grant execute on function public.ledger_list_subscriptions to pgledger_reader;

-- file: repeatable/22_subscriptions/ledger_pause_subscription.sql
/*
Nothing is written if the subscription is paused already.

Locks the subscription, and first writes what has become due for it.
Checks, in this order: app_id, tenant_id, id, existence, status.
*/
create or replace function public.ledger_pause_subscription(
  app_id text,
  tenant_id text,
  id text
)
returns public.ledger_subscription
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.subscriptions := pgledger.lock_subscription(app_id, tenant_id, id);
  v_now timestamptz := pgledger.subscription_clock(v_old);
  v_new pgledger.subscriptions := pgledger.advance_subscription(v_old, v_now);
  v_ok boolean;
begin
  if v_new.status = 'paused' then
    return pgledger.subscription_with_key(v_new.key);
  elsif v_new.status = 'canceled' then
    v_ok := pgledger.refuse_subscription_change(v_new, 'paused');
  end if;

  v_new.status := 'paused';
  v_new.paused_at := v_now;
  v_new := pgledger.note_subscription_change(v_new, 'paused', v_now, v_now);
  return pgledger.store_subscription(v_new);
end;
$$;

comment on function public.ledger_pause_subscription is
$$Pauses a subscription: it gives nothing until it is resumed.

No period of it begins meanwhile. The days of its trial go by, and a decided
cancellation still ends it.

app_id: App.
tenant_id: Tenant whose it is.
id: Id of the subscription.

Returns: The subscription; a second call changes nothing.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidState (it is canceled).$$;

revoke all on function public.ledger_pause_subscription from public;
grant execute on function public.ledger_pause_subscription to pgledger_poster;

-- file: repeatable/22_subscriptions/ledger_resume_subscription.sql
/*
A trial that is over by now is over: nothing moves by the length of the pause. Nothing is written if
the subscription goes on anyway.

Locks the subscription, and the tenant's live one if its cancellation is due, ascending by id; first
writes what has become due for both.
Checks, in this order: app_id, tenant_id, id, existence, status, whether the tenant has another live
subscription.
*/
create or replace function public.ledger_resume_subscription(
  app_id text,
  tenant_id text,
  id text
)
returns public.ledger_subscription
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz;
  v_new pgledger.subscriptions;
  v_change text := 'resumed';
  v_ok boolean;
begin
  perform pgledger.end_overdue_subscription(app_id, tenant_id, id);
  v_new := pgledger.lock_subscription(app_id, tenant_id, id);
  v_now := pgledger.subscription_clock(v_new);
  v_new := pgledger.advance_subscription(v_new, v_now);

  if v_new.status = 'canceled' then
    v_ok := pgledger.refuse_subscription_change(v_new, 'active');
  elsif v_new.status = 'paused' then
    v_new.status := case when v_new.trial_end > v_now then 'trialing' else 'active' end;
    v_new.paused_at := null;
    select period.number, period.starts_at, period.ends_at
    into v_new.period_number, v_new.current_period_start, v_new.current_period_end
    from pgledger.subscription_period(v_new, v_now) as period;
  elsif v_new.cancel_at is not null then
    v_change := 'cancellation_withdrawn';
  else
    return pgledger.subscription_with_key(v_new.key);
  end if;

  v_new.cancel_at := null;
  v_new.canceled_at := null;
  v_new := pgledger.note_subscription_change(v_new, v_change, v_now, v_now);
  begin
    return pgledger.store_subscription(v_new);
  exception
    when unique_violation then
      v_ok := pgledger.refuse_second_subscription(app_id, tenant_id);
  end;
end;
$$;

comment on function public.ledger_resume_subscription is
$$Resumes a paused subscription, or takes back a cancellation that is not due.

Its periods are counted as if it had not been paused.

app_id: App.
tenant_id: Tenant whose it is.
id: Id of the subscription.

Returns: The subscription, in the period that now lies in.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidState (it has ended),
  ActiveSubscriptionExists (the tenant has taken another one meanwhile).$$;

revoke all on function public.ledger_resume_subscription from public;
grant execute on function public.ledger_resume_subscription to pgledger_poster;

-- file: repeatable/22_subscriptions/ledger_update_subscription.sql
/*
Nothing is written if all three values are so already.

Locks the subscription, and first writes what has become due for it.
Checks, in this order: app_id, tenant_id, id, existence, quantity, metadata, tax_rates, status.
*/
create or replace function public.ledger_update_subscription(
  app_id text,
  tenant_id text,
  id text,
  quantity numeric default null,
  metadata jsonb default null,
  tax_rates jsonb default null
)
returns public.ledger_subscription
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.subscriptions := pgledger.lock_subscription(app_id, tenant_id, id);
  v_now timestamptz := pgledger.subscription_clock(v_old);
  v_new pgledger.subscriptions := pgledger.advance_subscription(v_old, v_now);
  v_ok boolean;
begin
  if quantity is not null then
    v_ok := pgledger.check_subscription_quantity(quantity);
  end if;
  v_ok := pgledger.check_metadata(metadata);
  if tax_rates is not null then
    v_ok := pgledger.check_tax_rates(tax_rates);
  end if;

  if (
    coalesce(quantity, v_new.quantity),
    coalesce(metadata, v_new.metadata),
    coalesce(tax_rates, v_new.tax_rates)
  ) is not distinct from (v_new.quantity, v_new.metadata, v_new.tax_rates) then
    return pgledger.subscription_with_key(v_new.key);
  elsif v_new.status = 'canceled' then
    v_ok := pgledger.refuse_subscription_change(v_new, 'updated');
  end if;

  v_new.quantity := coalesce(quantity, v_new.quantity);
  v_new.metadata := coalesce(metadata, v_new.metadata);
  v_new.tax_rates := coalesce(tax_rates, v_new.tax_rates);
  v_new := pgledger.note_subscription_change(v_new, 'updated', v_now, v_now);
  return pgledger.store_subscription(v_new);
end;
$$;

comment on function public.ledger_update_subscription is
$$Changes a subscription's quantity, metadata or tax rates.

What is null stays as it is; what is given replaces what there was, as a
whole.

app_id: App.
tenant_id: Tenant whose it is.
id: Id of the subscription.
quantity: How many times the plan is taken, above 0; the current period's
  invoice prorates the change, or null.
metadata: JSON object of the app's own, at most 64 KiB, or null.
tax_rates: JSON array of the tax rates of invoices still to be drawn up, as
  for ledger_create_subscription, or null.

Returns: The subscription; with the same version as before if nothing changed.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidQuantity (the quantity is not in
  range), InvalidMetadata, InvalidInvoice (tax_rates are not valid; the
  message names the path), InvalidState (it is canceled).$$;

revoke all on function public.ledger_update_subscription from public;
grant execute on function public.ledger_update_subscription to pgledger_poster;

-- file: repeatable/22_subscriptions/lock_subscription.sql
/*
A tenant's subscription, its row locked FOR NO KEY UPDATE. The caller reads the clock after that,
and then writes what has become due.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound.
*/
create or replace function pgledger.lock_subscription(
  app_id text,
  tenant_id text,
  id text
)
returns pgledger.subscriptions
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_id('id', id, 'sub');

  perform
  from pgledger.subscriptions
  where subscriptions.id = lock_subscription.id
    and subscriptions.app_id = lock_subscription.app_id
    and subscriptions.tenant_id = lock_subscription.tenant_id
  for no key update;
  if not found then
    v_ok := pgledger.fail(
      'SubscriptionNotFound', array[id, pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;

  return (
    select subscriptions
    from pgledger.subscriptions
    where subscriptions.id = lock_subscription.id
  );
end;
$$;

comment on function pgledger.lock_subscription is
  'A tenant''s subscription, locked to be changed; raises SubscriptionNotFound.';

revoke all on function pgledger.lock_subscription from public;

-- file: repeatable/22_subscriptions/new_subscription.sql
/*
The subscription that a checked request asks for, with what it leaves out taken from the plan: as it
is at its start, with version 0, to be inserted. Its trial counts from its start. Its periods count
from the anchor requested, or else from the end of the trial if the plan says so, or else from its
start.

Errors: InvalidTime.
*/
create or replace function pgledger.new_subscription(
  request pgledger.subscriptions,
  plan pgledger.plans,
  trial_days integer
)
returns pgledger.subscriptions
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_new pgledger.subscriptions := request;
  v_ok boolean;
begin
  v_new.id := coalesce(request.id, 'sub_' || pgledger.new_ulid(request.created_at));
  v_new.plan_key := plan.key;
  v_new.add_on := plan.add_on;
  v_new.billing_interval := plan.billing_interval;
  v_new.interval_count := plan.interval_count;
  v_new.started_at := coalesce(request.started_at, request.created_at);
  v_new.trial_end := pgledger.trial_end(
    v_new.started_at, v_new.time_zone, coalesce(trial_days, plan.trial_days)
  );
  v_new.anchor_at := coalesce(
    request.anchor_at,
    case when plan.anchor_at_trial_end then v_new.trial_end end,
    v_new.started_at
  );
  v_new.status := case when v_new.trial_end is null then 'active' else 'trialing' end;
  select period.number, period.starts_at, period.ends_at
  into v_new.period_number, v_new.current_period_start, v_new.current_period_end
  from pgledger.subscription_period(v_new, v_new.started_at) as period;
  v_new.due_at := pgledger.subscription_due_at(v_new);
  v_new.unused_time := 'none';
  v_new.invoiced_version := 0;
  v_new.version := 0;

  -- Each period since the start will be a row.
  if (
    pgledger.subscription_period(v_new, v_new.created_at)
  ).number > v_new.period_number + 10000 then
    v_ok := pgledger.fail(
      'InvalidTime',
      array['started_at', v_new.started_at::text, 'it is more than 10000 periods ago']
    );
  end if;
  return v_new;
end;
$$;

comment on function pgledger.new_subscription is
  'The subscription that a request asks for, defaults filled in, as it is at its start.';

revoke all on function pgledger.new_subscription from public;

-- file: repeatable/22_subscriptions/note_subscription_change.sql
/*
Writes a change of a subscription, which is given as it is after that. Returns it with its next
version, with the time of what is due next, and with the time at which ledger_advance has to look at
it. The subscription is locked, or new; the caller writes its own row.
*/
create or replace function pgledger.note_subscription_change(
  subscription pgledger.subscriptions,
  change text,
  occurred_at timestamptz,
  created_at timestamptz
)
returns pgledger.subscriptions
language plpgsql
volatile
parallel unsafe
as $$
begin
  subscription.version := subscription.version + 1;
  subscription.updated_at := created_at;
  subscription.due_at := pgledger.subscription_due_at(subscription);
  subscription.invoice_due_at := case
    when change in (
      'created', 'trial_ended', 'period_started', 'plan_changed', 'resumed', 'canceled'
    ) then coalesce(least(subscription.invoice_due_at, occurred_at), occurred_at)
    -- The period's usage is billed at its end, even though no other period follows.
    when change = 'paused'
      then coalesce(subscription.invoice_due_at, subscription.current_period_end)
    else subscription.invoice_due_at
  end;
  subscription.advance_at := least(subscription.due_at, subscription.invoice_due_at);

  insert into pgledger.subscription_changes (
    subscription_key, version, change, occurred_at, created_at, app_id, tenant_id, status,
    plan_key, quantity, period_number, period_start, period_end, whole_start
  )
  values (
    subscription.key,
    subscription.version,
    note_subscription_change.change,
    note_subscription_change.occurred_at,
    note_subscription_change.created_at,
    subscription.app_id,
    subscription.tenant_id,
    subscription.status,
    subscription.plan_key,
    subscription.quantity,
    subscription.period_number,
    subscription.current_period_start,
    subscription.current_period_end,
    pgledger.whole_period_start(subscription)
  );

  return subscription;
end;
$$;

comment on function pgledger.note_subscription_change is
  'Writes a change of a subscription, and returns it with its next version and due times.';

revoke all on function pgledger.note_subscription_change from public;

-- file: repeatable/22_subscriptions/refuse_second_subscription.sql
/*
Raises that a tenant can have no other live subscription.

Errors: ActiveSubscriptionExists.
*/
create or replace function pgledger.refuse_second_subscription(app_id text, tenant_id text)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  return pgledger.fail(
    'ActiveSubscriptionExists',
    array[quote_literal(pgledger.abridged(tenant_id)), pgledger.in_app(app_id)]
  );
end;
$$;

comment on function pgledger.refuse_second_subscription is
  'Raises that a tenant can have no other live subscription.';

revoke all on function pgledger.refuse_second_subscription from public;

-- file: repeatable/22_subscriptions/refuse_subscription_change.sql
/*
Raises that a subscription cannot become what was asked for, because of its status. The message puts
the target after "cannot become".

Errors: InvalidState.
*/
create or replace function pgledger.refuse_subscription_change(
  subscription pgledger.subscriptions,
  target text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  return pgledger.fail(
    'InvalidState', array['subscription', subscription.id, subscription.status, target]
  );
end;
$$;

comment on function pgledger.refuse_subscription_change is
  'Raises InvalidState: a subscription of its status cannot become what was asked for.';

revoke all on function pgledger.refuse_subscription_change from public;

-- file: repeatable/22_subscriptions/repeated_subscription.sql
/*
The key of the subscription that an earlier call with that id has created, or null if none has. The
request is compared with what was created, as far as that is still known: an anchor until the plan
was changed, metadata until something was updated. What the request leaves to a default is not
compared, because defaults change: with the clock, or with the plan's trial.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.repeated_subscription(
  request pgledger.subscriptions,
  plan_id text,
  trial_days integer
)
returns bigint
language plpgsql
stable
parallel safe
as $$
declare
  v_key bigint;
  v_is_same boolean;
  v_ok boolean;
begin
  select
    subscriptions.key,
    (subscriptions.app_id, subscriptions.tenant_id, subscriptions.time_zone)
    = (request.app_id, request.tenant_id, request.time_zone)
    and (plans.id, created.quantity) = (repeated_subscription.plan_id, request.quantity)
    and subscriptions.started_at = coalesce(request.started_at, subscriptions.started_at)
    and (
      repeated_subscription.trial_days is null
      or subscriptions.trial_end is not distinct from pgledger.trial_end(
        subscriptions.started_at, subscriptions.time_zone, repeated_subscription.trial_days
      )
    )
    and (
      subscriptions.anchor_at = coalesce(request.anchor_at, subscriptions.anchor_at)
      or exists (
        select
        from pgledger.subscription_changes as later
        where later.subscription_key = subscriptions.key and later.change = 'plan_changed'
      )
    )
    and (
      subscriptions.metadata is not distinct from request.metadata
      or exists (
        select
        from pgledger.subscription_changes as later
        where later.subscription_key = subscriptions.key and later.change = 'updated'
      )
    )
  into v_key, v_is_same
  from pgledger.subscriptions
  inner join pgledger.subscription_changes as created
    on subscriptions.key = created.subscription_key and created.version = 1
  inner join pgledger.plans on created.plan_key = plans.key
  where subscriptions.id = request.id;

  if not v_is_same then
    v_ok := pgledger.fail('IdempotencyConflict', array[request.id]);
  end if;
  return v_key;
end;
$$;

comment on function pgledger.repeated_subscription is
  'Key of the subscription that has that id already, or null; raises if another request '
  'created it.';

revoke all on function pgledger.repeated_subscription from public;

-- file: repeatable/22_subscriptions/store_subscription.sql
/*
Writes a subscription, as it is given, over its locked row, and returns it as applications see it. A
caller that makes one live again has to expect a violation of the unique index of live ones.
*/
create or replace function pgledger.store_subscription(subscription pgledger.subscriptions)
returns public.ledger_subscription
language plpgsql
volatile
parallel unsafe
as $$
begin
  perform pgledger.write_subscription(subscription);
  return pgledger.subscription_with_key(subscription.key);
end;
$$;

comment on function pgledger.store_subscription is
  'Writes a changed subscription over its locked row, and returns it as applications see it.';

revoke all on function pgledger.store_subscription from public;

-- file: repeatable/22_subscriptions/subscribable_plan.sql
/*
A plan that a tenant can subscribe to: one for the whole app or the tenant's own, and not archived.
Locked FOR SHARE, so that meanwhile it is not archived and its billing interval does not change.

Errors: NullArgument, InvalidId, PlanNotFound, Archived.
*/
create or replace function pgledger.subscribable_plan(
  app_id text,
  tenant_id text,
  plan_id text
)
returns pgledger.plans
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_plan pgledger.plans;
  v_ok boolean;
begin
  v_ok := pgledger.check_id('plan_id', plan_id, 'plan');

  perform
  from pgledger.plans
  where plans.id = subscribable_plan.plan_id
    and plans.app_id = subscribable_plan.app_id
    and plans.tenant_id in (subscribable_plan.tenant_id, '')
  for share;
  if not found then
    v_ok := pgledger.fail('PlanNotFound', array[plan_id, pgledger.in_catalogue(app_id, tenant_id)]);
  end if;

  v_plan := (select plans from pgledger.plans where plans.id = subscribable_plan.plan_id);
  if v_plan.status = 'archived' then
    v_ok := pgledger.fail('Archived', array['plan', plan_id]);
  end if;
  return v_plan;
end;
$$;

comment on function pgledger.subscribable_plan is
  'A plan that a tenant can subscribe to, locked; raises PlanNotFound or Archived.';

revoke all on function pgledger.subscribable_plan from public;

-- file: repeatable/22_subscriptions/subscription_clock.sql
/*
The time that counts for a subscription: never before what was last written about it, and never
before its current period, even if the clock was put back. Otherwise a day could be billed twice.
*/
create or replace function pgledger.subscription_clock(subscription pgledger.subscriptions)
returns timestamptz
language sql
volatile
parallel unsafe
as $$
  select greatest(
    pgledger.clock(), subscription.updated_at, subscription.current_period_start
  )
$$;

comment on function pgledger.subscription_clock is
  'The time that counts for a subscription: never before what was last written about it.';

revoke all on function pgledger.subscription_clock from public;

-- file: repeatable/22_subscriptions/subscription_due_at.sql
/*
When the next thing happens to a subscription by the clock alone. While it is paused, its periods
stand still and its trial does not end, but a cancellation still takes effect.
*/
create or replace function pgledger.subscription_due_at(subscription pgledger.subscriptions)
returns timestamptz
language sql
immutable
parallel safe
as $$
  select case subscription.status
    when 'trialing'
      then least(subscription.trial_end, subscription.cancel_at, subscription.current_period_end)
    when 'active' then least(subscription.cancel_at, subscription.current_period_end)
    when 'paused' then subscription.cancel_at
  end
$$;

comment on function pgledger.subscription_due_at is
  'Earliest of trial end, period end and cancellation that is still to come, or null.';

revoke all on function pgledger.subscription_due_at from public;

-- file: repeatable/22_subscriptions/subscription_period.sql
/*
The period of a subscription that a time lies in. A trial that ends at the anchor is one period,
however long it is: the last one before the anchor. No period begins before the subscription.
*/
create or replace function pgledger.subscription_period(
  subscription pgledger.subscriptions,
  at timestamptz,
  out number integer,
  out starts_at timestamptz,
  out ends_at timestamptz
)
language plpgsql
stable
parallel safe
as $$
begin
  if at < subscription.trial_end and subscription.anchor_at = subscription.trial_end then
    number := -1;
    starts_at := subscription.started_at;
    ends_at := subscription.trial_end;
    return;
  end if;

  select period.number, greatest(period.starts_at, subscription.started_at), period.ends_at
  into number, starts_at, ends_at
  from pgledger.period_at(
    subscription.anchor_at,
    subscription.time_zone,
    subscription.billing_interval,
    subscription.interval_count,
    at
  ) as period;
end;
$$;

comment on function pgledger.subscription_period is
  'Number, start and end of the period of a subscription that a time lies in.';

revoke all on function pgledger.subscription_period from public;

-- file: repeatable/22_subscriptions/subscription_with_key.sql
/*
The subscription with that internal key as applications see it, or null.
*/
create or replace function pgledger.subscription_with_key(key bigint)
returns public.ledger_subscription
language sql
stable
parallel safe
as $$
  select
    subscriptions.id, subscriptions.app_id, subscriptions.tenant_id, plans.id, plans.slug,
    subscriptions.status, subscriptions.quantity, subscriptions.started_at,
    subscriptions.anchor_at, subscriptions.time_zone, subscriptions.billing_interval,
    subscriptions.interval_count, subscriptions.current_period_start,
    subscriptions.current_period_end, subscriptions.trial_end, subscriptions.cancel_at,
    subscriptions.canceled_at, subscriptions.paused_at, subscriptions.ended_at,
    subscriptions.add_on, subscriptions.unused_time, subscriptions.tax_rates,
    subscriptions.version, subscriptions.metadata,
    subscriptions.created_at, subscriptions.updated_at
  from pgledger.subscriptions
  inner join pgledger.plans on subscriptions.plan_key = plans.key
  where subscriptions.key = subscription_with_key.key
$$;

comment on function pgledger.subscription_with_key is
  'The subscription with that internal key as applications see it, or null.';

revoke all on function pgledger.subscription_with_key from public;

-- file: repeatable/22_subscriptions/trial_end.sql
/*
When a trial of that many days ends, counted in days of the time zone; null for no trial.
*/
create or replace function pgledger.trial_end(
  started_at timestamptz,
  time_zone text,
  trial_days integer
)
returns timestamptz
language sql
stable
parallel safe
as $$
  select case
    when trial_days > 0 then pgledger.period_boundary(started_at, time_zone, 'day', trial_days, 1)
  end
$$;

comment on function pgledger.trial_end is 'When a trial of that many days ends; null for no trial.';

revoke all on function pgledger.trial_end from public;

-- file: repeatable/22_subscriptions/write_subscription.sql
/*
Writes a subscription, as it is given, over its locked row. Columns that never change are left out.
*/
create or replace function pgledger.write_subscription(subscription pgledger.subscriptions)
returns void
language plpgsql
volatile
parallel unsafe
as $$
begin
  update pgledger.subscriptions
  set
    plan_key = subscription.plan_key,
    status = subscription.status,
    quantity = subscription.quantity,
    anchor_at = subscription.anchor_at,
    billing_interval = subscription.billing_interval,
    interval_count = subscription.interval_count,
    period_number = subscription.period_number,
    current_period_start = subscription.current_period_start,
    current_period_end = subscription.current_period_end,
    cancel_at = subscription.cancel_at,
    canceled_at = subscription.canceled_at,
    paused_at = subscription.paused_at,
    ended_at = subscription.ended_at,
    due_at = subscription.due_at,
    unused_time = subscription.unused_time,
    tax_rates = subscription.tax_rates,
    invoiced_version = subscription.invoiced_version,
    invoice_due_at = subscription.invoice_due_at,
    advance_at = subscription.advance_at,
    version = subscription.version,
    metadata = subscription.metadata,
    updated_at = subscription.updated_at
  where subscriptions.key = subscription.key;
end;
$$;

comment on function pgledger.write_subscription is
  'Writes a changed subscription over its locked row.';

revoke all on function pgledger.write_subscription from public;

-- file: repeatable/22_subscriptions/views/ledger_subscription_changes.sql
/*
What happened to subscriptions, as applications see it. Columns never change.
*/
create or replace view public.ledger_subscription_changes as
select
  subscriptions.id as subscription_id,
  subscription_changes.app_id,
  subscription_changes.tenant_id,
  subscription_changes.version,
  subscription_changes.change,
  subscription_changes.occurred_at,
  subscription_changes.status,
  plans.id as plan_id,
  subscription_changes.quantity,
  subscription_changes.period_start,
  subscription_changes.period_end,
  subscription_changes.created_at
from pgledger.subscription_changes
inner join pgledger.subscriptions
  on subscription_changes.subscription_key = subscriptions.key
inner join pgledger.plans on subscription_changes.plan_key = plans.key
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view public.ledger_subscription_changes is
  'One row each time a subscription changed: what happened, and what it was afterwards.';
comment on column public.ledger_subscription_changes.subscription_id is
  'Id of the subscription.';
comment on column public.ledger_subscription_changes.app_id is 'App.';
comment on column public.ledger_subscription_changes.tenant_id is 'Tenant who subscribes.';
comment on column public.ledger_subscription_changes.version is
  'The subscription''s version after the change: 1, 2, 3 and so on without a gap.';
comment on column public.ledger_subscription_changes.change is
  'What happened; one of: created, updated, plan_changed, trial_ended, period_started, '
  'cancellation_scheduled, cancellation_withdrawn, canceled, paused, resumed.';
comment on column public.ledger_subscription_changes.occurred_at is
  'When it took effect; for a change that the clock makes due, the boundary itself.';
comment on column public.ledger_subscription_changes.status is 'Status afterwards.';
comment on column public.ledger_subscription_changes.plan_id is 'Id of the plan afterwards.';
comment on column public.ledger_subscription_changes.quantity is 'Quantity afterwards.';
comment on column public.ledger_subscription_changes.period_start is
  'Start of the period afterwards.';
comment on column public.ledger_subscription_changes.period_end is
  'End of the period afterwards.';
comment on column public.ledger_subscription_changes.created_at is 'When it was written down.';

revoke all on table public.ledger_subscription_changes from public;
grant select on table public.ledger_subscription_changes to pgledger_reader;

-- file: repeatable/22_subscriptions/views/ledger_subscriptions.sql
/*
Subscriptions as applications see them: what is written down. Columns never change.
*/
create or replace view public.ledger_subscriptions as
select
  subscriptions.id,
  subscriptions.app_id,
  subscriptions.tenant_id,
  plans.id as plan_id,
  plans.slug as plan_slug,
  subscriptions.status,
  subscriptions.quantity,
  subscriptions.started_at,
  subscriptions.anchor_at,
  subscriptions.time_zone,
  subscriptions.billing_interval,
  subscriptions.interval_count,
  subscriptions.current_period_start,
  subscriptions.current_period_end,
  subscriptions.trial_end,
  subscriptions.cancel_at,
  subscriptions.canceled_at,
  subscriptions.paused_at,
  subscriptions.ended_at,
  subscriptions.add_on,
  subscriptions.unused_time,
  subscriptions.tax_rates,
  subscriptions.version,
  subscriptions.metadata,
  subscriptions.created_at,
  subscriptions.updated_at
from pgledger.subscriptions
inner join pgledger.plans on subscriptions.plan_key = plans.key
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view public.ledger_subscriptions is
  'One row a subscription. What the clock has decided since (a trial, a period or the subscription '
  'is over) stands here once ledger_advance, or a call that changes it, has written it down.';
comment on column public.ledger_subscriptions.id is 'Public id: sub_ and a ULID.';
comment on column public.ledger_subscriptions.app_id is 'App.';
comment on column public.ledger_subscriptions.tenant_id is 'Tenant who subscribes.';
comment on column public.ledger_subscriptions.plan_id is 'Id of the current plan.';
comment on column public.ledger_subscriptions.plan_slug is 'Slug of the current plan.';
comment on column public.ledger_subscriptions.status is
  'State; canceled is final; one of: trialing, active, paused, canceled.';
comment on column public.ledger_subscriptions.quantity is 'How many times the plan is taken.';
comment on column public.ledger_subscriptions.started_at is
  'Start of the first period or trial.';
comment on column public.ledger_subscriptions.anchor_at is
  'Boundary 0 of its periods: every other boundary is a whole number of billing periods from it.';
comment on column public.ledger_subscriptions.time_zone is
  'IANA time zone in which the days and months of its periods are counted.';
comment on column public.ledger_subscriptions.billing_interval is
  'Unit of the billing period; one of: day, week, month, year.';
comment on column public.ledger_subscriptions.interval_count is 'Units in a billing period.';
comment on column public.ledger_subscriptions.current_period_start is
  'Start of the current period, inclusive.';
comment on column public.ledger_subscriptions.current_period_end is
  'End of the current period, exclusive.';
comment on column public.ledger_subscriptions.trial_end is
  'When the trial ends or ended (null without a trial), or null.';
comment on column public.ledger_subscriptions.cancel_at is
  'When it will end, if that is decided, or null.';
comment on column public.ledger_subscriptions.canceled_at is
  'When its cancellation was asked for, or null.';
comment on column public.ledger_subscriptions.paused_at is 'Since when it is paused, or null.';
comment on column public.ledger_subscriptions.ended_at is 'When it ended, or null.';
comment on column public.ledger_subscriptions.add_on is
  'Whether the plan was an add-on when it was taken: others may be active beside it.';
comment on column public.ledger_subscriptions.unused_time is
  'What becomes of time that was paid and is left unused by an immediate cancellation; one of: '
  'none, credit, refund.';
comment on column public.ledger_subscriptions.tax_rates is
  'JSON array of the tax rates of its invoices, as given; an invoice may be given others.';
comment on column public.ledger_subscriptions.version is 'Counts changes, from 1.';
comment on column public.ledger_subscriptions.metadata is
  'JSON object of the app''s own, or null.';
comment on column public.ledger_subscriptions.created_at is 'When it was created.';
comment on column public.ledger_subscriptions.updated_at is 'When it was last changed.';

revoke all on table public.ledger_subscriptions from public;
grant select on table public.ledger_subscriptions to pgledger_reader;

-- file: repeatable/22_subscriptions/views/ledger_tenant_subscription_changes.sql
/*
What happened to the subscriptions that a tenant's own database role may see. Guarded as
ledger_tenant_plans is.
*/
create or replace view public.ledger_tenant_subscription_changes with (security_barrier) as
select
  subscriptions.id as subscription_id,
  subscription_changes.app_id,
  subscription_changes.tenant_id,
  subscription_changes.version,
  subscription_changes.change,
  subscription_changes.occurred_at,
  subscription_changes.status,
  plans.id as plan_id,
  subscription_changes.quantity,
  subscription_changes.period_start,
  subscription_changes.period_end,
  subscription_changes.created_at
from pgledger.subscription_changes
inner join pgledger.tenant_roles as mapped
  on
    subscription_changes.app_id = mapped.app_id
    and subscription_changes.tenant_id = mapped.tenant_id
inner join pgledger.subscriptions on subscription_changes.subscription_key = subscriptions.key
inner join pgledger.plans on subscription_changes.plan_key = plans.key
where mapped.role_name = current_user;

comment on view public.ledger_tenant_subscription_changes is
  'Changes of the subscriptions of the tenant of the current database role, one row each.';
comment on column public.ledger_tenant_subscription_changes.subscription_id is
  'Id of the subscription.';
comment on column public.ledger_tenant_subscription_changes.app_id is 'App.';
comment on column public.ledger_tenant_subscription_changes.tenant_id is
  'Tenant who subscribes.';
comment on column public.ledger_tenant_subscription_changes.version is
  'The subscription''s version after the change: 1, 2, 3 and so on without a gap.';
comment on column public.ledger_tenant_subscription_changes.change is
  'What happened; one of: created, updated, plan_changed, trial_ended, period_started, '
  'cancellation_scheduled, cancellation_withdrawn, canceled, paused, resumed.';
comment on column public.ledger_tenant_subscription_changes.occurred_at is
  'When it took effect; for a change that the clock makes due, the boundary itself.';
comment on column public.ledger_tenant_subscription_changes.status is 'Status afterwards.';
comment on column public.ledger_tenant_subscription_changes.plan_id is
  'Id of the plan afterwards.';
comment on column public.ledger_tenant_subscription_changes.quantity is 'Quantity afterwards.';
comment on column public.ledger_tenant_subscription_changes.period_start is
  'Start of the period afterwards.';
comment on column public.ledger_tenant_subscription_changes.period_end is
  'End of the period afterwards.';
comment on column public.ledger_tenant_subscription_changes.created_at is
  'When it was written down.';

revoke all on table public.ledger_tenant_subscription_changes from public;
grant select on table public.ledger_tenant_subscription_changes to pgledger_tenant;
alter view public.ledger_tenant_subscription_changes owner to pgledger_tenant_views;

-- file: repeatable/22_subscriptions/views/ledger_tenant_subscriptions.sql
/*
Subscriptions that a tenant's own database role may see. Guarded as ledger_tenant_plans is.
*/
create or replace view public.ledger_tenant_subscriptions with (security_barrier) as
select
  subscriptions.id,
  subscriptions.app_id,
  subscriptions.tenant_id,
  plans.id as plan_id,
  plans.slug as plan_slug,
  subscriptions.status,
  subscriptions.quantity,
  subscriptions.started_at,
  subscriptions.anchor_at,
  subscriptions.time_zone,
  subscriptions.billing_interval,
  subscriptions.interval_count,
  subscriptions.current_period_start,
  subscriptions.current_period_end,
  subscriptions.trial_end,
  subscriptions.cancel_at,
  subscriptions.canceled_at,
  subscriptions.paused_at,
  subscriptions.ended_at,
  subscriptions.add_on,
  subscriptions.unused_time,
  subscriptions.tax_rates,
  subscriptions.version,
  subscriptions.metadata,
  subscriptions.created_at,
  subscriptions.updated_at
from pgledger.subscriptions
inner join pgledger.tenant_roles as mapped
  on subscriptions.app_id = mapped.app_id and subscriptions.tenant_id = mapped.tenant_id
inner join pgledger.plans on subscriptions.plan_key = plans.key
where mapped.role_name = current_user;

comment on view public.ledger_tenant_subscriptions is
  'Subscriptions of the tenant of the current database role.';
comment on column public.ledger_tenant_subscriptions.id is 'Public id: sub_ and a ULID.';
comment on column public.ledger_tenant_subscriptions.app_id is 'App.';
comment on column public.ledger_tenant_subscriptions.tenant_id is 'Tenant who subscribes.';
comment on column public.ledger_tenant_subscriptions.plan_id is 'Id of the current plan.';
comment on column public.ledger_tenant_subscriptions.plan_slug is 'Slug of the current plan.';
comment on column public.ledger_tenant_subscriptions.status is
  'State; canceled is final; one of: trialing, active, paused, canceled.';
comment on column public.ledger_tenant_subscriptions.quantity is
  'How many times the plan is taken.';
comment on column public.ledger_tenant_subscriptions.started_at is
  'Start of the first period or trial.';
comment on column public.ledger_tenant_subscriptions.anchor_at is
  'Boundary 0 of its periods: every other boundary is a whole number of billing periods from it.';
comment on column public.ledger_tenant_subscriptions.time_zone is
  'IANA time zone in which the days and months of its periods are counted.';
comment on column public.ledger_tenant_subscriptions.billing_interval is
  'Unit of the billing period; one of: day, week, month, year.';
comment on column public.ledger_tenant_subscriptions.interval_count is
  'Units in a billing period.';
comment on column public.ledger_tenant_subscriptions.current_period_start is
  'Start of the current period, inclusive.';
comment on column public.ledger_tenant_subscriptions.current_period_end is
  'End of the current period, exclusive.';
comment on column public.ledger_tenant_subscriptions.trial_end is
  'When the trial ends or ended (null without a trial), or null.';
comment on column public.ledger_tenant_subscriptions.cancel_at is
  'When it will end, if that is decided, or null.';
comment on column public.ledger_tenant_subscriptions.canceled_at is
  'When its cancellation was asked for, or null.';
comment on column public.ledger_tenant_subscriptions.paused_at is
  'Since when it is paused, or null.';
comment on column public.ledger_tenant_subscriptions.ended_at is 'When it ended, or null.';
comment on column public.ledger_tenant_subscriptions.add_on is
  'Whether the plan was an add-on when it was taken: others may be active beside it.';
comment on column public.ledger_tenant_subscriptions.unused_time is
  'What becomes of time that was paid and is left unused by an immediate cancellation; one of: '
  'none, credit, refund.';
comment on column public.ledger_tenant_subscriptions.tax_rates is
  'JSON array of the tax rates of its invoices, as given; an invoice may be given others.';
comment on column public.ledger_tenant_subscriptions.version is 'Counts changes, from 1.';
comment on column public.ledger_tenant_subscriptions.metadata is
  'JSON object of the app''s own, or null.';
comment on column public.ledger_tenant_subscriptions.created_at is 'When it was created.';
comment on column public.ledger_tenant_subscriptions.updated_at is 'When it was last changed.';

revoke all on table public.ledger_tenant_subscriptions from public;
grant select on table public.ledger_tenant_subscriptions to pgledger_tenant;
alter view public.ledger_tenant_subscriptions owner to pgledger_tenant_views;

-- file: repeatable/23_usage/aggregate_usage.sql
/*
What a tenant's usage of a feature in [starts_at, ends_at) comes to, by the aggregation that is
asked for or else by the feature's own, which is returned too. A feature that exists and was never
used comes to zero.
Errors: NullArgument, InvalidArgument, FeatureNotFound.
*/
create or replace function pgledger.aggregate_usage(
  app_id text,
  tenant_id text,
  feature_key text,
  starts_at timestamptz,
  ends_at timestamptz,
  inout aggregation text,
  out value numeric
)
language plpgsql
stable
parallel safe
as $$
declare
  v_feature record;
  v_meter record;
  v_ok boolean;
begin
  if feature_key is null then
    v_ok := pgledger.fail('NullArgument', array['feature_key']);
  elsif aggregation not in ('sum', 'count', 'max', 'unique_count', 'latest') then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'aggregation', quote_literal(pgledger.abridged(aggregation)),
        'it is not sum, count, max, unique_count or latest'
      ]
    );
  end if;
  select feature.type, feature.aggregation, feature.unique_key
  into v_feature
  from pgledger.find_feature(app_id, feature_key, tenant_id) as feature;
  if v_feature.type is null then
    v_ok := pgledger.fail(
      'FeatureNotFound',
      array[quote_literal(pgledger.abridged(feature_key)), pgledger.in_app(app_id)]
    );
  end if;
  select meters.key, meters.unique_key
  into v_meter
  from pgledger.meters
  where meters.app_id = aggregate_usage.app_id
    and meters.tenant_id = aggregate_usage.tenant_id
    and meters.feature_key = aggregate_usage.feature_key;
  aggregate_usage.aggregation := coalesce(aggregation, v_feature.aggregation, 'latest');
  if aggregate_usage.aggregation = 'unique_count'
    -- A meter keeps the values that its first feature asked for.
    and (
      case when v_meter.key is null then v_feature.unique_key else v_meter.unique_key end
    ) is null
  then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'aggregation', '''unique_count''',
        format('feature %s has no unique_key to count values of', quote_literal(feature_key))
      ]
    );
  end if;
  aggregate_usage.value := case
    when v_meter.key is null then 0
    else pgledger.usage_between(
      v_meter.key, v_meter.unique_key, aggregate_usage.aggregation, starts_at, ends_at
    )
  end;
end;
$$;

comment on function pgledger.aggregate_usage is
  'What a tenant''s usage of a feature in a range of time comes to, and by which aggregation.';

revoke all on function pgledger.aggregate_usage from public;

-- file: repeatable/23_usage/check_usage_range.sql
/*
Refuses a range of time over which usage cannot be added up: one that is not finite, one that is
empty, and one that splits an hour whose events may have been purged.
Errors: NullArgument, InvalidTime, UsagePurged.
*/
create or replace function pgledger.check_usage_range(
  app_id text,
  tenant_id text,
  starts_at timestamptz,
  ends_at timestamptz
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_purged_before timestamptz;
  v_edge record;
  v_ok boolean;
begin
  for v_edge in
    select edge.name, edge.at, pgledger.time_fault(edge.at) as fault
    from (values (1, 'starts_at', starts_at), (2, 'ends_at', ends_at)) as edge (place, name, at)
    order by edge.place
  loop
    if v_edge.at is null then
      v_ok := pgledger.fail('NullArgument', array[v_edge.name]);
    elsif v_edge.fault is not null then
      v_ok := pgledger.fail('InvalidTime', array[v_edge.name, v_edge.at::text, v_edge.fault]);
    end if;
  end loop;
  if ends_at <= starts_at then
    v_ok := pgledger.fail(
      'InvalidTime',
      array['ends_at', ends_at::text, format('it is not after starts_at %s', starts_at)]
    );
  end if;

  select tenants.purged_before
  into v_purged_before
  from pgledger.tenants
  where tenants.app_id = check_usage_range.app_id
    and tenants.tenant_id = check_usage_range.tenant_id;
  for v_edge in
    select edge.name, edge.at
    from (values (1, 'starts_at', starts_at), (2, 'ends_at', ends_at)) as edge (place, name, at)
    where edge.at < v_purged_before
      and edge.at <> date_bin('1 hour', edge.at, timestamptz '2000-01-01 00:00:00+00')
    order by edge.place
  loop
    v_ok := pgledger.fail(
      'UsagePurged', array[v_edge.name, v_edge.at::text, v_purged_before::text]
    );
  end loop;

  return true;
end;
$$;

comment on function pgledger.check_usage_range is
  'Raises NullArgument, InvalidTime or UsagePurged unless usage can be added up over a range.';

revoke all on function pgledger.check_usage_range from public;

-- file: repeatable/23_usage/count_usage_values.sql
/*
Adds the values that a batch's events have in the named member of their metadata to the sets of
their hours and days.
Locks: values that are new, ascending.
*/
create or replace function pgledger.count_usage_values(
  now timestamptz,
  meter_keys integer[],
  event_ats timestamptz[],
  metadatas jsonb[]
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_origin constant timestamptz := timestamptz '2000-01-01 00:00:00+00';
begin
  insert into pgledger.usage_values (meter_key, span, starts_at, value)
  select distinct
    meters.key,
    bucket.span,
    date_bin(bucket.size, coalesce(event.event_at, now), v_origin) as starts_at,
    event.metadata ->> meters.unique_key as value
  from unnest(meter_keys, event_ats, metadatas) as event (meter_key, event_at, metadata)
  inner join pgledger.meters
    on meters.key = any(meter_keys) and event.meter_key = meters.key
  cross join (values (1, interval '24 hours'), (2, interval '1 hour')) as bucket (span, size)
  where meters.unique_key is not null
  order by meters.key, bucket.span, starts_at, value
  on conflict on constraint usage_values_meter_key_span_starts_at_value_pk do nothing;
end;
$$;

comment on function pgledger.count_usage_values is
  'Adds the values in the metadata of a batch''s events to the sets of their hours and days.';

revoke all on function pgledger.count_usage_values from public;

-- file: repeatable/23_usage/delete_usage_before.sql
/*
Deletes an app's usage events from before a time, at most so many, and returns how many. None that a
tenant's subscriptions still need is deleted. Whole UTC hours are given up: the tenant's purge line
moves behind the hour of the latest event deleted, and nothing older is taken any more, because
idempotency keys are forgotten with their events.

Locks: the events, without those that somebody else is purging; then their tenants, ascending, on
which recording takes no lock. Who records an event whose key is being deleted waits for the end of
the transaction.
*/
create or replace function pgledger.delete_usage_before(
  app_id text,
  before timestamptz,
  max_events integer
)
returns bigint
language plpgsql
volatile
parallel unsafe
-- The index has a meter's events in the order in which they are deleted.
set enable_bitmapscan = off
set enable_seqscan = off
as $$
declare
  v_deleted bigint;
begin
  with doomed as materialized (
    select event.ctid, event.tenant_key, event.event_at
    from (
      select
        meters.key,
        date_bin(
          '1 hour',
          least(before, pgledger.usage_needed_from(meters.app_id, meters.tenant_id)),
          timestamptz '2000-01-01 00:00:00+00'
        ) as before
      from pgledger.meters
      where meters.app_id = delete_usage_before.app_id
        and exists (
          select
          from pgledger.usage_events
          where usage_events.meter_key = meters.key
            and usage_events.event_at < delete_usage_before.before
        )
      offset 0
    ) as line
    cross join lateral (
      select usage_events.ctid, usage_events.tenant_key, usage_events.event_at
      from pgledger.usage_events
      where usage_events.meter_key = line.key
        and usage_events.event_at < line.before
      order by usage_events.event_at
      limit max_events
      for update skip locked
    ) as event
    limit max_events
  ),
  line as materialized (
    select
      doomed.tenant_key,
      date_bin('1 hour', max(doomed.event_at), timestamptz '2000-01-01 00:00:00+00')
      + interval '1 hour' as before
    from doomed
    group by doomed.tenant_key
  ),
  locked as materialized (
    select tenants.key
    from pgledger.tenants
    where tenants.key in (select line.tenant_key from line)
    order by tenants.key
    for no key update
  ),
  moved as (
    update pgledger.tenants
    set purged_before = line.before
    from locked
    inner join line on locked.key = line.tenant_key
    where tenants.key = locked.key and tenants.purged_before < line.before
  )
  delete from pgledger.usage_events
  -- Through the locked tenants, so that none is locked after the first event is deleted.
  where usage_events.ctid = any(
    array(
      select doomed.ctid
      from doomed
      inner join locked on doomed.tenant_key = locked.key
    )
  );
  get diagnostics v_deleted = row_count;
  return v_deleted;
end;
$$;

comment on function pgledger.delete_usage_before is
  'Deletes an app''s usage events from before a time, at most so many, and moves the purge line.';

revoke all on function pgledger.delete_usage_before from public;

-- file: repeatable/23_usage/event_of_key.sql
/*
The id of the usage event that a tenant's idempotency key names, or null if there is none. The event
has to be what the call asks to consume. A seat's event has the level that was reached and not the
quantity that was asked for, so of a seat only the feature is compared.
Errors: IdempotencyConflict.
*/
create or replace function pgledger.event_of_key(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric,
  idempotency_key text
)
returns text
language plpgsql
stable
parallel safe
as $$
declare
  v_event record;
  v_ok boolean;
begin
  select
    pgledger.event_id(usage_events.created_at, usage_events.key) as id,
    meters.feature_key = event_of_key.feature_key
    and (meters.type = 'seat' or usage_events.quantity = event_of_key.quantity) as is_same
  into v_event
  from pgledger.tenants
  inner join pgledger.usage_events on tenants.key = usage_events.tenant_key
  inner join pgledger.meters on usage_events.meter_key = meters.key
  where tenants.app_id = event_of_key.app_id
    and tenants.tenant_id = event_of_key.tenant_id
    and usage_events.idempotency_key = event_of_key.idempotency_key;
  if not v_event.is_same then
    v_ok := pgledger.fail(
      'IdempotencyConflict', array[quote_literal(pgledger.abridged(idempotency_key))]
    );
  end if;
  return v_event.id;
end;
$$;

comment on function pgledger.event_of_key is
  'Id of the usage event that an idempotency key names, or null; raises if it was for something '
  'else.';

revoke all on function pgledger.event_of_key from public;

-- file: repeatable/23_usage/ingest_one_usage.sql
/*
Records one usage event, or raises the error that keeps it out.
Locks: those of pgledger.ingest_usage.
*/
create or replace function pgledger.ingest_one_usage(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric,
  event_at timestamptz,
  idempotency_key text,
  metadata jsonb,
  latest_known_at timestamptz default null,
  out status text,
  out id text
)
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_answer record;
  v_ok boolean;
begin
  select answer.status, answer.id, answer.error, answer.arguments
  into v_answer
  from pgledger.ingest_usage(
    app_id, array[tenant_id], array[feature_key], array[quantity], array[event_at],
    array[idempotency_key], array[metadata], latest_known_at
  ) as answer;
  if v_answer.error is not null then
    v_ok := pgledger.fail(v_answer.error, v_answer.arguments);
  end if;
  ingest_one_usage.status := v_answer.status;
  ingest_one_usage.id := v_answer.id;
end;
$$;

comment on function pgledger.ingest_one_usage is
  'Records one usage event and says what became of it; raises the error that keeps it out.';

revoke all on function pgledger.ingest_one_usage from public;

-- file: repeatable/23_usage/ingest_usage.sql
/*
Records usage events. Each stands for itself: one that is wrong does not keep the others out. One
call writes the events, their roll-ups and their values, so these always agree.

An event may be ahead of the clock by the app's skew, and in any case as far as latest_known_at, the
time of an event that is known already.

An idempotency key belongs to whoever commits first. Who finds it taken by a transaction in progress
waits for the end of that.

Purging: an event older than the tenant's purge line is not taken, because its key may have been
forgotten. A purge that commits while an old event waits for a lock is noticed afterwards, and
raises 40001. A purge that is in progress is not waited for, except at higher isolation levels.

Locks, in this order: those of pgledger.open_meters; meters of seats, ascending; idempotency keys,
ascending by tenant and key; values that are new, ascending; roll-ups, ascending by meter, days
before hours.
Errors: serialization_failure.
*/
create or replace function pgledger.ingest_usage(
  app_id text,
  tenant_ids text[],
  feature_keys text[],
  quantities numeric[],
  event_ats timestamptz[],
  idempotency_keys text[],
  metadatas jsonb[],
  latest_known_at timestamptz default null
)
returns table (event_index bigint, status text, id text, error text, arguments text[])
language plpgsql
volatile
parallel unsafe
-- Plans do not depend on the values, and one call may hold one event or 100,000.
set plan_cache_mode = force_generic_plan
set enable_nestloop = off
set enable_mergejoin = off
set jit = off
as $$
declare
  v_tenant_ids text[] := array(select distinct given.id from unnest(tenant_ids) as given (id));
  v_earliest timestamptz := (select min(given.at) from unnest(event_ats) as given (at));
  v_first_key bigint := nextval('pgledger.usage_calls_seq') << 20;
  v_now timestamptz;
  v_latest timestamptz;
  v_resolved record;
  v_meter_keys integer[];
  v_id_head text;
begin
  for v_look in 1..2 loop
    v_now := pgledger.clock();
    v_latest := greatest(v_now + pgledger.usage_skew(app_id), latest_known_at);
    v_resolved := pgledger.resolve_usage(
      app_id, v_tenant_ids, tenant_ids, feature_keys, quantities, event_ats, idempotency_keys,
      metadatas, v_now, v_latest
    );
    exit when v_look = 2 or not (v_resolved.lacks_meters or v_resolved.has_seats);
    -- The second look sees what was made here or meanwhile. It reads the clock after the locks, so
    -- that a seat's new level is later than all levels before it.
    if v_resolved.lacks_meters then
      perform pgledger.open_meters(app_id, v_tenant_ids, tenant_ids, feature_keys);
    end if;
    perform pgledger.lock_seat_meters(app_id, v_tenant_ids, feature_keys);
  end loop;
  v_meter_keys := pgledger.insert_usage(
    v_first_key, v_now, v_resolved.tenant_keys, v_resolved.meter_keys, quantities, event_ats,
    idempotency_keys, metadatas
  );
  -- Purges stay an hour behind the clock.
  if v_earliest < pgledger.clock() - interval '1 hour'
    and pgledger.usage_was_purged(app_id, v_tenant_ids, tenant_ids, event_ats, v_meter_keys)
  then
    raise exception using
      errcode = '40001',
      message = 'usage was purged while events of that time were being recorded',
      hint = 'Run the transaction again.';
  end if;

  -- The last four characters of an event's id are its place.
  v_id_head := left(pgledger.event_id(v_now, v_first_key), -4);
  if array_position(v_meter_keys, null) is null then
    return query
    select
      place.number,
      'inserted',
      v_id_head
      || pgledger.base32_pair((place.number >> 10)::integer)
      || pgledger.base32_pair((place.number & 1023)::integer),
      null::text,
      null::text[]
    from generate_series(1, cardinality(tenant_ids)::bigint) as place (number);
  else
    return query
    select answer.event_index, answer.status, answer.id, answer.error, answer.arguments
    from pgledger.usage_answers(
      app_id, tenant_ids, feature_keys, quantities, event_ats, idempotency_keys, metadatas, v_now,
      v_latest, v_id_head, v_resolved.tenant_keys, v_resolved.meter_keys, v_meter_keys
    ) as answer;
  end if;

  -- Last, because most other calls that record usage wait for these rows.
  if v_resolved.has_values then
    perform pgledger.count_usage_values(v_now, v_meter_keys, event_ats, metadatas);
  end if;
  perform pgledger.roll_up_usage(v_first_key, v_now, v_meter_keys, quantities, event_ats);
end;
$$;

comment on function pgledger.ingest_usage is
  'Records usage events and their roll-ups; says of each what became of it, and why.';

revoke all on function pgledger.ingest_usage from public;

-- file: repeatable/23_usage/insert_usage.sql
/*
Inserts those events of a batch that have a meter and whose idempotency key is new for the tenant.
Returns the meter of each event that was inserted, in its place, and null in the places of the
others.

As a rule no key is taken, and to ask for each would cost a third of the insert. So all events are
first inserted as if no key were taken. If one is, that insert is undone, and a second one asks for
each key and leaves out the events whose keys are taken.

Locks: idempotency keys, ascending by tenant and key.
*/
create or replace function pgledger.insert_usage(
  first_key bigint,
  now timestamptz,
  tenant_keys integer[],
  meter_keys integer[],
  quantities numeric[],
  event_ats timestamptz[],
  idempotency_keys text[],
  metadatas jsonb[]
)
returns integer[]
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_inserted integer[];
begin
  begin
    insert into pgledger.usage_events (
      key, event_at, created_at, tenant_key, meter_key, quantity, idempotency_key, metadata
    )
    select
      first_key + event.place, coalesce(event.event_at, now), now, event.tenant_key,
      event.meter_key, event.quantity, event.idempotency_key, event.metadata
    from unnest(
      tenant_keys, meter_keys, quantities, event_ats, idempotency_keys, metadatas
    ) with ordinality as event (
      tenant_key, meter_key, quantity, event_at, idempotency_key, metadata, place
    )
    where event.meter_key is not null
    -- In this order, because sessions may wait for each other's keys.
    order by event.tenant_key, event.idempotency_key, event.place;
    return meter_keys;
  exception
    when unique_violation then null;
  end;

  with inserted as (
    insert into pgledger.usage_events (
      key, event_at, created_at, tenant_key, meter_key, quantity, idempotency_key, metadata
    )
    select
      first_key + event.place, coalesce(event.event_at, now), now, event.tenant_key,
      event.meter_key, event.quantity, event.idempotency_key, event.metadata
    from unnest(
      tenant_keys, meter_keys, quantities, event_ats, idempotency_keys, metadatas
    ) with ordinality as event (
      tenant_key, meter_key, quantity, event_at, idempotency_key, metadata, place
    )
    where event.meter_key is not null
    order by event.tenant_key, event.idempotency_key, event.place
    on conflict on constraint usage_events_tenant_key_idempotency_key_key do nothing
    returning usage_events.key, usage_events.meter_key
  )
  select array_agg(inserted.meter_key order by place.number)
  into v_inserted
  from generate_series(1, cardinality(insert_usage.meter_keys)) as place (number)
  left join inserted on first_key + place.number = inserted.key;
  return v_inserted;
end;
$$;

comment on function pgledger.insert_usage is
  'Inserts those events of a batch that have a meter and whose idempotency key is new.';

revoke all on function pgledger.insert_usage from public;

-- file: repeatable/23_usage/latest_usage_between.sql
/*
The quantity of a meter's latest event in [starts_at, ends_at), or zero if there is none. The range
has the parts that it has in pgledger.usage_sums, and of each part only the newest row is read. The
body is long, because it is one query with a branch for each part.
*/
create or replace function pgledger.latest_usage_between(
  meter_key integer,
  starts_at timestamptz,
  ends_at timestamptz
)
returns numeric
language plpgsql
stable
parallel safe
as $$
declare
  v_value numeric;
  v_whole record;
begin
  if starts_at = '-infinity' and ends_at = 'infinity' then
    -- A seat's level is asked for more often than anything, and needs one row.
    select usage_rollups.latest
    into v_value
    from pgledger.usage_rollups
    where usage_rollups.meter_key = latest_usage_between.meter_key and usage_rollups.span = 1
    order by usage_rollups.starts_at desc
    limit 1;
    return coalesce(v_value, 0);
  end if;

  v_whole := pgledger.whole_hours(starts_at, ends_at);
  select part.latest
  into v_value
  from (
    (
      select usage_rollups.latest_at, usage_rollups.latest_key, usage_rollups.latest
      from pgledger.usage_rollups
      where usage_rollups.meter_key = latest_usage_between.meter_key
        and usage_rollups.span = 1
        and usage_rollups.starts_at >= v_whole.first_day
        and usage_rollups.starts_at < v_whole.last_day
      order by usage_rollups.starts_at desc
      limit 1
    )
    union all
    (
      select usage_rollups.latest_at, usage_rollups.latest_key, usage_rollups.latest
      from pgledger.usage_rollups
      where usage_rollups.meter_key = latest_usage_between.meter_key
        and usage_rollups.span = 2
        and usage_rollups.starts_at >= v_whole.first_hour
        and usage_rollups.starts_at < least(v_whole.first_day, v_whole.last_hour)
      order by usage_rollups.starts_at desc
      limit 1
    )
    union all
    (
      select usage_rollups.latest_at, usage_rollups.latest_key, usage_rollups.latest
      from pgledger.usage_rollups
      where usage_rollups.meter_key = latest_usage_between.meter_key
        and usage_rollups.span = 2
        and usage_rollups.starts_at >= greatest(v_whole.first_day, v_whole.last_day)
        and usage_rollups.starts_at < v_whole.last_hour
      order by usage_rollups.starts_at desc
      limit 1
    )
    union all
    (
      select usage_events.event_at, usage_events.key, usage_events.quantity
      from pgledger.usage_events
      where usage_events.meter_key = latest_usage_between.meter_key
        and usage_events.event_at >= latest_usage_between.starts_at
        and usage_events.event_at < least(v_whole.first_hour, latest_usage_between.ends_at)
      order by usage_events.event_at desc, usage_events.key desc
      limit 1
    )
    union all
    (
      select usage_events.event_at, usage_events.key, usage_events.quantity
      from pgledger.usage_events
      where usage_events.meter_key = latest_usage_between.meter_key
        and usage_events.event_at >= greatest(v_whole.first_hour, v_whole.last_hour)
        and usage_events.event_at < latest_usage_between.ends_at
      order by usage_events.event_at desc, usage_events.key desc
      limit 1
    )
  ) as part
  order by part.latest_at desc, part.latest_key desc
  limit 1;
  return coalesce(v_value, 0);
end;
$$;

comment on function pgledger.latest_usage_between is
  'Quantity of a meter''s latest event in a range of time, or zero.';

revoke all on function pgledger.latest_usage_between from public;

-- file: repeatable/23_usage/ledger_aggregate_usage.sql
/*
Reads roll-ups of whole hours and days, and events only of the hours that the range splits: the cost
does not grow with the number of events.

Checks, in this order: app_id, tenant_id, starts_at, ends_at, purged hours, feature_key for null,
aggregation, existence of the feature, its unique_key.
*/
create or replace function public.ledger_aggregate_usage(
  app_id text,
  tenant_id text,
  feature_key text,
  starts_at timestamptz,
  ends_at timestamptz,
  aggregation text default null
)
returns numeric
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_usage_range(app_id, tenant_id, starts_at, ends_at);
  return (
    pgledger.aggregate_usage(app_id, tenant_id, feature_key, starts_at, ends_at, aggregation)
  ).value;
end;
$$;

comment on function public.ledger_aggregate_usage is
$$Returns what a tenant's usage of a feature comes to.

The answer is exact, and as fast however many events there are: it is read
from totals of hours and days, and from events only in the hours that the
range splits.

app_id: App.
tenant_id: Tenant that used it.
feature_key: Key of the feature.
starts_at: From when on, inclusive.
ends_at: Until when, exclusive; after starts_at.
aggregation: How to count; one of: sum, count, max, unique_count, latest; null
  for the feature's own way.

Returns: What it comes to; 0 where there was no usage.

Errors: NullArgument, InvalidScope, InvalidTime (a time is outside the years 1
  to 9999, or the end is not after the start), UsagePurged (a time splits an
  hour whose events may have been purged), InvalidArgument (there is no such
  aggregation, or not for this feature), FeatureNotFound (there is no feature
  of this key for this app and tenant).$$;

revoke all on function public.ledger_aggregate_usage from public;
grant execute on function public.ledger_aggregate_usage to pgledger_reader;

-- file: repeatable/23_usage/ledger_aggregate_usage_by_feature.sql
/*
Checks, in this order: app_id, tenant_id, feature_keys, starts_at, ends_at, purged hours, then each
key: for null, existence of the feature.
*/
create or replace function public.ledger_aggregate_usage_by_feature(
  app_id text,
  tenant_id text,
  feature_keys text[],
  starts_at timestamptz,
  ends_at timestamptz
)
returns setof public.ledger_feature_usage
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_arrays(
    array['feature_keys'], array[cardinality(feature_keys)], array[array_ndims(feature_keys)], 1
  );
  v_ok := pgledger.check_usage_range(app_id, tenant_id, starts_at, ends_at);
  return query
  select given.feature_key, total.aggregation, total.value
  from unnest(feature_keys) with ordinality as given (feature_key, place)
  cross join lateral pgledger.aggregate_usage(
    ledger_aggregate_usage_by_feature.app_id,
    ledger_aggregate_usage_by_feature.tenant_id,
    given.feature_key,
    ledger_aggregate_usage_by_feature.starts_at,
    ledger_aggregate_usage_by_feature.ends_at,
    null
  ) as total
  order by given.place;
end;
$$;

comment on function public.ledger_aggregate_usage_by_feature is
$$Returns what a tenant's usage of each of several features comes to.

Each is counted in the feature's own way. ledger_aggregate_usage counts one
feature in any way.

app_id: App.
tenant_id: Tenant that used them.
feature_keys: Keys of the features, at most 100,000.
starts_at: From when on, inclusive.
ends_at: Until when, exclusive; after starts_at.

Returns: One row for each key, in their order; 0 where there was no usage.

Errors: NullArgument, InvalidScope, InvalidBatch, BatchTooLarge (more than
  100,000 keys), InvalidTime (a time is outside the years 1 to 9999, or the
  end is not after the start), UsagePurged (a time splits an hour whose events
  may have been purged), FeatureNotFound (there is no feature of one of these
  keys for this app and tenant).$$;

revoke all on function public.ledger_aggregate_usage_by_feature from public;
grant execute on function public.ledger_aggregate_usage_by_feature to pgledger_reader;

-- file: repeatable/23_usage/ledger_ingest_usage.sql
/*
The answer has one row for each event, in the order of the arrays.
An event before the purge line is a duplicate if its key is taken at the end of the call, also by an
event of the same call; else it is rejected, as nobody knows whether it was counted. So the order of
a batch's events makes no difference, and an event whose key counts raises no alarm.
Locks: those of pgledger.ingest_usage.
*/
create or replace function public.ledger_ingest_usage(
  app_id text,
  tenant_ids text[],
  feature_keys text[],
  quantities numeric[],
  event_ats timestamptz[] default null,
  idempotency_keys text[] default null,
  metadatas jsonb[] default null
)
returns setof public.ledger_usage_answer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);
  v_ok := pgledger.check_arrays(
    array[
      'tenant_ids', 'feature_keys', 'quantities', 'event_ats', 'idempotency_keys', 'metadatas'
    ],
    array[
      cardinality(tenant_ids), cardinality(feature_keys), cardinality(quantities),
      cardinality(event_ats), cardinality(idempotency_keys), cardinality(metadatas)
    ],
    array[
      array_ndims(tenant_ids), array_ndims(feature_keys), array_ndims(quantities),
      array_ndims(event_ats), array_ndims(idempotency_keys), array_ndims(metadatas)
    ],
    3
  );
  return query
  select
    answer.event_index,
    answer.status,
    answer.id,
    case when answer.error is not null then pgledger.error_code(answer.error) end,
    case
      when answer.error is not null then pgledger.error_text(answer.error, answer.arguments)
    end
  from pgledger.ingest_usage(
    ledger_ingest_usage.app_id, tenant_ids, feature_keys, quantities, event_ats, idempotency_keys,
    metadatas
  ) as answer;
end;
$$;

comment on function public.ledger_ingest_usage is
$$Records up to 100,000 usage events, of any of an app's tenants.

The events are given as parallel arrays: the first elements of all arrays are
the first event, and so on.

An event that is wrong is rejected alone, and the others are recorded. An
event whose idempotency key its tenant has used before is a duplicate: it is
not counted again, whatever else it says. So a batch in which every event has
a key may be sent as often as it takes.

app_id: App.
tenant_ids: Tenants that used something, 1 to 128 characters each.
feature_keys: Keys of the features that they used.
quantities: How much, 0 or more, below 1e30, at most 18 decimal places; for a
  seat, how many there are now.
event_ats: When each happened, from 1970 on, not further ahead of the clock
  than ledger_set_usage_skew allows; null for now (an element or all of it).
idempotency_keys: The reporter's own names of the events, 1 to 255 characters,
  unique for a tenant; each event without one counts, or null.
metadatas: JSON objects to store with them, at most 64 KiB each, or null.

Returns: One answer for each event, in their order; no rows for no events.

Errors: NullArgument, InvalidScope, InvalidBatch, BatchTooLarge (more than
  100,000 events).$$;

revoke all on function public.ledger_ingest_usage from public;
grant execute on function public.ledger_ingest_usage to pgledger_poster;

-- file: repeatable/23_usage/ledger_purge_usage.sql
/*
Locks: those of pgledger.delete_usage_before.

Checks, in this order: app_id, before, max_events.
*/
create or replace function public.ledger_purge_usage(
  app_id text,
  before timestamptz,
  max_events integer default 10000
)
returns bigint
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_latest timestamptz := pgledger.clock() - interval '1 hour';
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);
  if before is null then
    v_ok := pgledger.fail('NullArgument', array['before']);
  elsif pgledger.time_fault(before) is not null then
    v_ok := pgledger.fail(
      'InvalidTime', array['before', before::text, pgledger.time_fault(before)]
    );
  elsif before > v_latest then
    v_ok := pgledger.fail(
      'InvalidTime',
      array[
        'before', before::text, format('it is less than an hour ago: at most %s can be', v_latest)
      ]
    );
  elsif (max_events between 1 and 1000000) is not true then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'max_events', coalesce(max_events::text, 'null'), 'it is not between 1 and 1000000'
      ]
    );
  end if;

  return pgledger.delete_usage_before(app_id, before, max_events);
end;
$$;

comment on function public.ledger_purge_usage is
$$Deletes old usage events and keeps what they come to.

Call it, each time in a transaction of its own, until it returns 0.

Events are deleted for whole UTC hours, the oldest of a feature first. Kept
are those that subscriptions that go on still count in, and those that are
still to be invoiced; and so are all totals. Of the tenants concerned, events
of the hours deleted are refused from then on (UsagePurged), because their
idempotency keys are forgotten.

app_id: App.
before: Events of the UTC hours before the one that it lies in are deleted; at
  least an hour ago.
max_events: How many to delete at most, 1 to 1,000,000.

Returns: How many were deleted.

Errors: NullArgument, InvalidScope, InvalidTime (before is outside the years 1
  to 9999, or less than an hour ago), InvalidArgument (max_events is out of
  range).$$;

revoke all on function public.ledger_purge_usage from public;
grant execute on function public.ledger_purge_usage to pgledger_poster;

-- file: repeatable/23_usage/ledger_query_usage.sql
/*
Of each feature no more events are read than the page and what comes before it can need.

Checks, in this order: app_id, tenant_id, page_size, page_offset.
*/
create or replace function public.ledger_query_usage(
  app_id text,
  tenant_id text,
  starts_at timestamptz default null,
  ends_at timestamptz default null,
  feature_key text default null,
  page_size integer default 100,
  page_offset bigint default 0
)
returns setof public.ledger_usage_event
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_page(page_size, page_offset);
  return query
  select
    pgledger.event_id(event.created_at, event.key),
    event.app_id, event.tenant_id, event.feature_key, event.quantity, event.event_at,
    event.idempotency_key, event.metadata, event.created_at
  from (
    select
      found.key, found.created_at, meters.app_id, meters.tenant_id, meters.feature_key,
      found.quantity, found.event_at, found.idempotency_key, found.metadata
    from pgledger.meters
    -- Of each feature no more than the page can need, out of the index in its order.
    cross join lateral (
      select
        usage_events.key, usage_events.created_at, usage_events.quantity, usage_events.event_at,
        usage_events.idempotency_key, usage_events.metadata
      from pgledger.usage_events
      where usage_events.meter_key = meters.key
        and usage_events.event_at >= coalesce(ledger_query_usage.starts_at, '-infinity')
        and usage_events.event_at < coalesce(ledger_query_usage.ends_at, 'infinity')
      order by usage_events.event_at, usage_events.key
      limit page_size + page_offset
    ) as found
    where meters.app_id = ledger_query_usage.app_id
      and meters.tenant_id = ledger_query_usage.tenant_id
      and meters.feature_key = coalesce(ledger_query_usage.feature_key, meters.feature_key)
    order by found.event_at, found.key
    limit page_size
    offset page_offset
  ) as event
  order by event.event_at, event.key;
end;
$$;

comment on function public.ledger_query_usage is
$$Returns a page of a tenant's usage events, the earliest first.

To go through many, ask from the event_at of the last one on, and leave
page_offset small: what is left out is read too.

app_id: App.
tenant_id: Tenant that used something.
starts_at: From when on, inclusive; null for the beginning.
ends_at: Until when, exclusive; null for the end.
feature_key: Key of the feature; null for all features.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them.

Returns: Events in the order in which they happened; those of one time as they
  were recorded.

Errors: NullArgument, InvalidScope, InvalidPage.$$;

revoke all on function public.ledger_query_usage from public;
grant execute on function public.ledger_query_usage to pgledger_reader;

-- file: repeatable/23_usage/ledger_record_usage.sql
/*
Raises what a batch would only report.
Locks: those of pgledger.ingest_usage.
*/
create or replace function public.ledger_record_usage(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric default 1,
  event_at timestamptz default null,
  idempotency_key text default null,
  metadata jsonb default null
)
returns public.ledger_usage_receipt
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_answer record;
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);
  v_answer := pgledger.ingest_one_usage(
    app_id, tenant_id, feature_key, quantity, event_at, idempotency_key, metadata
  );
  return v_answer;
end;
$$;

comment on function public.ledger_record_usage is
$$Records one usage event.

An event whose idempotency key its tenant has used before is a duplicate: it
is not counted again, whatever else it says.

Call it in FROM: (ledger_record_usage(...)).* calls it once for every column.

app_id: App.
tenant_id: Tenant that used it, 1 to 128 characters.
feature_key: Key of the feature.
quantity: How much, 0 or more, below 1e30, at most 18 decimal places; for a
  seat, how many there are now.
event_at: When it happened, from 1970 on, not further ahead of the clock than
  ledger_set_usage_skew allows; null for now.
idempotency_key: The reporter's own name of the event, 1 to 255 characters,
  unique for the tenant; each event without one counts, or null.
metadata: JSON object to store with it, at most 64 KiB, or null.

Returns: Whether it was counted now or had been before, and its id.

Errors: NullArgument, InvalidScope, FeatureNotFound (there is no feature of
  this key for this app and tenant), InvalidArgument (the feature is on or
  off, so that its usage is not recorded, or the idempotency key is not
  valid), InvalidQuantity, InvalidTime (event_at is before 1970 or not
  finite), UsageInFuture (event_at is further ahead than the app allows),
  UsagePurged (event_at is so long ago that events of that time may have been
  purged), InvalidMetadata (it is not valid, or lacks the member whose values
  are counted).$$;

revoke all on function public.ledger_record_usage from public;
grant execute on function public.ledger_record_usage to pgledger_poster;

-- file: repeatable/23_usage/ledger_set_usage_skew.sql
/*
Repeatable.

Checks, in this order: app_id, skew.
*/
create or replace function public.ledger_set_usage_skew(
  app_id text,
  skew interval
)
returns interval
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_fault text := case
    when skew < interval '0' then 'it is negative'
    when skew > interval '365 days' then 'it is more than 365 days'
  end;
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);

  if skew is null then
    v_ok := pgledger.fail('NullArgument', array['skew']);
  elsif v_fault is not null then
    v_ok := pgledger.fail('InvalidArgument', array['skew', quote_literal(skew::text), v_fault]);
  end if;

  insert into pgledger.apps (app_id, usage_skew)
  values (ledger_set_usage_skew.app_id, ledger_set_usage_skew.skew)
  on conflict on constraint apps_app_id_pk do update
  set usage_skew = excluded.usage_skew;

  return skew;
end;
$$;

comment on function public.ledger_set_usage_skew is
$$Sets how far ahead of the clock an app's usage events may be.

Clocks of machines differ, so an event may seem to come from the future. One
that is further ahead is refused (UsageInFuture).

app_id: App.
skew: How far, 0 to 365 days; 1 hour until it is set.

Returns: What was set.

Errors: NullArgument, InvalidScope, InvalidArgument (it is negative, or more
  than 365 days).$$;

revoke all on function public.ledger_set_usage_skew from public;
grant execute on function public.ledger_set_usage_skew to pgledger_poster;

-- file: repeatable/23_usage/lock_seat_meters.sql
/*
Serializes those who change the level of a seat, by a report or by consuming: until the end of the
transaction nobody else changes it. The rows are changed, and not only locked, so that it is seen at
every isolation level.
Locks: the meters of seats among these tenants and features, ascending.
*/
create or replace function pgledger.lock_seat_meters(
  app_id text,
  tenant_ids text[],
  feature_keys text[]
)
returns void
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_generic_plan
set jit = off
as $$
begin
  update pgledger.meters
  set turn = meters.turn + 1
  where meters.key = any(
    array(
      select seat.key
      from pgledger.meters as seat
      where seat.app_id = lock_seat_meters.app_id
        and seat.tenant_id = any(lock_seat_meters.tenant_ids)
        and seat.type = 'seat'
        and seat.feature_key in (
          select given.feature_key from unnest(lock_seat_meters.feature_keys) as given (feature_key)
        )
      order by seat.key
      for no key update
    )
  );
end;
$$;

comment on function pgledger.lock_seat_meters is
  'Locks the meters of seats among tenants and features until the end of the transaction.';

revoke all on function pgledger.lock_seat_meters from public;

-- file: repeatable/23_usage/open_meters.sql
/*
Makes the meters that are missing for these parallel pairs of tenant and feature. A pair gets its
meter if the tenant's id is valid and the catalogue has the feature as one that is metered or a
seat. If a pair is left without one, pgledger.usage_fault says why.
Locks, only where one is missing: the features, ascending by id; new tenants and new meters, both
ascending.
*/
create or replace function pgledger.open_meters(
  app_id text,
  distinct_tenant_ids text[],
  tenant_ids text[],
  feature_keys text[]
)
returns void
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_generic_plan
set enable_nestloop = off
set enable_mergejoin = off
set jit = off
as $$
declare
  v_tenant_ids text[];
  v_feature_keys text[];
begin
  select
    array_agg(missing.tenant_id order by missing.tenant_id, missing.feature_key),
    array_agg(missing.feature_key order by missing.tenant_id, missing.feature_key)
  into v_tenant_ids, v_feature_keys
  from (
    select given.tenant_id, given.feature_key
    from unnest(tenant_ids, feature_keys) as given (tenant_id, feature_key)
    except
    select meters.tenant_id, meters.feature_key
    from pgledger.meters
    where meters.app_id = open_meters.app_id
      and meters.tenant_id = any(distinct_tenant_ids)
  ) as missing
  where pgledger.text_fault(missing.tenant_id, 1, 128, false) is null
    and missing.feature_key is not null;
  if v_tenant_ids is null then
    return;
  end if;
  select
    array_agg(given.tenant_id order by given.tenant_id, given.feature_key),
    array_agg(given.feature_key order by given.tenant_id, given.feature_key)
  into v_tenant_ids, v_feature_keys
  from unnest(v_tenant_ids, v_feature_keys) as given (tenant_id, feature_key)
  cross join lateral pgledger.find_feature(
    open_meters.app_id, given.feature_key, given.tenant_id
  ) as feature
  where feature.type in ('metered', 'seat');
  if v_tenant_ids is null then
    return;
  end if;
  -- Nobody deletes a feature between the first look at it and its first meter.
  perform
  from pgledger.features
  where features.key = any(v_feature_keys)
    and features.app_id in (open_meters.app_id, '*')
    and (features.tenant_id = '' or features.tenant_id = any(v_tenant_ids))
  order by features.id
  for key share;
  insert into pgledger.tenants (app_id, tenant_id)
  select distinct open_meters.app_id, given.tenant_id
  from unnest(v_tenant_ids) as given (tenant_id)
  order by given.tenant_id
  on conflict on constraint tenants_app_id_tenant_id_key do nothing;
  insert into pgledger.meters (tenant_key, app_id, tenant_id, feature_key, type, unique_key)
  select
    tenants.key, open_meters.app_id, given.tenant_id, given.feature_key, feature.type,
    feature.unique_key
  from unnest(v_tenant_ids, v_feature_keys) as given (tenant_id, feature_key)
  inner join pgledger.tenants
    on tenants.app_id = open_meters.app_id and given.tenant_id = tenants.tenant_id
  cross join lateral pgledger.find_feature(
    open_meters.app_id, given.feature_key, given.tenant_id
  ) as feature
  where feature.type in ('metered', 'seat')
  order by given.tenant_id, given.feature_key
  on conflict on constraint meters_app_id_tenant_id_feature_key_key do nothing;
end;
$$;

comment on function pgledger.open_meters is
  'Makes the meters that are missing for pairs of tenant and feature, where both are valid.';

revoke all on function pgledger.open_meters from public;

-- file: repeatable/23_usage/quota_period.sql
/*
The period around a time that a limit is for: the subscription's own, or a day, week, month or year
counted from its anchor. None begins before the subscription. What counts for a lifetime, and a
seat's level, has no bounds.
*/
create or replace function pgledger.quota_period(
  subscription pgledger.subscriptions,
  period text,
  at timestamptz,
  out starts_at timestamptz,
  out ends_at timestamptz
)
language plpgsql
stable
parallel safe
as $$
begin
  if period = 'lifetime' then
    starts_at := '-infinity';
    ends_at := 'infinity';
    return;
  end if;
  if period <> 'billing' then
    subscription.billing_interval := period;
    subscription.interval_count := 1;
    -- Only a billing period is as long as a trial.
    subscription.trial_end := null;
  end if;
  select found.starts_at, found.ends_at
  into quota_period.starts_at, quota_period.ends_at
  from pgledger.subscription_period(subscription, at) as found;
end;
$$;

comment on function pgledger.quota_period is 'The period that a limit is for, around a time.';

revoke all on function pgledger.quota_period from public;

-- file: repeatable/23_usage/resolve_usage.sql
/*
Finds the meter of each event of a batch. tenant_keys and meter_keys have the keys of its tenant and
meter in the place of an event that can be taken, and nulls in the places of the others; why those
cannot be taken is for pgledger.usage_fault to say. has_values: values of metadata are to be
counted. lacks_meters: an event has no meter. has_seats: an event is of a seat.
*/
create or replace function pgledger.resolve_usage(
  app_id text,
  distinct_tenant_ids text[],
  tenant_ids text[],
  feature_keys text[],
  quantities numeric[],
  event_ats timestamptz[],
  idempotency_keys text[],
  metadatas jsonb[],
  now timestamptz,
  latest timestamptz,
  out tenant_keys integer[],
  out meter_keys integer[],
  out has_values boolean,
  out lacks_meters boolean,
  out has_seats boolean
)
language plpgsql
stable
parallel safe
as $$
begin
  select
    array_agg(case when event.is_sound then event.tenant_key end order by event.place),
    array_agg(case when event.is_sound then event.meter_key end order by event.place),
    coalesce(bool_or(event.unique_key is not null), false),
    coalesce(bool_or(event.meter_key is null), false),
    coalesce(bool_or(event.type = 'seat'), false)
  into tenant_keys, meter_keys, has_values, lacks_meters, has_seats
  from (
    select
      given.place,
      meter.key as meter_key,
      meter.tenant_key,
      meter.unique_key,
      meter.type,
      pgledger.quantity_fault(given.quantity) is null
      and coalesce(given.event_at, now) between meter.earliest and latest
      and (given.idempotency_key is null or char_length(given.idempotency_key) between 1 and 255)
      and pgledger.metadata_fault(given.metadata) is null
      and (
        meter.unique_key is null
        or char_length(given.metadata ->> meter.unique_key) between 1 and 255
      ) as is_sound
    from unnest(
      tenant_ids, feature_keys, quantities, event_ats, idempotency_keys, metadatas
    ) with ordinality as given (
      tenant_id, feature_key, quantity, event_at, idempotency_key, metadata, place
    )
    left join (
      select
        meters.key, meters.tenant_key, meters.tenant_id, meters.feature_key, meters.unique_key,
        meters.type, greatest(tenants.purged_before, timestamptz 'epoch') as earliest
      from pgledger.meters
      inner join pgledger.tenants on meters.tenant_key = tenants.key
      where meters.app_id = resolve_usage.app_id
        and meters.tenant_id = any(distinct_tenant_ids)
        and tenants.app_id = resolve_usage.app_id
        and tenants.tenant_id = any(distinct_tenant_ids)
    ) as meter
      on given.tenant_id = meter.tenant_id
      and given.feature_key = meter.feature_key
  ) as event;
end;
$$;

comment on function pgledger.resolve_usage is
  'Keys of tenant and meter for each event of a batch that can be taken, nulls for the others.';

revoke all on function pgledger.resolve_usage from public;

-- file: repeatable/23_usage/roll_up_usage.sql
/*
Adds the events of a batch that have a meter to the roll-ups of their hours and days. One number
finds the latest event of an hour: the microseconds into the hour, then the place in the batch.
Locks: roll-ups, ascending by meter, days before hours.
*/
create or replace function pgledger.roll_up_usage(
  first_key bigint,
  now timestamptz,
  meter_keys integer[],
  quantities numeric[],
  event_ats timestamptz[]
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
begin
  with event as materialized (
    select
      given.place,
      given.meter_key,
      given.quantity,
      coalesce(given.event_at, now) as event_at,
      -- Exact in double precision until the year 2242, and to a microsecond for longer.
      round(date_part('epoch', coalesce(given.event_at, now)) * 1000000)::bigint as microseconds
    from unnest(meter_keys, quantities, event_ats) with ordinality
      as given (meter_key, quantity, event_at, place)
    where given.meter_key is not null
  ),
  of_hour as materialized (
    select
      event.meter_key,
      event.microseconds / 3600000000 as hour,
      count(*) as events,
      sum(event.quantity) as quantity,
      max(event.quantity) as highest,
      max(((event.microseconds % 3600000000) << 20) | event.place) as latest
    from event
    group by event.meter_key, event.microseconds / 3600000000
  ),
  part as (
    select
      of_hour.meter_key, 2 as span, of_hour.hour, of_hour.events, of_hour.quantity,
      of_hour.highest, of_hour.latest
    from of_hour
    union all
    select
      of_hour.meter_key, 1, of_hour.hour / 24 * 24, sum(of_hour.events)::bigint,
      sum(of_hour.quantity), max(of_hour.highest),
      max(((of_hour.hour % 24 * 3600000000) << 20) + of_hour.latest)
    from of_hour
    group by of_hour.meter_key, of_hour.hour / 24
  )
  insert into pgledger.usage_rollups (
    meter_key, span, starts_at, events, quantity, highest, latest_at, latest_key, latest
  )
  select
    part.meter_key, part.span, to_timestamp(part.hour * 3600) as starts_at, part.events,
    part.quantity, part.highest, latest.event_at, first_key + latest.place, latest.quantity
  from part
  inner join event as latest on part.latest & 1048575 = latest.place
  order by part.meter_key, part.span, starts_at
  on conflict on constraint usage_rollups_meter_key_span_starts_at_pk do update
  set
    events = usage_rollups.events + excluded.events,
    quantity = usage_rollups.quantity + excluded.quantity,
    highest = greatest(usage_rollups.highest, excluded.highest),
    latest_at = greatest(usage_rollups.latest_at, excluded.latest_at),
    latest_key = case
      when (excluded.latest_at, excluded.latest_key)
        > (usage_rollups.latest_at, usage_rollups.latest_key)
        then excluded.latest_key
      else usage_rollups.latest_key
    end,
    latest = case
      when (excluded.latest_at, excluded.latest_key)
        > (usage_rollups.latest_at, usage_rollups.latest_key)
        then excluded.latest
      else usage_rollups.latest
    end;
end;
$$;

comment on function pgledger.roll_up_usage is
  'Adds the events of a batch that have a meter to the roll-ups of their hours and days.';

revoke all on function pgledger.roll_up_usage from public;

-- file: repeatable/23_usage/unique_usage_between.sql
/*
How many different values the named member of metadata has among a meter's events in [starts_at,
ends_at). With only_value it is 1 if that value is among them, and 0 if not. The range has the parts
that it has in pgledger.usage_sums.
*/
create or replace function pgledger.unique_usage_between(
  meter_key integer,
  unique_key text,
  starts_at timestamptz,
  ends_at timestamptz,
  only_value text default null
)
returns numeric
language plpgsql
stable
parallel safe
as $$
declare
  v_whole record;
begin
  v_whole := pgledger.whole_hours(starts_at, ends_at);
  return (
    select count(distinct part.value)
    from (
      select usage_values.value
      from pgledger.usage_values
      where usage_values.meter_key = unique_usage_between.meter_key
        and usage_values.span = 1
        and usage_values.starts_at >= v_whole.first_day
        and usage_values.starts_at < v_whole.last_day
      union all
      select usage_values.value
      from pgledger.usage_values
      where usage_values.meter_key = unique_usage_between.meter_key
        and usage_values.span = 2
        and usage_values.starts_at >= v_whole.first_hour
        and usage_values.starts_at < least(v_whole.first_day, v_whole.last_hour)
      union all
      select usage_values.value
      from pgledger.usage_values
      where usage_values.meter_key = unique_usage_between.meter_key
        and usage_values.span = 2
        and usage_values.starts_at >= greatest(v_whole.first_day, v_whole.last_day)
        and usage_values.starts_at < v_whole.last_hour
      union all
      select usage_events.metadata ->> unique_usage_between.unique_key
      from pgledger.usage_events
      where usage_events.meter_key = unique_usage_between.meter_key
        and usage_events.event_at >= unique_usage_between.starts_at
        and usage_events.event_at < least(v_whole.first_hour, unique_usage_between.ends_at)
      union all
      select usage_events.metadata ->> unique_usage_between.unique_key
      from pgledger.usage_events
      where usage_events.meter_key = unique_usage_between.meter_key
        and usage_events.event_at >= greatest(v_whole.first_hour, v_whole.last_hour)
        and usage_events.event_at < unique_usage_between.ends_at
    ) as part
    where part.value = coalesce(only_value, part.value)
  );
end;
$$;

comment on function pgledger.unique_usage_between is
  'How many different values a member of metadata has among a meter''s events in a range of time.';

revoke all on function pgledger.unique_usage_between from public;

-- file: repeatable/23_usage/usage_answers.sql
/*
What became of each event of a batch of which not all were inserted. sound_meter_keys has the meter
of each event that could be taken, inserted_meter_keys the meter of each that was inserted; both
have nulls for the others. A duplicate has the id of the event that counts.
*/
create or replace function pgledger.usage_answers(
  app_id text,
  tenant_ids text[],
  feature_keys text[],
  quantities numeric[],
  event_ats timestamptz[],
  idempotency_keys text[],
  metadatas jsonb[],
  now timestamptz,
  latest timestamptz,
  id_head text,
  tenant_keys integer[],
  sound_meter_keys integer[],
  inserted_meter_keys integer[]
)
returns table (event_index bigint, status text, id text, error text, arguments text[])
language plpgsql
stable
parallel safe
set enable_nestloop = on
as $$
begin
  return query
  select
    event.place,
    'inserted',
    id_head
    || pgledger.base32_pair((event.place >> 10)::integer)
    || pgledger.base32_pair((event.place & 1023)::integer),
    null::text,
    null::text[]
  from unnest(inserted_meter_keys) with ordinality as event (inserted_key, place)
  where event.inserted_key is not null
  union all
  select
    event.place,
    'duplicate',
    pgledger.event_id(usage_events.created_at, usage_events.key),
    null,
    null
  from unnest(
    sound_meter_keys, inserted_meter_keys, tenant_keys, idempotency_keys
  ) with ordinality as event (sound_key, inserted_key, tenant_key, idempotency_key, place)
  left join pgledger.usage_events
    on event.tenant_key = usage_events.tenant_key
    and event.idempotency_key = usage_events.idempotency_key
  where event.sound_key is not null and event.inserted_key is null
  union all
  select
    event.place,
    case when counted.id is null then 'rejected' else 'duplicate' end,
    counted.id,
    case when counted.id is null then fault.error end,
    case when counted.id is null then fault.arguments end
  from unnest(
    sound_meter_keys, tenant_ids, feature_keys, quantities, event_ats, idempotency_keys, metadatas
  ) with ordinality as event (
    sound_key, tenant_id, feature_key, quantity, event_at, idempotency_key, metadata, place
  )
  cross join lateral pgledger.usage_fault(
    usage_answers.app_id, event.tenant_id, event.feature_key, event.quantity,
    coalesce(event.event_at, now), event.idempotency_key, event.metadata, now, latest
  ) as fault
  -- Before the purge line some are left, and the batch itself may have taken the key: whatever has
  -- it counts.
  left join lateral (
    select pgledger.event_id(usage_events.created_at, usage_events.key) as id
    from pgledger.tenants
    inner join pgledger.usage_events on tenants.key = usage_events.tenant_key
    where fault.error = 'UsagePurged'
      and tenants.app_id = usage_answers.app_id
      and tenants.tenant_id = event.tenant_id
      and usage_events.idempotency_key = event.idempotency_key
  ) as counted on true
  where event.sound_key is null
  order by 1;
end;
$$;

comment on function pgledger.usage_answers is
  'What became of each event of a batch, and why those that were rejected were.';

revoke all on function pgledger.usage_answers from public;

-- file: repeatable/23_usage/usage_between.sql
/*
What usage of a meter in [starts_at, ends_at) comes to, or zero where there is none. It is exact for
any range, as long as the events of the hours that the range splits have not been purged.
*/
create or replace function pgledger.usage_between(
  meter_key integer,
  unique_key text,
  aggregation text,
  starts_at timestamptz,
  ends_at timestamptz
)
returns numeric
language plpgsql
stable
parallel safe
as $$
declare
  v_value numeric;
begin
  if aggregation = 'unique_count' then
    return pgledger.unique_usage_between(meter_key, unique_key, starts_at, ends_at);
  elsif aggregation = 'latest' then
    return pgledger.latest_usage_between(meter_key, starts_at, ends_at);
  end if;
  select
    case aggregation
      when 'sum' then sums.quantity
      when 'count' then sums.events
      when 'max' then sums.highest
    end
  into v_value
  from pgledger.usage_sums(array[meter_key], starts_at, ends_at) as sums;
  return coalesce(v_value, 0);
end;
$$;

comment on function pgledger.usage_between is
  'What usage of a meter in a range of time comes to, by one of the five aggregations.';

revoke all on function pgledger.usage_between from public;

-- file: repeatable/23_usage/usage_fault.sql
/*
Says why a usage event cannot be taken: the name of the first error that applies, and the arguments
of its message. It is called for an event that was found wrong. If nothing is wrong with it any
more, 40001 is raised, so that the transaction is run again.
Errors: serialization_failure.
*/
create or replace function pgledger.usage_fault(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric,
  event_at timestamptz,
  idempotency_key text,
  metadata jsonb,
  now timestamptz,
  latest timestamptz,
  out error text,
  out arguments text[]
)
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text;
  v_meter record;
  v_purged_before timestamptz;
begin
  select meters.key, meters.unique_key
  into v_meter
  from pgledger.meters
  where meters.app_id = usage_fault.app_id
    and meters.tenant_id = usage_fault.tenant_id
    and meters.feature_key = usage_fault.feature_key;
  select tenants.purged_before
  into v_purged_before
  from pgledger.tenants
  where tenants.app_id = usage_fault.app_id and tenants.tenant_id = usage_fault.tenant_id;
  if tenant_id is null or feature_key is null or quantity is null then
    error := 'NullArgument';
    arguments := array[
      case
        when tenant_id is null then 'tenant_id'
        when feature_key is null then 'feature_key'
        else 'quantity'
      end
    ];
  elsif pgledger.text_fault(tenant_id, 1, 128, false) is not null then
    error := 'InvalidScope';
    arguments := array[
      'tenant_id', quote_literal(pgledger.abridged(tenant_id)),
      pgledger.text_fault(tenant_id, 1, 128, false)
    ];
  elsif v_meter.key is null then
    error := 'FeatureNotFound';
    arguments := array[quote_literal(pgledger.abridged(feature_key)), pgledger.in_app(app_id)];
    if (pgledger.find_feature(app_id, feature_key, tenant_id)).type = 'boolean' then
      error := 'InvalidArgument';
      arguments := array[
        'feature_key', quote_literal(pgledger.abridged(feature_key)),
        'the feature is on or off, and its usage is not metered'
      ];
    end if;
  elsif pgledger.quantity_fault(quantity) is not null then
    error := 'InvalidQuantity';
    arguments := array[
      'quantity', pgledger.abridged(quantity::text), pgledger.quantity_fault(quantity)
    ];
  elsif not isfinite(event_at) or event_at < timestamptz 'epoch' then
    error := 'InvalidTime';
    arguments := array[
      'event_at', event_at::text,
      case when isfinite(event_at) then 'it is before the year 1970' else 'it is not finite' end
    ];
  elsif event_at > latest then
    error := 'UsageInFuture';
    arguments := array[event_at::text, (latest - now)::text, now::text];
  elsif event_at < v_purged_before then
    error := 'UsagePurged';
    arguments := array['event_at', event_at::text, v_purged_before::text];
  elsif char_length(idempotency_key) not between 1 and 255 then
    error := 'InvalidArgument';
    arguments := array[
      'idempotency_key', quote_literal(pgledger.abridged(idempotency_key)),
      pgledger.text_fault(idempotency_key, 1, 255, true)
    ];
  else
    v_fault := pgledger.metadata_fault(metadata);
    if v_fault is null and v_meter.unique_key is not null
      and char_length(metadata ->> v_meter.unique_key) between 1 and 255 is not true
    then
      v_fault := format(
        'its member %s, whose values are counted, does not have 1 to 255 characters',
        quote_literal(v_meter.unique_key)
      );
    end if;
    if v_fault is not null then
      error := 'InvalidMetadata';
      arguments := array[v_fault];
      return;
    end if;
    raise exception using
      errcode = '40001',
      message = 'a usage event that could not be taken has become valid meanwhile',
      hint = 'Run the transaction again.';
  end if;
end;
$$;

comment on function pgledger.usage_fault is
  'Name of the error, and arguments of its message, that keep a usage event from being taken.';

revoke all on function pgledger.usage_fault from public;

-- file: repeatable/23_usage/usage_needed_from.sql
/*
Since when a tenant's usage events are still needed one by one, or infinity if none is. It is the
earliest start of these periods of its subscriptions: the current one and that of each limit, if the
subscription goes on; one whose invoice is a draft; and, if a plan since then has prices, the one
that was current when ledger_advance last looked, for it is still to be invoiced.
*/
create or replace function pgledger.usage_needed_from(app_id text, tenant_id text)
returns timestamptz
language sql
stable
parallel safe
as $$
  select coalesce(
    min(
      least(
        case
          when subscriptions.status <> 'canceled'
            then least(subscriptions.current_period_start, quota_period.starts_at)
        end,
        uninvoiced.period_start,
        (
          select min(invoices.period_start)
          from pgledger.invoices
          where invoices.subscription_key = subscriptions.key and invoices.status = 'draft'
        )
      )
    ),
    'infinity'
  )
  from pgledger.subscriptions
  left join pgledger.plan_features
    on subscriptions.plan_key = plan_features.plan_key
    and plan_features.period in ('day', 'week', 'month', 'year')
  left join lateral pgledger.quota_period(
    subscriptions, plan_features.period, pgledger.clock()
  ) as quota_period on plan_features.period is not null
  left join lateral (
    select min(change.period_start) as period_start
    from pgledger.subscription_changes as change
    inner join pgledger.plans on change.plan_key = plans.key
    where change.subscription_key = subscriptions.key
      and change.version >= greatest(subscriptions.invoiced_version, 1)
    having bool_or(jsonb_path_exists(plans.pricing, '$.prices[0]'))
  ) as uninvoiced on subscriptions.invoiced_version < subscriptions.version
  where subscriptions.app_id = usage_needed_from.app_id
    and subscriptions.tenant_id = usage_needed_from.tenant_id
$$;

comment on function pgledger.usage_needed_from is
  'Since when a tenant''s usage events are still needed one by one.';

revoke all on function pgledger.usage_needed_from from public;

-- file: repeatable/23_usage/usage_skew.sql
/*
How far ahead of the clock an app's usage events may be.
*/
create or replace function pgledger.usage_skew(app_id text)
returns interval
language sql
stable
parallel safe
as $$
  select coalesce(
    (select apps.usage_skew from pgledger.apps where apps.app_id = usage_skew.app_id),
    interval '1 hour'
  )
$$;

comment on function pgledger.usage_skew is
  'How far ahead of the clock an app''s usage events may be.';

revoke all on function pgledger.usage_skew from public;

-- file: repeatable/23_usage/usage_sums.sql
/*
What usage of meters in [starts_at, ends_at) adds up to, one row for each meter that was used then.
However long the range is, few rows are read: the events of the hours that it splits at its edges,
the hours of the days that it splits, and whole days. Each event is in exactly one of these parts.

The keys are read by a subquery, so that the planner assumes the same number of them every time and
keeps one plan.
*/
create or replace function pgledger.usage_sums(
  meter_keys integer[],
  starts_at timestamptz,
  ends_at timestamptz
)
returns table (
  meter_key integer,
  events numeric,
  quantity numeric,
  highest numeric
)
language plpgsql
stable
parallel safe
rows 10
as $$
declare
  v_whole record;
begin
  v_whole := pgledger.whole_hours(starts_at, ends_at);
  return query
  select meter.key, used.events, used.quantity, used.highest
  from unnest((select usage_sums.meter_keys)) as meter (key)
  cross join lateral (
    select
      sum(part.events) as events, sum(part.quantity) as quantity, max(part.highest) as highest
    from (
      select usage_rollups.events, usage_rollups.quantity, usage_rollups.highest
      from pgledger.usage_rollups
      where usage_rollups.meter_key = meter.key
        and usage_rollups.span = 1
        and usage_rollups.starts_at >= v_whole.first_day
        and usage_rollups.starts_at < v_whole.last_day
      union all
      select usage_rollups.events, usage_rollups.quantity, usage_rollups.highest
      from pgledger.usage_rollups
      where usage_rollups.meter_key = meter.key
        and usage_rollups.span = 2
        and usage_rollups.starts_at >= v_whole.first_hour
        and usage_rollups.starts_at < least(v_whole.first_day, v_whole.last_hour)
      union all
      select usage_rollups.events, usage_rollups.quantity, usage_rollups.highest
      from pgledger.usage_rollups
      where usage_rollups.meter_key = meter.key
        and usage_rollups.span = 2
        and usage_rollups.starts_at >= greatest(v_whole.first_day, v_whole.last_day)
        and usage_rollups.starts_at < v_whole.last_hour
      union all
      select 1, usage_events.quantity, usage_events.quantity
      from pgledger.usage_events
      where usage_events.meter_key = meter.key
        and usage_events.event_at >= usage_sums.starts_at
        and usage_events.event_at < least(v_whole.first_hour, usage_sums.ends_at)
      union all
      select 1, usage_events.quantity, usage_events.quantity
      from pgledger.usage_events
      where usage_events.meter_key = meter.key
        and usage_events.event_at >= greatest(v_whole.first_hour, v_whole.last_hour)
        and usage_events.event_at < usage_sums.ends_at
    ) as part
  ) as used
  where used.events > 0;
end;
$$;

comment on function pgledger.usage_sums is
  'What usage of meters in a range of time adds up to: events, sum and highest.';

revoke all on function pgledger.usage_sums from public;

-- file: repeatable/23_usage/usage_was_purged.sql
/*
Whether a purge has committed that moved the purge line past one of the events that this call has
inserted. The key of that event may have been forgotten just before, and then the event is counted a
second time.

A transaction of a higher isolation level cannot see such a purge. It locks its tenants instead,
which fails if there was one.
*/
create or replace function pgledger.usage_was_purged(
  app_id text,
  distinct_tenant_ids text[],
  tenant_ids text[],
  event_ats timestamptz[],
  meter_keys integer[]
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform
    from pgledger.tenants
    where tenants.app_id = usage_was_purged.app_id
      and tenants.tenant_id = any(distinct_tenant_ids)
    order by tenants.key
    for share;
  end if;
  return exists (
    select
    from unnest(tenant_ids, event_ats, meter_keys) as event (tenant_id, event_at, meter_key)
    inner join pgledger.tenants
      on tenants.app_id = usage_was_purged.app_id
      and tenants.tenant_id = any(distinct_tenant_ids)
      and event.tenant_id = tenants.tenant_id
    where event.meter_key is not null and event.event_at < tenants.purged_before
  );
end;
$$;

comment on function pgledger.usage_was_purged is
  'Whether a purge has committed that reached one of the events that a call has inserted.';

revoke all on function pgledger.usage_was_purged from public;

-- file: repeatable/23_usage/whole_hours.sql
/*
The whole UTC hours of a range, and the whole UTC days among them, each as [first, last). Where
there is none, the first is not before the last. An infinite end splits no hour.
*/
create or replace function pgledger.whole_hours(
  starts_at timestamptz,
  ends_at timestamptz,
  out first_hour timestamptz,
  out last_hour timestamptz,
  out first_day timestamptz,
  out last_day timestamptz
)
language plpgsql
stable
parallel safe
as $$
declare
  v_origin constant timestamptz := timestamptz '2000-01-01 00:00:00+00';
  v_microsecond constant interval := interval '1 microsecond';
begin
  first_hour := date_bin('1 hour', starts_at - v_microsecond, v_origin) + interval '1 hour';
  last_hour := date_bin('1 hour', ends_at, v_origin);
  first_day := date_bin('24 hours', first_hour - v_microsecond, v_origin) + interval '24 hours';
  last_day := date_bin('24 hours', last_hour, v_origin);
end;
$$;

comment on function pgledger.whole_hours is
  'The whole UTC hours of a range of time, and the whole UTC days among them.';

revoke all on function pgledger.whole_hours from public;

-- file: repeatable/23_usage/views/ledger_tenant_usage_events.sql
/*
Usage events that a tenant's own database role may see.
Guarded as ledger_tenant_plans is.
*/
create or replace view public.ledger_tenant_usage_events with (security_barrier) as
select
  pgledger.event_id(usage_events.created_at, usage_events.key)
  collate "C" as id,
  meters.app_id,
  meters.tenant_id,
  meters.feature_key,
  usage_events.quantity,
  usage_events.event_at,
  usage_events.idempotency_key,
  usage_events.metadata,
  usage_events.created_at
from pgledger.usage_events
inner join pgledger.meters on usage_events.meter_key = meters.key
inner join pgledger.tenant_roles as mapped
  on meters.app_id = mapped.app_id and meters.tenant_id = mapped.tenant_id
where mapped.role_name = current_user;

comment on view public.ledger_tenant_usage_events is
  'Usage events of the tenant of the current database role, until they are purged.';
comment on column public.ledger_tenant_usage_events.id is 'Public id: evt_ and a ULID.';
comment on column public.ledger_tenant_usage_events.app_id is 'App.';
comment on column public.ledger_tenant_usage_events.tenant_id is 'Tenant whose usage it is.';
comment on column public.ledger_tenant_usage_events.feature_key is
  'Key of the feature that was used.';
comment on column public.ledger_tenant_usage_events.quantity is
  'How much was used; for a seat, how many there are.';
comment on column public.ledger_tenant_usage_events.event_at is
  'When it happened, as reported. The event counts in the period that this time lies in.';
comment on column public.ledger_tenant_usage_events.idempotency_key is
  'Key of the event, as given (a second event of the tenant with this key is not counted), or '
  'null.';
comment on column public.ledger_tenant_usage_events.metadata is
  'JSON object given with the event, or null.';
comment on column public.ledger_tenant_usage_events.created_at is 'When it was recorded.';

revoke all on table public.ledger_tenant_usage_events from public;
grant select on table public.ledger_tenant_usage_events to pgledger_tenant;
alter view public.ledger_tenant_usage_events owner to pgledger_tenant_views;

-- file: repeatable/23_usage/views/ledger_usage_events.sql
/*
Usage events as applications see them. A condition on app, tenant or feature finds the meters first;
each meter leads to its events in order of time.
*/
create or replace view public.ledger_usage_events as
select
  pgledger.event_id(usage_events.created_at, usage_events.key) collate "C" as id,
  meters.app_id,
  meters.tenant_id,
  meters.feature_key,
  usage_events.quantity,
  usage_events.event_at,
  usage_events.idempotency_key,
  usage_events.metadata,
  usage_events.created_at
from pgledger.usage_events
inner join pgledger.meters on usage_events.meter_key = meters.key
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view public.ledger_usage_events is 'One row a usage event, until it is purged.';
comment on column public.ledger_usage_events.id is 'Public id: evt_ and a ULID.';
comment on column public.ledger_usage_events.app_id is 'App.';
comment on column public.ledger_usage_events.tenant_id is 'Tenant whose usage it is.';
comment on column public.ledger_usage_events.feature_key is
  'Key of the feature that was used.';
comment on column public.ledger_usage_events.quantity is
  'How much was used; for a seat, how many there are.';
comment on column public.ledger_usage_events.event_at is
  'When it happened, as reported. The event counts in the period that this time lies in.';
comment on column public.ledger_usage_events.idempotency_key is
  'Key of the event, as given (a second event of the tenant with this key is not counted), or '
  'null.';
comment on column public.ledger_usage_events.metadata is
  'JSON object given with the event, or null.';
comment on column public.ledger_usage_events.created_at is 'When it was recorded.';

revoke all on table public.ledger_usage_events from public;
grant select on table public.ledger_usage_events to pgledger_reader;

-- file: repeatable/24_entitlements/consume_within_limit.sql
/*
Records usage if the limit allows what it then comes to; a null status says that it does not.

The limit is looked at twice. Who is refused at the first look waits for nobody. Before the second,
the meter is locked: consumers of a meter are serialized from there to the end of the transaction.
Reports of usage are not, except those of a seat's level, which consumers would overwrite.

Locks: the meter, then those of pgledger.ingest_usage.
Errors: those of pgledger.entitlement and pgledger.ingest_one_usage.
*/
create or replace function pgledger.consume_within_limit(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric,
  idempotency_key text,
  metadata jsonb,
  out status text,
  out id text
)
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_entitlement record;
  v_addition numeric;
  v_seat_at timestamptz;
begin
  for v_look in 1..2 loop
    v_entitlement := pgledger.entitlement(app_id, tenant_id, feature_key);
    v_addition := case
      when v_entitlement.type = 'seat' then quantity
      when v_entitlement.aggregation = 'count' then 1
      when v_entitlement.aggregation = 'max' then greatest(quantity - v_entitlement.used, 0)
      when v_entitlement.aggregation = 'latest' then quantity - v_entitlement.used
      when v_entitlement.aggregation = 'unique_count'
        then pgledger.unique_usage_added(
          app_id, tenant_id, feature_key, metadata, v_entitlement.starts_at, v_entitlement.ends_at
        )
      else quantity
    end;
    if not (
      select answer.allowed
      from pgledger.entitlement_answer(
        feature_key, v_entitlement.used, v_entitlement.quota, v_entitlement.soft_limit,
        v_entitlement.reason, v_addition
      ) as answer
    ) then
      return;
    end if;
    if v_look = 1 then
      perform pgledger.open_meters(
        app_id, array[tenant_id], array[tenant_id], array[feature_key]
      );
      -- Changed, not only locked: above read committed, whoever waited has to start again.
      update pgledger.meters
      set turn = meters.turn + 1
      where meters.app_id = consume_within_limit.app_id
        and meters.tenant_id = consume_within_limit.tenant_id
        and meters.feature_key = consume_within_limit.feature_key;
    end if;
  end loop;
  if v_entitlement.type = 'seat' then
    -- The latest event has the current level, and its clock may have been ahead of ours.
    select greatest(usage_rollups.latest_at, pgledger.clock())
    into v_seat_at
    from pgledger.meters
    inner join pgledger.usage_rollups on meters.key = usage_rollups.meter_key
    where meters.app_id = consume_within_limit.app_id
      and meters.tenant_id = consume_within_limit.tenant_id
      and meters.feature_key = consume_within_limit.feature_key
      and usage_rollups.span = 1
    order by usage_rollups.starts_at desc
    limit 1;
  end if;
  select recorded.status, recorded.id
  into consume_within_limit.status, consume_within_limit.id
  from pgledger.ingest_one_usage(
    app_id,
    tenant_id,
    feature_key,
    case when v_entitlement.type = 'seat' then v_entitlement.used + quantity else quantity end,
    v_seat_at,
    idempotency_key,
    metadata,
    v_seat_at
  ) as recorded;
end;
$$;

comment on function pgledger.consume_within_limit is
  'Records usage if the limit allows it, so that nobody comes between check and record.';

revoke all on function pgledger.consume_within_limit from public;

-- file: repeatable/24_entitlements/entitlement.sql
/*
What a tenant has of a feature now: the plans of its live subscriptions, the limit and its period,
and what is used. It goes by the clock, whatever ledger_advance has written so far.

With several subscriptions (add-ons), limits add up; one that is unlimited makes the sum unlimited,
and one that is soft makes it soft. The period is that of the first subscription that has the
feature; the one that is not an add-on comes first. The reason is empty where the limit decides.

One body, though long: every check and every record within a limit runs it, and further calls would
slow those down.
Errors: NullArgument, FeatureNotFound.
*/
create or replace function pgledger.entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  out type text,
  out used numeric,
  out quota numeric,
  out soft_limit boolean,
  out reason text,
  out aggregation text,
  out starts_at timestamptz,
  out ends_at timestamptz,
  out expires_at timestamptz
)
language plpgsql
stable
parallel safe
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_part record;
  v_meter record;
  v_ok boolean;
begin
  used := 0;
  quota := 0;
  soft_limit := false;
  reason := 'no_subscription';
  expires_at := 'infinity';
  for v_part in
    select
      subscriptions as subscription, subscriptions.status, subscriptions.trial_end,
      subscriptions.cancel_at, plan_features.type, plan_features.quota, plan_features.period,
      plan_features.soft_limit, plan_features.aggregation
    from pgledger.subscriptions
    left join pgledger.plan_features
      on subscriptions.plan_key = plan_features.plan_key
      and plan_features.feature_key = entitlement.feature_key
    where subscriptions.app_id = entitlement.app_id
      and subscriptions.tenant_id = entitlement.tenant_id
      and subscriptions.status <> 'canceled'
      and (subscriptions.cancel_at > v_now or subscriptions.cancel_at is null)
    order by subscriptions.add_on, subscriptions.key
  loop
    expires_at := least(
      expires_at, v_part.cancel_at, case when v_part.trial_end > v_now then v_part.trial_end end
    );
    if v_part.status = 'paused' then
      reason := case when reason = 'no_subscription' then 'paused' else reason end;
      continue;
    end if;
    if v_part.type is null then
      reason := case when type is null then 'not_in_plan' else reason end;
      continue;
    end if;
    if type is null then
      type := v_part.type;
      aggregation := v_part.aggregation;
      if type <> 'boolean' then
        select quota_period.starts_at, quota_period.ends_at
        into entitlement.starts_at, entitlement.ends_at
        from pgledger.quota_period(
          v_part.subscription, case when type = 'seat' then 'lifetime' else v_part.period end, v_now
        );
        expires_at := least(expires_at, ends_at);
      end if;
    end if;
    quota := case
      when -1 in (quota, v_part.quota) then -1
      when type = 'boolean' then greatest(quota, v_part.quota)
      else quota + v_part.quota
    end;
    soft_limit := soft_limit or v_part.soft_limit;
    reason := '';
  end loop;

  if type is null then
    v_ok := pgledger.check_feature_exists(app_id, tenant_id, feature_key);
  elsif type = 'boolean' then
    reason := case when quota = 0 then 'disabled' else 'enabled' end;
  else
    select meters.key, meters.unique_key, tenants.purged_before
    into v_meter
    from pgledger.meters
    inner join pgledger.tenants on meters.tenant_key = tenants.key
    where meters.app_id = entitlement.app_id
      and meters.tenant_id = entitlement.tenant_id
      and meters.feature_key = entitlement.feature_key;
    if found then
      -- Of an hour whose events may be purged only the total is left: all of it counts.
      if starts_at < v_meter.purged_before then
        starts_at := date_bin('1 hour', starts_at, timestamptz '2000-01-01 00:00:00+00');
      end if;
      used := pgledger.usage_between(
        v_meter.key, v_meter.unique_key, aggregation, starts_at, ends_at
      );
    end if;
  end if;
end;
$$;

comment on function pgledger.entitlement is
  'What a tenant has of a feature now: limit, what is used of it, and why nothing if nothing.';

revoke all on function pgledger.entitlement from public;

-- file: repeatable/24_entitlements/entitlement_answer.sql
/*
Whether that much more of a feature is allowed, in the form in which every entitlement is answered.
Where a reason is given (there is no subscription, or the feature is a switch), that decides and
nothing is measured.
*/
create or replace function pgledger.entitlement_answer(
  feature_key text,
  used numeric,
  quota numeric,
  soft_limit boolean,
  reason text,
  quantity numeric
)
returns table (
  allowed boolean,
  feature text,
  used_so_far numeric,
  "limit" numeric,
  remaining numeric,
  is_soft boolean,
  why text
)
language sql
stable
parallel safe
rows 1
as $$
  select
    decision.why in ('enabled', 'unlimited', 'within_limit', 'soft_limit'),
    entitlement_answer.feature_key,
    entitlement_answer.used,
    entitlement_answer.quota,
    case
      when entitlement_answer.quota = -1 then -1
      else greatest(entitlement_answer.quota - entitlement_answer.used, 0)
    end,
    entitlement_answer.soft_limit,
    decision.why
  from (
    select case
      when entitlement_answer.reason <> '' then entitlement_answer.reason
      when entitlement_answer.quota = -1 then 'unlimited'
      when entitlement_answer.used + entitlement_answer.quantity <= entitlement_answer.quota
        then 'within_limit'
      when entitlement_answer.soft_limit then 'soft_limit'
      else 'limit_exceeded'
    end as why
  ) as decision
$$;

comment on function pgledger.entitlement_answer is
  'Whether that much more of a feature is allowed, what is left of it, and why.';

revoke all on function pgledger.entitlement_answer from public;

-- file: repeatable/24_entitlements/entitlement_versions.sql
/*
The versions of everything that an entitlement is made from, as the calling statement sees it; for
usage, the count of events in the time that the limit counts. No version ever goes back, nor does a
sum of versions of the same plans. If a tenant comes to have other plans, the sum of its
subscriptions' versions has grown.
*/
create or replace function pgledger.entitlement_versions(
  app_id text,
  tenant_id text,
  feature_key text,
  starts_at timestamptz,
  ends_at timestamptz,
  out plan_version bigint,
  out subscription_version bigint,
  out usage_version bigint,
  out tenant_version bigint,
  out feature_version bigint
)
language sql
stable
parallel safe
as $$
  select
    coalesce(taken.plan_version, 0),
    coalesce(taken.subscription_version, 0),
    coalesce(
      (
        select pgledger.usage_between(
          meters.key, null, 'count', entitlement_versions.starts_at, entitlement_versions.ends_at
        )
        from pgledger.meters
        where meters.app_id = entitlement_versions.app_id
          and meters.tenant_id = entitlement_versions.tenant_id
          and meters.feature_key = entitlement_versions.feature_key
          and entitlement_versions.starts_at is not null
      ),
      0
    )::bigint,
    coalesce(
      (
        select tenants.cache_version
        from pgledger.tenants
        where tenants.app_id = entitlement_versions.app_id
          and tenants.tenant_id = entitlement_versions.tenant_id
      ),
      0
    ),
    coalesce(
      (
        select feature_invalidations.version
        from pgledger.feature_invalidations
        where feature_invalidations.app_id = entitlement_versions.app_id
          and feature_invalidations.feature_key = entitlement_versions.feature_key
      ),
      0
    )
  from (
    select
      sum(plans.version)::bigint as plan_version,
      sum(subscriptions.version)::bigint as subscription_version
    from pgledger.subscriptions
    inner join pgledger.plans on subscriptions.plan_key = plans.key
    where subscriptions.app_id = entitlement_versions.app_id
      and subscriptions.tenant_id = entitlement_versions.tenant_id
  ) as taken
$$;

comment on function pgledger.entitlement_versions is
  'Versions of everything that an entitlement is made from.';

revoke all on function pgledger.entitlement_versions from public;

-- file: repeatable/24_entitlements/ledger_check_entitlement.sql
/*
Takes no lock and writes nothing.
Checks, in this order: app_id, tenant_id, quantity, feature_key.
*/
create or replace function public.ledger_check_entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric default 1
)
returns public.ledger_entitlement
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_answer record;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_quantity('quantity', quantity);

  select
    answer.allowed, answer.feature, answer.used_so_far, answer."limit", answer.remaining,
    answer.is_soft, answer.why
  into v_answer
  from pgledger.entitlement(app_id, tenant_id, feature_key) as found
  cross join lateral pgledger.entitlement_answer(
    feature_key, found.used, found.quota, found.soft_limit, found.reason, quantity
  ) as answer;

  return v_answer;
end;
$$;

comment on function public.ledger_check_entitlement is
$$Says whether a tenant may use so much more of a feature now.

It is exact at the time of the call, never cached. To check and record in one
step there is ledger_consume_entitlement.

A boolean feature that is on has a limit of 1 and the reason enabled; one that
is off has 0 and disabled. The reason soft_limit allows what is above the
limit; limit_exceeded does not. A feature that no plan of the tenant contains
is not_in_plan; if the plans are paused, paused; without any subscription,
no_subscription.

app_id: App.
tenant_id: Tenant who wants to use it.
feature_key: Key of the feature.
quantity: How much more, on top of what was used, 0 or more.

Returns: Whether it is allowed, what is used and left of the limit, and why.

Errors: NullArgument, InvalidScope, InvalidQuantity (the quantity is not in
  range), FeatureNotFound (there is no feature of this key for this app and
  tenant).$$;

revoke all on function public.ledger_check_entitlement from public;
grant execute on function public.ledger_check_entitlement to pgledger_reader;

-- file: repeatable/24_entitlements/ledger_consume_entitlement.sql
/*
Locks: those of pgledger.consume_within_limit.
Checks, in this order: app_id, tenant_id, quantity, whether the key is taken, feature_key, limit,
what the usage event is made of.
*/
create or replace function public.ledger_consume_entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric default 1,
  idempotency_key text default null,
  metadata jsonb default null
)
returns public.ledger_consumption
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_status text;
  v_id text;
  v_answer record;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_quantity('quantity', quantity);
  v_id := pgledger.event_of_key(app_id, tenant_id, feature_key, quantity, idempotency_key);
  if v_id is null then
    select consumed.status, consumed.id
    into v_status, v_id
    from pgledger.consume_within_limit(
      app_id, tenant_id, feature_key, quantity, idempotency_key, metadata
    ) as consumed;
    if v_status is distinct from 'inserted' then
      -- The same call, made at the same time, may have used up the limit or taken the key.
      v_id := pgledger.event_of_key(app_id, tenant_id, feature_key, quantity, idempotency_key);
    end if;
  end if;
  if v_status is null and v_id is not null then
    v_status := 'duplicate';
  end if;

  select
    v_status is not null,
    answer.feature,
    answer.used_so_far,
    answer."limit",
    answer.remaining,
    answer.is_soft,
    case
      when v_status = 'duplicate' then 'duplicate'
      when v_status is null and answer.allowed then 'limit_exceeded'
      else answer.why
    end,
    v_id
  into v_answer
  from pgledger.entitlement(app_id, tenant_id, feature_key) as found
  cross join lateral pgledger.entitlement_answer(
    feature_key, found.used, found.quota, found.soft_limit, found.reason,
    -- What was recorded is part of what is used.
    case when v_status is null then quantity else 0 end
  ) as answer;

  return v_answer;
end;
$$;

comment on function public.ledger_consume_entitlement is
$$Checks a limit and records usage in one step, if the limit allows it.

Of any number of calls at the same time, no more are allowed than the limit
has room for. What counts against the limit is what usage comes to with this,
by the feature's aggregation. Calls for one tenant and feature wait for each
other until their transactions end, so keep those short.

app_id: App.
tenant_id: Tenant who uses it.
feature_key: Key of the feature.
quantity: How much, 0 or more; for a seat, how many more.
idempotency_key: The caller's own name of the usage event, 1 to 255
  characters: the same call with the same key is allowed, records nothing and
  has the reason duplicate, or null.
metadata: JSON object to store with the usage event, at most 64 KiB, or null.

Returns: Whether it was allowed and recorded, what is used and left of the
  limit afterwards, and why; what is not allowed is no error. event_id is null
  if nothing was recorded, now or before under that key.

Errors: NullArgument, InvalidScope, InvalidQuantity (the quantity is not in
  range), IdempotencyConflict (the key is taken by usage of another feature or
  quantity), FeatureNotFound (there is no feature of this key for this app and
  tenant), InvalidArgument (the feature is not one that is used up, or the key
  or a value that it counts by is not valid), InvalidMetadata.$$;

revoke all on function public.ledger_consume_entitlement from public;
grant execute on function public.ledger_consume_entitlement to pgledger_poster;

-- file: repeatable/24_entitlements/ledger_get_cached_entitlement.sql
/*
The remembered entitlement is served only if all versions of what it was made from still stand.
Checks, in this order: app_id, tenant_id, feature_key, quantity.
*/
create or replace function public.ledger_get_cached_entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric default 1
)
returns setof public.ledger_entitlement
language plpgsql
stable
parallel safe
rows 1
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  if feature_key is null then
    v_ok := pgledger.fail('NullArgument', array['feature_key']);
  end if;
  v_ok := pgledger.check_quantity('quantity', quantity);
  return query
  select
    answer.allowed, answer.feature, answer.used_so_far, answer."limit", answer.remaining,
    answer.is_soft, answer.why
  from pgledger.entitlement_cache
  cross join lateral pgledger.entitlement_versions(
    entitlement_cache.app_id,
    entitlement_cache.tenant_id,
    entitlement_cache.feature_key,
    entitlement_cache.starts_at,
    entitlement_cache.ends_at
  ) as versions
  cross join lateral pgledger.entitlement_answer(
    entitlement_cache.feature_key, entitlement_cache.used, entitlement_cache.quota,
    entitlement_cache.soft_limit, entitlement_cache.reason, quantity
  ) as answer
  where entitlement_cache.app_id = ledger_get_cached_entitlement.app_id
    and entitlement_cache.tenant_id = ledger_get_cached_entitlement.tenant_id
    and entitlement_cache.feature_key = ledger_get_cached_entitlement.feature_key
    -- If the clock was put back, an entry that had expired must not come back.
    and v_now >= entitlement_cache.created_at
    and v_now < entitlement_cache.expires_at
    -- No version tells that a feature was deleted, which is an error and not an answer.
    and (
      pgledger.find_feature(
        entitlement_cache.app_id, entitlement_cache.feature_key, entitlement_cache.tenant_id
      )
    ).id is not null
    and entitlement_cache.plan_version = versions.plan_version
    and entitlement_cache.subscription_version = versions.subscription_version
    and entitlement_cache.usage_version = versions.usage_version
    and entitlement_cache.tenant_version = versions.tenant_version
    and entitlement_cache.feature_version = versions.feature_version;
end;
$$;

comment on function public.ledger_get_cached_entitlement is
$$Returns an entitlement that ledger_set_cached_entitlement remembered.

app_id: App.
tenant_id: Tenant whose it is.
feature_key: Key of the feature.
quantity: How much more, on top of what was used, 0 or more.

Returns: What ledger_check_entitlement would return, if that is remembered, is
  still in time and is made from nothing that has changed since, or no row.

Errors: NullArgument, InvalidScope, InvalidQuantity (the quantity is not in
  range).$$;

revoke all on function public.ledger_get_cached_entitlement from public;
grant execute on function public.ledger_get_cached_entitlement to pgledger_reader;

-- file: repeatable/24_entitlements/ledger_invalidate_feature_entitlements.sql
/*
An entitlement that is being worked out at this moment is not served either: it remembers the
version from before.
Locks: the feature's row of invalidations.
Checks, in this order: app_id, feature_key, existence.
*/
create or replace function public.ledger_invalidate_feature_entitlements(
  app_id text,
  feature_key text
)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);
  if feature_key is null then
    v_ok := pgledger.fail('NullArgument', array['feature_key']);
  elsif not exists (
    select
    from pgledger.features
    where features.app_id in (ledger_invalidate_feature_entitlements.app_id, '*')
      and features.key = ledger_invalidate_feature_entitlements.feature_key
  ) then
    v_ok := pgledger.fail(
      'FeatureNotFound',
      array[quote_literal(pgledger.abridged(feature_key)), pgledger.in_app(app_id)]
    );
  end if;
  insert into pgledger.feature_invalidations (app_id, feature_key, version)
  values (
    ledger_invalidate_feature_entitlements.app_id,
    ledger_invalidate_feature_entitlements.feature_key,
    1
  )
  on conflict on constraint feature_invalidations_app_id_feature_key_pk do update
  set version = feature_invalidations.version + 1;
end;
$$;

comment on function public.ledger_invalidate_feature_entitlements is
$$Forgets the remembered entitlements to a feature, of all tenants.

What pgledger itself changes needs no such call: that is seen anyway.

app_id: App.
feature_key: Key of the feature.

Errors: NullArgument, InvalidScope, FeatureNotFound (no tenant of this app has
  a feature of this key).$$;

revoke all on function public.ledger_invalidate_feature_entitlements from public;
grant execute on function public.ledger_invalidate_feature_entitlements to pgledger_poster;

-- file: repeatable/24_entitlements/ledger_invalidate_tenant_entitlements.sql
/*
An entitlement that is being worked out at this moment is not served either: it remembers the
version from before.
Locks: the tenant's row.
*/
create or replace function public.ledger_invalidate_tenant_entitlements(
  app_id text,
  tenant_id text
)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  update pgledger.tenants
  set cache_version = tenants.cache_version + 1
  where tenants.app_id = ledger_invalidate_tenant_entitlements.app_id
    and tenants.tenant_id = ledger_invalidate_tenant_entitlements.tenant_id;
  if found then
    return;
  end if;
  -- Only where there is no row: each attempt to insert uses up a key, and there are not many.
  insert into pgledger.tenants (app_id, tenant_id, cache_version)
  values (
    ledger_invalidate_tenant_entitlements.app_id,
    ledger_invalidate_tenant_entitlements.tenant_id,
    1
  )
  on conflict on constraint tenants_app_id_tenant_id_key do update
  set cache_version = tenants.cache_version + 1;
end;
$$;

comment on function public.ledger_invalidate_tenant_entitlements is
$$Forgets the remembered entitlements of a tenant.

What pgledger itself changes needs no such call: that is seen anyway.

app_id: App.
tenant_id: Tenant whose they are.

Errors: NullArgument, InvalidScope.$$;

revoke all on function public.ledger_invalidate_tenant_entitlements from public;
grant execute on function public.ledger_invalidate_tenant_entitlements to pgledger_poster;

-- file: repeatable/24_entitlements/ledger_remaining_entitlement.sql
/*
Takes no lock and writes nothing.
Checks, in this order: app_id, tenant_id, feature_key.
*/
create or replace function public.ledger_remaining_entitlement(
  app_id text,
  tenant_id text,
  feature_key text
)
returns numeric
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  return (
    select answer.remaining
    from pgledger.entitlement(app_id, tenant_id, feature_key) as found
    cross join lateral pgledger.entitlement_answer(
      feature_key, found.used, found.quota, found.soft_limit, found.reason, 0
    ) as answer
  );
end;
$$;

comment on function public.ledger_remaining_entitlement is
$$Says how much of a feature a tenant has left now.

app_id: App.
tenant_id: Tenant who wants to use it.
feature_key: Key of the feature.

Returns: How much; -1 if it is unlimited, 0 if the tenant does not have it; of
  a boolean feature 1 if it is on.

Errors: NullArgument, InvalidScope, FeatureNotFound (there is no feature of
  this key for this app and tenant).$$;

revoke all on function public.ledger_remaining_entitlement from public;
grant execute on function public.ledger_remaining_entitlement to pgledger_reader;

-- file: repeatable/24_entitlements/ledger_set_cached_entitlement.sql
/*
One statement works the entitlement out and reads the versions of what it is made from, so both are
of the same moment.
Locks: the cache's row.
Checks, in this order: app_id, tenant_id, ttl, feature_key.
*/
create or replace function public.ledger_set_cached_entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  ttl interval default '30 seconds'
)
returns public.ledger_entitlement
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  -- Read before the statement below sees its data, so that nothing is served too long.
  v_now timestamptz := pgledger.clock();
  v_answer record;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  if ttl is null then
    v_ok := pgledger.fail('NullArgument', array['ttl']);
  elsif not (ttl > interval '0' and ttl <= interval '1 day') then
    v_ok := pgledger.fail(
      'InvalidArgument', array['ttl', quote_literal(ttl), 'it is not above 0 and at most a day']
    );
  end if;

  with stored as (
    insert into pgledger.entitlement_cache (
      app_id, tenant_id, feature_key, used, quota, soft_limit, reason, starts_at, ends_at,
      plan_version, subscription_version, usage_version, tenant_version, feature_version,
      created_at, expires_at
    )
    select
      ledger_set_cached_entitlement.app_id, ledger_set_cached_entitlement.tenant_id,
      ledger_set_cached_entitlement.feature_key, found.used, found.quota, found.soft_limit,
      found.reason, found.starts_at, found.ends_at, versions.plan_version,
      versions.subscription_version, versions.usage_version, versions.tenant_version,
      versions.feature_version, v_now, least(found.expires_at, v_now + ttl)
    from pgledger.entitlement(
      ledger_set_cached_entitlement.app_id,
      ledger_set_cached_entitlement.tenant_id,
      ledger_set_cached_entitlement.feature_key
    ) as found
    cross join lateral pgledger.entitlement_versions(
      ledger_set_cached_entitlement.app_id,
      ledger_set_cached_entitlement.tenant_id,
      ledger_set_cached_entitlement.feature_key,
      found.starts_at,
      found.ends_at
    ) as versions
    on conflict on constraint entitlement_cache_app_id_tenant_id_feature_key_pk do update
    set
      used = excluded.used,
      quota = excluded.quota,
      soft_limit = excluded.soft_limit,
      reason = excluded.reason,
      starts_at = excluded.starts_at,
      ends_at = excluded.ends_at,
      plan_version = excluded.plan_version,
      subscription_version = excluded.subscription_version,
      usage_version = excluded.usage_version,
      tenant_version = excluded.tenant_version,
      feature_version = excluded.feature_version,
      created_at = excluded.created_at,
      expires_at = excluded.expires_at
    returning
      entitlement_cache.feature_key, entitlement_cache.used, entitlement_cache.quota,
      entitlement_cache.soft_limit, entitlement_cache.reason
  )
  select
    answer.allowed, answer.feature, answer.used_so_far, answer."limit", answer.remaining,
    answer.is_soft, answer.why
  into v_answer
  from stored
  cross join lateral pgledger.entitlement_answer(
    stored.feature_key, stored.used, stored.quota, stored.soft_limit, stored.reason, 1
  ) as answer;

  return v_answer;
end;
$$;

comment on function public.ledger_set_cached_entitlement is
$$Checks an entitlement and remembers it for ledger_get_cached_entitlement.

It is served until its time is over, or until something that it was made from
changes: the plan, the subscription, usage, an invalidation, or the end of the
limit's period, of a trial or of a subscription.

app_id: App.
tenant_id: Tenant whose it is.
feature_key: Key of the feature.
ttl: How long it may be served at most, above 0 and at most a day.

Returns: What ledger_check_entitlement returns for a quantity of 1.

Errors: NullArgument, InvalidScope, InvalidArgument (ttl is out of range),
  FeatureNotFound (there is no feature of this key for this app and tenant).$$;

revoke all on function public.ledger_set_cached_entitlement from public;
grant execute on function public.ledger_set_cached_entitlement to pgledger_poster;

-- file: repeatable/24_entitlements/unique_usage_added.sql
/*
How many values a usage event with that metadata would add to those that the meter has counted in
[starts_at, ends_at): one or none.
*/
create or replace function pgledger.unique_usage_added(
  app_id text,
  tenant_id text,
  feature_key text,
  metadata jsonb,
  starts_at timestamptz,
  ends_at timestamptz
)
returns integer
language plpgsql
stable
parallel safe
as $$
begin
  return (
    select count(*) filter (where value.found = 0)
    from (
      select pgledger.unique_usage_between(
        meters.key,
        meters.unique_key,
        unique_usage_added.starts_at,
        unique_usage_added.ends_at,
        coalesce(metadata ->> meters.unique_key, '')
      ) as found
      from pgledger.meters
      where meters.app_id = unique_usage_added.app_id
        and meters.tenant_id = unique_usage_added.tenant_id
        and meters.feature_key = unique_usage_added.feature_key
      -- Without a meter yet, the event would be the first.
      union all
      select 0
      where not exists (
        select
        from pgledger.meters
        where meters.app_id = unique_usage_added.app_id
          and meters.tenant_id = unique_usage_added.tenant_id
          and meters.feature_key = unique_usage_added.feature_key
      )
    ) as value
  );
end;
$$;

comment on function pgledger.unique_usage_added is
  'How many values an event would add to those that a meter has counted: one or none.';

revoke all on function pgledger.unique_usage_added from public;

-- file: repeatable/24_entitlements/views/ledger_entitlement_cache.sql
/*
Cached entitlements as they were stored, also those that are no longer served. Only
ledger_get_cached_entitlement finds out which these are.
*/
create or replace view public.ledger_entitlement_cache as
select
  entitlement_cache.app_id,
  entitlement_cache.tenant_id,
  entitlement_cache.feature_key,
  entitlement_cache.used,
  entitlement_cache.quota as "limit",
  case
    when entitlement_cache.quota = -1 then -1
    else greatest(entitlement_cache.quota - entitlement_cache.used, 0)
  end as remaining,
  entitlement_cache.soft_limit,
  entitlement_cache.reason,
  entitlement_cache.created_at,
  entitlement_cache.expires_at
from pgledger.entitlement_cache
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view public.ledger_entitlement_cache is
  'Cached entitlements, also those that are no longer served because something changed since.';
comment on column public.ledger_entitlement_cache.app_id is 'App.';
comment on column public.ledger_entitlement_cache.tenant_id is 'Tenant.';
comment on column public.ledger_entitlement_cache.feature_key is 'Key of the feature.';
comment on column public.ledger_entitlement_cache.used is
  'Usage in the limit''s period, or seats taken.';
comment on column public.ledger_entitlement_cache."limit" is 'Limit; -1 for unlimited.';
comment on column public.ledger_entitlement_cache.remaining is
  'What is left of the limit; -1 for unlimited.';
comment on column public.ledger_entitlement_cache.soft_limit is
  'Whether usage may go beyond the limit, at a price.';
comment on column public.ledger_entitlement_cache.reason is
  'Why nothing is allowed at all; empty where the limit decides.';
comment on column public.ledger_entitlement_cache.created_at is 'When it was made.';
comment on column public.ledger_entitlement_cache.expires_at is
  'From this time on it is not served; a change may end it earlier.';

revoke all on table public.ledger_entitlement_cache from public;
grant select on table public.ledger_entitlement_cache to pgledger_reader;

-- file: repeatable/24_entitlements/views/ledger_tenant_entitlement_cache.sql
/*
Cached entitlements that a tenant's own database role may see, also those that are no longer served.
Guarded as ledger_tenant_plans is.
*/
create or replace view public.ledger_tenant_entitlement_cache with (security_barrier) as
select
  entitlement_cache.app_id,
  entitlement_cache.tenant_id,
  entitlement_cache.feature_key,
  entitlement_cache.used,
  entitlement_cache.quota as "limit",
  case
    when entitlement_cache.quota = -1 then -1
    else greatest(entitlement_cache.quota - entitlement_cache.used, 0)
  end as remaining,
  entitlement_cache.soft_limit,
  entitlement_cache.reason,
  entitlement_cache.created_at,
  entitlement_cache.expires_at
from pgledger.entitlement_cache
inner join pgledger.tenant_roles as mapped
  on entitlement_cache.app_id = mapped.app_id and entitlement_cache.tenant_id = mapped.tenant_id
where mapped.role_name = current_user;

comment on view public.ledger_tenant_entitlement_cache is
  'Cached entitlements of the tenant of the current database role, also those that are no longer '
  'served.';
comment on column public.ledger_tenant_entitlement_cache.app_id is 'App.';
comment on column public.ledger_tenant_entitlement_cache.tenant_id is 'Tenant.';
comment on column public.ledger_tenant_entitlement_cache.feature_key is 'Key of the feature.';
comment on column public.ledger_tenant_entitlement_cache.used is
  'Usage in the limit''s period, or seats taken.';
comment on column public.ledger_tenant_entitlement_cache."limit" is 'Limit; -1 for unlimited.';
comment on column public.ledger_tenant_entitlement_cache.remaining is
  'What is left of the limit; -1 for unlimited.';
comment on column public.ledger_tenant_entitlement_cache.soft_limit is
  'Whether usage may go beyond the limit, at a price.';
comment on column public.ledger_tenant_entitlement_cache.reason is
  'Why nothing is allowed at all; empty where the limit decides.';
comment on column public.ledger_tenant_entitlement_cache.created_at is 'When it was made.';
comment on column public.ledger_tenant_entitlement_cache.expires_at is
  'From this time on it is not served; a change may end it earlier.';

revoke all on table public.ledger_tenant_entitlement_cache from public;
grant select on table public.ledger_tenant_entitlement_cache to pgledger_tenant;
alter view public.ledger_tenant_entitlement_cache owner to pgledger_tenant_views;

-- file: repeatable/25_coupons/add_shares.sql
/*
Lines with their shares of a discount and of a tax added, in their order; null for none.
*/
create or replace function pgledger.add_shares(
  lines pgledger.invoice_lines[],
  discounts numeric[],
  taxes numeric[]
)
returns pgledger.invoice_lines[]
language sql
immutable
parallel safe
as $$
  select
    array_agg(
      row(
        line.invoice_key, line.place, line.kind, line.description, line.item, line.period_start,
        line.period_end, line.quantity, line.unit_amount, line.amount,
        line.discount + coalesce(discounts[line.nth], 0),
        line.tax + coalesce(taxes[line.nth], 0),
        line.subscription_key, line.for_period, line.plan_key, line.gross, line.counted,
        line.events, line.redemption_key, line.basis
      )::pgledger.invoice_lines
      order by line.nth
    )
  from unnest(lines) with ordinality as line (
    invoice_key, place, kind, description, item, period_start, period_end, quantity, unit_amount,
    amount, discount, tax, subscription_key, for_period, plan_key, gross, counted, events,
    redemption_key, basis, nth
  )
$$;

comment on function pgledger.add_shares is
  'Lines with their shares of a discount and of a tax added.';

revoke all on function pgledger.add_shares from public;

-- file: repeatable/25_coupons/apply_coupons.sql
/*
Takes the coupons that a tenant has redeemed off the lines of an invoice. Coupons for some of the
lines come first, then those for all, each in the order of redemption, and each takes from what the
ones before have left. Credits are left alone. Returns the lines with their shares, and one more
line for each coupon that took something off.
*/
create or replace function pgledger.apply_coupons(
  invoice pgledger.invoices,
  lines pgledger.invoice_lines[],
  exponent integer
)
returns pgledger.invoice_lines[]
language plpgsql
stable
parallel safe
as $$
declare
  v_coupon record;
  v_subtotal numeric;
  v_items text[];
  -- What coupons can take off each line, and what is left of that.
  v_whole numeric[];
  v_left numeric[];
  v_taken numeric[];
  v_share record;
  v_discount pgledger.invoice_lines;
  v_discounts pgledger.invoice_lines[] := '{}';
begin
  for v_coupon in
    select
      redemption.key, coupons.name, coupons.percentage, coupons.applies_to,
      coupons.minimum_subtotal, coalesce(redemption.amount_left, coupons.amount) as amount
    from pgledger.coupon_redemptions as redemption
    inner join pgledger.coupons on redemption.coupon_key = coupons.key
    where redemption.app_id = invoice.app_id
      and redemption.tenant_id = invoice.tenant_id
      and coalesce(redemption.subscription_key, invoice.subscription_key)
      is not distinct from invoice.subscription_key
      and (redemption.uses_left > 0) is not false
      and coalesce(coupons.currency, invoice.currency) = invoice.currency
    order by coupons.applies_to is null, redemption.key
  loop
    if v_subtotal is null then
      v_subtotal := (select sum(line.amount) from unnest(lines) as line);
      v_items := array(select line.item from unnest(lines) as line);
      v_whole := pgledger.discountable(lines);
      v_left := v_whole;
    end if;
    continue when v_subtotal < v_coupon.minimum_subtotal;

    v_share := pgledger.coupon_shares(
      v_left, v_items, v_coupon.applies_to, v_coupon.percentage, v_coupon.amount, exponent
    );
    continue when (v_share.discount > 0) is not true;

    v_discount := null;
    v_discount.kind := 'discount';
    v_discount.description := v_coupon.name;
    v_discount.amount := -v_share.discount;
    v_discount.discount := 0 * v_discount.amount;
    v_discount.tax := v_discount.discount;
    v_discount.redemption_key := v_coupon.key;
    v_discount.basis := jsonb_strip_nulls(
      jsonb_build_object(
        'base', v_share.base::text, 'percentage', trim_scale(v_coupon.percentage)::text,
        'amount', case when v_coupon.percentage is null then v_coupon.amount::text end,
        'applies_to', to_jsonb(v_coupon.applies_to)
      )
    );
    v_discounts := v_discounts || v_discount;
    v_left := array(
      select part.amount - part.share
      from unnest(v_left, v_share.shares) with ordinality as part (amount, share, place)
      order by part.place
    );
  end loop;
  if cardinality(v_discounts) = 0 then
    return lines;
  end if;
  v_taken := array(
    select part.amount - part.rest
    from unnest(v_whole, v_left) with ordinality as part (amount, rest, place)
    order by part.place
  );
  return pgledger.add_shares(lines, v_taken, null) || v_discounts;
end;
$$;

comment on function pgledger.apply_coupons is
  'The lines of an invoice with the discounts of the coupons that the tenant has redeemed.';

revoke all on function pgledger.apply_coupons from public;

-- file: repeatable/25_coupons/check_coupon_currency.sql
/*
Refuses a coupon whose currency the app does not know, or whose amounts have more decimals than the
currency. A coupon needs no currency.

Locks a currency of the app's own FOR SHARE: its exponent stays the same while the coupon is
written.
Errors: UnknownCurrency, InvalidAmount, InvalidArgument.
*/
create or replace function pgledger.check_coupon_currency(coupon pgledger.coupons)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_exponent integer;
  v_ok boolean;
begin
  if coupon.currency is null then
    return true;
  end if;

  perform 1
  from pgledger.currencies
  where currencies.app_id = coupon.app_id and currencies.code = coupon.currency
  for share;

  v_exponent := pgledger.currency_exponent(coupon.app_id, coupon.currency);
  if v_exponent is null then
    v_ok := pgledger.fail(
      'UnknownCurrency',
      array[quote_literal(pgledger.abridged(coupon.currency)), pgledger.in_app(coupon.app_id)]
    );
  elsif min_scale(coupon.amount) > v_exponent then
    v_ok := pgledger.fail(
      'InvalidAmount',
      array[
        coupon.amount::text,
        format('it has more decimal places than the %s of %s', v_exponent, coupon.currency)
      ]
    );
  elsif min_scale(coupon.minimum_subtotal) > v_exponent then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'minimum_subtotal',
        coupon.minimum_subtotal::text,
        format('it has more decimal places than the %s of %s', v_exponent, coupon.currency)
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_coupon_currency is
  'Raises unless the app knows a coupon''s currency, and its amounts have no more decimals.';

revoke all on function pgledger.check_coupon_currency from public;

-- file: repeatable/25_coupons/check_coupon_discount.sql
/*
Refuses a coupon whose discount is wrong in itself. Like the code, the discount never changes.
Whether the app knows the currency, and how many decimals it has, is for
pgledger.check_coupon_currency to check. The order of the checks is that of the arguments.

Errors: NullArgument, InvalidArgument, InvalidAmount.
*/
create or replace function pgledger.check_coupon_discount(coupon pgledger.coupons)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_amount_fault text := pgledger.amount_fault(coupon.amount);
  v_minimum_fault text := pgledger.amount_fault(coupon.minimum_subtotal);
  v_percentage_fault text := case
    when num_nonnulls(coupon.percentage, coupon.amount) = 0
      then 'a coupon takes off a percentage or an amount, and neither is given'
    when num_nonnulls(coupon.percentage, coupon.amount) = 2
      then 'a coupon takes off a percentage or an amount, and both are given'
    -- NaN is above everything.
    when coupon.percentage <= 0 or coupon.percentage > 100
      then 'it is not above 0 and at most 100'
    when min_scale(coupon.percentage) > 18
      then format('it has %s decimal places', min_scale(coupon.percentage))
  end;
  v_ok boolean;
begin
  if v_percentage_fault is not null then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'percentage',
        coalesce(pgledger.abridged(coupon.percentage::text), 'null'),
        v_percentage_fault
      ]
    );
  elsif coupon.amount is not null and v_amount_fault is not null then
    v_ok := pgledger.fail(
      'InvalidAmount', array[pgledger.abridged(coupon.amount::text), v_amount_fault]
    );
  elsif coupon.currency is null
    and num_nonnulls(coupon.amount, coupon.minimum_subtotal) > 0 then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array['currency', 'null', 'an amount and a minimum subtotal are in a currency']
    );
  end if;

  v_ok := pgledger.check_coupon_duration(coupon.duration, coupon.duration_invoices);
  v_ok := pgledger.check_coupon_items(coupon.applies_to);

  if coupon.minimum_subtotal is not null and v_minimum_fault is not null then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'minimum_subtotal',
        pgledger.abridged(coupon.minimum_subtotal::text),
        v_minimum_fault
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_coupon_discount is
  'Raises the first thing that is wrong with what a coupon takes off, and of what.';

revoke all on function pgledger.check_coupon_discount from public;

-- file: repeatable/25_coupons/check_coupon_duration.sql
/*
Refuses a duration that a coupon cannot have. A repeating coupon has a number of invoices; the
others have none.

Errors: NullArgument, InvalidArgument.
*/
create or replace function pgledger.check_coupon_duration(
  duration text,
  duration_invoices integer
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text;
  v_ok boolean;
begin
  v_ok := pgledger.check_choice('duration', duration, array['once', 'repeating', 'forever']);

  v_fault := case
    when duration <> 'repeating' and duration_invoices is not null
      then 'only a coupon that is repeating counts invoices'
    when duration = 'repeating' and duration_invoices is null
      then 'a coupon that is repeating says how many invoices it reduces'
    when duration_invoices not between 1 and 1000 then 'it is not between 1 and 1000'
  end;
  if v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array['duration_invoices', coalesce(duration_invoices::text, 'null'), v_fault]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_coupon_duration is
  'Raises NullArgument or InvalidArgument unless a coupon can last that long.';

revoke all on function pgledger.check_coupon_duration from public;

-- file: repeatable/25_coupons/check_coupon_items.sql
/*
Refuses a list of lines that a coupon cannot reduce. A line is named by the key of a feature, by
base, or by any text that an app gives a one-off line, so nothing is looked up.

Errors: InvalidArgument.
*/
create or replace function pgledger.check_coupon_items(applies_to text[])
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_item record;
  v_ok boolean;
begin
  if array_ndims(applies_to) > 1 then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array['applies_to', format('of %s dimensions', array_ndims(applies_to)), 'it is not a list']
    );
  elsif cardinality(applies_to) not between 1 and 100 then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'applies_to',
        format('of %s elements', cardinality(applies_to)),
        'it does not have 1 to 100 of them; leave it out for the whole invoice'
      ]
    );
  end if;

  for v_item in
    select
      item.value,
      coalesce(
        pgledger.text_fault(item.value, 1, 255, true),
        case
          when row_number() over (partition by item.value order by item.place) > 1
            then 'it is given twice'
        end
      ) as fault
    from unnest(applies_to) with ordinality as item (value, place)
    order by item.place
  loop
    if v_item.fault is not null then
      v_ok := pgledger.fail(
        'InvalidArgument',
        array['applies_to', quote_nullable(pgledger.abridged(v_item.value)), v_item.fault]
      );
    end if;
  end loop;

  return true;
end;
$$;

comment on function pgledger.check_coupon_items is
  'Raises InvalidArgument unless these are null or 1 to 100 different texts that name lines.';

revoke all on function pgledger.check_coupon_items from public;

-- file: repeatable/25_coupons/check_coupon_terms.sql
/*
Refuses a coupon of which something is wrong that can be changed later. The order of the checks is
that of the arguments.

Errors: NullArgument, InvalidArgument, InvalidTime, InvalidMetadata.
*/
create or replace function pgledger.check_coupon_terms(coupon pgledger.coupons)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_from_fault text := pgledger.time_fault(coupon.valid_from);
  v_until_fault text := pgledger.time_fault(coupon.valid_until);
  v_ok boolean;
begin
  v_ok := pgledger.check_text('name', coupon.name, 255, allow_invisible => true);

  if coupon.valid_from is not null and v_from_fault is not null then
    v_ok := pgledger.fail(
      'InvalidTime', array['valid_from', coupon.valid_from::text, v_from_fault]
    );
  elsif coupon.valid_until is not null and v_until_fault is not null then
    v_ok := pgledger.fail(
      'InvalidTime', array['valid_until', coupon.valid_until::text, v_until_fault]
    );
  elsif coupon.valid_until <= coupon.valid_from then
    v_ok := pgledger.fail(
      'InvalidTime',
      array[
        'valid_until',
        coupon.valid_until::text,
        format('it is not after valid_from %s', coupon.valid_from)
      ]
    );
  end if;

  if coupon.max_redemptions < 1 then
    v_ok := pgledger.fail(
      'InvalidArgument', array['max_redemptions', coupon.max_redemptions::text, 'it is not above 0']
    );
  elsif coupon.max_redemptions_per_tenant < 1 then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'max_redemptions_per_tenant',
        coupon.max_redemptions_per_tenant::text,
        'it is not above 0'
      ]
    );
  end if;

  return pgledger.check_metadata(coupon.metadata);
end;
$$;

comment on function pgledger.check_coupon_terms is
  'Raises the first thing that is wrong with a coupon''s name, validity, limits or metadata.';

revoke all on function pgledger.check_coupon_terms from public;

-- file: repeatable/25_coupons/check_redeemable.sql
/*
Refuses to let a tenant redeem a coupon that is not valid at that time, or that is used up, in all
or by this tenant. The caller has locked the coupon, so that nobody else redeems it meanwhile.

Errors: CouponNotValid, CouponExhausted.
*/
create or replace function pgledger.check_redeemable(
  coupon pgledger.coupons,
  tenant_id text,
  at timestamptz
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_code text := quote_literal(coupon.code);
  v_fault text := case
    when coupon.status = 'archived' then 'it is archived'
    when coupon.valid_from > at then format('it is valid from %s on', coupon.valid_from)
    when coupon.valid_until <= at then format('it was valid until %s', coupon.valid_until)
  end;
  v_redeemed bigint;
  v_ok boolean;
begin
  if v_fault is not null then
    v_ok := pgledger.fail('CouponNotValid', array[v_code, v_fault]);
  elsif coupon.redemptions >= coupon.max_redemptions then
    v_ok := pgledger.fail(
      'CouponExhausted', array[v_code, coupon.redemptions::text, coupon.max_redemptions::text, '']
    );
  elsif coupon.max_redemptions_per_tenant is null then
    return true;
  end if;

  select count(*)
  into v_redeemed
  from pgledger.coupon_redemptions
  where coupon_redemptions.coupon_key = coupon.key
    and coupon_redemptions.tenant_id = check_redeemable.tenant_id;
  if v_redeemed >= coupon.max_redemptions_per_tenant then
    v_ok := pgledger.fail(
      'CouponExhausted',
      array[
        v_code,
        v_redeemed::text,
        coupon.max_redemptions_per_tenant::text,
        ' by tenant ' || quote_literal(tenant_id)
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_redeemable is
  'Raises CouponNotValid or CouponExhausted unless a tenant can redeem a coupon at that time.';

revoke all on function pgledger.check_redeemable from public;

-- file: repeatable/25_coupons/coupon_redemption_with_key.sql
/*
The redemption with that internal key, as applications see it, or null.
*/
create or replace function pgledger.coupon_redemption_with_key(key bigint)
returns public.ledger_coupon_redemption
language sql
stable
parallel safe
as $$
  select
    coupon_redemptions.id, coupon_redemptions.app_id, coupon_redemptions.tenant_id, coupons.id,
    coupons.code, subscriptions.id,
    case
      when coupon_redemptions.uses_left = 0 or coupon_redemptions.amount_left = 0 then 'used'
      else 'active'
    end,
    coupon_redemptions.uses_left, coupon_redemptions.amount_left, coupon_redemptions.created_at
  from pgledger.coupon_redemptions
  inner join pgledger.coupons on coupon_redemptions.coupon_key = coupons.key
  left join pgledger.subscriptions on coupon_redemptions.subscription_key = subscriptions.key
  where coupon_redemptions.key = coupon_redemption_with_key.key
$$;

comment on function pgledger.coupon_redemption_with_key is
  'The redemption with that internal key, as applications see it, or null.';

revoke all on function pgledger.coupon_redemption_with_key from public;

-- file: repeatable/25_coupons/coupon_shares.sql
/*
What a coupon takes off lines of which so much is left: in all, off which sum, and off each line. A
line that the coupon is not for counts as zero. A percentage is rounded once. An amount is at most
what there is to take it off. Either is split over the lines by largest remainder. Where it comes to
nothing, there are no shares.
*/
create or replace function pgledger.coupon_shares(
  amounts numeric[],
  items text[],
  applies_to text[],
  percentage numeric,
  amount numeric,
  exponent integer,
  out base numeric,
  out discount numeric,
  out shares numeric[]
)
language plpgsql
immutable
parallel safe
as $$
declare
  v_parts numeric[] := array(
    select
      case when applies_to is null or part.item = any(applies_to) then part.amount else 0 end
    from unnest(amounts, items) with ordinality as part (amount, item, place)
    order by part.place
  );
begin
  base := (select sum(part) from unnest(v_parts) as part);
  discount := coalesce(
    round(base * percentage * 0.01, exponent),
    round(least(amount, base), exponent)
  );
  if discount > 0 then
    -- Digits enough, and as many for each, so that equal remainders are equal.
    shares := pgledger.split_amount(
      array(
        select pgledger.rounded_quotient(discount * part.value, base, exponent + 18)
        from unnest(v_parts) with ordinality as part (value, place)
        order by part.place
      ),
      discount,
      exponent
    );
  end if;
end;
$$;

comment on function pgledger.coupon_shares is
  'What a coupon takes off lines: off which sum, in all, and off each line.';

revoke all on function pgledger.coupon_shares from public;

-- file: repeatable/25_coupons/coupon_with_key.sql
/*
The coupon with that internal key, as applications see it, or null.
*/
create or replace function pgledger.coupon_with_key(key bigint)
returns public.ledger_coupon
language sql
stable
parallel safe
as $$
  select
    coupons.id, coupons.app_id, coupons.tenant_id, coupons.code, coupons.name,
    coupons.percentage, coupons.amount, coupons.currency, coupons.duration,
    coupons.duration_invoices, coupons.applies_to, coupons.minimum_subtotal, coupons.valid_from,
    coupons.valid_until, coupons.max_redemptions, coupons.max_redemptions_per_tenant,
    coupons.redemptions, coupons.status, coupons.version, coupons.metadata, coupons.created_at,
    coupons.updated_at
  from pgledger.coupons
  where coupons.key = coupon_with_key.key
$$;

comment on function pgledger.coupon_with_key is
  'The coupon with that internal key, as applications see it, or null.';

revoke all on function pgledger.coupon_with_key from public;

-- file: repeatable/25_coupons/discountable.sql
/*
What coupons can take off each line of an invoice, in their order: all of a charge, nothing of a
credit. Lines for the same usage are one charge. What a credit among them gives back, because it is
above a maximum or was billed before, cannot be taken off again: it lowers the first of these lines
first.
*/
create or replace function pgledger.discountable(lines pgledger.invoice_lines[])
returns numeric[]
language sql
immutable
parallel safe
as $$
  select array_agg(least(part.charge, greatest(part.until - part.less, 0)) order by part.nth)
  from (
    select
      line.nth,
      greatest(line.amount, 0) as charge,
      sum(greatest(line.amount, 0)) over (usage_of_item order by line.nth) as until,
      sum(greatest(-line.amount, 0)) over usage_of_item as less
    from unnest(lines) with ordinality as line (
      invoice_key, place, kind, description, item, period_start, period_end, quantity, unit_amount,
      amount, discount, tax, subscription_key, for_period, plan_key, gross, counted, events,
      redemption_key, basis, nth
    )
    window usage_of_item as (
      partition by
        line.for_period, line.plan_key, line.item,
        case when line.subscription_key is null or line.gross is not null then line.nth end
    )
  ) as part
$$;

comment on function pgledger.discountable is 'What coupons can take off each line of an invoice.';

revoke all on function pgledger.discountable from public;

-- file: repeatable/25_coupons/find_coupon.sql
/*
The coupon that a code names for a tenant, or null: the tenant's own, or else the app's. Archived
ones count, so that archiving a tenant's own coupon does not uncover the app's.
*/
create or replace function pgledger.find_coupon(
  app_id text,
  code text,
  tenant_id text
)
returns pgledger.coupons
language sql
stable
parallel safe
as $$
  select coupons
  from pgledger.coupons
  where coupons.app_id = find_coupon.app_id
    and coupons.tenant_id in (find_coupon.tenant_id, '')
    and coupons.code = find_coupon.code
  order by coupons.tenant_id = ''
  limit 1
$$;

comment on function pgledger.find_coupon is
  'The coupon of that code for a tenant: its own, or else the app''s, or null.';

revoke all on function pgledger.find_coupon from public;

-- file: repeatable/25_coupons/insert_coupon.sql
/*
Writes down a new coupon and returns its internal key. If the same call has written it down
meanwhile, that coupon's key is returned.

Locks a currency of the app's own FOR SHARE.
Errors: UnknownCurrency, InvalidAmount, InvalidArgument, IdempotencyConflict, AlreadyExists.
*/
create or replace function pgledger.insert_coupon(coupon pgledger.coupons)
returns bigint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_coupon_currency(coupon);

  loop
    -- No constraint is named, because it may be the id or the code that is taken.
    insert into pgledger.coupons (
      id, app_id, tenant_id, code, name, percentage, amount, currency, duration,
      duration_invoices, applies_to, minimum_subtotal, valid_from, valid_until, max_redemptions,
      max_redemptions_per_tenant, metadata, created_at, updated_at
    )
    values (
      coupon.id, coupon.app_id, coupon.tenant_id, coupon.code, coupon.name, coupon.percentage,
      coupon.amount, coupon.currency, coupon.duration, coupon.duration_invoices,
      coupon.applies_to, coupon.minimum_subtotal, coupon.valid_from, coupon.valid_until,
      coupon.max_redemptions, coupon.max_redemptions_per_tenant, coupon.metadata,
      coupon.created_at, coupon.created_at
    )
    on conflict do nothing
    returning coupons.key into v_key;

    if found then
      return v_key;
    end if;

    v_key := pgledger.repeated_coupon(coupon);
    if v_key is not null then
      return v_key;
    end if;

    -- The coupon that was in the way may be gone by now: then there is another try.
    if exists (
      select
      from pgledger.coupons
      where coupons.app_id = coupon.app_id
        and coupons.tenant_id = coupon.tenant_id
        and coupons.code = coupon.code
    ) then
      v_ok := pgledger.fail(
        'AlreadyExists',
        array[
          'coupon code',
          quote_literal(coupon.code),
          pgledger.in_catalogue(coupon.app_id, coupon.tenant_id)
        ]
      );
    end if;
  end loop;
end;
$$;

comment on function pgledger.insert_coupon is
  'Writes down a new coupon and returns its internal key; raises if its currency is wrong or its '
  'code is taken.';

revoke all on function pgledger.insert_coupon from public;

-- file: repeatable/25_coupons/ledger_archive_coupon.sql
/*
Repeatable.

Locks the coupon.
*/
create or replace function public.ledger_archive_coupon(
  app_id text,
  id text
)
returns public.ledger_coupon
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_coupon pgledger.coupons := pgledger.lock_coupon(app_id, id);
begin
  if v_coupon.status <> 'archived' then
    update pgledger.coupons
    set
      status = 'archived',
      version = coupons.version + 1,
      updated_at = pgledger.clock()
    where coupons.key = v_coupon.key;
  end if;

  return pgledger.coupon_with_key(v_coupon.key);
end;
$$;

comment on function public.ledger_archive_coupon is
$$Closes a coupon, so that nobody can redeem it any more.

Who has redeemed it keeps it.

app_id: App that it belongs to.
id: Id of the coupon, cpn_ and a ULID.

Returns: The coupon; a second time it does not change.

Errors: NullArgument, InvalidScope, InvalidId, CouponNotFound (the app has no
  such coupon).$$;

revoke all on function public.ledger_archive_coupon from public;
grant execute on function public.ledger_archive_coupon to pgledger_poster;

-- file: repeatable/25_coupons/ledger_create_coupon.sql
/*
A repeated call is compared with the coupon as it stands; once the coupon has been updated, only
what an update cannot change is compared.

Locks a currency of the app's own FOR SHARE.

Checks, in this order: app_id, tenant_id, code, percentage, amount, currency for null, duration,
duration_invoices, applies_to, minimum_subtotal, name, valid_from, valid_until, max_redemptions,
max_redemptions_per_tenant, metadata, id, repeat, whether the currency is known, decimals of amount
and minimum_subtotal, whether the code is taken.
*/
create or replace function public.ledger_create_coupon(
  app_id text,
  code text,
  name text default null,
  percentage numeric default null,
  amount numeric default null,
  currency text default null,
  duration text default 'once',
  duration_invoices integer default null,
  applies_to text[] default null,
  minimum_subtotal numeric default null,
  valid_from timestamptz default null,
  valid_until timestamptz default null,
  max_redemptions bigint default null,
  max_redemptions_per_tenant bigint default null,
  metadata jsonb default null,
  id text default null,
  tenant_id text default ''
)
returns public.ledger_coupon
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_new pgledger.coupons;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, tenant_id);
  v_ok := pgledger.check_text('code', code, 64);

  v_new.id := coalesce(id, 'cpn_' || pgledger.new_ulid(v_now));
  v_new.app_id := app_id;
  v_new.tenant_id := tenant_id;
  v_new.code := code;
  v_new.name := coalesce(name, code);
  v_new.percentage := percentage;
  v_new.amount := amount;
  v_new.currency := currency;
  v_new.duration := duration;
  v_new.duration_invoices := duration_invoices;
  v_new.applies_to := applies_to;
  v_new.minimum_subtotal := minimum_subtotal;
  v_new.valid_from := valid_from;
  v_new.valid_until := valid_until;
  v_new.max_redemptions := max_redemptions;
  v_new.max_redemptions_per_tenant := max_redemptions_per_tenant;
  v_new.metadata := metadata;
  v_new.created_at := v_now;
  v_ok := pgledger.check_coupon_discount(v_new);
  v_ok := pgledger.check_coupon_terms(v_new);
  v_ok := pgledger.check_id('id', v_new.id, 'cpn');
  -- An array that does not count from 1 would differ from one of the same elements.
  v_new.applies_to := applies_to[:];

  v_new.key := pgledger.repeated_coupon(v_new);
  if v_new.key is null then
    v_new.key := pgledger.insert_coupon(v_new);
  end if;

  return pgledger.coupon_with_key(v_new.key);
end;
$$;

comment on function public.ledger_create_coupon is
$$Creates a coupon, for the whole app or for one tenant.

A coupon takes off a percentage or an amount: one of the two is given. What it
takes off, off which lines and for how long never changes.

With an id of the caller's choice the call can be repeated: the second call
returns the coupon as it is now if it asks for the same.

app_id: App that it belongs to.
code: What is typed to redeem it, unique in the app (and tenant): 1 to 64
  visible characters.
name: Name for people, which stands on invoices, 1 to 255 characters; null for
  the code.
percentage: Percent off, above 0 to 100, at most 18 decimal places; null for
  an amount.
amount: Amount off in currency, above 0, below 1e30, with no more decimal
  places than the currency; null for a percentage.
currency: Currency of amount and minimum_subtotal: a code of ISO 4217, or one
  that the app has defined. With one, the coupon is for invoices in it only;
  null for invoices in any.
duration: How many invoices a redemption reduces; one of: once, repeating,
  forever.
duration_invoices: How many invoices a repeating one reduces, 1 to 1000; null
  for the others.
applies_to: Which lines it reduces: 1 to 100 keys of features, base for the
  base fee, or items of one-off lines; null for the whole invoice.
minimum_subtotal: Sum of an invoice's lines, before discounts, from which on
  it applies, in currency, above 0; null for any.
valid_from: From when on it can be redeemed, inclusive; null for any time.
valid_until: Until when it can be redeemed, exclusive; null for ever.
max_redemptions: How often it can be redeemed in all, 1 or more; null for any
  number of times.
max_redemptions_per_tenant: How often one tenant can redeem it, 1 or more;
  null for any number of times.
metadata: JSON object of the app's own, at most 64 KiB, or null.
id: Id of the coupon, cpn_ and a ULID, if the caller chooses it; null for a
  new one.
tenant_id: The one tenant that it is for; the empty text for all.

Returns: The coupon.

Errors: NullArgument, InvalidScope, InvalidArgument (the code, the name, the
  discount, the duration or a limit is not valid), InvalidAmount (the amount
  is not in range, or has too many decimal places), InvalidTime (a time is
  outside the years 1 to 9999, or the end is not after the start),
  InvalidMetadata, InvalidId, IdempotencyConflict (the id is taken by a
  different coupon), UnknownCurrency (the currency is neither of ISO 4217 nor
  the app's own), AlreadyExists (the code is taken).$$;

revoke all on function public.ledger_create_coupon from public;
grant execute on function public.ledger_create_coupon to pgledger_poster;

-- file: repeatable/25_coupons/ledger_delete_coupon.sql
/*
Locks the coupon FOR UPDATE: who redeems it at the same time comes first or waits.

Checks, in this order: app_id, id, existence, redemptions.
*/
create or replace function public.ledger_delete_coupon(
  app_id text,
  id text
)
returns public.ledger_coupon
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.coupons := pgledger.lock_coupon(app_id, id, to_delete => true);
  v_coupon record := pgledger.coupon_with_key(v_old.key);
  v_ok boolean;
begin
  if v_old.redemptions > 0 then
    v_ok := pgledger.fail(
      'InUse',
      array[
        'coupon',
        quote_literal(v_old.code),
        'deleted',
        format('it has been redeemed %s times', v_old.redemptions)
      ]
    );
  end if;

  delete from pgledger.coupons
  where coupons.key = v_old.key;

  return v_coupon;
end;
$$;

comment on function public.ledger_delete_coupon is
$$Deletes a coupon that nobody has redeemed.

One that somebody has redeemed can be archived: ledger_archive_coupon.

app_id: App that it belongs to.
id: Id of the coupon, cpn_ and a ULID.

Returns: The coupon as it was.

Errors: NullArgument, InvalidScope, InvalidId, CouponNotFound (the app has no
  such coupon), InUse (it has been redeemed).$$;

revoke all on function public.ledger_delete_coupon from public;
grant execute on function public.ledger_delete_coupon to pgledger_poster;

-- file: repeatable/25_coupons/ledger_get_coupon.sql
/*
Checks, in this order: app_id, tenant_id, code for null, existence.
*/
create or replace function public.ledger_get_coupon(
  app_id text,
  code text,
  tenant_id text default ''
)
returns public.ledger_coupon
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_coupon pgledger.coupons;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, tenant_id);

  if code is null then
    v_ok := pgledger.fail('NullArgument', array['code']);
  end if;

  v_coupon := pgledger.find_coupon(app_id, code, tenant_id);
  if v_coupon.id is null then
    v_ok := pgledger.fail(
      'CouponNotFound',
      array[quote_literal(pgledger.abridged(code)), pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;

  return pgledger.coupon_with_key(v_coupon.key);
end;
$$;

comment on function public.ledger_get_coupon is
$$Returns the coupon that a code names for a tenant.

Archived ones are found too.

app_id: App that it belongs to.
code: What is typed to redeem it.
tenant_id: Tenant whose own coupon of that code comes before the app's; the
  empty text for the app's alone.

Returns: The coupon.

Errors: NullArgument, InvalidScope, CouponNotFound (there is none of that code
  for this app and tenant).$$;

revoke all on function public.ledger_get_coupon from public;
grant execute on function public.ledger_get_coupon to pgledger_reader;

-- file: repeatable/25_coupons/ledger_get_coupon_by_id.sql
/*
An id that does not exist is an error rather than no row.

Checks, in this order: app_id, id, existence.
*/
create or replace function public.ledger_get_coupon_by_id(
  app_id text,
  id text
)
returns public.ledger_coupon
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id);
  v_ok := pgledger.check_id('id', id, 'cpn');

  select coupons.key
  into v_key
  from pgledger.coupons
  where coupons.id = ledger_get_coupon_by_id.id
    and coupons.app_id = ledger_get_coupon_by_id.app_id;

  if not found then
    v_ok := pgledger.fail('CouponNotFound', array[id, pgledger.in_app(app_id)]);
  end if;

  return pgledger.coupon_with_key(v_key);
end;
$$;

comment on function public.ledger_get_coupon_by_id is
$$Returns the coupon of an id, whichever tenant's it is.

app_id: App that it belongs to.
id: Id of the coupon, cpn_ and a ULID.

Returns: The coupon.

Errors: NullArgument, InvalidScope, InvalidId, CouponNotFound (the app has no
  such coupon).$$;

revoke all on function public.ledger_get_coupon_by_id from public;
grant execute on function public.ledger_get_coupon_by_id to pgledger_reader;

-- file: repeatable/25_coupons/ledger_list_coupon_redemptions.sql
/*
The order is that of ids, which for generated ids is the order in which they were made.

Checks, in this order: app_id, tenant_id, page_size, page_offset.
*/
create or replace function public.ledger_list_coupon_redemptions(
  app_id text,
  tenant_id text,
  page_size integer default 100,
  page_offset bigint default 0
)
returns setof public.ledger_coupon_redemption
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_page(page_size, page_offset);

  return query
  select
    coupon_redemptions.id, coupon_redemptions.app_id, coupon_redemptions.tenant_id, coupons.id,
    coupons.code, subscriptions.id,
    case
      when coupon_redemptions.uses_left = 0 or coupon_redemptions.amount_left = 0 then 'used'
      else 'active'
    end,
    coupon_redemptions.uses_left, coupon_redemptions.amount_left, coupon_redemptions.created_at
  from pgledger.coupon_redemptions
  inner join pgledger.coupons on coupon_redemptions.coupon_key = coupons.key
  left join pgledger.subscriptions on coupon_redemptions.subscription_key = subscriptions.key
  where coupon_redemptions.app_id = ledger_list_coupon_redemptions.app_id
    and coupon_redemptions.tenant_id = ledger_list_coupon_redemptions.tenant_id
  order by coupon_redemptions.id
  limit ledger_list_coupon_redemptions.page_size
  offset ledger_list_coupon_redemptions.page_offset;
end;
$$;

comment on function public.ledger_list_coupon_redemptions is
$$Returns a page of the coupons that a tenant has redeemed, the oldest first.

app_id: App.
tenant_id: Tenant that redeemed them.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them.

Returns: Redemptions, by their ids.

Errors: NullArgument, InvalidScope, InvalidPage.$$;

revoke all on function public.ledger_list_coupon_redemptions from public;
grant execute on function public.ledger_list_coupon_redemptions to pgledger_reader;

-- file: repeatable/25_coupons/ledger_list_coupons.sql
/*
The order is that of ids, which for generated ids is the order of creation.

Checks, in this order: app_id, tenant_id, active_only, page_size, page_offset.
*/
create or replace function public.ledger_list_coupons(
  app_id text,
  active_only boolean default false,
  page_size integer default 100,
  page_offset bigint default 0,
  tenant_id text default null
)
returns setof public.ledger_coupon
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, coalesce(tenant_id, ''));
  if active_only is null then
    v_ok := pgledger.fail('NullArgument', array['active_only']);
  end if;
  v_ok := pgledger.check_page(page_size, page_offset);

  return query
  select
    coupons.id, coupons.app_id, coupons.tenant_id, coupons.code, coupons.name,
    coupons.percentage, coupons.amount, coupons.currency, coupons.duration,
    coupons.duration_invoices, coupons.applies_to, coupons.minimum_subtotal, coupons.valid_from,
    coupons.valid_until, coupons.max_redemptions, coupons.max_redemptions_per_tenant,
    coupons.redemptions, coupons.status, coupons.version, coupons.metadata, coupons.created_at,
    coupons.updated_at
  from pgledger.coupons
  where coupons.app_id = ledger_list_coupons.app_id
    and (
      not ledger_list_coupons.active_only
      or (
        coupons.status = 'active'
        and (coupons.valid_until > v_now or coupons.valid_until is null)
        and (coupons.redemptions < coupons.max_redemptions or coupons.max_redemptions is null)
      )
    )
    and (
      ledger_list_coupons.tenant_id is null
      or coupons.tenant_id in (ledger_list_coupons.tenant_id, '')
    )
  order by coupons.id
  limit ledger_list_coupons.page_size
  offset ledger_list_coupons.page_offset;
end;
$$;

comment on function public.ledger_list_coupons is
$$Returns a page of an app's coupons, the oldest first.

app_id: App that they belong to.
active_only: True to leave out those that are archived, past their time or
  used up.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them.
tenant_id: Tenant to list those for: its own and those for all tenants; the
  empty text for the latter alone; null for all of the app.

Returns: Coupons, by their ids.

Errors: NullArgument, InvalidScope, InvalidPage.$$;

revoke all on function public.ledger_list_coupons from public;
grant execute on function public.ledger_list_coupons to pgledger_reader;

-- file: repeatable/25_coupons/ledger_redeem_coupon.sql
/*
A repeated call returns the redemption as it stands now, whatever has become of the coupon, and is
refused if it asks for something else.

Locks the coupon: of many who redeem it at once, as many succeed as its limits allow.

Checks, in this order: app_id, tenant_id, code for null, subscription_id, id, repeat, existence of
the subscription and of the coupon, its status and time, its limit in all and for the tenant.
*/
create or replace function public.ledger_redeem_coupon(
  app_id text,
  tenant_id text,
  code text,
  subscription_id text default null,
  id text default null
)
returns public.ledger_coupon_redemption
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  if code is null then
    v_ok := pgledger.fail('NullArgument', array['code']);
  end if;
  if subscription_id is not null then
    v_ok := pgledger.check_id('subscription_id', subscription_id, 'sub');
  end if;
  if id is not null then
    v_ok := pgledger.check_id('id', id, 'red');
  end if;

  v_key := pgledger.repeated_redemption(app_id, tenant_id, code, subscription_id, id);
  if v_key is null then
    v_key := pgledger.redeem_coupon(app_id, tenant_id, code, subscription_id, id);
  end if;

  return pgledger.coupon_redemption_with_key(v_key);
end;
$$;

comment on function public.ledger_redeem_coupon is
$$Redeems a coupon for a tenant.

From then on it reduces the tenant's invoices, or those of one subscription,
until it is used up. However many redeem it at the same time, it is not
redeemed more often than it can be.

With an id of the caller's choice the call can be repeated: the second call
returns the redemption as it is now if it asks for the same.

Call it in FROM: (ledger_redeem_coupon(...)).* calls it once for every column.

app_id: App.
tenant_id: Tenant that redeems it.
code: Code of the tenant's own coupon, or else of the app's.
subscription_id: Id of the subscription whose invoices it is to reduce, sub_
  and a ULID; null for all of the tenant's.
id: Id of the redemption, red_ and a ULID, if the caller chooses it; null for
  a new one.

Returns: The redemption.

Errors: NullArgument, InvalidScope, InvalidId, IdempotencyConflict (the id is
  taken by a different redemption), SubscriptionNotFound (the tenant has no
  such subscription), CouponNotFound (there is no coupon of this code for this
  app and tenant), CouponNotValid (it is archived, not valid yet or not valid
  any more), CouponExhausted (it has been redeemed as often as it can be, in
  all or by this tenant).$$;

revoke all on function public.ledger_redeem_coupon from public;
grant execute on function public.ledger_redeem_coupon to pgledger_poster;

-- file: repeatable/25_coupons/ledger_update_coupon.sql
/*
A call that changes nothing leaves the version as it is.

Locks the coupon.

Checks, in this order: app_id, id, existence, name, valid_from, valid_until, max_redemptions,
max_redemptions_per_tenant, metadata, redemptions so far.
*/
create or replace function public.ledger_update_coupon(
  app_id text,
  id text,
  name text default null,
  valid_from timestamptz default null,
  valid_until timestamptz default null,
  max_redemptions bigint default null,
  max_redemptions_per_tenant bigint default null,
  metadata jsonb default null
)
returns public.ledger_coupon
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.coupons := pgledger.lock_coupon(app_id, id);
  v_new pgledger.coupons := v_old;
  v_ok boolean;
begin
  v_new.name := coalesce(name, v_old.name);
  v_new.valid_from := coalesce(valid_from, v_old.valid_from);
  v_new.valid_until := coalesce(valid_until, v_old.valid_until);
  v_new.max_redemptions := coalesce(max_redemptions, v_old.max_redemptions);
  v_new.max_redemptions_per_tenant := coalesce(
    max_redemptions_per_tenant, v_old.max_redemptions_per_tenant
  );
  v_new.metadata := coalesce(metadata, v_old.metadata);
  v_ok := pgledger.check_coupon_terms(v_new);

  if v_new.max_redemptions < v_old.redemptions then
    v_ok := pgledger.fail(
      'InUse',
      array[
        'coupon',
        quote_literal(v_old.code),
        format('limited to %s', v_new.max_redemptions),
        format('it has been redeemed %s times', v_old.redemptions)
      ]
    );
  elsif v_new is distinct from v_old then
    update pgledger.coupons
    set
      name = v_new.name,
      valid_from = v_new.valid_from,
      valid_until = v_new.valid_until,
      max_redemptions = v_new.max_redemptions,
      max_redemptions_per_tenant = v_new.max_redemptions_per_tenant,
      metadata = v_new.metadata,
      version = coupons.version + 1,
      updated_at = pgledger.clock()
    where coupons.key = v_old.key;
  end if;

  return pgledger.coupon_with_key(v_old.key);
end;
$$;

comment on function public.ledger_update_coupon is
$$Changes a coupon.

What is null stays as it is, so no value can be taken back to null. The code
and the discount never change. Who has redeemed the coupon keeps it, whatever
changes.

app_id: App that it belongs to.
id: Id of the coupon, cpn_ and a ULID.
name: Name for people, 1 to 255 characters, or null.
valid_from: From when on it can be redeemed, inclusive, or null.
valid_until: Until when it can be redeemed, exclusive, or null.
max_redemptions: How often it can be redeemed in all; not less often than it
  has been, or null.
max_redemptions_per_tenant: How often one tenant can redeem it, 1 or more, or
  null.
metadata: JSON object of the app's own, at most 64 KiB, or null.

Returns: The coupon; with the same version as before where nothing changed.

Errors: NullArgument, InvalidScope, InvalidId, CouponNotFound (the app has no
  such coupon), InvalidArgument (the name or a limit is not valid),
  InvalidTime (a time is outside the years 1 to 9999, or the end is not after
  the start), InvalidMetadata, InUse (it has been redeemed more often than
  max_redemptions).$$;

revoke all on function public.ledger_update_coupon from public;
grant execute on function public.ledger_update_coupon to pgledger_poster;

-- file: repeatable/25_coupons/lock_coupon.sql
/*
The coupon of that id, its row locked: FOR UPDATE if it is to be deleted, FOR NO KEY UPDATE if it is
to be changed. Whoever redeems the coupon locks it FOR NO KEY UPDATE too.

Errors: NullArgument, InvalidScope, InvalidId, CouponNotFound.
*/
create or replace function pgledger.lock_coupon(
  app_id text,
  id text,
  to_delete boolean default false
)
returns pgledger.coupons
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_coupon pgledger.coupons;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id);
  v_ok := pgledger.check_id('id', id, 'cpn');

  if to_delete then
    v_coupon := (
      select coupons
      from pgledger.coupons
      where coupons.id = lock_coupon.id and coupons.app_id = lock_coupon.app_id
      for update
    );
  else
    v_coupon := (
      select coupons
      from pgledger.coupons
      where coupons.id = lock_coupon.id and coupons.app_id = lock_coupon.app_id
      for no key update
    );
  end if;

  if v_coupon.id is null then
    v_ok := pgledger.fail('CouponNotFound', array[id, pgledger.in_catalogue(app_id, '')]);
  end if;

  return v_coupon;
end;
$$;

comment on function pgledger.lock_coupon is
  'The coupon of that id, locked to be changed or deleted; raises CouponNotFound.';

revoke all on function pgledger.lock_coupon from public;

-- file: repeatable/25_coupons/lock_coupon_of_code.sql
/*
The coupon that a code names for a tenant, as pgledger.find_coupon finds it, its row locked FOR NO
KEY UPDATE. If the tenant's own is deleted meanwhile, it is the app's.

Errors: CouponNotFound.
*/
create or replace function pgledger.lock_coupon_of_code(
  app_id text,
  code text,
  tenant_id text
)
returns pgledger.coupons
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_coupon pgledger.coupons := (
    select coupons
    from pgledger.coupons
    where coupons.app_id = lock_coupon_of_code.app_id
      and coupons.tenant_id in (lock_coupon_of_code.tenant_id, '')
      and coupons.code = lock_coupon_of_code.code
    order by coupons.tenant_id = ''
    limit 1
    for no key update
  );
  v_ok boolean;
begin
  if v_coupon.id is null then
    v_ok := pgledger.fail(
      'CouponNotFound',
      array[quote_literal(pgledger.abridged(code)), pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;

  return v_coupon;
end;
$$;

comment on function pgledger.lock_coupon_of_code is
  'The coupon of that code for a tenant, locked to be redeemed; raises CouponNotFound.';

revoke all on function pgledger.lock_coupon_of_code from public;

-- file: repeatable/25_coupons/lock_redemptions.sql
/*
Locks the coupons that a tenant has redeemed, ascending by key, so that nobody else uses them up or
gives them back meanwhile. Those that are used up are locked too, for they could be given back.

Returns whether all of them are locked. If it is not to wait, and somebody else holds one of them,
they are not.
*/
create or replace function pgledger.lock_redemptions(
  app_id text,
  tenant_id text,
  wait boolean
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_count bigint;
begin
  if wait then
    perform
    from pgledger.coupon_redemptions
    where coupon_redemptions.app_id = lock_redemptions.app_id
      and coupon_redemptions.tenant_id = lock_redemptions.tenant_id
    order by coupon_redemptions.key
    for no key update;
    return true;
  end if;

  perform
  from pgledger.coupon_redemptions
  where coupon_redemptions.app_id = lock_redemptions.app_id
    and coupon_redemptions.tenant_id = lock_redemptions.tenant_id
  order by coupon_redemptions.key
  for no key update skip locked;
  get diagnostics v_count = row_count;
  return v_count = (
    select count(*)
    from pgledger.coupon_redemptions
    where coupon_redemptions.app_id = lock_redemptions.app_id
      and coupon_redemptions.tenant_id = lock_redemptions.tenant_id
  );
end;
$$;

comment on function pgledger.lock_redemptions is
  'Locks the coupons that a tenant has redeemed, and returns whether all of them are locked.';

revoke all on function pgledger.lock_redemptions from public;

-- file: repeatable/25_coupons/redeem_coupon.sql
/*
Redeems a coupon for a tenant, and returns the redemption's internal key. If the same call has
redeemed it meanwhile, that redemption's key is returned. The clock is read after the coupon is
locked.

Locks the coupon FOR NO KEY UPDATE: redemptions of one coupon are made one after another, so that
limits hold.
Errors: SubscriptionNotFound, CouponNotFound, IdempotencyConflict, CouponNotValid, CouponExhausted.
*/
create or replace function pgledger.redeem_coupon(
  app_id text,
  tenant_id text,
  code text,
  subscription_id text,
  id text
)
returns bigint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_subscription_key bigint;
  v_coupon pgledger.coupons;
  v_now timestamptz;
  v_key bigint;
  v_ok boolean;
begin
  if subscription_id is not null then
    select subscriptions.key
    into v_subscription_key
    from pgledger.subscriptions
    where subscriptions.id = redeem_coupon.subscription_id
      and subscriptions.app_id = redeem_coupon.app_id
      and subscriptions.tenant_id = redeem_coupon.tenant_id;
    if not found then
      v_ok := pgledger.fail(
        'SubscriptionNotFound', array[subscription_id, pgledger.in_catalogue(app_id, tenant_id)]
      );
    end if;
  end if;

  v_coupon := pgledger.lock_coupon_of_code(app_id, code, tenant_id);
  -- Whoever had the lock may have made the same request, and have used the coupon up.
  v_key := pgledger.repeated_redemption(app_id, tenant_id, code, subscription_id, id);
  if v_key is not null then
    return v_key;
  end if;

  v_now := pgledger.clock();
  v_ok := pgledger.check_redeemable(v_coupon, tenant_id, v_now);

  insert into pgledger.coupon_redemptions (
    id, coupon_key, app_id, tenant_id, subscription_key, uses_left, amount_left, created_at
  )
  values (
    coalesce(redeem_coupon.id, 'red_' || pgledger.new_ulid(v_now)),
    v_coupon.key,
    redeem_coupon.app_id,
    redeem_coupon.tenant_id,
    v_subscription_key,
    case v_coupon.duration when 'once' then 1 else v_coupon.duration_invoices end,
    case v_coupon.duration when 'once' then v_coupon.amount end,
    v_now
  )
  on conflict on constraint coupon_redemptions_id_key do nothing
  returning coupon_redemptions.key into v_key;
  if v_key is null then
    -- The id was taken with another coupon meanwhile, which the lock of this one does not prevent.
    return pgledger.repeated_redemption(app_id, tenant_id, code, subscription_id, id);
  end if;

  update pgledger.coupons
  set redemptions = coupons.redemptions + 1
  where coupons.key = v_coupon.key;
  return v_key;
end;
$$;

comment on function pgledger.redeem_coupon is
  'Redeems a coupon for a tenant by its code, and returns the redemption''s internal key.';

revoke all on function pgledger.redeem_coupon from public;

-- file: repeatable/25_coupons/repeated_coupon.sql
/*
The internal key of the coupon that an earlier call with that id has created, or null if none has.
Until the coupon is updated, all of the request is compared; afterwards only what never changes.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.repeated_coupon(request pgledger.coupons)
returns bigint
language plpgsql
stable
parallel safe
as $$
declare
  v_coupon pgledger.coupons := (
    select coupons
    from pgledger.coupons
    where coupons.id = request.id
  );
  v_ok boolean;
begin
  if v_coupon.id is null then
    return null;
  elsif (
    v_coupon.app_id, v_coupon.tenant_id, v_coupon.code, v_coupon.percentage, v_coupon.amount,
    v_coupon.currency, v_coupon.duration, v_coupon.duration_invoices, v_coupon.applies_to,
    v_coupon.minimum_subtotal
  ) is distinct from (
    request.app_id, request.tenant_id, request.code, request.percentage, request.amount,
    request.currency, request.duration, request.duration_invoices, request.applies_to,
    request.minimum_subtotal
  )
    or (
      v_coupon.version = 1
      and (
        v_coupon.name, v_coupon.valid_from, v_coupon.valid_until, v_coupon.max_redemptions,
        v_coupon.max_redemptions_per_tenant, v_coupon.metadata
      ) is distinct from (
        request.name, request.valid_from, request.valid_until, request.max_redemptions,
        request.max_redemptions_per_tenant, request.metadata
      )
    ) then
    v_ok := pgledger.fail('IdempotencyConflict', array[request.id]);
  end if;

  return v_coupon.key;
end;
$$;

comment on function pgledger.repeated_coupon is
  'Internal key of the coupon that has that id already, or null; raises if another request '
  'created it.';

revoke all on function pgledger.repeated_coupon from public;

-- file: repeatable/25_coupons/repeated_redemption.sql
/*
The internal key of the redemption that an earlier call with that id has made, or null if none has.
The code is compared, and not which coupon it names by now.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.repeated_redemption(
  app_id text,
  tenant_id text,
  code text,
  subscription_id text,
  id text
)
returns bigint
language plpgsql
stable
parallel safe
as $$
declare
  v_key bigint;
  v_is_same boolean;
  v_ok boolean;
begin
  select
    coupon_redemptions.key,
    (coupon_redemptions.app_id, coupon_redemptions.tenant_id, coupons.code)
    = (repeated_redemption.app_id, repeated_redemption.tenant_id, repeated_redemption.code)
    and subscriptions.id is not distinct from repeated_redemption.subscription_id
  into v_key, v_is_same
  from pgledger.coupon_redemptions
  inner join pgledger.coupons on coupon_redemptions.coupon_key = coupons.key
  left join pgledger.subscriptions on coupon_redemptions.subscription_key = subscriptions.key
  where coupon_redemptions.id = repeated_redemption.id;

  if not v_is_same then
    v_ok := pgledger.fail('IdempotencyConflict', array[id]);
  end if;
  return v_key;
end;
$$;

comment on function pgledger.repeated_redemption is
  'Internal key of the redemption that has that id already, or null; raises if another request '
  'made it.';

revoke all on function pgledger.repeated_redemption from public;

-- file: repeatable/25_coupons/return_coupons.sql
/*
Gives back to a tenant's redemptions what an invoice has used up of them. A second call finds
nothing more to give back.

Locks the redemptions, ascending by key; the caller has locked the invoice.
*/
create or replace function pgledger.return_coupons(
  invoice_key bigint,
  at timestamptz
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
begin
  perform 1
  from pgledger.coupon_redemptions
  where coupon_redemptions.key in (
    select used.redemption_key
    from pgledger.coupon_applications as used
    where used.invoice_key = return_coupons.invoice_key and used.returned_at is null
  )
  order by coupon_redemptions.key
  for no key update;

  with returned as (
    update pgledger.coupon_applications
    set returned_at = return_coupons.at
    where coupon_applications.invoice_key = return_coupons.invoice_key
      and coupon_applications.returned_at is null
    returning coupon_applications.redemption_key, coupon_applications.discount
  )

  update pgledger.coupon_redemptions
  set
    amount_left = coupon_redemptions.amount_left + returned.discount,
    -- An amount that is for once is one use, however many invoices share it.
    uses_left = case
      when coupon_redemptions.amount_left is not null then 1
      else coupon_redemptions.uses_left + 1
    end
  from returned
  where coupon_redemptions.key = returned.redemption_key;
end;
$$;

comment on function pgledger.return_coupons is
  'Gives back to coupon redemptions what an invoice has used up of them.';

revoke all on function pgledger.return_coupons from public;

-- file: repeatable/25_coupons/use_coupons.sql
/*
Uses up what an invoice that becomes final takes of its tenant's redemptions: of an amount that is
for once that much, of any other redemption one use. pgledger.return_coupons undoes it.

The caller has locked the redemptions that there were. One that was made since then is locked here;
it has the highest key, so locks are still taken in their order. If somebody else has used that one
up meanwhile, nothing is written and false is returned: the invoice is to be computed anew.
*/
create or replace function pgledger.use_coupons(invoice_key bigint)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
begin
  perform
  from pgledger.coupon_redemptions
  where coupon_redemptions.key in (
    select invoice_lines.redemption_key
    from pgledger.invoice_lines
    where invoice_lines.invoice_key = use_coupons.invoice_key
      and invoice_lines.kind = 'discount'
  )
  order by coupon_redemptions.key
  for no key update;
  if not found then
    return true;
  elsif exists (
    select
    from pgledger.invoice_lines
    inner join pgledger.coupon_redemptions
      on invoice_lines.redemption_key = coupon_redemptions.key
    where invoice_lines.invoice_key = use_coupons.invoice_key
      and invoice_lines.kind = 'discount'
      and (
        coupon_redemptions.uses_left = 0
        or coupon_redemptions.amount_left < -invoice_lines.amount
      )
  ) then
    return false;
  end if;

  insert into pgledger.coupon_applications (invoice_key, redemption_key, discount, created_at)
  select
    invoice_lines.invoice_key, invoice_lines.redemption_key, -invoice_lines.amount,
    pgledger.clock()
  from pgledger.invoice_lines
  where invoice_lines.invoice_key = use_coupons.invoice_key
    and invoice_lines.kind = 'discount';
  update pgledger.coupon_redemptions
  set
    amount_left = coupon_redemptions.amount_left - coupon_applications.discount,
    uses_left = case
      when coupon_redemptions.amount_left > coupon_applications.discount
        then coupon_redemptions.uses_left
      else coupon_redemptions.uses_left - 1
    end
  from pgledger.coupon_applications
  where coupon_applications.invoice_key = use_coupons.invoice_key
    and coupon_applications.redemption_key = coupon_redemptions.key;
  return true;
end;
$$;

comment on function pgledger.use_coupons is
  'Uses up what an invoice takes of its tenant''s redemptions, and returns whether it could.';

revoke all on function pgledger.use_coupons from public;

-- file: repeatable/25_coupons/views/ledger_coupon_redemptions.sql
/*
Redemptions of coupons as applications see them. Columns never change.
*/
create or replace view public.ledger_coupon_redemptions as
select
  coupon_redemptions.id,
  coupon_redemptions.app_id,
  coupon_redemptions.tenant_id,
  coupons.id as coupon_id,
  coupons.code,
  subscriptions.id as subscription_id,
  case
    when coupon_redemptions.uses_left = 0 or coupon_redemptions.amount_left = 0 then 'used'
    else 'active'
  end as status,
  coupon_redemptions.uses_left,
  coupon_redemptions.amount_left,
  coupon_redemptions.created_at
from pgledger.coupon_redemptions
inner join pgledger.coupons on coupon_redemptions.coupon_key = coupons.key
left join pgledger.subscriptions on coupon_redemptions.subscription_key = subscriptions.key
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view public.ledger_coupon_redemptions is
  'One row a redemption: a coupon that a tenant has, and what is left of it.';
comment on column public.ledger_coupon_redemptions.id is 'Public id: red_ and a ULID.';
comment on column public.ledger_coupon_redemptions.app_id is 'App.';
comment on column public.ledger_coupon_redemptions.tenant_id is 'Tenant who redeemed it.';
comment on column public.ledger_coupon_redemptions.coupon_id is 'Id of the coupon.';
comment on column public.ledger_coupon_redemptions.code is 'Code of the coupon.';
comment on column public.ledger_coupon_redemptions.subscription_id is
  'Id of the subscription whose invoices it reduces (null for all of the tenant''s), or null.';
comment on column public.ledger_coupon_redemptions.status is
  'State; nothing is left of a used redemption; one of: active, used.';
comment on column public.ledger_coupon_redemptions.uses_left is
  'How many invoices it can still reduce (null for any number), or null.';
comment on column public.ledger_coupon_redemptions.amount_left is
  'What is left of the amount, if the coupon takes off an amount once, or null.';
comment on column public.ledger_coupon_redemptions.created_at is 'When it was redeemed.';

revoke all on table public.ledger_coupon_redemptions from public;
grant select on table public.ledger_coupon_redemptions to pgledger_reader;

-- file: repeatable/25_coupons/views/ledger_coupons.sql
/*
Coupons as applications see them. Columns never change.
*/
create or replace view public.ledger_coupons as
select
  coupons.id,
  coupons.app_id,
  coupons.tenant_id,
  coupons.code,
  coupons.name,
  coupons.percentage,
  coupons.amount,
  coupons.currency,
  coupons.duration,
  coupons.duration_invoices,
  coupons.applies_to,
  coupons.minimum_subtotal,
  coupons.valid_from,
  coupons.valid_until,
  coupons.max_redemptions,
  coupons.max_redemptions_per_tenant,
  coupons.redemptions,
  coupons.status,
  coupons.version,
  coupons.metadata,
  coupons.created_at,
  coupons.updated_at
from pgledger.coupons
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view public.ledger_coupons is
  'One row a coupon: what it takes off, for whom, and how often it can be redeemed.';
comment on column public.ledger_coupons.id is 'Public id: cpn_ and a ULID.';
comment on column public.ledger_coupons.app_id is 'App that it belongs to.';
comment on column public.ledger_coupons.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column public.ledger_coupons.code is
  'What is typed to redeem it, for example WELCOME20.';
comment on column public.ledger_coupons.name is 'Name for people; stands on invoices.';
comment on column public.ledger_coupons.percentage is
  'Percent off, above 0 and at most 100 (null if it takes off an amount), or null.';
comment on column public.ledger_coupons.amount is
  'Amount off, in its currency (null if it takes off a percentage), or null.';
comment on column public.ledger_coupons.currency is
  'Currency of its amounts; if it has one, it reduces only invoices in that currency, or null.';
comment on column public.ledger_coupons.duration is
  'How many invoices a redemption reduces; repeating means duration_invoices of them; one of: '
  'once, repeating, forever.';
comment on column public.ledger_coupons.duration_invoices is
  'How many invoices a redemption reduces if duration is repeating, or null.';
comment on column public.ledger_coupons.applies_to is
  'Which lines it reduces: keys of features, base for the base fee, items of one-off lines (null '
  'for the whole invoice), or null.';
comment on column public.ledger_coupons.minimum_subtotal is
  'Least sum of an invoice''s lines, before discounts, for it to apply, or null.';
comment on column public.ledger_coupons.valid_from is
  'First moment at which it can be redeemed (null for any time), or null.';
comment on column public.ledger_coupons.valid_until is
  'First moment at which it can no longer be redeemed (null for never), or null.';
comment on column public.ledger_coupons.max_redemptions is
  'How often it can be redeemed in all (null for any number), or null.';
comment on column public.ledger_coupons.max_redemptions_per_tenant is
  'How often one tenant can redeem it (null for any number), or null.';
comment on column public.ledger_coupons.redemptions is 'How often it has been redeemed.';
comment on column public.ledger_coupons.status is
  'State; an archived coupon can no longer be redeemed, and earlier redemptions stay; one of: '
  'active, archived.';
comment on column public.ledger_coupons.version is
  'Counts changes, from 1; a redemption is not a change.';
comment on column public.ledger_coupons.metadata is 'JSON object of the app''s own, or null.';
comment on column public.ledger_coupons.created_at is 'When it was created.';
comment on column public.ledger_coupons.updated_at is 'When it was last changed.';

revoke all on table public.ledger_coupons from public;
grant select on table public.ledger_coupons to pgledger_reader;

-- file: repeatable/26_taxes/apply_taxes.sql
/*
Taxes the lines of an invoice by its rates, in the rates' order. Each rate is computed once, on the
sum of what its lines come to after discounts, and split over them by largest remainder.

Credits lower that sum, unless they give back what was billed with other rates. These rates then
follow the invoice's own, each computed in the same way on those credits. Returns the lines with
their shares, and one more line for each rate.
*/
create or replace function pgledger.apply_taxes(
  invoice pgledger.invoices,
  lines pgledger.invoice_lines[],
  exponent integer
)
returns pgledger.invoice_lines[]
language plpgsql
stable
parallel safe
as $$
declare
  v_traced record;
  v_lines pgledger.invoice_lines[] := lines;
  v_sets jsonb[] := array[invoice.tax_rates];
  v_rates jsonb;
  v_rate record;
  v_amounts numeric[];
  v_base numeric;
  v_shares numeric[];
  v_tax pgledger.invoice_lines;
begin
  -- Most invoices credit nothing: this look at their lines is all that it costs them.
  for v_place in 1 .. cardinality(lines) loop
    if lines[v_place].amount < 0 and lines[v_place].subscription_key is not null then
      v_traced := pgledger.trace_credits(invoice, lines);
      v_lines := v_traced.lines;
      v_sets := v_traced.tax_rates;
      exit;
    end if;
  end loop;
  if v_sets = array['[]'::jsonb] then
    return lines;
  end if;

  foreach v_rates in array v_sets loop
    if cardinality(v_sets) > 1 then
      v_amounts := pgledger.billed_with(v_lines, v_rates, v_rates = v_sets[1]);
    end if;
    for v_rate in
      select
        rate.value ->> 'name' as name,
        (rate.value ->> 'percentage')::numeric as percentage,
        nullif(rate.value -> 'applies_to', 'null') as applies_to
      from jsonb_array_elements(v_rates) with ordinality as rate (value, place)
      order by rate.place
    loop
      select array_agg(part.base * v_rate.percentage * 0.01 order by part.nth), sum(part.base)
      into v_shares, v_base
      from (
        select
          line.nth,
          case
            when line.kind not in ('discount', 'tax')
              and (v_rate.applies_to is null or v_rate.applies_to ? line.item)
              then coalesce(v_amounts[line.nth], line.amount - line.discount)
            else 0
          end as base
        from unnest(v_lines) with ordinality as line (
          invoice_key, place, kind, description, item, period_start, period_end, quantity,
          unit_amount, amount, discount, tax, subscription_key, for_period, plan_key, gross,
          counted, events, redemption_key, basis, nth
        )
      ) as part;
      continue when v_rates <> v_sets[1] and v_base = 0 and 0 = all(v_shares);

      v_tax := pgledger.tax_line(
        v_rate.name, v_rate.percentage, v_rate.applies_to, v_base, exponent, v_rates <> v_sets[1]
      );
      v_lines := pgledger.add_shares(
        v_lines, null, pgledger.split_amount(v_shares, v_tax.amount, exponent)
      ) || v_tax;
    end loop;
  end loop;
  return v_lines;
end;
$$;

comment on function pgledger.apply_taxes is
  'The lines of an invoice with the taxes of its rates.';

revoke all on function pgledger.apply_taxes from public;

-- file: repeatable/26_taxes/billed_rates.sql
/*
What invoices that stand have billed of what a credit gives back, one row for each set of tax rates
that it was billed with. It is what they have billed for the same plan, item and period of the
subscription, and of a base fee for the same quantity; after discounts, less earlier credits. The
invoice that is being computed is left out.

The rows are in the order in which they are given back: what was billed last comes first. A sum
below zero, which a credit leaves behind when its charge is voided, comes before all others.
*/
create or replace function pgledger.billed_rates(
  credit pgledger.invoice_lines,
  but_invoice_key bigint
)
returns table (
  tax_rates jsonb,
  amount numeric
)
language sql
stable
parallel safe
as $$
  select billed.tax_rates, sum(billed.amount)
  from (
    select
      invoices.key,
      pgledger.plain_tax_rates(coalesce(part.value -> 'tax_rates', invoices.tax_rates))
      as tax_rates,
      sum(
        coalesce(
          (part.value ->> 'amount')::numeric, invoice_lines.amount - invoice_lines.discount
        )
      ) as amount
    from pgledger.invoice_lines
    inner join pgledger.invoices on invoice_lines.invoice_key = invoices.key
    left join lateral jsonb_array_elements(invoice_lines.basis -> 'billed_with') as part on true
    where invoice_lines.subscription_key = credit.subscription_key
      and invoice_lines.for_period = credit.for_period
      and invoice_lines.plan_key = credit.plan_key
      and invoice_lines.item = credit.item
      and case
        when credit.gross is null then invoice_lines.gross is null
        else invoice_lines.gross is not null and invoice_lines.quantity = credit.quantity
      end
      and invoices.status <> 'voided'
      and invoices.key is distinct from billed_rates.but_invoice_key
    group by 1, 2
  ) as billed
  group by billed.tax_rates
  having sum(billed.amount) <> 0
  order by
    sum(billed.amount) > 0, max(billed.key) filter (where billed.amount > 0) desc nulls last,
    billed.tax_rates
$$;

comment on function pgledger.billed_rates is
  'What invoices that stand have billed of what a line gives back, by tax rates.';

revoke all on function pgledger.billed_rates from public;

-- file: repeatable/26_taxes/billed_with.sql
/*
What each line of an invoice, in their order, comes to after discounts by tax rates. If
pgledger.trace_credits has said in the line's basis what was billed with which rates, it is the part
with these. Any other line comes to all of it by the invoice's own rates, and to nothing by others.
*/
create or replace function pgledger.billed_with(
  lines pgledger.invoice_lines[],
  tax_rates jsonb,
  are_own boolean
)
returns numeric[]
language sql
immutable
parallel safe
as $$
  select
    array_agg(
      case
        when line.basis ? 'billed_with' then (
          select
            coalesce(
              sum((part.value ->> 'amount')::numeric)
              filter (where part.value -> 'tax_rates' = billed_with.tax_rates),
              0
            )
          from jsonb_array_elements(line.basis -> 'billed_with') as part
        )
        when are_own then line.amount - line.discount
        else 0
      end
      order by line.nth
    )
  from unnest(lines) with ordinality as line (
    invoice_key, place, kind, description, item, period_start, period_end, quantity, unit_amount,
    amount, discount, tax, subscription_key, for_period, plan_key, gross, counted, events,
    redemption_key, basis, nth
  )
$$;

comment on function pgledger.billed_with is
  'What each line of an invoice comes to by tax rates that it was billed with.';

revoke all on function pgledger.billed_with from public;

-- file: repeatable/26_taxes/plain_tax_rates.sql
/*
Tax rates in one spelling, so that equal ones are equal: percentages without zeros at their end, and
no members that are null.
*/
create or replace function pgledger.plain_tax_rates(tax_rates jsonb)
returns jsonb
language sql
immutable
parallel safe
as $$
  select
    coalesce(
      jsonb_agg(
        jsonb_strip_nulls(
          jsonb_build_object(
            'name', rate.value -> 'name',
            'percentage', trim_scale((rate.value ->> 'percentage')::numeric)::text,
            'applies_to', rate.value -> 'applies_to'
          )
        )
        order by rate.place
      ),
      '[]'
    )
  from jsonb_array_elements(tax_rates) with ordinality as rate (value, place)
$$;

comment on function pgledger.plain_tax_rates is
  'Tax rates in one spelling, so that equal ones are equal.';

revoke all on function pgledger.plain_tax_rates from public;

-- file: repeatable/26_taxes/tax_line.sql
/*
The invoice line of one tax rate: what it comes to on the sum of the lines that it is for, rounded
once, and how that was computed. is_of_credits: the rate is not the invoice's own, but one that what
is credited was billed with.
*/
create or replace function pgledger.tax_line(
  name text,
  percentage numeric,
  applies_to jsonb,
  base numeric,
  exponent integer,
  is_of_credits boolean
)
returns pgledger.invoice_lines
language plpgsql
stable
parallel safe
as $$
declare
  v_tax pgledger.invoice_lines;
begin
  v_tax.kind := 'tax';
  v_tax.description := format('%s %s %%', name, trim_scale(percentage));
  if is_of_credits then
    v_tax.description := v_tax.description || ' of what is credited';
  end if;
  v_tax.amount := round(base * percentage * 0.01, exponent);
  v_tax.discount := 0 * v_tax.amount;
  v_tax.tax := v_tax.discount;
  v_tax.basis := jsonb_strip_nulls(
    jsonb_build_object(
      'name', name,
      'percentage', trim_scale(percentage)::text,
      'applies_to', applies_to,
      'base', base::text
    )
  );
  return v_tax;
end;
$$;

comment on function pgledger.tax_line is
  'The invoice line of one tax rate, computed on the sum of the lines that it is for.';

revoke all on function pgledger.tax_line from public;

-- file: repeatable/26_taxes/trace_credits.sql
/*
Finds out with which tax rates the credits of an invoice were billed.

Lines belong together if they are for the same period, plan and item, and for a base fee the same
quantity. If together they come to less than zero after discounts, they give back what earlier
invoices, those that stand, have billed for that. pgledger.billed_rates says how much of it was
billed with which rates, in the order in which it is given back. Of each set of rates no more is
given back than was billed with it, except of the last: it takes all that remains.

If not all of it was billed with the invoice's own rates, the basis of each of these lines says what
was: billed_with, an array of tax_rates and amounts, which add up to what the line comes to. Returns
the lines, and the different sets of rates, the invoice's own first.
*/
create or replace function pgledger.trace_credits(
  invoice pgledger.invoices,
  inout lines pgledger.invoice_lines[],
  out tax_rates jsonb[]
)
language plpgsql
stable
parallel safe
as $$
declare
  v_credit record;
  v_rates jsonb[];
  v_left numeric[];
  v_place integer;
  v_open numeric;
  v_part numeric;
  v_parts jsonb;
begin
  tax_rates := array[pgledger.plain_tax_rates(invoice.tax_rates)];
  for v_credit in
    select
      -- Charges come first: one for a minimum or maximum makes the credit that it is in smaller.
      array_agg(line.nth order by line.amount < 0, line.nth)
      filter (where line.amount <> line.discount) as places
    from unnest(lines) with ordinality as line (
      invoice_key, place, kind, description, item, period_start, period_end, quantity,
      unit_amount, amount, discount, tax, subscription_key, for_period, plan_key, gross,
      counted, events, redemption_key, basis, nth
    )
    where line.subscription_key is not null
    group by
      line.for_period, line.plan_key, line.item, line.gross is null,
      case when line.gross is not null then line.quantity end
    having sum(line.amount - line.discount) < 0
  loop
    select array_agg(billed.tax_rates), array_agg(billed.amount)
    into v_rates, v_left
    from pgledger.billed_rates(lines[v_credit.places[1]], invoice.key) as billed;
    continue when v_rates is null or v_rates = tax_rates[:1];

    foreach v_place in array v_credit.places loop
      v_open := lines[v_place].amount - lines[v_place].discount;
      v_parts := '[]';
      for v_nth in 1 .. cardinality(v_rates) loop
        v_part := case
          when v_nth < cardinality(v_rates) then greatest(v_open, -v_left[v_nth]) else v_open
        end;
        continue when v_part = 0;
        v_parts := v_parts
          || jsonb_build_object('amount', v_part::text, 'tax_rates', v_rates[v_nth]);
        v_left[v_nth] := v_left[v_nth] + v_part;
        v_open := v_open - v_part;
        if v_rates[v_nth] <> all(tax_rates) then
          tax_rates := array_append(tax_rates, v_rates[v_nth]);
        end if;
      end loop;
      lines[v_place].basis := coalesce(lines[v_place].basis, '{}')
        || jsonb_build_object('billed_with', v_parts);
    end loop;
  end loop;
end;
$$;

comment on function pgledger.trace_credits is
  'The lines of an invoice, its credits with the tax rates that they were billed with.';

revoke all on function pgledger.trace_credits from public;

-- file: repeatable/27_invoices/base_lines.sql
/*
Lines for the base fee of a subscription's period, for each plan and quantity: what is due and has
not been billed, or, below zero, what was billed and is no longer due. A credit gives back what was
paid, so the discount's share is left out: never more than was billed less earlier credits.
*/
create or replace function pgledger.base_lines(
  subscription pgledger.subscriptions,
  for_period timestamptz,
  segments pgledger.billing_segment[],
  advance_only boolean,
  but_invoice_key bigint,
  exponent integer
)
returns setof pgledger.invoice_lines
language plpgsql
stable
parallel safe
as $$
declare
  v_due record;
  v_line pgledger.invoice_lines;
  v_times text;
begin
  for v_due in
    select
      part.plan_key, part.quantity, part.plan_name, part.price, part.proration, part.starts_at,
      part.ends_at, part.units, part.length, part.due, part.gross, part.net
    from pgledger.due_base(
      subscription, for_period, segments, advance_only, but_invoice_key, exponent
    ) as part
  loop
    v_times := case when v_due.quantity <> 1 then ' x ' || trim_scale(v_due.quantity) else '' end;
    v_line.subscription_key := subscription.key;
    v_line.for_period := for_period;
    v_line.item := 'base';
    v_line.plan_key := v_due.plan_key;
    v_line.gross := v_due.due - v_due.gross;
    v_line.discount := 0;
    v_line.tax := 0;
    v_line.basis := jsonb_strip_nulls(
      jsonb_build_object(
        'amount', v_due.price::text, 'quantity', trim_scale(v_due.quantity)::text,
        'proration', v_due.proration, 'units', trim_scale(v_due.units)::text,
        'length', trim_scale(v_due.length)::text
      )
    );

    if v_line.gross > 0 then
      v_line.kind := case
        when v_due.units = v_due.length and v_due.gross = 0 then 'base_fee' else 'proration'
      end;
      v_line.description := format('%s%s: base fee', v_due.plan_name, v_times) || case
        when v_due.units < v_due.length then format(
          ', %s of %s %ss', trim_scale(v_due.units), trim_scale(v_due.length), v_due.proration
        )
        else ''
      end;
      v_line.period_start := v_due.starts_at;
      v_line.period_end := v_due.ends_at;
      v_line.quantity := v_due.quantity;
      v_line.unit_amount := case when v_line.kind = 'base_fee' then v_due.price end;
      v_line.amount := v_line.gross;
    else
      v_line.kind := 'proration';
      v_line.description := format(
        '%s%s: base fee for time not used', v_due.plan_name, v_times
      );
      -- Unused time can lie anywhere in the period; it is shown after the last use, if any.
      v_line.period_end := segments[cardinality(segments)].whole_end;
      v_line.period_start := coalesce(
        nullif(v_due.ends_at, v_line.period_end), for_period
      );
      v_line.quantity := v_due.quantity;
      v_line.unit_amount := null;
      v_line.amount := pgledger.rounded_quotient(
        v_line.gross * v_due.net, v_due.gross, exponent
      );
    end if;
    return next v_line;
  end loop;
end;
$$;

comment on function pgledger.base_lines is
  'Lines for what is due of a period''s base fee and not billed, or billed and no longer due.';

revoke all on function pgledger.base_lines from public;

-- file: repeatable/27_invoices/billed_base.sql
/*
What invoices that are not voided have charged as base fee for a subscription's period, for each
plan and quantity: gross before and net after discounts, both less credits, and the price by which
it was charged. The invoice that is being computed is left out.
*/
create or replace function pgledger.billed_base(
  subscription_key bigint,
  for_period timestamptz,
  but_invoice_key bigint
)
returns table (
  plan_key bigint,
  quantity numeric,
  gross numeric,
  net numeric,
  price numeric
)
language sql
stable
parallel safe
as $$
  select
    invoice_lines.plan_key,
    (invoice_lines.basis ->> 'quantity')::numeric,
    sum(invoice_lines.gross),
    sum(invoice_lines.amount - invoice_lines.discount),
    min((invoice_lines.basis ->> 'amount')::numeric)
  from pgledger.invoice_lines
  inner join pgledger.invoices on invoice_lines.invoice_key = invoices.key
  where invoice_lines.subscription_key = billed_base.subscription_key
    and invoice_lines.for_period = billed_base.for_period
    and invoice_lines.gross is not null
    and invoices.status <> 'voided'
    and invoices.key is distinct from billed_base.but_invoice_key
  group by 1, 2
$$;

comment on function pgledger.billed_base is
  'What invoices have charged as base fee for a period, by plan and quantity.';

revoke all on function pgledger.billed_base from public;

-- file: repeatable/27_invoices/billed_usage.sql
/*
What invoices that are not voided have charged for a subscription's usage, one row for each period,
plan and feature: the amounts before discounts, and net, what was left of their sum after them. The
invoice that is being computed is left out.

earlier: the periods before for_period, instead of that period itself.
*/
create or replace function pgledger.billed_usage(
  subscription_key bigint,
  for_period timestamptz,
  but_invoice_key bigint,
  earlier boolean
)
returns table (
  for_period timestamptz,
  plan_key bigint,
  item text,
  starts_at timestamptz,
  ends_at timestamptz,
  quantity numeric,
  amount numeric,
  true_up numeric,
  cap numeric,
  net numeric,
  events bigint,
  basis jsonb
)
language sql
stable
parallel safe
as $$
  select
    invoice_lines.for_period,
    invoice_lines.plan_key,
    invoice_lines.item,
    min(invoice_lines.period_start),
    max(invoice_lines.period_end),
    coalesce(sum(invoice_lines.quantity) filter (where invoice_lines.events is not null), 0),
    coalesce(sum(part.gross) filter (where invoice_lines.kind not in ('true_up', 'cap')), 0),
    coalesce(sum(part.gross) filter (where invoice_lines.kind = 'true_up'), 0),
    coalesce(sum(part.gross) filter (where invoice_lines.kind = 'cap'), 0),
    sum(invoice_lines.amount - invoice_lines.discount),
    coalesce(sum(invoice_lines.events), 0),
    -- The price of the last line, without what is said of that line alone.
    (
      array_agg(invoice_lines.basis order by invoice_lines.invoice_key desc)
      filter (where invoice_lines.events is not null)
    )[1] - '{gross,billed_with}'::text[]
  from pgledger.invoice_lines
  inner join pgledger.invoices on invoice_lines.invoice_key = invoices.key
  cross join lateral (
    select
      coalesce((invoice_lines.basis ->> 'gross')::numeric, invoice_lines.amount) as gross
  ) as part
  where invoice_lines.subscription_key = billed_usage.subscription_key
    and invoice_lines.gross is null
    and invoices.status <> 'voided'
    and invoices.key is distinct from billed_usage.but_invoice_key
    and case
      when earlier then invoice_lines.for_period < billed_usage.for_period
      else invoice_lines.for_period = billed_usage.for_period
    end
  group by 1, 2, 3
$$;

comment on function pgledger.billed_usage is
  'What invoices have charged for usage, by period, plan and feature.';

revoke all on function pgledger.billed_usage from public;

-- file: repeatable/27_invoices/billing_period.sql
/*
The period of a subscription in which a time lies, as it turned out: it ends early where another
period began or the subscription ended. Null where there is none: before the subscription began,
after it ended, and in a pause. is_over says that nothing that happens from now on can lie in it.
next_version is that of the change which follows the period's last one, if there is any.
*/
create or replace function pgledger.billing_period(
  subscription pgledger.subscriptions,
  at timestamptz,
  out starts_at timestamptz,
  out ends_at timestamptz,
  out is_over boolean,
  out next_version bigint
)
language plpgsql
stable
parallel safe
as $$
declare
  v_last record;
begin
  select
    change.version, change.status, change.occurred_at, change.period_start, change.period_end
  into v_last
  from pgledger.subscription_changes as change
  where change.subscription_key = subscription.key
    and change.period_start <= billing_period.at
  order by change.version desc
  limit 1;

  if v_last.status = 'canceled' then
    ends_at := least(v_last.period_end, v_last.occurred_at);
    is_over := true;
  else
    select least(v_last.period_end, change.occurred_at), change.version, true
    into billing_period.ends_at, next_version, is_over
    from pgledger.subscription_changes as change
    where change.subscription_key = subscription.key and change.version = v_last.version + 1;
    ends_at := coalesce(ends_at, v_last.period_end);
    is_over := coalesce(is_over, ends_at <= pgledger.clock());
  end if;
  starts_at := v_last.period_start;

  if (at < ends_at) is not true then
    starts_at := null;
    ends_at := null;
  end if;
end;
$$;

comment on function pgledger.billing_period is
  'The period of a subscription in which a time lies, as it turned out.';

revoke all on function pgledger.billing_period from public;

-- file: repeatable/27_invoices/billing_segments.sql
/*
The parts of a subscription's period, in order: a part ends where plan, quantity or status changed.
Invoices are computed from them.

With a version, changes after it are left out, and the last part goes on to the period's end.
Without one all changes count, and a trial that still goes on is followed by what comes after it.
*/
create or replace function pgledger.billing_segments(
  subscription pgledger.subscriptions,
  period_start timestamptz,
  as_of_version bigint default null
)
returns pgledger.billing_segment[]
language plpgsql
stable
parallel safe
as $$
declare
  v_segments pgledger.billing_segment[];
  v_last pgledger.billing_segment;
begin
  select
    array_agg(
      row(
        part.occurred_at, part.ends_at, part.plan_key, part.quantity, part.status,
        part.whole_start, part.period_end
      )::pgledger.billing_segment
      order by part.version
    )
  into v_segments
  from (
    select
      change.version, change.occurred_at, change.plan_key, change.quantity, change.status,
      change.whole_start, change.period_start, change.period_end,
      least(
        coalesce(lead(change.occurred_at) over (order by change.version), change.period_end),
        change.period_end
      ) as ends_at
    from pgledger.subscription_changes as change
    where change.subscription_key = subscription.key
      and change.period_start >= billing_segments.period_start
      and (as_of_version is null or change.version <= as_of_version)
  ) as part
  where part.period_start = billing_segments.period_start and part.occurred_at < part.ends_at;

  v_last := v_segments[cardinality(v_segments)];
  if as_of_version is null and v_last.status = 'trialing' and subscription.status = 'trialing'
    and subscription.trial_end < v_last.ends_at then
    v_segments[cardinality(v_segments)].ends_at := subscription.trial_end;
    v_last.starts_at := subscription.trial_end;
    v_last.status := case
      when subscription.cancel_at <= subscription.trial_end then 'canceled' else 'active'
    end;
    v_segments := v_segments || v_last;
  end if;
  return coalesce(v_segments, '{}');
end;
$$;

comment on function pgledger.billing_segments is
  'The parts of a subscription''s period in which plan, quantity and status stayed.';

revoke all on function pgledger.billing_segments from public;

-- file: repeatable/27_invoices/billing_stays.sql
/*
The stays of a period, in order: the parts in which the subscription was active, put together while
the plan stays, whatever the quantity. Usage is charged in stays only: what is used in a trial, in a
pause and after the end costs nothing.
*/
create or replace function pgledger.billing_stays(segments pgledger.billing_segment[])
returns pgledger.billing_segment[]
language plpgsql
immutable
parallel safe
as $$
declare
  v_segment pgledger.billing_segment;
  v_stays pgledger.billing_segment[] := '{}';
  v_count integer := 0;
begin
  foreach v_segment in array segments loop
    continue when v_segment.status <> 'active';
    if v_count > 0 and v_stays[v_count].plan_key = v_segment.plan_key
      and v_stays[v_count].ends_at = v_segment.starts_at then
      v_stays[v_count].ends_at := v_segment.ends_at;
    else
      v_stays := v_stays || v_segment;
      v_count := v_count + 1;
    end if;
  end loop;
  return v_stays;
end;
$$;

comment on function pgledger.billing_stays is
  'When in a period which plan was billed for usage, out of the period''s parts.';

revoke all on function pgledger.billing_stays from public;

-- file: repeatable/27_invoices/bound_line.sql
/*
The line that goes with a line for usage where its price has a minimum that is not reached, or a
maximum that is passed. gross is the amount before a credit was reduced by a discount, or null.
*/
create or replace function pgledger.bound_line(
  usage_line pgledger.invoice_lines,
  kind text,
  suffix text,
  amount numeric,
  gross numeric
)
returns pgledger.invoice_lines
language plpgsql
immutable
parallel safe
as $$
declare
  v_line pgledger.invoice_lines := usage_line;
begin
  v_line.kind := kind;
  v_line.description := v_line.description || suffix;
  v_line.quantity := null;
  v_line.unit_amount := null;
  v_line.amount := amount;
  v_line.counted := null;
  v_line.events := null;
  v_line.basis := case when gross is not null then jsonb_build_object('gross', gross::text) end;
  return v_line;
end;
$$;

comment on function pgledger.bound_line is
  'The line for what is missing to a price''s minimum, or is beyond its maximum.';

revoke all on function pgledger.bound_line from public;

-- file: repeatable/27_invoices/changed_base.sql
/*
What pgledger.due_base answers for a period in which something has changed: what the base fee comes
to and what has been billed of it, for each plan and quantity that the period had, in the order in
which they began.

A part of the period is charged its share: the rounded share up to its end less the rounded share up
to its start. So the parts add up to the whole, wherever the period is cut.

Time is charged while the subscription is active. After a cancellation at once, the rest of what was
paid in advance stays charged, unless it is to be credited or refunded.
*/
create or replace function pgledger.changed_base(
  subscription pgledger.subscriptions,
  for_period timestamptz,
  segments pgledger.billing_segment[],
  advance_only boolean,
  but_invoice_key bigint,
  exponent integer
)
returns table (
  plan_key bigint,
  quantity numeric,
  plan_name text,
  price numeric,
  proration text,
  starts_at timestamptz,
  ends_at timestamptz,
  units numeric,
  length numeric,
  due numeric,
  gross numeric,
  net numeric
)
language sql
stable
parallel safe
as $$
  select
    part.plan_key, part.quantity, plans.name, terms.price, terms.proration,
    min(part.starts_at) filter (where terms.is_charged),
    max(part.ends_at) filter (where terms.is_charged),
    coalesce(sum(unit.until - unit.since) filter (where terms.is_charged), 0),
    max(unit.length),
    coalesce(
      sum(
        pgledger.prorated(
          terms.price * part.quantity, unit.since, unit.until, unit.length, exponent
        )
      ) filter (where terms.is_charged),
      0
    ),
    coalesce(max(part.gross), 0),
    coalesce(max(part.net), 0)
  from (
    select
      coalesce(segment.plan_key, billed.plan_key) as plan_key,
      coalesce(segment.quantity, billed.quantity) as quantity,
      segment.starts_at, segment.ends_at, segment.whole_start, segment.whole_end,
      billed.gross, billed.net, billed.price,
      segment.status = 'active' as is_active,
      segment.status = 'canceled' and subscription.unused_time = 'none' and billed.net > 0
      as is_kept
    from unnest(segments) as segment
    full join pgledger.billed_base(subscription.key, for_period, but_invoice_key) as billed
      on segment.plan_key = billed.plan_key and segment.quantity = billed.quantity
  ) as part
  inner join pgledger.plans on part.plan_key = plans.key
  cross join lateral (
    select
      -- Only what was paid in advance is kept after a cancellation.
      part.is_active
      or (
        part.is_kept and coalesce(plans.pricing #>> '{base,billed}', 'advance') = 'advance'
      ) as is_charged,
      coalesce(part.price, (plans.pricing #>> '{base,amount}')::numeric) as price,
      coalesce(plans.pricing #>> '{base,proration}', 'day') as proration
  ) as terms
  left join lateral (
    select
      pgledger.proration_unit(
        part.starts_at, part.whole_start, part.whole_end, subscription.time_zone, terms.proration
      ) as since,
      pgledger.proration_unit(
        part.ends_at, part.whole_start, part.whole_end, subscription.time_zone, terms.proration
      ) as until,
      pgledger.proration_unit(
        part.whole_end, part.whole_start, part.whole_end, subscription.time_zone, terms.proration
      ) as length
  ) as unit on terms.is_charged
  where terms.price > 0
    and (not advance_only or coalesce(plans.pricing #>> '{base,billed}', 'advance') = 'advance')
  group by part.plan_key, part.quantity, plans.name, terms.price, terms.proration
  order by min(part.starts_at) nulls first, part.plan_key, part.quantity
$$;

comment on function pgledger.changed_base is
  'What the base fee for a period of several parts comes to and what has been billed of it.';

revoke all on function pgledger.changed_base from public;

-- file: repeatable/27_invoices/charge_as_billed.sql
/*
What usage of a feature in a period that has been billed comes to with what was reported since, by
the price that it was billed at.
*/
create or replace function pgledger.charge_as_billed(
  subscription pgledger.subscriptions,
  for_period timestamptz,
  plan_key bigint,
  price pgledger.priced_feature,
  exponent integer,
  out quantity numeric,
  out amount numeric,
  out counted numeric,
  out events bigint
)
language plpgsql
stable
parallel safe
as $$
declare
  v_stays pgledger.billing_segment[] := pgledger.billing_stays(
    pgledger.billing_segments(subscription, for_period)
  );
begin
  select
    charge.quantity, charge.amount + charge.true_up + charge.cap, charge.counted, charge.events
  into
    charge_as_billed.quantity, charge_as_billed.amount, charge_as_billed.counted,
    charge_as_billed.events
  from pgledger.usage_charges(
    array[price],
    v_stays[1].starts_at,
    array(
      select stay from unnest(v_stays) as stay where stay.plan_key = charge_as_billed.plan_key
    ),
    charge_as_billed.plan_key = v_stays[1].plan_key,
    subscription.time_zone,
    exponent
  ) as charge;
end;
$$;

comment on function pgledger.charge_as_billed is
  'What usage in a period that has been billed comes to by now, by the price it was billed at.';

revoke all on function pgledger.charge_as_billed from public;

-- file: repeatable/27_invoices/check_no_earlier_draft.sql
/*
Refuses to make a draft final while there is another draft that it goes on from. What that one
charges counts as billed here, but could still change or be deleted.

Errors: InvalidState.
*/
create or replace function pgledger.check_no_earlier_draft(invoice pgledger.invoices)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_earlier text := (
    select draft.id
    from pgledger.invoices as draft
    where draft.subscription_key = invoice.subscription_key
      and draft.status = 'draft'
      and draft.key <> invoice.key
      and (
        draft.period_start < invoice.period_start
        or (draft.period_start < invoice.period_end and invoice.kind = 'period')
        or (draft.period_start = invoice.period_start and draft.kind = 'start')
      )
    order by draft.period_start, draft.key
    limit 1
  );
  v_ok boolean;
begin
  if v_earlier is not null then
    v_ok := pgledger.refuse_invoice_move(
      invoice, format('pending before draft %s, which it goes on from', v_earlier)
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_no_earlier_draft is
  'Raises InvalidState while there is a draft that an invoice goes on from.';

revoke all on function pgledger.check_no_earlier_draft from public;

-- file: repeatable/27_invoices/check_no_final_invoice_goes_on_from.sql
/*
Refuses to take back an invoice that a final one of the same subscription goes on from: to delete a
draft whose charges count as billed there, or to void a base fee of which it gives back a part. That
invoice has to be voided first.

Errors: InvalidState.
*/
create or replace function pgledger.check_no_final_invoice_goes_on_from(
  invoice pgledger.invoices,
  target text
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_later text := (
    select later.id
    from pgledger.invoices as later
    where later.subscription_key = invoice.subscription_key
      and later.status not in ('draft', 'voided')
      and later.key <> invoice.key
      and (
        (
          target = 'deleted'
          and later.kind = 'period'
          and later.period_end > invoice.period_start
        )
        or exists (
          select
          from pgledger.invoice_lines as credit
          inner join pgledger.invoice_lines as charge
            on credit.for_period = charge.for_period and credit.plan_key = charge.plan_key
          where credit.invoice_key = later.key
            and credit.gross < 0
            and charge.invoice_key = invoice.key
            and charge.gross > 0
        )
      )
    order by later.key
    limit 1
  );
  v_ok boolean;
begin
  if v_later is not null then
    v_ok := pgledger.refuse_invoice_move(
      invoice, format('%s while invoice %s goes on from it', target, v_later)
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_no_final_invoice_goes_on_from is
  'Raises InvalidState if a final invoice goes on from one that is to be taken back.';

revoke all on function pgledger.check_no_final_invoice_goes_on_from from public;

-- file: repeatable/27_invoices/check_usage_not_purged.sql
/*
Refuses an invoice for a period of which usage events may have been purged, unless it is final
already and is only looked up.

Errors: UsagePurged.
*/
create or replace function pgledger.check_usage_not_purged(
  subscription pgledger.subscriptions,
  kind text,
  period_start timestamptz
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_purged_before timestamptz := (
    select tenants.purged_before
    from pgledger.tenants
    where tenants.app_id = subscription.app_id and tenants.tenant_id = subscription.tenant_id
  );
  v_ok boolean;
begin
  if period_start < v_purged_before and not exists (
    select
    from pgledger.invoices
    where invoices.subscription_key = subscription.key
      and invoices.kind = check_usage_not_purged.kind
      and invoices.period_start = check_usage_not_purged.period_start
      and invoices.status not in ('draft', 'voided')
  ) then
    v_ok := pgledger.fail(
      'UsagePurged', array['period_start', period_start::text, v_purged_before::text]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_usage_not_purged is
  'Raises UsagePurged if usage events of a period to be invoiced may have been purged.';

revoke all on function pgledger.check_usage_not_purged from public;

-- file: repeatable/27_invoices/complete_invoice.sql
/*
Adds discounts and taxes to the lines that say what is charged, in this order, and sums them up.
Nothing is written, and no coupon is used up. A caller that knows the currency's exponent gives it.
*/
create or replace function pgledger.complete_invoice(
  inout invoice pgledger.invoices,
  inout lines pgledger.invoice_lines[],
  exponent integer default null
)
language plpgsql
stable
parallel safe
as $$
declare
  v_exponent integer := coalesce(
    exponent, pgledger.currency_exponent(invoice.app_id, invoice.currency)
  );
  v_zeros numeric[] := array_fill(round(0::numeric, v_exponent), array[cardinality(lines)]);
begin
  if cardinality(lines) > 0 then
    lines := pgledger.add_shares(lines, v_zeros, v_zeros);
    lines := pgledger.apply_coupons(invoice, lines, v_exponent);
    lines := pgledger.apply_taxes(invoice, lines, v_exponent);
  end if;

  select
    coalesce(sum(line.amount) filter (where line.kind not in ('discount', 'tax')), 0),
    coalesce(-sum(line.amount) filter (where line.kind = 'discount'), 0),
    coalesce(sum(line.amount) filter (where line.kind = 'tax'), 0)
  into invoice.subtotal, invoice.discount, invoice.tax
  from unnest(lines) as line;
  invoice.subtotal := round(invoice.subtotal, v_exponent);
  invoice.discount := round(invoice.discount, v_exponent);
  invoice.tax := round(invoice.tax, v_exponent);
  invoice.total := invoice.subtotal - invoice.discount + invoice.tax;
  -- With the currency's decimals, like all amounts.
  invoice.credits_applied := round(0::numeric, v_exponent);
  invoice.amount_due := greatest(
    invoice.total - invoice.credits_applied, invoice.credits_applied
  );
  invoice.amount_paid := invoice.credits_applied;
  invoice.refund_due := invoice.credits_applied;
  invoice.unapplied := invoice.credits_applied;
end;
$$;

comment on function pgledger.complete_invoice is
  'An invoice and its lines with discounts, taxes and sums; nothing is written.';

revoke all on function pgledger.complete_invoice from public;

-- file: repeatable/27_invoices/draw_invoice.sql
/*
What an invoice of a subscription comes to, with its lines, discounts and taxes; nothing is written.
Its tax rates are those given, or else the subscription's. own_key is the key of the draft that is
computed anew, if it is one: what it charges itself does not count as billed.
*/
create or replace function pgledger.draw_invoice(
  subscription pgledger.subscriptions,
  kind text,
  period_start timestamptz,
  as_of_version bigint,
  tax_rates jsonb,
  own_key bigint,
  out invoice pgledger.invoices,
  out lines pgledger.invoice_lines[]
)
language plpgsql
stable
parallel safe
as $$
declare
  v_drawn record;
  v_exponent integer;
begin
  invoice.key := own_key;
  invoice.app_id := subscription.app_id;
  invoice.tenant_id := subscription.tenant_id;
  invoice.subscription_key := subscription.key;
  invoice.kind := kind;
  invoice.status := 'draft';
  invoice.period_start := period_start;
  invoice.currency := (
    select plans.currency from pgledger.plans where plans.key = subscription.plan_key
  );
  invoice.as_of_version := as_of_version;
  invoice.tax_rates := coalesce(draw_invoice.tax_rates, subscription.tax_rates);

  v_exponent := pgledger.currency_exponent(invoice.app_id, invoice.currency);
  v_drawn := pgledger.draw_lines(subscription, invoice, v_exponent);
  invoice.period_end := v_drawn.period_end;
  v_drawn := pgledger.complete_invoice(invoice, v_drawn.lines, v_exponent);
  invoice := v_drawn.invoice;
  lines := v_drawn.lines;
end;
$$;

comment on function pgledger.draw_invoice is
  'What an invoice of a subscription comes to, with its lines; nothing is written.';

revoke all on function pgledger.draw_invoice from public;

-- file: repeatable/27_invoices/draw_lines.sql
/*
What an invoice of a subscription charges, before discounts and taxes, for the period in which its
own start lies; and when the period ends as far as is known. What the invoice itself has charged
before does not count as billed.

A period invoice has the base fee of the period as far as it is not billed, that of the next period
if it is paid in advance, usage, and late usage of earlier periods. A start invoice has the base fee
of the period as it was at the invoice's version, or, if something of it has been billed, the
difference. An interim invoice has usage until now.
*/
create or replace function pgledger.draw_lines(
  subscription pgledger.subscriptions,
  invoice pgledger.invoices,
  exponent integer,
  out lines pgledger.invoice_lines[],
  out period_end timestamptz
)
language plpgsql
stable
parallel safe
as $$
declare
  v_period record := pgledger.billing_period(subscription, invoice.period_start);
  v_as_of_version bigint;
  v_segments pgledger.billing_segment[];
  v_now timestamptz;
begin
  -- Not one statement with the kind in it: the planner would plan that anew for each call.
  if invoice.kind = 'start' then
    v_as_of_version := (
      select invoice.as_of_version
      where not exists (
        select
        from pgledger.billed_base(subscription.key, v_period.starts_at, invoice.key)
      )
    );
  end if;
  v_segments := pgledger.billing_segments(subscription, v_period.starts_at, v_as_of_version);
  period_end := v_period.ends_at;
  if invoice.kind = 'start' then
    lines := array(
      select line
      from pgledger.base_lines(
        subscription, v_period.starts_at, v_segments, true, invoice.key, exponent
      ) as line
    );
  elsif invoice.kind = 'interim' then
    v_now := pgledger.clock();
    period_end := least(period_end, v_now);
    lines := array(
      select line
      from pgledger.usage_lines(
        subscription,
        v_period.starts_at,
        pgledger.segments_until(v_segments, v_now),
        invoice.key,
        exponent
      ) as line
      -- What is missing to a minimum is known only at the period's end.
      where line.kind <> 'true_up'
    );
  else
    lines := array(
      select line
      from pgledger.base_lines(
        subscription, v_period.starts_at, v_segments, false, invoice.key, exponent
      ) as line
    ) || array(
      select line
      from pgledger.next_base_lines(
        subscription, v_period.ends_at, v_period.next_version, v_period.is_over, invoice.key,
        exponent
      ) as line
    ) || array(
      select line
      from pgledger.usage_lines(
        subscription, v_period.starts_at, v_segments, invoice.key, exponent
      ) as line
    ) || array(
      select line
      from pgledger.late_lines(
        subscription, v_period.starts_at, invoice.key, exponent
      ) as line
    );
  end if;
end;
$$;

comment on function pgledger.draw_lines is
  'What a subscription is to be charged on an invoice, before discounts and taxes.';

revoke all on function pgledger.draw_lines from public;

-- file: repeatable/27_invoices/due_base.sql
/*
What the base fee for a subscription's period comes to and what has been billed of it, where the two
differ. Nearly always the period has one part, which either has been billed, or is whole and has
not. These two cases are answered here, which is cheaper; pgledger.changed_base does the rest.
*/
create or replace function pgledger.due_base(
  subscription pgledger.subscriptions,
  for_period timestamptz,
  segments pgledger.billing_segment[],
  advance_only boolean,
  but_invoice_key bigint,
  exponent integer
)
returns table (
  plan_key bigint,
  quantity numeric,
  plan_name text,
  price numeric,
  proration text,
  starts_at timestamptz,
  ends_at timestamptz,
  units numeric,
  length numeric,
  due numeric,
  gross numeric,
  net numeric
)
language plpgsql
stable
parallel safe
as $$
declare
  v_part pgledger.billing_segment := segments[1];
  v_billed record;
begin
  select
    count(*) as lines,
    bool_and(
      invoice_lines.plan_key = v_part.plan_key
      and invoice_lines.quantity = v_part.quantity
      and invoice_lines.period_start = v_part.starts_at
      and invoice_lines.period_end = v_part.ends_at
    ) as is_the_same
  into v_billed
  from pgledger.invoice_lines
  inner join pgledger.invoices on invoice_lines.invoice_key = invoices.key
  where invoice_lines.subscription_key = subscription.key
    and invoice_lines.for_period = due_base.for_period
    and invoice_lines.gross is not null
    and invoices.status <> 'voided'
    and invoices.key is distinct from but_invoice_key;

  if cardinality(segments) = 1 and v_part.status = 'active' and v_billed.lines = 1
    and v_billed.is_the_same then
    return;
  elsif cardinality(segments) <> 1 or v_part.status <> 'active' or v_billed.lines > 0
    or v_part.starts_at > v_part.whole_start or v_part.ends_at < v_part.whole_end then
    return query
    select
      part.plan_key, part.quantity, part.plan_name, part.price, part.proration, part.starts_at,
      part.ends_at, part.units, part.length, part.due, part.gross, part.net
    from pgledger.changed_base(
      subscription, for_period, segments, advance_only, but_invoice_key, exponent
    ) as part
    where part.due <> part.gross;
    return;
  end if;

  return query
  select
    plans.key, v_part.quantity, plans.name, terms.price, terms.proration, v_part.starts_at,
    v_part.ends_at, whole.length, whole.length, terms.due, 0::numeric, 0::numeric
  from pgledger.plans
  cross join lateral (
    select
      (plans.pricing #>> '{base,amount}')::numeric as price,
      coalesce(plans.pricing #>> '{base,proration}', 'day') as proration,
      round((plans.pricing #>> '{base,amount}')::numeric * v_part.quantity, exponent) as due
  ) as terms
  cross join lateral (
    select
      pgledger.proration_unit(
        v_part.whole_end, v_part.whole_start, v_part.whole_end, subscription.time_zone,
        terms.proration
      ) as length
  ) as whole
  where plans.key = v_part.plan_key
    and terms.due > 0
    and (not advance_only or coalesce(plans.pricing #>> '{base,billed}', 'advance') = 'advance');
end;
$$;

comment on function pgledger.due_base is
  'What the base fee for a period comes to and what has been billed of it, where they differ.';

revoke all on function pgledger.due_base from public;

-- file: repeatable/27_invoices/features_with_late_usage.sql
/*
The features whose events in the periods before one are not as many as invoices have counted, or of
which an invoice was voided; with their meters, and the start of the earliest period that can be
counted anew. Where events were purged, that is a period that begins at a whole hour, whose total is
kept, and ends after the purge; seats need the events themselves.
*/
create or replace function pgledger.features_with_late_usage(
  subscription pgledger.subscriptions,
  before_period timestamptz,
  but_invoice_key bigint
)
returns table (item text, meter_key integer, unique_key text, since timestamptz)
language plpgsql
stable
parallel safe
as $$
declare
  v_purged_before timestamptz := (
    select tenants.purged_before
    from pgledger.tenants
    where tenants.app_id = subscription.app_id and tenants.tenant_id = subscription.tenant_id
  );
begin
  return query
  with billed as materialized (
    select
      line.item, line.since, line.events, line.was_voided, meters.key as meter_key,
      meters.unique_key
    from (
      select
        invoice_lines.item, min(invoice_lines.period_start) as since,
        sum(invoice_lines.events) filter (where invoices.status <> 'voided') as events,
        bool_or(invoices.status = 'voided') as was_voided
      from pgledger.invoice_lines
      inner join pgledger.invoices on invoice_lines.invoice_key = invoices.key
      where invoice_lines.subscription_key = subscription.key
        and invoice_lines.for_period < before_period
        and invoice_lines.events is not null
        and (
          invoice_lines.period_start >= v_purged_before
          or (
            invoice_lines.kind <> 'seats'
            and invoice_lines.period_end > v_purged_before
            and invoice_lines.period_start
            = date_bin('1 hour', invoice_lines.period_start, timestamptz '2000-01-01 00:00:00+00')
          )
        )
        and invoices.key is distinct from but_invoice_key
      group by invoice_lines.item
    ) as line
    left join pgledger.meters
      on meters.app_id = subscription.app_id
      and meters.tenant_id = subscription.tenant_id
      and line.item = meters.feature_key
  ),
  present as (
    select counted.meter_key, counted.events
    from (
      select billed.since, array_agg(billed.meter_key) as meter_keys
      from billed
      group by billed.since
    ) as range
    cross join lateral pgledger.usage_sums(range.meter_keys, range.since, before_period) as counted
  )
  select billed.item, billed.meter_key, billed.unique_key, billed.since
  from billed
  left join present on billed.meter_key = present.meter_key
  where billed.was_voided or billed.events <> coalesce(present.events, 0);
end;
$$;

comment on function pgledger.features_with_late_usage is
  'Features whose events in earlier periods are not as many as were billed.';

revoke all on function pgledger.features_with_late_usage from public;

-- file: repeatable/27_invoices/finalize_invoices.sql
/*
Makes drafts of an app final, in the order of the keys. Each takes the app's next number and is paid
at once if nothing is due. It is to be paid at the time given, or after the app's payment terms, in
days of 24 hours whatever the session's time zone. What it credits beyond what it charges is to be
refunded if the subscription was canceled with a refund, and otherwise kept.

The drafts are locked already. Locks the app's row and holds it until the transaction ends: numbers
have no gap because transactions take them one after the other. So this comes last.
*/
create or replace function pgledger.finalize_invoices(
  app_id text,
  keys bigint[],
  due_at timestamptz default null
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_app record;
  v_now timestamptz;
begin
  if cardinality(keys) = 0 then
    return;
  end if;
  insert into pgledger.apps (app_id)
  values (finalize_invoices.app_id)
  on conflict on constraint apps_app_id_pk do nothing;
  update pgledger.apps
  set invoice_number = apps.invoice_number + cardinality(keys)
  where apps.app_id = finalize_invoices.app_id
  returning apps.invoice_number - cardinality(keys) as number, apps.payment_terms
  into v_app;

  v_now := pgledger.clock();
  update pgledger.invoices
  set
    status = case when invoices.amount_due = 0 then 'paid' else 'pending' end,
    number = v_app.number + taken.place,
    finalized_at = v_now,
    due_at = coalesce(
      finalize_invoices.due_at, v_now + v_app.payment_terms * interval '24 hours'
    ),
    paid_at = case when invoices.amount_due = 0 then v_now end,
    refund_due = case
      when subscriptions.unused_time = 'refund' then greatest(-invoices.total, 0 * invoices.total)
      else 0 * invoices.total
    end,
    unapplied = case
      when subscriptions.unused_time = 'refund' then 0 * invoices.total
      else greatest(-invoices.total, 0 * invoices.total)
    end,
    version = invoices.version + 1,
    updated_at = v_now
  from unnest(keys) with ordinality as taken (key, place)
  inner join pgledger.invoices as draft on taken.key = draft.key
  left join pgledger.subscriptions on draft.subscription_key = subscriptions.key
  where invoices.key = draft.key and invoices.status = 'draft';
end;
$$;

comment on function pgledger.finalize_invoices is
  'Makes drafts of an app final: numbers, due dates, and what is to be paid back.';

revoke all on function pgledger.finalize_invoices from public;

-- file: repeatable/27_invoices/find_or_draft_invoice.sql
/*
The key of a subscription's invoice of a kind and start that is not voided. If there is none, one is
drawn up as a draft; without even_if_empty, only if it has lines, and null otherwise.

The subscription is locked, so that two calls never draw up the same invoice.
*/
create or replace function pgledger.find_or_draft_invoice(
  subscription pgledger.subscriptions,
  kind text,
  period_start timestamptz,
  as_of_version bigint,
  tax_rates jsonb,
  even_if_empty boolean
)
returns bigint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_key bigint := (
    select invoices.key
    from pgledger.invoices
    where invoices.subscription_key = subscription.key
      and invoices.kind = find_or_draft_invoice.kind
      and invoices.period_start = find_or_draft_invoice.period_start
      and invoices.status <> 'voided'
  );
  v_drawn record;
begin
  if v_key is null then
    v_drawn := pgledger.draw_invoice(
      subscription, kind, period_start, as_of_version, tax_rates, null
    );
    if even_if_empty or cardinality(v_drawn.lines) > 0 then
      v_key := pgledger.store_invoice(v_drawn.invoice, v_drawn.lines);
    end if;
  end if;
  return v_key;
end;
$$;

comment on function pgledger.find_or_draft_invoice is
  'The key of a subscription''s invoice for a period, drawn up if there is none.';

revoke all on function pgledger.find_or_draft_invoice from public;

-- file: repeatable/27_invoices/insert_one_off_invoice.sql
/*
Writes a one-off draft and its lines, and returns its key; if a repeated call has written it
meanwhile, the key of that. Whoever writes an invoice of the same id at the same time goes first or
waits.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.insert_one_off_invoice(
  invoice pgledger.invoices,
  lines pgledger.invoice_lines[]
)
returns bigint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_key bigint;
begin
  loop
    insert into pgledger.invoices (
      id, app_id, tenant_id, kind, currency, subtotal, discount, tax, total, credits_applied,
      amount_due, tax_rates, metadata, created_at, updated_at
    )
    values (
      invoice.id, invoice.app_id, invoice.tenant_id, invoice.kind, invoice.currency,
      invoice.subtotal, invoice.discount, invoice.tax, invoice.total, invoice.credits_applied,
      invoice.amount_due, invoice.tax_rates, invoice.metadata, invoice.created_at,
      invoice.created_at
    )
    on conflict on constraint invoices_id_key do nothing
    returning invoices.key into v_key;

    if found then
      perform pgledger.store_lines(v_key, lines);
      return v_key;
    end if;

    v_key := pgledger.repeated_invoice(invoice, lines);
    if v_key is not null then
      return v_key;
    end if;
    -- The draft that had the id has been deleted meanwhile.
  end loop;
end;
$$;

comment on function pgledger.insert_one_off_invoice is
  'Writes a one-off draft and returns its key; raises if its id is taken by another.';

revoke all on function pgledger.insert_one_off_invoice from public;

-- file: repeatable/27_invoices/interim_start.sql
/*
From when the next interim invoice of a period counts: where the last final one ended, or the start
of the period. In a period that is over it begins just before the end, each before the last.
*/
create or replace function pgledger.interim_start(
  subscription_key bigint,
  starts_at timestamptz,
  ends_at timestamptz
)
returns timestamptz
language sql
stable
parallel safe
as $$
  select
    case
      when count(*) = 0 then interim_start.starts_at
      else least(
        max(interim.period_end),
        interim_start.ends_at
        - interval '1 microsecond'
        * count(*) filter (where interim.period_end = interim_start.ends_at)
      )
    end
  from pgledger.invoices as interim
  where interim.subscription_key = interim_start.subscription_key
    and interim.kind = 'interim'
    and interim.status not in ('draft', 'voided')
    and interim.period_start >= interim_start.starts_at
    and interim.period_end <= interim_start.ends_at
$$;

comment on function pgledger.interim_start is
  'From when the next interim invoice of a period counts.';

revoke all on function pgledger.interim_start from public;

-- file: repeatable/27_invoices/invoice_key.sql
/*
The key of a tenant's invoice. The name is that of the argument that holds its id.

Checks, in this order: app_id, tenant_id, the id, existence.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound.
*/
create or replace function pgledger.invoice_key(
  app_id text,
  tenant_id text,
  id text,
  name text default 'id'
)
returns bigint
language plpgsql
stable
parallel safe
as $$
declare
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_id(name, id, 'inv');

  select invoices.key
  into v_key
  from pgledger.invoices
  where invoices.id = invoice_key.id
    and invoices.app_id = invoice_key.app_id
    and invoices.tenant_id = invoice_key.tenant_id;

  if not found then
    v_ok := pgledger.fail('InvoiceNotFound', array[id, pgledger.in_catalogue(app_id, tenant_id)]);
  end if;

  return v_key;
end;
$$;

comment on function pgledger.invoice_key is
  'Key of a tenant''s invoice of that id; raises InvoiceNotFound.';

revoke all on function pgledger.invoice_key from public;

-- file: repeatable/27_invoices/invoice_request.sql
/*
Reads what a call asks an invoice for: the period in which a time lies, by default the current one,
and the invoice's own start, which for an interim invoice is where the last final one ended.
as_of_version is for start invoices the change with which the period became active.

Errors: NullArgument, InvalidArgument, InvalidTime, InvalidInvoice, UsagePurged.
*/
create or replace function pgledger.invoice_request(
  subscription pgledger.subscriptions,
  at timestamptz,
  kind text,
  tax_rates jsonb,
  out period_start timestamptz,
  out as_of_version bigint
)
language plpgsql
stable
parallel safe
as $$
declare
  v_at timestamptz := coalesce(at, subscription.current_period_start);
  v_period record;
  v_ok boolean;
begin
  v_ok := pgledger.check_choice('kind', kind, array['period', 'start', 'interim']);
  if pgledger.time_fault(v_at) is not null then
    v_ok := pgledger.fail('InvalidTime', array['at', at::text, pgledger.time_fault(v_at)]);
  end if;
  if tax_rates is not null then
    v_ok := pgledger.check_tax_rates(tax_rates);
  end if;

  v_period := pgledger.billing_period(subscription, v_at);
  period_start := v_period.starts_at;
  if period_start is null then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'at', v_at::text, format('subscription %s has no period at that time', subscription.id)
      ]
    );
  end if;

  if kind = 'start' then
    as_of_version := (
      select min(change.version)
      from pgledger.subscription_changes as change
      where change.subscription_key = subscription.key
        and change.period_start = invoice_request.period_start
        and change.status = 'active'
    );
    if as_of_version is null then
      v_ok := pgledger.fail(
        'InvalidArgument',
        array[
          'kind', '''start''',
          format('subscription %s was not active in the period of %s', subscription.id, v_at)
        ]
      );
    end if;
  else
    v_ok := pgledger.check_usage_not_purged(subscription, kind, period_start);
  end if;
  if kind = 'interim' then
    period_start := pgledger.interim_start(subscription.key, v_period.starts_at, v_period.ends_at);
  end if;
end;
$$;

comment on function pgledger.invoice_request is
  'Reads what a call asks an invoice for; raises what is wrong with it.';

revoke all on function pgledger.invoice_request from public;

-- file: repeatable/27_invoices/invoice_with_key.sql
/*
The invoice with that key as applications see it, or null.
*/
create or replace function pgledger.invoice_with_key(key bigint)
returns public.ledger_invoice
language sql
stable
parallel safe
as $$
  select
    pgledger.show_invoice(
      invoices,
      array(
        select invoice_lines
        from pgledger.invoice_lines
        where invoice_lines.invoice_key = invoices.key
        order by invoice_lines.place
      )
    )
  from pgledger.invoices
  where invoices.key = invoice_with_key.key
$$;

comment on function pgledger.invoice_with_key is
  'The invoice with that key as the view ledger_invoices shows it, or null.';

revoke all on function pgledger.invoice_with_key from public;

-- file: repeatable/27_invoices/late_lines.sql
/*
Lines for usage that was reported after the invoice of its period had become final, one for each
period, plan and feature: what usage costs by now at the price that it was billed at, less what was
billed. A credit gives back what was paid, so the discount's share is left out.

Only features that pgledger.features_with_late_usage names are computed anew. Late usage of a period
whose invoice is still a draft goes on the draft.
*/
create or replace function pgledger.late_lines(
  subscription pgledger.subscriptions,
  before_period timestamptz,
  but_invoice_key bigint,
  exponent integer
)
returns setof pgledger.invoice_lines
language plpgsql
stable
parallel safe
as $$
declare
  v_billed record;
  v_charge record;
  v_line pgledger.invoice_lines;
begin
  for v_billed in
    select
      billed.for_period, billed.plan_key, billed.item, billed.starts_at, billed.ends_at,
      billed.quantity, billed.amount + billed.true_up + billed.cap as amount, billed.net,
      billed.events, billed.basis, late.meter_key, late.unique_key
    from pgledger.features_with_late_usage(subscription, before_period, but_invoice_key) as late
    inner join pgledger.billed_usage(
      subscription.key, before_period, but_invoice_key, true
    ) as billed
      on late.item = billed.item and late.since <= billed.starts_at
    where not exists (
      select
      from pgledger.invoices
      where invoices.subscription_key = subscription.key
        and invoices.kind = 'period'
        and invoices.period_start = billed.for_period
        and invoices.status = 'draft'
    )
    order by billed.for_period, billed.starts_at, billed.item
  loop
    v_charge := pgledger.charge_as_billed(
      subscription,
      v_billed.for_period,
      v_billed.plan_key,
      row(
        null, v_billed.item, null, v_billed.meter_key, v_billed.unique_key, v_billed.basis
      )::pgledger.priced_feature,
      exponent
    );
    continue when v_charge.events = v_billed.events
      and v_charge.amount = v_billed.amount;

    v_line := null;
    v_line.kind := 'late_usage';
    v_line.description := format(
      'Late usage of %s before %s',
      v_billed.item,
      to_char(v_billed.ends_at at time zone subscription.time_zone, 'YYYY-MM-DD')
    );
    v_line.item := v_billed.item;
    v_line.period_start := v_billed.starts_at;
    v_line.period_end := v_billed.ends_at;
    v_line.quantity := v_charge.quantity - v_billed.quantity;
    v_line.amount := v_charge.amount - v_billed.amount;
    v_line.discount := 0;
    v_line.tax := 0;
    v_line.subscription_key := subscription.key;
    v_line.for_period := v_billed.for_period;
    v_line.plan_key := v_billed.plan_key;
    v_line.counted := v_charge.counted;
    v_line.events := v_charge.events - v_billed.events;
    v_line.basis := v_billed.basis;
    if v_line.amount < 0 and v_billed.net <> v_billed.amount then
      v_line.basis := v_line.basis || jsonb_build_object('gross', v_line.amount::text);
      v_line.amount := pgledger.rounded_quotient(
        v_line.amount * v_billed.net, v_billed.amount, exponent
      );
    end if;
    return next v_line;
  end loop;
end;
$$;

comment on function pgledger.late_lines is
  'Lines for usage that was reported after the invoice of its period had become final.';

revoke all on function pgledger.late_lines from public;

-- file: repeatable/27_invoices/ledger_create_invoice.sql
/*
Locks a currency of the app's own FOR SHARE, so that its exponent stays as it is until the invoice
is written. Of calls with the same id at the same time one writes, and the others wait for it.
Checks, in this order: app_id, tenant_id, currency, lines, tax_rates, metadata, id, repeat, total.
Errors: NullArgument, InvalidScope, UnknownCurrency, InvalidInvoice, InvalidMetadata, InvalidId,
IdempotencyConflict.
*/
create or replace function public.ledger_create_invoice(
  app_id text,
  tenant_id text,
  currency text,
  lines jsonb,
  tax_rates jsonb default '[]',
  metadata jsonb default null,
  id text default null
)
returns public.ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_invoice pgledger.invoices;
  v_lines pgledger.invoice_lines[];
  v_complete record;
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_lines := pgledger.read_invoice_lines(lines, pgledger.lock_currency_exponent(app_id, currency));
  if tax_rates is null then
    v_ok := pgledger.fail('NullArgument', array['tax_rates']);
  end if;
  v_ok := pgledger.check_tax_rates(tax_rates);
  v_ok := pgledger.check_metadata(metadata);

  v_invoice.app_id := app_id;
  v_invoice.tenant_id := tenant_id;
  v_invoice.kind := 'one_off';
  v_invoice.currency := currency;
  v_invoice.tax_rates := tax_rates;
  v_invoice.metadata := metadata;
  v_invoice.created_at := v_now;

  if id is null then
    v_invoice.id := 'inv_' || pgledger.new_ulid(v_now);
  else
    v_ok := pgledger.check_id('id', id, 'inv');
    v_invoice.id := id;
    v_key := pgledger.repeated_invoice(v_invoice, v_lines);
  end if;

  if v_key is null then
    v_complete := pgledger.complete_invoice(v_invoice, v_lines);
    if greatest(abs((v_complete.invoice).subtotal), abs((v_complete.invoice).total)) >= 1e30 then
      v_ok := pgledger.refuse_json(
        null, '$.lines', 'comes to a total that is not below 1e30 in size'
      );
    end if;
    v_key := pgledger.insert_one_off_invoice(v_complete.invoice, v_complete.lines);
  end if;
  return pgledger.invoice_with_key(v_key);
end;
$$;

comment on function public.ledger_create_invoice is
$$Draws up a one-off invoice, of lines that are given.

It is a draft, with the discounts of the coupons that the tenant has now.
Amounts are rounded to the currency's decimal places, half away from zero.

Call it in FROM: (ledger_create_invoice(...)).* calls it once for every
column.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
currency: Currency of every amount: a code of ISO 4217 or of the app's own.
lines: JSON array of what is charged or, below zero, credited: 1 to 1,000
  objects with description and either amount or quantity and unit_amount, for
  example [{"description": "Support", "quantity": "3", "unit_amount":
  "80.00"}]. Each may also have item, a text that coupons and tax rates can
  name, and period_start and period_end, times of ISO 8601 with an offset.
  Amounts are below 1e30 in size, quantities 0 or more.
tax_rates: JSON array of its tax rates, as for ledger_create_subscription;
  applies_to names items.
metadata: JSON object of the app's own, at most 64 KiB, or null.
id: The invoice's id if the caller chooses it: inv_ and a ULID. The same call
  with the same id returns that invoice as it is now; null for a new id.

Returns: A draft.

Errors: NullArgument, InvalidScope, UnknownCurrency (the currency is neither
  of ISO 4217 nor the app's own), InvalidInvoice (lines or tax_rates are not
  valid, or the total is not below 1e30 in size; the message names the path),
  InvalidMetadata, InvalidId, IdempotencyConflict (the id is taken by a
  different invoice).$$;

revoke all on function public.ledger_create_invoice from public;
grant execute on function public.ledger_create_invoice to pgledger_poster;

-- file: repeatable/27_invoices/ledger_delete_invoice.sql
/*
Locks the subscription, then the invoice.
Checks, in this order: app_id, tenant_id, id, existence, final invoices that go on from it, status.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidState.
*/
create or replace function public.ledger_delete_invoice(
  app_id text,
  tenant_id text,
  id text
)
returns public.ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.invoices := pgledger.lock_invoice(
    app_id, tenant_id, id, with_subscription => true
  );
  v_invoice record := pgledger.invoice_with_key(v_old.key);
  v_ok boolean;
begin
  if v_old.status = 'draft' then
    v_ok := pgledger.check_no_final_invoice_goes_on_from(v_old, 'deleted');
  end if;
  delete from pgledger.invoices
  where invoices.key = v_old.key and invoices.status = 'draft';
  if not found then
    v_ok := pgledger.refuse_invoice_move(v_old, 'deleted');
  end if;

  delete from pgledger.invoice_lines
  where invoice_lines.invoice_key = v_old.key;
  return v_invoice;
end;
$$;

comment on function public.ledger_delete_invoice is
$$Deletes a draft, with its lines.

An invoice that is final stays. ledger_mark_invoice_voided takes its effects
back.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
id: Which invoice: inv_ and a ULID.

Returns: The draft as it was.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice), InvalidState (it is not a draft, or a final invoice goes
  on from it).$$;

revoke all on function public.ledger_delete_invoice from public;
grant execute on function public.ledger_delete_invoice to pgledger_poster;

-- file: repeatable/27_invoices/ledger_finalize_invoice.sql
/*
Locks the subscription, the draft, what the tenant has left of coupons, and the app's numbers, in
this order; the last until the transaction ends. Computes the draft anew until no coupon that it
uses has been used up by another invoice meanwhile.
Checks, in this order: app_id, tenant_id, id, existence, status, due_at, end of the period, earlier
drafts.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidState, InvalidTime.
*/
create or replace function public.ledger_finalize_invoice(
  app_id text,
  tenant_id text,
  id text,
  due_at timestamptz default null
)
returns public.ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_invoice pgledger.invoices;
  v_subscription pgledger.subscriptions;
  v_period record;
  v_ok boolean;
begin
  v_invoice := pgledger.lock_draft(app_id, tenant_id, id, 'pending');
  if due_at is not null and pgledger.time_fault(due_at) is not null then
    v_ok := pgledger.fail(
      'InvalidTime', array['due_at', due_at::text, pgledger.time_fault(due_at)]
    );
  end if;

  if v_invoice.status <> 'draft' then
    return pgledger.invoice_with_key(v_invoice.key);
  end if;

  v_subscription := (
    select subscriptions
    from pgledger.subscriptions
    where subscriptions.key = v_invoice.subscription_key
  );
  if v_invoice.kind = 'period' then
    v_period := pgledger.billing_period(v_subscription, v_invoice.period_start);
    if not v_period.is_over then
      v_ok := pgledger.refuse_invoice_move(
        v_invoice, format('pending before its period ends at %s', v_period.ends_at)
      );
    end if;
  end if;

  v_ok := pgledger.check_no_earlier_draft(v_invoice);
  loop
    perform pgledger.redraw_invoice(v_invoice, v_subscription);
    exit when pgledger.use_coupons(v_invoice.key);
  end loop;
  perform pgledger.finalize_invoices(app_id, array[v_invoice.key], due_at);
  return pgledger.invoice_with_key(v_invoice.key);
end;
$$;

comment on function public.ledger_finalize_invoice is
$$Makes a draft final, with the app's next number.

It is computed anew a last time and uses up its coupons. From then on nothing
on it changes but its state and its payments. Drafts of the same subscription
that it goes on from come first.

Numbers are taken one transaction after the other, so commit soon.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
id: Which invoice: inv_ and a ULID.
due_at: When it is to be paid; null for the app's payment terms from now on
  (ledger_set_payment_terms).

Returns: The invoice, pending, or paid where nothing is due. One that is so
  already is returned as it is.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice), InvalidState (it is past due, uncollectible, voided, or
  paid by payments, the period it is for is not over, or an earlier draft
  comes first), InvalidTime (due_at is outside the years 1 to 9999).$$;

revoke all on function public.ledger_finalize_invoice from public;
grant execute on function public.ledger_finalize_invoice to pgledger_poster;

-- file: repeatable/27_invoices/ledger_generate_invoice.sql
/*
Locks the subscription. What the clock has decided about it is written down before the invoice is
drawn up. The lock is why there is only one invoice of a kind that starts at a time, however often
it is asked for.
Checks, in this order: app_id, tenant_id, subscription_id, existence, kind, at, tax_rates, the
period, purged usage.
Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, InvalidArgument, InvalidTime,
InvalidInvoice, UsagePurged.
*/
create or replace function public.ledger_generate_invoice(
  app_id text,
  tenant_id text,
  subscription_id text,
  at timestamptz default null,
  kind text default 'period',
  tax_rates jsonb default null
)
returns public.ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_subscription pgledger.subscriptions := pgledger.lock_subscription(
    app_id, tenant_id, subscription_id
  );
  v_request record;
  v_key bigint;
begin
  v_subscription := pgledger.advance_subscription(v_subscription, pgledger.clock());
  v_request := pgledger.invoice_request(v_subscription, at, kind, tax_rates);
  -- In a statement of its own, so that the next one sees what it writes.
  v_key := pgledger.find_or_draft_invoice(
    v_subscription, kind, v_request.period_start, v_request.as_of_version, tax_rates, true
  );
  return pgledger.invoice_with_key(v_key);
end;
$$;

comment on function public.ledger_generate_invoice is
$$Draws up the invoice of a subscription's period.

It is a draft. That of the current period can be drawn up before the period
ends, and becomes final after it. What there is already of this subscription,
period and kind is returned as it is, unless it was voided. An interim invoice
goes on where the last final one ended.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
subscription_id: For which subscription.
at: A time in the period; null for the current period.
kind: What it is for. period: what the period has come to, and what the next
  one costs in advance. start: the base fee of a period that is paid in
  advance and is not on the invoice of the period before. interim: usage until
  now. One of: period, start, interim.
tax_rates: JSON array of its tax rates, as for ledger_create_subscription;
  null for the subscription's.

Returns: The draft, or what there is already.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidArgument (there is no such kind,
  the subscription has no period at that time, or kind is start and it was not
  active in that period), InvalidTime (at is outside the years 1 to 9999),
  InvalidInvoice (tax_rates are not valid; the message names the path),
  UsagePurged (usage events of the period may have been purged).$$;

revoke all on function public.ledger_generate_invoice from public;
grant execute on function public.ledger_generate_invoice to pgledger_poster;

-- file: repeatable/27_invoices/ledger_get_invoice.sql
/*
Checks, in this order: app_id, tenant_id, id, existence.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound.
*/
create or replace function public.ledger_get_invoice(
  app_id text,
  tenant_id text,
  id text
)
returns public.ledger_invoice
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  return pgledger.invoice_with_key(pgledger.invoice_key(app_id, tenant_id, id));
end;
$$;

comment on function public.ledger_get_invoice is
$$Returns an invoice.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
id: Which invoice: inv_ and a ULID.

Returns: The invoice, with its lines.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice).$$;

revoke all on function public.ledger_get_invoice from public;
grant execute on function public.ledger_get_invoice to pgledger_reader;

-- file: repeatable/27_invoices/ledger_get_invoice_by_period.sql
/*
An invoice that was voided does not count: another may have taken its place.

Checks, in this order: app_id, tenant_id, subscription_id, at, kind, existence of the subscription.
Errors: NullArgument, InvalidScope, InvalidId, InvalidTime, InvalidArgument, SubscriptionNotFound.
*/
create or replace function public.ledger_get_invoice_by_period(
  app_id text,
  tenant_id text,
  subscription_id text,
  at timestamptz,
  kind text default 'period'
)
returns setof public.ledger_invoice
language plpgsql
stable
parallel safe
rows 1
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_subscription_key bigint;
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_id('subscription_id', subscription_id, 'sub');
  if at is null then
    v_ok := pgledger.fail('NullArgument', array['at']);
  elsif pgledger.time_fault(at) is not null then
    v_ok := pgledger.fail('InvalidTime', array['at', at::text, pgledger.time_fault(at)]);
  end if;
  v_ok := pgledger.check_choice('kind', kind, array['period', 'start', 'interim']);

  select subscriptions.key
  into v_subscription_key
  from pgledger.subscriptions
  where subscriptions.id = ledger_get_invoice_by_period.subscription_id
    and subscriptions.app_id = ledger_get_invoice_by_period.app_id
    and subscriptions.tenant_id = ledger_get_invoice_by_period.tenant_id;
  if not found then
    v_ok := pgledger.fail(
      'SubscriptionNotFound', array[subscription_id, pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;

  select invoices.key
  into v_key
  from pgledger.invoices
  where invoices.subscription_key = v_subscription_key
    and invoices.kind = ledger_get_invoice_by_period.kind
    and invoices.status <> 'voided'
    and invoices.period_start <= ledger_get_invoice_by_period.at
    and invoices.period_end > ledger_get_invoice_by_period.at
  order by invoices.period_start desc
  limit 1;

  if found then
    return next pgledger.invoice_with_key(v_key);
  end if;
end;
$$;

comment on function public.ledger_get_invoice_by_period is
$$Returns the invoice of a subscription's period.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
subscription_id: For which subscription.
at: A time in the period: not before its start, and before its end.
kind: What the invoice is for, as for ledger_generate_invoice. One of: period,
  start, interim.

Returns: The invoice that is not voided, or no row.

Errors: NullArgument, InvalidScope, InvalidId, InvalidTime (at is outside the
  years 1 to 9999), InvalidArgument (there is no such kind),
  SubscriptionNotFound (the tenant has no such subscription).$$;

revoke all on function public.ledger_get_invoice_by_period from public;
grant execute on function public.ledger_get_invoice_by_period to pgledger_reader;

-- file: repeatable/27_invoices/ledger_list_invoices.sql
/*
By id, which for generated ids is the order of creation.

Checks, in this order: app_id, tenant_id, status, page_size, page_offset.
Errors: NullArgument, InvalidScope, InvalidArgument, InvalidPage.
*/
create or replace function public.ledger_list_invoices(
  app_id text,
  tenant_id text,
  status text default null,
  page_size integer default 100,
  page_offset bigint default 0
)
returns setof public.ledger_invoice
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  if status is not null then
    v_ok := pgledger.check_choice(
      'status',
      status,
      array['draft', 'pending', 'paid', 'past_due', 'voided', 'uncollectible']
    );
  end if;
  v_ok := pgledger.check_page(page_size, page_offset);

  for v_key in
    select invoices.key
    from pgledger.invoices
    where invoices.app_id = ledger_list_invoices.app_id
      and invoices.tenant_id = ledger_list_invoices.tenant_id
      and (
        ledger_list_invoices.status is null or invoices.status = ledger_list_invoices.status
      )
    order by invoices.id
    limit ledger_list_invoices.page_size
    offset ledger_list_invoices.page_offset
  loop
    return next pgledger.invoice_with_key(v_key);
  end loop;
end;
$$;

comment on function public.ledger_list_invoices is
$$Returns a tenant's invoices, the newest last.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
status: Only invoices in this state; one of: draft, pending, paid, past_due,
  voided, uncollectible; null for all.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them, 0 or more.

Returns: A page of invoices, by id.

Errors: NullArgument, InvalidScope, InvalidArgument (there is no such status),
  InvalidPage.$$;

revoke all on function public.ledger_list_invoices from public;
grant execute on function public.ledger_list_invoices to pgledger_reader;

-- file: repeatable/27_invoices/ledger_list_pending_invoices.sql
/*
Checks, in this order: app_id, tenant_id, page_size, page_offset.
Errors: NullArgument, InvalidScope, InvalidPage.
*/
create or replace function public.ledger_list_pending_invoices(
  app_id text,
  tenant_id text,
  page_size integer default 100,
  page_offset bigint default 0
)
returns setof public.ledger_invoice
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_page(page_size, page_offset);

  for v_key in
    select invoices.key
    from pgledger.invoices
    where invoices.app_id = ledger_list_pending_invoices.app_id
      and invoices.tenant_id = ledger_list_pending_invoices.tenant_id
      and invoices.status in ('pending', 'past_due')
    order by invoices.due_at, invoices.id
    limit ledger_list_pending_invoices.page_size
    offset ledger_list_pending_invoices.page_offset
  loop
    return next pgledger.invoice_with_key(v_key);
  end loop;
end;
$$;

comment on function public.ledger_list_pending_invoices is
$$Returns the invoices that a tenant is to pay.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them, 0 or more.

Returns: A page of invoices that are pending or past due, by when they are
  due.

Errors: NullArgument, InvalidScope, InvalidPage.$$;

revoke all on function public.ledger_list_pending_invoices from public;
grant execute on function public.ledger_list_pending_invoices to pgledger_reader;

-- file: repeatable/27_invoices/ledger_mark_invoice_uncollectible.sql
/*
Locks the invoice.
Checks, in this order: app_id, tenant_id, id, existence, status.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidState.
*/
create or replace function public.ledger_mark_invoice_uncollectible(
  app_id text,
  tenant_id text,
  id text
)
returns public.ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_invoice pgledger.invoices := pgledger.lock_invoice(app_id, tenant_id, id);
  v_now timestamptz := pgledger.clock();
  v_ok boolean;
begin
  if v_invoice.status = 'uncollectible' then
    return pgledger.invoice_with_key(v_invoice.key);
  end if;

  update pgledger.invoices
  set
    status = 'uncollectible',
    uncollectible_at = v_now,
    version = invoices.version + 1,
    updated_at = v_now
  where invoices.key = v_invoice.key and invoices.status in ('pending', 'past_due');
  if not found then
    v_ok := pgledger.refuse_invoice_move(v_invoice, 'uncollectible');
  end if;

  return pgledger.invoice_with_key(v_invoice.key);
end;
$$;

comment on function public.ledger_mark_invoice_uncollectible is
$$Gives up an invoice that waits for payment.

It can still be paid or voided.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
id: Which invoice: inv_ and a ULID.

Returns: The invoice, uncollectible. One that is so already is returned as it
  is.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice), InvalidState (the invoice is a draft, paid or voided).$$;

revoke all on function public.ledger_mark_invoice_uncollectible from public;
grant execute on function public.ledger_mark_invoice_uncollectible to pgledger_poster;

-- file: repeatable/27_invoices/ledger_mark_invoice_voided.sql
/*
Locks the subscription, the invoice, and the redemptions of its coupons, ascending by key.
Checks, in this order: app_id, tenant_id, id, existence, reason, final invoices that go on from it,
status.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidArgument, InvalidState.
*/
create or replace function public.ledger_mark_invoice_voided(
  app_id text,
  tenant_id text,
  id text,
  reason text default null
)
returns public.ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_invoice pgledger.invoices := pgledger.lock_invoice(
    app_id, tenant_id, id, with_subscription => true
  );
  v_now timestamptz := pgledger.clock();
  v_ok boolean;
begin
  if reason is not null then
    v_ok := pgledger.check_text('reason', reason, 1000, allow_invisible => true);
  end if;

  if v_invoice.status = 'voided' then
    return pgledger.invoice_with_key(v_invoice.key);
  elsif v_invoice.status not in ('draft', 'paid') then
    v_ok := pgledger.check_no_final_invoice_goes_on_from(v_invoice, 'voided');
  end if;

  update pgledger.invoices
  set
    status = 'voided',
    unapplied = invoices.unapplied + least(invoices.amount_paid, invoices.amount_due),
    voided_at = v_now,
    void_reason = reason,
    version = invoices.version + 1,
    updated_at = v_now
  where invoices.key = v_invoice.key
    and invoices.status in ('pending', 'past_due', 'uncollectible');
  if not found then
    v_ok := pgledger.refuse_invoice_move(v_invoice, 'voided');
  end if;

  perform pgledger.return_coupons(v_invoice.key, v_now);
  return pgledger.invoice_with_key(v_invoice.key);
end;
$$;

comment on function public.ledger_mark_invoice_voided is
$$Takes back an invoice that waits for payment, as if it had not been.

Coupons that it used up can be used again, and what was paid on it is kept as
unapplied.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
id: Which invoice: inv_ and a ULID.
reason: Why, 1 to 1,000 characters, or null.

Returns: The invoice, voided. One that is so already is returned as it is.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice), InvalidArgument (the reason is not valid), InvalidState
  (the invoice is a draft or paid, or a later invoice gives back a part of its
  base fee).$$;

revoke all on function public.ledger_mark_invoice_voided from public;
grant execute on function public.ledger_mark_invoice_voided to pgledger_poster;

-- file: repeatable/27_invoices/ledger_preview_invoice.sql
/*
What the clock has decided about the subscription and nobody has written down yet is written down
for the answer and rolled back after it. Only then does a preview lock the subscription, need a
transaction that may write, and fail in one with an old snapshot as a write does.

Checks, in this order: app_id, tenant_id, subscription_id, existence, kind, at, tax_rates, the
period, purged usage.
Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, InvalidArgument, InvalidTime,
InvalidInvoice, UsagePurged.
*/
create or replace function public.ledger_preview_invoice(
  app_id text,
  tenant_id text,
  subscription_id text,
  at timestamptz default null,
  kind text default 'period',
  tax_rates jsonb default null
)
returns public.ledger_invoice_preview
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_subscription pgledger.subscriptions;
  v_answer record;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_id('subscription_id', subscription_id, 'sub');
  v_subscription := (
    select subscriptions
    from pgledger.subscriptions
    where subscriptions.id = ledger_preview_invoice.subscription_id
      and subscriptions.app_id = ledger_preview_invoice.app_id
      and subscriptions.tenant_id = ledger_preview_invoice.tenant_id
  );
  if v_subscription.key is null then
    v_ok := pgledger.fail(
      'SubscriptionNotFound', array[subscription_id, pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;
  if (v_subscription.due_at <= pgledger.clock()) is not true
    or current_setting('transaction_read_only')::boolean then
    return pgledger.preview_invoice(v_subscription, at, kind, tax_rates);
  end if;

  begin
    v_subscription := pgledger.advance_subscription(
      pgledger.lock_subscription(app_id, tenant_id, subscription_id), pgledger.clock()
    );
    v_answer := pgledger.preview_invoice(v_subscription, at, kind, tax_rates);
    -- A code that no error of ours has; one that ends in 000 would stand for its whole class.
    raise sqlstate 'LGPRE';
  exception
    when sqlstate 'LGPRE' then
      return v_answer;
  end;
end;
$$;

comment on function public.ledger_preview_invoice is
$$Returns what ledger_generate_invoice would, and writes nothing down.

It waits for a transaction that is changing the subscription only where
ledger_advance is due for it. In a read-only transaction the answer is as of
what ledger_advance has written down.

app_id: App that the tenant belongs to.
tenant_id: Who would be billed.
subscription_id: For which subscription.
at: A time in the period; null for the current period.
kind: What it is for, as for ledger_generate_invoice. One of: period, start,
  interim.
tax_rates: JSON array of its tax rates, as for ledger_create_subscription;
  null for those of the draft, if there is one, and else for the
  subscription's.

Returns: The draft as of now, without an id, and computed anew if there is
  one. What is final already is returned as it is.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidArgument (there is no such kind,
  the subscription has no period at that time, or kind is start and it was not
  active in that period), InvalidTime (at is outside the years 1 to 9999),
  InvalidInvoice (tax_rates are not valid; the message names the path),
  UsagePurged (usage events of the period may have been purged).$$;

revoke all on function public.ledger_preview_invoice from public;
grant execute on function public.ledger_preview_invoice to pgledger_reader;

-- file: repeatable/27_invoices/ledger_refresh_invoice.sql
/*
Locks the subscription, the draft, and what the tenant has left of coupons, in this order.
Checks, in this order: app_id, tenant_id, id, existence, status.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidState.
*/
create or replace function public.ledger_refresh_invoice(
  app_id text,
  tenant_id text,
  id text
)
returns public.ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_invoice pgledger.invoices := pgledger.lock_draft(app_id, tenant_id, id, 'refreshed');
begin
  perform pgledger.redraw_invoice(
    v_invoice,
    (
      select subscriptions
      from pgledger.subscriptions
      where subscriptions.key = v_invoice.subscription_key
    )
  );
  return pgledger.invoice_with_key(v_invoice.key);
end;
$$;

comment on function public.ledger_refresh_invoice is
$$Computes a draft anew.

Usage, changes, coupons and prices count as of now; the tax rates stay. Of a
one-off invoice only discounts and taxes are computed anew.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
id: Which invoice: inv_ and a ULID.

Returns: The draft, as of now.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice), InvalidState (it is not a draft).$$;

revoke all on function public.ledger_refresh_invoice from public;
grant execute on function public.ledger_refresh_invoice to pgledger_poster;

-- file: repeatable/27_invoices/ledger_set_payment_terms.sql
/*
Repeatable.

Checks, in this order: app_id, days.
Errors: NullArgument, InvalidScope, InvalidArgument.
*/
create or replace function public.ledger_set_payment_terms(
  app_id text,
  days integer
)
returns integer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);

  if days is null then
    v_ok := pgledger.fail('NullArgument', array['days']);
  elsif days not between 0 and 3650 then
    v_ok := pgledger.fail(
      'InvalidArgument', array['days', days::text, 'it is not between 0 and 3650']
    );
  end if;

  insert into pgledger.apps (app_id, payment_terms)
  values (ledger_set_payment_terms.app_id, ledger_set_payment_terms.days)
  on conflict on constraint apps_app_id_pk do update
  set payment_terms = excluded.payment_terms;

  return days;
end;
$$;

comment on function public.ledger_set_payment_terms is
$$Sets how long tenants have to pay invoices.

It is for invoices that become final from now on.

app_id: App whose invoices they are.
days: Days from when an invoice becomes final, 0 to 3,650. They are 30 until
  this is called.

Returns: The same.

Errors: NullArgument, InvalidScope, InvalidArgument (days is out of range).$$;

revoke all on function public.ledger_set_payment_terms from public;
grant execute on function public.ledger_set_payment_terms to pgledger_poster;

-- file: repeatable/27_invoices/less_billed_usage.sql
/*
A charge for usage of a feature by a plan, less what other invoices have billed of it. If more was
billed than it comes to, its amounts together give back what was paid of that: they are reduced by
the share that the discount had. gross_amount, gross_true_up and gross_cap then say what they were
before, and are null otherwise.
*/
create or replace function pgledger.less_billed_usage(
  subscription_key bigint,
  for_period timestamptz,
  but_invoice_key bigint,
  plan_key bigint,
  feature_key text,
  exponent integer,
  inout quantity numeric,
  inout amount numeric,
  inout true_up numeric,
  inout cap numeric,
  inout events bigint,
  out gross_amount numeric,
  out gross_true_up numeric,
  out gross_cap numeric
)
language plpgsql
stable
parallel safe
as $$
declare
  v_billed record;
  v_gross numeric;
begin
  select
    coalesce(sum(billed.quantity), 0) as quantity, coalesce(sum(billed.amount), 0) as amount,
    coalesce(sum(billed.true_up), 0) as true_up, coalesce(sum(billed.cap), 0) as cap,
    coalesce(sum(billed.net), 0) as net, coalesce(sum(billed.events), 0) as events
  into v_billed
  from pgledger.billed_usage(subscription_key, for_period, but_invoice_key, false) as billed
  where billed.item = feature_key
    and billed.plan_key = less_billed_usage.plan_key;
  quantity := quantity - v_billed.quantity;
  amount := amount - v_billed.amount;
  true_up := true_up - v_billed.true_up;
  cap := cap - v_billed.cap;
  events := events - v_billed.events;

  v_gross := v_billed.amount + v_billed.true_up + v_billed.cap;
  if v_billed.net <> v_gross and amount + true_up + cap < 0 then
    gross_amount := amount;
    gross_true_up := true_up;
    gross_cap := cap;
    true_up := pgledger.rounded_quotient(gross_true_up * v_billed.net, v_gross, exponent);
    cap := pgledger.rounded_quotient(gross_cap * v_billed.net, v_gross, exponent);
    amount := pgledger.rounded_quotient(
      (gross_amount + gross_true_up + gross_cap) * v_billed.net, v_gross, exponent
    ) - true_up - cap;
  end if;
end;
$$;

comment on function pgledger.less_billed_usage is
  'A charge for usage less what other invoices have billed of it.';

revoke all on function pgledger.less_billed_usage from public;

-- file: repeatable/27_invoices/line_item.sql
/*
A line as an invoice shows it. Numbers are strings, so that readers of the JSON keep them exact; so
are times, in UTC. The line's id is made from the invoice's creation time and key and the line's
place.

Views call it with the privileges and the search_path of whoever reads them; hence its own.
*/
create or replace function pgledger.line_item(
  line pgledger.invoice_lines,
  created_at timestamptz
)
returns jsonb
language sql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
  select jsonb_build_object(
    'id', 'li_' || pgledger.derived_ulid(created_at, line.invoice_key, line.place),
    'kind', line.kind,
    'description', line.description,
    'item', line.item,
    'period_start',
    to_char(line.period_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'period_end',
    to_char(line.period_end at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'quantity', line.quantity::text,
    'unit_amount', line.unit_amount::text,
    'amount', line.amount::text,
    'discount', line.discount::text,
    'tax', line.tax::text,
    'basis', line.basis
  )
$$;

comment on function pgledger.line_item is 'A line of an invoice as JSON.';

revoke all on function pgledger.line_item from public;
grant execute on function pgledger.line_item to pgledger_reader;
grant execute on function pgledger.line_item to pgledger_tenant;

-- file: repeatable/27_invoices/lock_currency_exponent.sql
/*
The decimal places of a new invoice's currency. A currency of the app's own is locked FOR SHARE, so
that its exponent stays until the invoice is written.

Errors: NullArgument, UnknownCurrency.
*/
create or replace function pgledger.lock_currency_exponent(
  app_id text,
  currency text
)
returns integer
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_exponent integer;
  v_ok boolean;
begin
  if currency is null then
    v_ok := pgledger.fail('NullArgument', array['currency']);
  end if;

  perform 1
  from pgledger.currencies
  where currencies.app_id = lock_currency_exponent.app_id
    and currencies.code = lock_currency_exponent.currency
  for share;

  v_exponent := pgledger.currency_exponent(app_id, currency);
  if v_exponent is null then
    v_ok := pgledger.fail(
      'UnknownCurrency', array[quote_literal(pgledger.abridged(currency)), pgledger.in_app(app_id)]
    );
  end if;
  return v_exponent;
end;
$$;

comment on function pgledger.lock_currency_exponent is
  'Decimal places of a currency, which is kept from changing; raises UnknownCurrency.';

revoke all on function pgledger.lock_currency_exponent from public;

-- file: repeatable/27_invoices/lock_draft.sql
/*
A tenant's draft, locked. What the clock has decided about its subscription is written down first.
An invoice that has become the target already is returned as it is.

Locks the subscription, the invoice, and what the tenant has left of coupons, in this order.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidState.
*/
create or replace function pgledger.lock_draft(
  app_id text,
  tenant_id text,
  id text,
  target text
)
returns pgledger.invoices
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_invoice pgledger.invoices;
  v_subscription_id text;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_id('id', id, 'inv');
  v_subscription_id := (
    select subscriptions.id
    from pgledger.invoices
    inner join pgledger.subscriptions on invoices.subscription_key = subscriptions.key
    where invoices.id = lock_draft.id
      and invoices.app_id = lock_draft.app_id
      and invoices.tenant_id = lock_draft.tenant_id
  );
  if v_subscription_id is not null then
    perform pgledger.advance_subscription(
      pgledger.lock_subscription(app_id, tenant_id, v_subscription_id), pgledger.clock()
    );
  end if;

  v_invoice := pgledger.lock_invoice(app_id, tenant_id, id);
  if v_invoice.status not in ('draft', target)
    and (v_invoice.status = 'paid' and target = 'pending' and v_invoice.amount_due = 0)
    is not true then
    v_ok := pgledger.refuse_invoice_move(v_invoice, target);
  end if;
  perform pgledger.lock_redemptions(app_id, tenant_id, true);
  return v_invoice;
end;
$$;

comment on function pgledger.lock_draft is
  'A tenant''s draft, locked with what it is computed from; raises unless it is one or has become '
  'the target.';

revoke all on function pgledger.lock_draft from public;

-- file: repeatable/27_invoices/lock_invoice.sql
/*
A tenant's invoice, its row locked FOR NO KEY UPDATE. The name is that of the argument that holds
its id. A caller that changes which time and usage have been billed asks for with_subscription: the
invoice's subscription, if it has one, is then locked first, so that nobody draws up another of its
invoices meanwhile.

Checks, in this order: app_id, tenant_id, the id, existence.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound.
*/
create or replace function pgledger.lock_invoice(
  app_id text,
  tenant_id text,
  id text,
  name text default 'id',
  with_subscription boolean default false
)
returns pgledger.invoices
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_invoice pgledger.invoices;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_id(name, id, 'inv');

  if with_subscription then
    perform 1
    from pgledger.subscriptions
    where subscriptions.key = (
      select invoices.subscription_key
      from pgledger.invoices
      where invoices.id = lock_invoice.id
        and invoices.app_id = lock_invoice.app_id
        and invoices.tenant_id = lock_invoice.tenant_id
    )
    for no key update;
  end if;

  v_invoice := (
    select invoices
    from pgledger.invoices
    where invoices.id = lock_invoice.id
      and invoices.app_id = lock_invoice.app_id
      and invoices.tenant_id = lock_invoice.tenant_id
    for no key update
  );
  if v_invoice.key is null then
    v_ok := pgledger.fail('InvoiceNotFound', array[id, pgledger.in_catalogue(app_id, tenant_id)]);
  end if;

  return v_invoice;
end;
$$;

comment on function pgledger.lock_invoice is
  'A tenant''s invoice, locked to be changed; raises InvoiceNotFound.';

revoke all on function pgledger.lock_invoice from public;

-- file: repeatable/27_invoices/next_base_lines.sql
/*
Lines for the base fee of the period that follows one, if it is paid in advance and follows without
a gap. The fee is that of the plan and quantity with which the period began: what changed since is
prorated on that period's own invoice. If something of the fee has been billed already, the
difference to what is known by now. As long as the period before is not over, the next one is taken
to follow as if nothing else happened.
*/
create or replace function pgledger.next_base_lines(
  subscription pgledger.subscriptions,
  ends_at timestamptz,
  next_version bigint,
  is_over boolean,
  but_invoice_key bigint,
  exponent integer
)
returns setof pgledger.invoice_lines
language plpgsql
stable
parallel safe
as $$
declare
  v_next record;
  v_segments pgledger.billing_segment[];
begin
  if next_version is not null then
    select change.period_start, change.status
    into v_next
    from pgledger.subscription_changes as change
    where change.subscription_key = subscription.key and change.version = next_version;
    if v_next.period_start <> ends_at or v_next.status <> 'active' then
      return;
    end if;
    v_segments := pgledger.billing_segments(
      subscription,
      ends_at,
      case
        when not exists (
          select
          from pgledger.billed_base(subscription.key, ends_at, but_invoice_key)
        ) then next_version
      end
    );
  elsif is_over or subscription.status not in ('trialing', 'active')
    or subscription.cancel_at <= ends_at then
    return;
  else
    select
      array[
        row(
          next_base_lines.ends_at, period.ends_at, subscription.plan_key,
          subscription.quantity, 'active', next_base_lines.ends_at, period.ends_at
        )::pgledger.billing_segment
      ]
    into v_segments
    from pgledger.subscription_period(subscription, ends_at) as period;
  end if;

  return query
  select
    line.invoice_key, line.place, line.kind, line.description, line.item, line.period_start,
    line.period_end, line.quantity, line.unit_amount, line.amount, line.discount, line.tax,
    line.subscription_key, line.for_period, line.plan_key, line.gross, line.counted, line.events,
    line.redemption_key, line.basis
  from pgledger.base_lines(
    subscription, ends_at, v_segments, true, but_invoice_key, exponent
  ) as line;
end;
$$;

comment on function pgledger.next_base_lines is
  'Lines for the base fee of the period that follows one, if it is paid in advance.';

revoke all on function pgledger.next_base_lines from public;

-- file: repeatable/27_invoices/plan_usage_lines.sql
/*
Lines for the usage in the stays of a period on a plan: for each of the plan's prices one for usage,
overage beyond an allowance or seats, one for what is missing to the price's minimum, and one for
what is beyond its maximum. Usage of zero has its line, too: it says that the feature was looked at,
which is what late usage is found by.

has_billed says whether another invoice has billed usage of the period; only then is each charge
lessened by that. Where a credit was reduced by a discount, the line's basis says what it was
before.
*/
create or replace function pgledger.plan_usage_lines(
  subscription pgledger.subscriptions,
  for_period timestamptz,
  first_stay pgledger.billing_segment,
  stays pgledger.billing_segment[],
  has_billed boolean,
  but_invoice_key bigint,
  exponent integer
)
returns setof pgledger.invoice_lines
language plpgsql
stable
parallel safe
as $$
declare
  v_plan_key bigint := stays[1].plan_key;
  v_charge record;
  v_line pgledger.invoice_lines;
begin
  v_line.subscription_key := subscription.key;
  v_line.for_period := for_period;
  v_line.discount := 0;
  v_line.tax := 0;
  v_line.plan_key := v_plan_key;
  v_line.period_start := stays[1].starts_at;
  v_line.period_end := stays[cardinality(stays)].ends_at;
  for v_charge in
    select
      charge.description, charge.feature_key, charge.unit_amount, charge.basis, charge.quantity,
      charge.amount, charge.true_up, charge.cap, charge.counted, charge.events,
      null::numeric as gross_amount, null::numeric as gross_true_up, null::numeric as gross_cap
    from pgledger.usage_charges(
      array(select price from pgledger.priced_features(subscription, v_plan_key) as price),
      first_stay.starts_at, stays, v_plan_key = first_stay.plan_key, subscription.time_zone,
      exponent
    ) as charge
  loop
    if has_billed then
      select
        rest.quantity, rest.amount, rest.true_up, rest.cap, rest.events, rest.gross_amount,
        rest.gross_true_up, rest.gross_cap
      into
        v_charge.quantity, v_charge.amount, v_charge.true_up, v_charge.cap, v_charge.events,
        v_charge.gross_amount, v_charge.gross_true_up, v_charge.gross_cap
      from pgledger.less_billed_usage(
        subscription.key, for_period, but_invoice_key, v_plan_key, v_charge.feature_key, exponent,
        v_charge.quantity, v_charge.amount, v_charge.true_up, v_charge.cap, v_charge.events
      ) as rest;
    end if;

    v_line.kind := case
      when v_charge.basis ->> 'type' = 'seat' then 'seats'
      when v_charge.basis ? 'allowance' then 'overage'
      else 'usage'
    end;
    v_line.description := v_charge.description;
    v_line.item := v_charge.feature_key;
    v_line.quantity := v_charge.quantity;
    v_line.unit_amount := v_charge.unit_amount;
    v_line.amount := v_charge.amount;
    v_line.counted := v_charge.counted;
    v_line.events := v_charge.events;
    v_line.basis := v_charge.basis;
    if v_charge.gross_amount is not null then
      v_line.basis := v_line.basis || jsonb_build_object('gross', v_charge.gross_amount::text);
    end if;
    return next v_line;

    if coalesce(v_charge.gross_true_up, v_charge.true_up) <> 0 then
      return next pgledger.bound_line(
        v_line, 'true_up', ', up to the minimum', v_charge.true_up, v_charge.gross_true_up
      );
    end if;
    if coalesce(v_charge.gross_cap, v_charge.cap) <> 0 then
      return next pgledger.bound_line(
        v_line, 'cap', ', down to the maximum', v_charge.cap, v_charge.gross_cap
      );
    end if;
  end loop;
end;
$$;

comment on function pgledger.plan_usage_lines is
  'Lines for the usage in the stays of a period on a plan that is not billed yet.';

revoke all on function pgledger.plan_usage_lines from public;

-- file: repeatable/27_invoices/preview_invoice.sql
/*
What a subscription's invoice comes to as of what is written down, without an id. An invoice that is
final is returned as it is.

Errors: InvalidArgument, InvalidTime, InvalidInvoice, UsagePurged.
*/
create or replace function pgledger.preview_invoice(
  subscription pgledger.subscriptions,
  at timestamptz,
  kind text,
  tax_rates jsonb
)
returns public.ledger_invoice
language plpgsql
stable
parallel safe
as $$
declare
  v_request record := pgledger.invoice_request(subscription, at, kind, tax_rates);
  v_drawn record;
  v_written record;
begin
  select invoices.key, invoices.status, invoices.tax_rates
  into v_written
  from pgledger.invoices
  where invoices.subscription_key = subscription.key
    and invoices.kind = preview_invoice.kind
    and invoices.period_start = v_request.period_start
    and invoices.status <> 'voided';
  if v_written.status <> 'draft' then
    return pgledger.invoice_with_key(v_written.key);
  end if;
  v_drawn := pgledger.draw_invoice(
    subscription, kind, v_request.period_start, v_request.as_of_version,
    coalesce(tax_rates, v_written.tax_rates), v_written.key
  );
  return pgledger.show_invoice(v_drawn.invoice, v_drawn.lines);
end;
$$;

comment on function pgledger.preview_invoice is
  'What a subscription''s invoice comes to as of what is written down.';

revoke all on function pgledger.preview_invoice from public;

-- file: repeatable/27_invoices/priced_features.sql
/*
The prices of a plan, in their order. basis is what a charge is computed from, and stands on the
line: the price, the feature's type and aggregation, the allowance if the plan gives one as a soft
limit, and for seats how they are prorated. With each, the meter that counts the subscription's
usage, if there is one.
*/
create or replace function pgledger.priced_features(
  subscription pgledger.subscriptions,
  plan_key bigint
)
returns setof pgledger.priced_feature
language sql
stable
parallel safe
as $$
  select
    format('%s: %s', plans.name, features.name) || case
      when given.allowance is not null then format(' beyond %s', given.allowance)
      else ''
    end,
    plan_features.feature_key,
    (price.value ->> 'unit_amount')::numeric,
    meters.key,
    meters.unique_key,
    jsonb_strip_nulls(
      jsonb_build_object(
        'price', price.value - 'feature',
        'type', plan_features.type,
        'aggregation', plan_features.aggregation,
        'allowance', given.allowance,
        'proration', given.proration
      )
    )
  from pgledger.plans
  cross join lateral jsonb_array_elements(
    coalesce(nullif(plans.pricing -> 'prices', 'null'), '[]')
  ) with ordinality as price (value, place)
  inner join pgledger.plan_features
    on plans.key = plan_features.plan_key
    and price.value ->> 'feature' = plan_features.feature_key
  inner join pgledger.features on plan_features.feature_id = features.id
  cross join lateral (
    select
      case
        when plan_features.soft_limit and plan_features.quota >= 0
          then trim_scale(plan_features.quota)::text
      end as allowance,
      case
        when plan_features.type = 'seat' then coalesce(plans.pricing #>> '{base,proration}', 'day')
      end as proration
  ) as given
  left join pgledger.meters
    on meters.app_id = subscription.app_id
    and meters.tenant_id = subscription.tenant_id
    and meters.feature_key = plan_features.feature_key
  where plans.key = priced_features.plan_key
  order by price.place
$$;

comment on function pgledger.priced_features is
  'The prices of a plan with what a charge is computed from, and the meters of a subscription.';

revoke all on function pgledger.priced_features from public;

-- file: repeatable/27_invoices/proration_unit.sql
/*
How many days, or seconds, of a period are over at a time: 0 at its start, all at its end. Days are
counted in the time zone and begin at the period's own time of day. A change counts from the start
of the day in which it is made.
*/
create or replace function pgledger.proration_unit(
  at timestamptz,
  whole_start timestamptz,
  whole_end timestamptz,
  time_zone text,
  proration text
)
returns numeric
language sql
stable
parallel safe
as $$
  select case
    when proration = 'second'
      then extract(epoch from least(greatest(at, whole_start), whole_end) - whole_start)
    when at >= whole_end
      then greatest(
        1, (whole_end at time zone time_zone)::date - (whole_start at time zone time_zone)::date
      )
    when at <= whole_start then 0
    -- When clocks are set back, the local time can be before that of the start.
    else greatest(
      0,
      (at at time zone time_zone)::date - (whole_start at time zone time_zone)::date
      - ((at at time zone time_zone)::time < (whole_start at time zone time_zone)::time)::integer
    )
  end::numeric
$$;

comment on function pgledger.proration_unit is
  'How many days or seconds of a period are over at a time.';

revoke all on function pgledger.proration_unit from public;

-- file: repeatable/27_invoices/read_invoice_line.sql
/*
Reads one of the lines that the caller of a one-off invoice gives. Its amount is rounded once, half
away from zero.

Errors: InvalidInvoice.
*/
create or replace function pgledger.read_invoice_line(
  line jsonb,
  path text,
  exponent integer
)
returns pgledger.invoice_lines
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_least constant numeric := -1e30 + 1e-18;
  v_members constant text[] := array[
    'description', 'amount', 'quantity', 'unit_amount', 'item', 'period_start', 'period_end'
  ];
  v_line pgledger.invoice_lines;
  v_amount numeric;
  v_ok boolean;
begin
  -- There can be a thousand lines: what most leave out is read only where it is given.
  if jsonb_typeof(line) <> 'object' or line - v_members <> '{}' then
    v_ok := pgledger.check_json_object(line, path, v_members);
  end if;
  perform pgledger.json_text(line, path, 'description');
  v_line.kind := 'item';
  v_line.description := pgledger.invoice_text(
    line -> 'description', path || '.description', 1000
  );
  v_amount := case
    when line ? 'amount' then pgledger.json_decimal(line, path, 'amount', minimum => v_least)
  end;
  v_line.quantity := pgledger.json_decimal(line, path, 'quantity');
  v_line.unit_amount := pgledger.json_decimal(line, path, 'unit_amount', minimum => v_least);
  v_line.item := case
    when line ? 'item'
      then pgledger.invoice_text(nullif(line -> 'item', 'null'), path || '.item', 255)
  end;
  v_line.period_start := case
    when line ? 'period_start' then pgledger.invoice_time(line, path, 'period_start')
  end;
  v_line.period_end := case
    when line ? 'period_end' then pgledger.invoice_time(line, path, 'period_end')
  end;

  if v_amount is not null and num_nonnulls(v_line.quantity, v_line.unit_amount) > 0 then
    v_ok := pgledger.refuse_json(
      null, path, 'has both an amount and a quantity or unit_amount, which make one'
    );
  elsif v_amount is null and num_nonnulls(v_line.quantity, v_line.unit_amount) < 2 then
    v_ok := pgledger.refuse_json(
      null, path, 'has neither an amount nor both a quantity and a unit_amount'
    );
  elsif v_line.period_end <= v_line.period_start then
    v_ok := pgledger.refuse_json(
      line -> 'period_end', path || '.period_end', 'is not after period_start'
    );
  end if;

  v_line.amount := round(coalesce(v_amount, v_line.quantity * v_line.unit_amount), exponent);
  if abs(v_line.amount) >= 1e30 then
    v_ok := pgledger.refuse_json(null, path, 'comes to an amount that is not below 1e30 in size');
  end if;
  v_line.discount := 0;
  v_line.tax := 0;
  return v_line;
end;
$$;

comment on function pgledger.read_invoice_line is
  'One line of a one-off invoice; raises InvalidInvoice unless it is sound.';

revoke all on function pgledger.read_invoice_line from public;

-- file: repeatable/27_invoices/read_invoice_lines.sql
/*
Reads the lines that the caller of a one-off invoice gives, in their order. Amounts are rounded to
the currency's exponent.

Errors: NullArgument, InvalidInvoice.
*/
create or replace function pgledger.read_invoice_lines(
  lines jsonb,
  exponent integer
)
returns pgledger.invoice_lines[]
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_lines pgledger.invoice_lines[] := '{}';
  v_line pgledger.invoice_lines;
  v_item record;
  v_ok boolean;
begin
  if lines is null then
    v_ok := pgledger.fail('NullArgument', array['lines']);
  end if;
  -- A thousand sound lines stay below it.
  v_ok := pgledger.check_json_size(lines, '$.lines', false);
  v_ok := pgledger.check_json_array(lines, '$.lines');
  if jsonb_array_length(lines) = 0 then
    v_ok := pgledger.refuse_json(lines, '$.lines', 'is empty: there must be one line at least');
  end if;

  for v_item in
    select item.value, item.place
    from jsonb_array_elements(lines) with ordinality as item (value, place)
    order by item.place
  loop
    v_line := pgledger.read_invoice_line(
      v_item.value, format('$.lines[%s]', v_item.place - 1), exponent
    );
    v_line.place := v_item.place;
    v_lines := v_lines || v_line;
  end loop;

  return v_lines;
end;
$$;

comment on function pgledger.read_invoice_lines is
  'Lines of a one-off invoice, 1 to 1000; raises InvalidInvoice unless each is sound.';

revoke all on function pgledger.read_invoice_lines from public;

-- file: repeatable/27_invoices/redraw_invoice.sql
/*
Computes a draft anew, with the tax rates that it has, and overwrites it. A one-off invoice keeps
its lines: only discounts and taxes are computed anew.

The draft is locked, and so is its subscription, which is null for a one-off invoice.
*/
create or replace function pgledger.redraw_invoice(
  invoice pgledger.invoices,
  subscription pgledger.subscriptions
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_lines pgledger.invoice_lines[];
  v_drawn record;
begin
  if invoice.kind = 'one_off' then
    v_lines := array(
      select invoice_lines
      from pgledger.invoice_lines
      where invoice_lines.invoice_key = invoice.key and invoice_lines.kind = 'item'
      order by invoice_lines.place
    );
    for v_place in 1 .. cardinality(v_lines) loop
      v_lines[v_place].discount := 0;
      v_lines[v_place].tax := 0;
    end loop;
  else
    v_drawn := pgledger.draw_lines(
      subscription,
      invoice,
      pgledger.currency_exponent(invoice.app_id, invoice.currency)
    );
    invoice.period_end := v_drawn.period_end;
    v_lines := v_drawn.lines;
  end if;
  v_drawn := pgledger.complete_invoice(invoice, v_lines);
  invoice := v_drawn.invoice;

  delete from pgledger.invoice_lines
  where invoice_lines.invoice_key = invoice.key;
  perform pgledger.store_lines(invoice.key, v_drawn.lines);
  update pgledger.invoices
  set
    period_end = invoice.period_end,
    subtotal = invoice.subtotal,
    discount = invoice.discount,
    tax = invoice.tax,
    total = invoice.total,
    amount_due = invoice.amount_due,
    version = invoice.version + 1,
    updated_at = v_now
  where invoices.key = invoice.key;
end;
$$;

comment on function pgledger.redraw_invoice is 'Computes a draft anew and overwrites it.';

revoke all on function pgledger.redraw_invoice from public;

-- file: repeatable/27_invoices/refuse_invoice_move.sql
/*
Raises InvalidState. target completes "invoice ... cannot become".

Errors: InvalidState.
*/
create or replace function pgledger.refuse_invoice_move(
  invoice pgledger.invoices,
  target text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  return pgledger.fail('InvalidState', array['invoice', invoice.id, invoice.status, target]);
end;
$$;

comment on function pgledger.refuse_invoice_move is
  'Raises that an invoice cannot become what it was to become.';

revoke all on function pgledger.refuse_invoice_move from public;

-- file: repeatable/27_invoices/repeated_invoice.sql
/*
The key of the one-off invoice that an earlier call with that id has created, or null if there is
none. The request is compared by value with what was created: amounts that round to the same one are
the same. Lines for discounts and taxes are not compared, because no caller gives them.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.repeated_invoice(
  request pgledger.invoices,
  lines pgledger.invoice_lines[]
)
returns bigint
language plpgsql
stable
parallel safe
as $$
declare
  v_key bigint;
  v_is_same boolean;
  v_ok boolean;
begin
  select
    invoices.key,
    (invoices.app_id, invoices.tenant_id, invoices.kind, invoices.currency, invoices.tax_rates)
    = (request.app_id, request.tenant_id, request.kind, request.currency, request.tax_rates)
    and invoices.metadata is not distinct from request.metadata
    and (
      select
        array_agg(
          (
            line.description, line.item, line.period_start, line.period_end, line.quantity,
            line.unit_amount, line.amount
          )
          order by line.place
        )
      from pgledger.invoice_lines as line
      where line.invoice_key = invoices.key and line.kind = 'item'
    ) = (
      select
        array_agg(
          (
            line.description, line.item, line.period_start, line.period_end, line.quantity,
            line.unit_amount, line.amount
          )
          order by line.place
        )
      from unnest(repeated_invoice.lines) as line
      where line.kind = 'item'
    )
  into v_key, v_is_same
  from pgledger.invoices
  where invoices.id = request.id;

  -- An invoice of another kind has no such lines, and the comparison is null.
  if found and v_is_same is not true then
    v_ok := pgledger.fail('IdempotencyConflict', array[request.id]);
  end if;
  return v_key;
end;
$$;

comment on function pgledger.repeated_invoice is
  'Key of the one-off invoice that has that id already, or null; raises if another request '
  'created it.';

revoke all on function pgledger.repeated_invoice from public;

-- file: repeatable/27_invoices/seat_levels.sql
/*
How many seats were taken when, in a range of a period. since and until count the days or seconds of
the period that were over. The last report of a day counts for the whole day.
*/
create or replace function pgledger.seat_levels(
  meter_key integer,
  starts_at timestamptz,
  ends_at timestamptz,
  whole_start timestamptz,
  whole_end timestamptz,
  time_zone text,
  proration text
)
returns table (level numeric, since numeric, until numeric)
language sql
stable
parallel safe
as $$
  select
    part.level,
    part.since,
    coalesce(
      lead(part.since) over (order by part.since),
      pgledger.proration_unit(ends_at, whole_start, whole_end, time_zone, proration)
    )
  from (
    select distinct on (unit.since)
      report.level,
      unit.since
    from (
      select
        pgledger.usage_between(meter_key, null, 'latest', '-infinity', starts_at) as level,
        starts_at as event_at,
        0::bigint as key
      union all
      select usage_events.quantity, usage_events.event_at, usage_events.key
      from pgledger.usage_events
      where usage_events.meter_key = seat_levels.meter_key
        and usage_events.event_at >= seat_levels.starts_at
        and usage_events.event_at < seat_levels.ends_at
    ) as report
    cross join lateral (
      select
        pgledger.proration_unit(report.event_at, whole_start, whole_end, time_zone, proration)
        as since
    ) as unit
    order by unit.since, report.event_at desc, report.key desc
  ) as part
$$;

comment on function pgledger.seat_levels is
  'How many seats were taken when, in a range of a period.';

revoke all on function pgledger.seat_levels from public;

-- file: repeatable/27_invoices/seats_charge.sql
/*
What seats cost by a price in the stays of a period on the price's plan, rounded: each number of
seats its share of the period, by the days or seconds for which so many were taken.
*/
create or replace function pgledger.seats_charge(
  basis jsonb,
  meter_key integer,
  stays pgledger.billing_segment[],
  time_zone text,
  exponent integer,
  out quantity numeric,
  out amount numeric,
  out true_up numeric,
  out cap numeric
)
language sql
stable
parallel safe
as $$
  select
    coalesce(
      trim_scale(round(sum(seats.level * (seats.until - seats.since) / seats.length), 6)), 0
    ),
    coalesce(
      sum(pgledger.prorated(cost.amount, seats.since, seats.until, seats.length, exponent)), 0
    ),
    coalesce(
      sum(pgledger.prorated(cost.true_up, seats.since, seats.until, seats.length, exponent)), 0
    ),
    coalesce(
      sum(pgledger.prorated(cost.cap, seats.since, seats.until, seats.length, exponent)), 0
    )
  from (
    select
      greatest(level.level - coalesce((basis ->> 'allowance')::numeric, 0), 0) as level,
      level.since, level.until, whole.length
    from unnest(stays) as stay
    cross join lateral pgledger.seat_levels(
      meter_key, stay.starts_at, stay.ends_at, stay.whole_start, stay.whole_end, time_zone,
      basis ->> 'proration'
    ) as level
    cross join lateral pgledger.proration_unit(
      stay.whole_end, stay.whole_start, stay.whole_end, time_zone, basis ->> 'proration'
    ) as whole (length)
    where meter_key is not null
  ) as seats
  cross join lateral pgledger.price_amounts(basis -> 'price', seats.level) as cost
$$;

comment on function pgledger.seats_charge is
  'What seats cost by a price in the stays of a period on the price''s plan.';

revoke all on function pgledger.seats_charge from public;

-- file: repeatable/27_invoices/segments_until.sql
/*
The parts of a period that begin before a time, the last one cut off there.
*/
create or replace function pgledger.segments_until(
  segments pgledger.billing_segment[],
  until timestamptz
)
returns pgledger.billing_segment[]
language sql
immutable
parallel safe
as $$
  select
    array(
      select
        row(
          segment.starts_at, least(segment.ends_at, until), segment.plan_key, segment.quantity,
          segment.status, segment.whole_start, segment.whole_end
        )::pgledger.billing_segment
      from unnest(segments) as segment
      where segment.starts_at < until
    )
$$;

comment on function pgledger.segments_until is
  'The parts of a period that begin before a time, the last one cut off there.';

revoke all on function pgledger.segments_until from public;

-- file: repeatable/27_invoices/show_invoice.sql
/*
An invoice with its lines as applications see it, whether or not it is written down.
*/
create or replace function pgledger.show_invoice(
  invoice pgledger.invoices,
  lines pgledger.invoice_lines[]
)
returns public.ledger_invoice
language sql
stable
parallel safe
as $$
  select
    invoice.id,
    invoice.app_id,
    invoice.tenant_id,
    (
      select subscriptions.id
      from pgledger.subscriptions
      where subscriptions.key = invoice.subscription_key
    ),
    invoice.kind,
    invoice.period_start,
    invoice.period_end,
    invoice.status,
    invoice.number,
    invoice.currency,
    invoice.subtotal,
    invoice.discount,
    invoice.tax,
    invoice.total,
    invoice.credits_applied,
    invoice.amount_due,
    invoice.amount_paid,
    case
      when invoice.status = 'voided' then 0
      else greatest(invoice.amount_due - invoice.amount_paid, 0)
    end,
    invoice.refund_due,
    invoice.unapplied,
    (
      select
        coalesce(
          jsonb_agg(pgledger.line_item(line.value, invoice.created_at) order by line.place), '[]'
        )
      from (
        select
          row(
            invoice.key, given.nth::integer, given.kind, given.description, given.item,
            given.period_start, given.period_end, given.quantity, given.unit_amount,
            given.amount, given.discount, given.tax, given.subscription_key, given.for_period,
            given.plan_key, given.gross, given.counted, given.events, given.redemption_key,
            given.basis
          )::pgledger.invoice_lines as value,
          given.nth as place
        from unnest(lines) with ordinality as given (
          invoice_key, place, kind, description, item, period_start, period_end, quantity,
          unit_amount, amount, discount, tax, subscription_key, for_period, plan_key, gross,
          counted, events, redemption_key, basis, nth
        )
      ) as line
    ),
    invoice.tax_rates,
    invoice.finalized_at,
    invoice.due_at,
    invoice.paid_at,
    invoice.voided_at,
    invoice.void_reason,
    invoice.uncollectible_at,
    invoice.version,
    invoice.metadata,
    invoice.created_at,
    invoice.updated_at
$$;

comment on function pgledger.show_invoice is
  'An invoice with its lines as the view ledger_invoices shows it.';

revoke all on function pgledger.show_invoice from public;

-- file: repeatable/27_invoices/store_invoice.sql
/*
Writes a new draft with its lines, and returns its key. Its id and time are made here where they are
not given.
*/
create or replace function pgledger.store_invoice(
  invoice pgledger.invoices,
  lines pgledger.invoice_lines[]
)
returns bigint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_now timestamptz := coalesce(invoice.created_at, pgledger.clock());
  v_key bigint;
begin
  insert into pgledger.invoices (
    id, app_id, tenant_id, subscription_key, kind, period_start, period_end, status, currency,
    subtotal, discount, tax, total, credits_applied, amount_due, amount_paid, refund_due,
    unapplied, tax_rates, as_of_version, metadata, created_at, updated_at
  )
  values (
    coalesce(invoice.id, 'inv_' || pgledger.new_ulid(v_now)), invoice.app_id, invoice.tenant_id,
    invoice.subscription_key, invoice.kind, invoice.period_start, invoice.period_end, 'draft',
    invoice.currency, invoice.subtotal, invoice.discount, invoice.tax, invoice.total,
    invoice.credits_applied, invoice.amount_due, invoice.amount_paid, invoice.refund_due,
    invoice.unapplied, invoice.tax_rates, invoice.as_of_version, invoice.metadata, v_now, v_now
  )
  -- The subscription's lock keeps others out. But a snapshot that is older than the lock may not
  -- show an invoice that was written before: then this is a serialization failure. The index is
  -- partial, so there is no constraint to name.
  on conflict (subscription_key, kind, period_start) where status <> 'voided' do nothing
  returning invoices.key into v_key;
  perform pgledger.store_lines(v_key, lines);
  return v_key;
end;
$$;

comment on function pgledger.store_invoice is
  'Writes a new draft with its lines, and returns its key.';

revoke all on function pgledger.store_invoice from public;

-- file: repeatable/27_invoices/store_lines.sql
/*
Writes the lines of an invoice, in their order.
*/
create or replace function pgledger.store_lines(
  invoice_key bigint,
  lines pgledger.invoice_lines[]
)
returns void
language sql
volatile
parallel unsafe
as $$
  insert into pgledger.invoice_lines (
    invoice_key, place, kind, description, item, period_start, period_end, quantity, unit_amount,
    amount, discount, tax, subscription_key, for_period, plan_key, gross, counted, events,
    redemption_key, basis
  )
  select
    store_lines.invoice_key, line.nth, line.kind, line.description, line.item, line.period_start,
    line.period_end, line.quantity, line.unit_amount, line.amount, line.discount, line.tax,
    line.subscription_key, line.for_period, line.plan_key, line.gross, line.counted, line.events,
    line.redemption_key, line.basis
  from unnest(lines) with ordinality as line (
    invoice_key, place, kind, description, item, period_start, period_end, quantity, unit_amount,
    amount, discount, tax, subscription_key, for_period, plan_key, gross, counted, events,
    redemption_key, basis, nth
  )
$$;

comment on function pgledger.store_lines is 'Writes the lines of an invoice.';

revoke all on function pgledger.store_lines from public;

-- file: repeatable/27_invoices/usage_charges.sql
/*
What usage costs by the prices of a plan in the stays of a period on it, rounded: a row for each
price, in their order. quantity is how much is charged and amount what that costs; true_up is what
is missing to the price's minimum, and cap, below zero, what is beyond its maximum. counted is what
usage has come to since counted_from, the start of the period's first stay; events is how many
events lie in these stays.

What a price asks for no usage at all falls to the plan that the period began with, and so does a
minimum. What usage adds never costs less than nothing.
*/
create or replace function pgledger.usage_charges(
  prices pgledger.priced_feature[],
  counted_from timestamptz,
  stays pgledger.billing_segment[],
  is_first boolean,
  time_zone text,
  exponent integer
)
returns table (
  place integer,
  description text,
  feature_key text,
  unit_amount numeric,
  basis jsonb,
  quantity numeric,
  amount numeric,
  true_up numeric,
  cap numeric,
  counted numeric,
  events bigint
)
language plpgsql
stable
parallel safe
as $$
declare
  v_used record := pgledger.usage_in_stays(prices, counted_from, stays);
  v_price pgledger.priced_feature;
begin
  place := 0;
  foreach v_price in array prices loop
    place := place + 1;
    description := v_price.description;
    feature_key := v_price.feature_key;
    unit_amount := v_price.unit_amount;
    basis := v_price.basis;
    counted := v_used.counted[place];
    events := v_used.events[place];
    if basis ->> 'type' = 'seat' then
      select charge.quantity, charge.amount, charge.true_up, charge.cap
      into
        usage_charges.quantity, usage_charges.amount, usage_charges.true_up, usage_charges.cap
      from pgledger.seats_charge(
        v_price.basis, v_price.meter_key, stays, time_zone, exponent
      ) as charge;
    else
      quantity := v_used.quantities[place];
      amount := round(greatest(v_used.amounts[place], 0), exponent);
      true_up := greatest(
        case
          when is_first then round((basis #>> '{price,minimum}')::numeric, exponent) - amount
        end,
        0 * amount
      );
      cap := round(greatest(v_used.amounts[place] + v_used.caps[place], 0), exponent) - amount;
    end if;
    return next;
  end loop;
end;
$$;

comment on function pgledger.usage_charges is
  'What usage costs by the prices of a plan in the stays of a period on it.';

revoke all on function pgledger.usage_charges from public;

-- file: repeatable/27_invoices/usage_in_stays.sql
/*
What usage in the stays of a period on a plan adds to what the plan's prices ask, not rounded: an
array of each sum, with one element for each price.

A stay is charged what its usage adds: the price of all usage until its end, less the price of all
usage until its start. So neither a change of plan nor a pause begins tiers and allowances again, or
charges anything twice. Seats are only counted: they are charged by pgledger.seats_charge.
*/
create or replace function pgledger.usage_in_stays(
  prices pgledger.priced_feature[],
  counted_from timestamptz,
  stays pgledger.billing_segment[],
  out quantities numeric[],
  out amounts numeric[],
  out caps numeric[],
  out counted numeric[],
  out events numeric[]
)
language plpgsql
stable
parallel safe
as $$
declare
  -- Until when usage is counted: the ends of the stays, then the starts of those that begin later.
  v_times timestamptz[] := array(
    select time.value
    from unnest(stays) as stay
    cross join lateral (values (stay.ends_at, 1), (stay.starts_at, 2)) as time (value, edge)
    where time.edge = 1 or time.value > counted_from
    order by time.edge, time.value
  );
  v_ends integer := cardinality(stays);
  v_sign integer;
  v_meter_keys integer[] := array(select price.meter_key from unnest(prices) as price);
  v_zeros numeric[] := array_fill(0::numeric, array[cardinality(prices)]);
  v_used record;
  v_value numeric;
  v_is_seat boolean;
  v_cost record;
begin
  quantities := v_zeros;
  amounts := v_zeros;
  caps := v_zeros;
  counted := v_zeros;
  events := v_zeros;
  for v_time in 1 .. cardinality(v_times) loop
    v_sign := case when v_time <= v_ends then 1 else -1 end;
    for v_used in
      select
        price.place, price.meter_key, price.unique_key, price.basis, sums.events, sums.quantity,
        sums.highest
      from unnest(prices) with ordinality as price (
        description, feature_key, unit_amount, meter_key, unique_key, basis, place
      )
      left join pgledger.usage_sums(v_meter_keys, counted_from, v_times[v_time]) as sums
        on price.meter_key = sums.meter_key
    loop
      events[v_used.place] := events[v_used.place] + v_sign * coalesce(v_used.events, 0);
      v_is_seat := v_used.basis ->> 'type' = 'seat';
      continue when v_is_seat and v_time <> v_ends;

      v_value := coalesce(
        case
          when v_used.meter_key is null then 0
          when v_used.basis ->> 'aggregation' = 'sum' then v_used.quantity
          when v_used.basis ->> 'aggregation' = 'count' then v_used.events
          when v_used.basis ->> 'aggregation' = 'max' then v_used.highest
          else pgledger.usage_between(
            v_used.meter_key, v_used.unique_key, v_used.basis ->> 'aggregation', counted_from,
            v_times[v_time]
          )
        end,
        0
      );
      if v_time = v_ends then
        counted[v_used.place] := v_value;
      end if;
      continue when v_is_seat;

      v_value := greatest(
        v_value - coalesce((v_used.basis ->> 'allowance')::numeric, 0), 0
      );
      v_cost := pgledger.price_amounts(v_used.basis -> 'price', v_value);
      quantities[v_used.place] := quantities[v_used.place] + v_sign * v_value;
      amounts[v_used.place] := amounts[v_used.place] + v_sign * v_cost.amount;
      caps[v_used.place] := caps[v_used.place] + v_sign * v_cost.cap;
    end loop;
  end loop;
end;
$$;

comment on function pgledger.usage_in_stays is
  'What usage in the stays of a period on a plan adds to what the plan''s prices ask.';

revoke all on function pgledger.usage_in_stays from public;

-- file: repeatable/27_invoices/usage_lines.sql
/*
Lines for the usage of a subscription's period, less what interim invoices have billed of it, for
each plan that it was on, in the order in which they began.
*/
create or replace function pgledger.usage_lines(
  subscription pgledger.subscriptions,
  for_period timestamptz,
  segments pgledger.billing_segment[],
  but_invoice_key bigint,
  exponent integer
)
returns setof pgledger.invoice_lines
language plpgsql
stable
parallel safe
as $$
declare
  v_stays pgledger.billing_segment[] := pgledger.billing_stays(segments);
  v_has_billed boolean := exists (
    select
    from pgledger.billed_usage(subscription.key, for_period, but_invoice_key, false)
  );
  v_plan record;
begin
  for v_plan in
    select stay.plan_key, array_agg(stay order by stay.starts_at) as stays
    from unnest(v_stays) as stay
    group by stay.plan_key
    order by min(stay.starts_at)
  loop
    return query
    select
      line.invoice_key, line.place, line.kind, line.description, line.item, line.period_start,
      line.period_end, line.quantity, line.unit_amount, line.amount, line.discount, line.tax,
      line.subscription_key, line.for_period, line.plan_key, line.gross, line.counted, line.events,
      line.redemption_key, line.basis
    from pgledger.plan_usage_lines(
      subscription, for_period, v_stays[1], v_plan.stays, v_has_billed, but_invoice_key, exponent
    ) as line;
  end loop;
end;
$$;

comment on function pgledger.usage_lines is
  'Lines for the usage of a subscription''s period that is not billed yet.';

revoke all on function pgledger.usage_lines from public;

-- file: repeatable/27_invoices/views/ledger_invoices.sql
/*
Invoices as applications see them, with their lines. Columns never change.
*/
create or replace view public.ledger_invoices as
select
  invoices.id,
  invoices.app_id,
  invoices.tenant_id,
  subscriptions.id as subscription_id,
  invoices.kind,
  invoices.period_start,
  invoices.period_end,
  invoices.status,
  invoices.number,
  invoices.currency,
  invoices.subtotal,
  invoices.discount,
  invoices.tax,
  invoices.total,
  invoices.credits_applied,
  invoices.amount_due,
  invoices.amount_paid,
  case
    when invoices.status = 'voided' then 0
    else greatest(invoices.amount_due - invoices.amount_paid, 0)
  end as amount_remaining,
  invoices.refund_due,
  invoices.unapplied,
  (
    select
      coalesce(
        jsonb_agg(
          pgledger.line_item(invoice_lines, invoices.created_at) order by invoice_lines.place
        ),
        '[]'
      )
    from pgledger.invoice_lines
    where invoice_lines.invoice_key = invoices.key
  ) as line_items,
  invoices.tax_rates,
  invoices.finalized_at,
  invoices.due_at,
  invoices.paid_at,
  invoices.voided_at,
  invoices.void_reason,
  invoices.uncollectible_at,
  invoices.version,
  invoices.metadata,
  invoices.created_at,
  invoices.updated_at
from pgledger.invoices
left join pgledger.subscriptions on invoices.subscription_key = subscriptions.key
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view public.ledger_invoices is 'One row an invoice, with its lines as JSON.';
comment on column public.ledger_invoices.id is 'Public id: inv_ and a ULID.';
comment on column public.ledger_invoices.app_id is 'App.';
comment on column public.ledger_invoices.tenant_id is 'Tenant who is billed.';
comment on column public.ledger_invoices.subscription_id is
  'Id of the subscription (null for a one-off invoice), or null.';
comment on column public.ledger_invoices.kind is
  'What it is for. period: what a period has come to. start: a base fee that is due at the start '
  'of the time it pays for. interim: usage within a period. one_off: lines that the app gave. One '
  'of: period, start, interim, one_off.';
comment on column public.ledger_invoices.period_start is
  'Start of the period it is for, inclusive (null for a one-off invoice), or null.';
comment on column public.ledger_invoices.period_end is
  'End of the period it is for, exclusive (null for a one-off invoice), or null.';
comment on column public.ledger_invoices.status is
  'State; paid and voided are final; one of: draft, pending, paid, past_due, voided, '
  'uncollectible.';
comment on column public.ledger_invoices.number is
  'Number within the app, from 1 without a gap (null for a draft), or null.';
comment on column public.ledger_invoices.currency is 'Currency of all its amounts.';
comment on column public.ledger_invoices.subtotal is
  'Sum of its lines before discounts and taxes.';
comment on column public.ledger_invoices.discount is 'Sum of what coupons take off.';
comment on column public.ledger_invoices.tax is 'Sum of its taxes.';
comment on column public.ledger_invoices.total is
  'What it comes to: subtotal less discount plus tax; below zero where it credits more than it '
  'charges.';
comment on column public.ledger_invoices.credits_applied is
  'What a wallet has paid of the total.';
comment on column public.ledger_invoices.amount_due is
  'What is to be paid: total less credits_applied, at least 0.';
comment on column public.ledger_invoices.amount_paid is 'Sum of the payments made on it.';
comment on column public.ledger_invoices.amount_remaining is
  'What is still to be paid; 0 for a voided invoice.';
comment on column public.ledger_invoices.refund_due is
  'What is to be paid back: the part of a total below zero that was credited to be refunded.';
comment on column public.ledger_invoices.unapplied is
  'What was paid too much, or credited and not refunded: kept for the tenant, and not yet used.';
comment on column public.ledger_invoices.line_items is
  'JSON array of its lines, in their order; numbers and times are strings.';
comment on column public.ledger_invoices.tax_rates is
  'JSON array of the tax rates it was computed with, as given.';
comment on column public.ledger_invoices.finalized_at is 'When it became final, or null.';
comment on column public.ledger_invoices.due_at is 'When it is to be paid, or null.';
comment on column public.ledger_invoices.paid_at is 'When its payments covered it, or null.';
comment on column public.ledger_invoices.voided_at is 'When it was voided, or null.';
comment on column public.ledger_invoices.void_reason is
  'Why it was voided, as given, or null.';
comment on column public.ledger_invoices.uncollectible_at is
  'When it was given up as uncollectible, or null.';
comment on column public.ledger_invoices.version is 'Counts changes, from 1.';
comment on column public.ledger_invoices.metadata is 'JSON object of the app''s own, or null.';
comment on column public.ledger_invoices.created_at is 'When it was drawn up.';
comment on column public.ledger_invoices.updated_at is 'When it was last changed.';

revoke all on table public.ledger_invoices from public;
grant select on table public.ledger_invoices to pgledger_reader;

-- file: repeatable/27_invoices/views/ledger_tenant_invoices.sql
/*
Invoices that a tenant's own database role may see, without drafts, which only the app sees.
Guarded as ledger_tenant_plans is.
*/
create or replace view public.ledger_tenant_invoices with (security_barrier) as
select
  invoices.id,
  invoices.app_id,
  invoices.tenant_id,
  subscriptions.id as subscription_id,
  invoices.kind,
  invoices.period_start,
  invoices.period_end,
  invoices.status,
  invoices.number,
  invoices.currency,
  invoices.subtotal,
  invoices.discount,
  invoices.tax,
  invoices.total,
  invoices.credits_applied,
  invoices.amount_due,
  invoices.amount_paid,
  case
    when invoices.status = 'voided' then 0
    else greatest(invoices.amount_due - invoices.amount_paid, 0)
  end as amount_remaining,
  invoices.refund_due,
  invoices.unapplied,
  (
    select
      coalesce(
        jsonb_agg(
          pgledger.line_item(invoice_lines, invoices.created_at) order by invoice_lines.place
        ),
        '[]'
      )
    from pgledger.invoice_lines
    where invoice_lines.invoice_key = invoices.key
  ) as line_items,
  invoices.tax_rates,
  invoices.finalized_at,
  invoices.due_at,
  invoices.paid_at,
  invoices.voided_at,
  invoices.void_reason,
  invoices.uncollectible_at,
  invoices.version,
  invoices.metadata,
  invoices.created_at,
  invoices.updated_at
from pgledger.invoices
inner join pgledger.tenant_roles as mapped
  on invoices.app_id = mapped.app_id and invoices.tenant_id = mapped.tenant_id
left join pgledger.subscriptions on invoices.subscription_key = subscriptions.key
where mapped.role_name = current_user and invoices.status <> 'draft';

comment on view public.ledger_tenant_invoices is
  'Invoices of the tenant of the current database role, drafts left out.';
comment on column public.ledger_tenant_invoices.id is 'Public id: inv_ and a ULID.';
comment on column public.ledger_tenant_invoices.app_id is 'App.';
comment on column public.ledger_tenant_invoices.tenant_id is 'Tenant who is billed.';
comment on column public.ledger_tenant_invoices.subscription_id is
  'Id of the subscription (null for a one-off invoice), or null.';
comment on column public.ledger_tenant_invoices.kind is
  'What it is for. period: what a period has come to. start: a base fee that is due at the start '
  'of the time it pays for. interim: usage within a period. one_off: lines that the app gave. One '
  'of: period, start, interim, one_off.';
comment on column public.ledger_tenant_invoices.period_start is
  'Start of the period it is for, inclusive (null for a one-off invoice), or null.';
comment on column public.ledger_tenant_invoices.period_end is
  'End of the period it is for, exclusive (null for a one-off invoice), or null.';
comment on column public.ledger_tenant_invoices.status is
  'State; paid and voided are final; one of: draft, pending, paid, past_due, voided, '
  'uncollectible.';
comment on column public.ledger_tenant_invoices.number is
  'Number within the app, from 1 without a gap (null for a draft), or null.';
comment on column public.ledger_tenant_invoices.currency is 'Currency of all its amounts.';
comment on column public.ledger_tenant_invoices.subtotal is
  'Sum of its lines before discounts and taxes.';
comment on column public.ledger_tenant_invoices.discount is 'Sum of what coupons take off.';
comment on column public.ledger_tenant_invoices.tax is 'Sum of its taxes.';
comment on column public.ledger_tenant_invoices.total is
  'What it comes to: subtotal less discount plus tax; below zero where it credits more than it '
  'charges.';
comment on column public.ledger_tenant_invoices.credits_applied is
  'What a wallet has paid of the total.';
comment on column public.ledger_tenant_invoices.amount_due is
  'What is to be paid: total less credits_applied, at least 0.';
comment on column public.ledger_tenant_invoices.amount_paid is
  'Sum of the payments made on it.';
comment on column public.ledger_tenant_invoices.amount_remaining is
  'What is still to be paid; 0 for a voided invoice.';
comment on column public.ledger_tenant_invoices.refund_due is
  'What is to be paid back: the part of a total below zero that was credited to be refunded.';
comment on column public.ledger_tenant_invoices.unapplied is
  'What was paid too much, or credited and not refunded: kept for the tenant, and not yet used.';
comment on column public.ledger_tenant_invoices.line_items is
  'JSON array of its lines, in their order; numbers and times are strings.';
comment on column public.ledger_tenant_invoices.tax_rates is
  'JSON array of the tax rates it was computed with, as given.';
comment on column public.ledger_tenant_invoices.finalized_at is
  'When it became final, or null.';
comment on column public.ledger_tenant_invoices.due_at is 'When it is to be paid, or null.';
comment on column public.ledger_tenant_invoices.paid_at is
  'When its payments covered it, or null.';
comment on column public.ledger_tenant_invoices.voided_at is 'When it was voided, or null.';
comment on column public.ledger_tenant_invoices.void_reason is
  'Why it was voided, as given, or null.';
comment on column public.ledger_tenant_invoices.uncollectible_at is
  'When it was given up as uncollectible, or null.';
comment on column public.ledger_tenant_invoices.version is 'Counts changes, from 1.';
comment on column public.ledger_tenant_invoices.metadata is
  'JSON object of the app''s own, or null.';
comment on column public.ledger_tenant_invoices.created_at is 'When it was drawn up.';
comment on column public.ledger_tenant_invoices.updated_at is 'When it was last changed.';

revoke all on table public.ledger_tenant_invoices from public;
grant select on table public.ledger_tenant_invoices to pgledger_tenant;
alter view public.ledger_tenant_invoices owner to pgledger_tenant_views;

-- file: repeatable/28_payments/check_payment.sql
/*
Refuses a payment at a time that is still to come, or with a reference that is not valid. Either is
null where the caller gives none.
Errors: InvalidTime, InvalidArgument.
*/
create or replace function pgledger.check_payment(
  paid_at timestamptz,
  reference text,
  now timestamptz
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text := coalesce(
    pgledger.time_fault(paid_at),
    case when paid_at > now then 'it is ahead of ' || now::text end
  );
  v_ok boolean;
begin
  if paid_at is not null and v_fault is not null then
    v_ok := pgledger.fail('InvalidTime', array['paid_at', paid_at::text, v_fault]);
  elsif reference is not null then
    v_ok := pgledger.check_text('reference', reference, 255, allow_invisible => true);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_payment is
  'Raises InvalidTime or InvalidArgument unless a payment can have that time and reference.';

revoke all on function pgledger.check_payment from public;

-- file: repeatable/28_payments/check_payment_amount.sql
/*
Refuses an amount that is out of range, or has more decimal places than the currency.
Errors: InvalidAmount.
*/
create or replace function pgledger.check_payment_amount(
  amount numeric,
  currency text,
  exponent integer
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text := coalesce(
    pgledger.amount_fault(amount),
    case
      when min_scale(amount) > exponent
        then format(
          '%s has %s decimal %s',
          currency,
          exponent,
          case when exponent = 1 then 'place' else 'places' end
        )
    end
  );
  v_ok boolean;
begin
  if v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidAmount', array[coalesce(pgledger.abridged(amount::text), 'null'), v_fault]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_payment_amount is
  'Raises InvalidAmount unless that can be paid in a currency of so many decimal places.';

revoke all on function pgledger.check_payment_amount from public;

-- file: repeatable/28_payments/ledger_list_payments.sql
/*
Checks, in this order: app_id, tenant_id, invoice_id, existence.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound.
*/
create or replace function public.ledger_list_payments(
  app_id text,
  tenant_id text,
  invoice_id text
)
returns setof public.ledger_payment
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint := pgledger.invoice_key(app_id, tenant_id, invoice_id, 'invoice_id');
begin
  return query
  select
    payment.id, payment.app_id, payment.tenant_id, invoices.id, payment.amount,
    invoices.currency, payment.reference, payment.paid_at, payment.created_at
  from pgledger.invoice_payments as payment
  inner join pgledger.invoices on payment.invoice_key = invoices.key
  where payment.invoice_key = v_key
  order by payment.key;
end;
$$;

comment on function public.ledger_list_payments is
$$Returns the payments made on an invoice, the newest last.

app_id: App that the tenant belongs to.
tenant_id: Who paid.
invoice_id: Which invoice: inv_ and a ULID.

Returns: The payments, in the order in which they were recorded.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice).$$;

revoke all on function public.ledger_list_payments from public;
grant execute on function public.ledger_list_payments to pgledger_reader;

-- file: repeatable/28_payments/ledger_mark_invoice_paid.sql
/*
Locks the invoice.
Checks, in this order: app_id, tenant_id, id, existence, paid_at, reference, status.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidTime, InvalidArgument,
InvalidState.
*/
create or replace function public.ledger_mark_invoice_paid(
  app_id text,
  tenant_id text,
  id text,
  paid_at timestamptz default null,
  reference text default null
)
returns public.ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_invoice pgledger.invoices := pgledger.lock_invoice(app_id, tenant_id, id);
  v_now timestamptz := pgledger.clock();
  v_ok boolean;
begin
  v_ok := pgledger.check_payment(paid_at, reference, v_now);

  if v_invoice.status = 'paid' then
    return pgledger.invoice_with_key(v_invoice.key);
  end if;

  return pgledger.pay_invoice(
    v_invoice,
    v_invoice.amount_due - v_invoice.amount_paid,
    coalesce(paid_at, v_now),
    reference,
    null,
    v_now
  );
end;
$$;

comment on function public.ledger_mark_invoice_paid is
$$Records a payment of all that is still due.

app_id: App that the tenant belongs to.
tenant_id: Who paid.
id: Which invoice: inv_ and a ULID.
paid_at: When it was paid, not in the future; null for now.
reference: What the payment is called where it was made, 1 to 255 characters,
  or null.

Returns: The invoice, paid. One that is paid already is returned as it is.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice), InvalidTime (paid_at is in the future or outside the years
  1 to 9999), InvalidArgument (the reference is not valid), InvalidState (the
  invoice is a draft or voided).$$;

revoke all on function public.ledger_mark_invoice_paid from public;
grant execute on function public.ledger_mark_invoice_paid to pgledger_poster;

-- file: repeatable/28_payments/ledger_record_payment.sql
/*
Locks the invoice: of calls at the same time each sees what the ones before have left to pay.
Checks, in this order: app_id, tenant_id, invoice_id, existence, amount, paid_at, reference, id,
repeat, status.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidAmount, InvalidTime,
InvalidArgument, IdempotencyConflict, InvalidState.
*/
create or replace function public.ledger_record_payment(
  app_id text,
  tenant_id text,
  invoice_id text,
  amount numeric,
  paid_at timestamptz default null,
  reference text default null,
  id text default null
)
returns public.ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_invoice pgledger.invoices := pgledger.lock_invoice(
    app_id, tenant_id, invoice_id, 'invoice_id'
  );
  v_now timestamptz := pgledger.clock();
  v_exponent integer := pgledger.currency_exponent(app_id, v_invoice.currency);
  v_ok boolean;
begin
  v_ok := pgledger.check_payment_amount(amount, v_invoice.currency, v_exponent);
  v_ok := pgledger.check_payment(paid_at, reference, v_now);

  if id is not null then
    v_ok := pgledger.check_id('id', id, 'pay');
    if pgledger.payment_is_repeated(id, v_invoice.key, amount, paid_at, reference) then
      return pgledger.invoice_with_key(v_invoice.key);
    end if;
  end if;

  return pgledger.pay_invoice(
    v_invoice,
    round(amount, v_exponent),
    coalesce(paid_at, v_now),
    reference,
    id,
    v_now
  );
end;
$$;

comment on function public.ledger_record_payment is
$$Records a payment on an invoice.

The invoice can be pending, past_due, uncollectible or paid. It is paid once
its payments cover amount_due; what they come to beyond that is added to
unapplied.

app_id: App that the tenant belongs to.
tenant_id: Who paid.
invoice_id: Which invoice: inv_ and a ULID.
amount: How much, in the invoice's currency and with no more decimal places
  than that has: above 0 and below 1e30.
paid_at: When it was paid, not in the future; null for now.
reference: What the payment is called where it was made, 1 to 255 characters,
  or null.
id: The payment's id if the caller chooses it: pay_ and a ULID. The same call
  with the same id records once and returns the invoice as it is now; null for
  a new id.

Returns: The invoice, paid or with less to pay.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice), InvalidAmount (the amount is null, out of range, or has
  too many decimal places), InvalidTime (paid_at is in the future or outside
  the years 1 to 9999), InvalidArgument (the reference is not valid),
  IdempotencyConflict (the id is taken by a different payment), InvalidState
  (the invoice is a draft or voided).$$;

revoke all on function public.ledger_record_payment from public;
grant execute on function public.ledger_record_payment to pgledger_poster;

-- file: repeatable/28_payments/pay_invoice.sql
/*
Records a payment that has been checked on an invoice whose row is locked, and returns the invoice.
paid_at of the invoice is the time of the payment that covered what is due, where payments count in
the order of the times at which they were made, not of the calls.
Errors: InvalidState, IdempotencyConflict.
*/
create or replace function pgledger.pay_invoice(
  invoice pgledger.invoices,
  amount numeric,
  paid_at timestamptz,
  reference text,
  id text,
  now timestamptz
)
returns public.ledger_invoice
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_remaining numeric := greatest(invoice.amount_due - invoice.amount_paid, 0);
  v_ok boolean;
begin
  update pgledger.invoices
  set
    status = case
      when pay_invoice.amount >= v_remaining then 'paid'
      else invoices.status
    end,
    amount_paid = invoices.amount_paid + pay_invoice.amount,
    unapplied = invoices.unapplied + greatest(pay_invoice.amount - v_remaining, 0),
    paid_at = coalesce(
      invoices.paid_at,
      (
        select min(so_far.at)
        from (
          select payment.at, sum(payment.amount) over (order by payment.at) as amount
          from (
            select earlier.paid_at, earlier.amount
            from pgledger.invoice_payments as earlier
            where earlier.invoice_key = invoice.key
            union all
            select pay_invoice.paid_at, pay_invoice.amount
          ) as payment (at, amount)
        ) as so_far
        where so_far.amount >= invoices.amount_due
      )
    ),
    version = invoices.version + 1,
    updated_at = now
  where invoices.key = invoice.key
    and invoices.status in ('pending', 'past_due', 'uncollectible', 'paid');
  if not found then
    v_ok := pgledger.refuse_invoice_move(invoice, 'paid');
  end if;

  insert into pgledger.invoice_payments (
    id, invoice_key, app_id, tenant_id, amount, reference, paid_at, created_at
  )
  values (
    coalesce(pay_invoice.id, 'pay_' || pgledger.new_ulid(now)),
    invoice.key,
    invoice.app_id,
    invoice.tenant_id,
    pay_invoice.amount,
    pay_invoice.reference,
    pay_invoice.paid_at,
    now
  )
  on conflict on constraint invoice_payments_id_key do nothing;
  if not found then
    v_ok := pgledger.fail('IdempotencyConflict', array[id]);
  end if;

  return pgledger.invoice_with_key(invoice.key);
end;
$$;

comment on function pgledger.pay_invoice is
  'Records a payment on a locked invoice, and returns the invoice.';

revoke all on function pgledger.pay_invoice from public;

-- file: repeatable/28_payments/payment_is_repeated.sql
/*
Whether an earlier call with that id has recorded the same payment. The time of the payment is
compared only if the caller gives it: a call without it had another "now" before.
Errors: IdempotencyConflict.
*/
create or replace function pgledger.payment_is_repeated(
  id text,
  invoice_key bigint,
  amount numeric,
  paid_at timestamptz,
  reference text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_is_same boolean := (
    select
      (payment.invoice_key, payment.amount)
      = (payment_is_repeated.invoice_key, payment_is_repeated.amount)
      and payment.paid_at = coalesce(payment_is_repeated.paid_at, payment.paid_at)
      and payment.reference is not distinct from payment_is_repeated.reference
    from pgledger.invoice_payments as payment
    where payment.id = payment_is_repeated.id
  );
  v_ok boolean;
begin
  if not v_is_same then
    v_ok := pgledger.fail('IdempotencyConflict', array[id]);
  end if;
  return v_is_same is not null;
end;
$$;

comment on function pgledger.payment_is_repeated is
  'Whether a payment of that id has been recorded; raises if by a different request.';

revoke all on function pgledger.payment_is_repeated from public;

-- file: repeatable/28_payments/views/ledger_invoice_payments.sql
/*
Payments as applications see them. Columns never change.
*/
create or replace view public.ledger_invoice_payments as
select
  invoice_payments.id,
  invoice_payments.app_id,
  invoice_payments.tenant_id,
  invoices.id as invoice_id,
  invoice_payments.amount,
  invoices.currency,
  invoice_payments.reference,
  invoice_payments.paid_at,
  invoice_payments.created_at
from pgledger.invoice_payments
inner join pgledger.invoices on invoice_payments.invoice_key = invoices.key
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view public.ledger_invoice_payments is 'One row a payment made on an invoice.';
comment on column public.ledger_invoice_payments.id is 'Public id: pay_ and a ULID.';
comment on column public.ledger_invoice_payments.app_id is 'App.';
comment on column public.ledger_invoice_payments.tenant_id is 'Tenant who paid.';
comment on column public.ledger_invoice_payments.invoice_id is 'Id of the invoice.';
comment on column public.ledger_invoice_payments.amount is
  'Amount in the invoice''s currency.';
comment on column public.ledger_invoice_payments.currency is 'Currency of the amount.';
comment on column public.ledger_invoice_payments.reference is
  'What the payment is called where it was made, or null.';
comment on column public.ledger_invoice_payments.paid_at is 'When it was paid.';
comment on column public.ledger_invoice_payments.created_at is 'When it was written down.';

revoke all on table public.ledger_invoice_payments from public;
grant select on table public.ledger_invoice_payments to pgledger_reader;

-- file: repeatable/28_payments/views/ledger_tenant_invoice_payments.sql
/*
Payments that a tenant's own database role may see.
Guarded as ledger_tenant_plans is.
*/
create or replace view public.ledger_tenant_invoice_payments with (security_barrier) as
select
  invoice_payments.id,
  invoice_payments.app_id,
  invoice_payments.tenant_id,
  invoices.id as invoice_id,
  invoice_payments.amount,
  invoices.currency,
  invoice_payments.reference,
  invoice_payments.paid_at,
  invoice_payments.created_at
from pgledger.invoice_payments
inner join pgledger.tenant_roles as mapped
  on invoice_payments.app_id = mapped.app_id and invoice_payments.tenant_id = mapped.tenant_id
inner join pgledger.invoices on invoice_payments.invoice_key = invoices.key
where mapped.role_name = current_user;

comment on view public.ledger_tenant_invoice_payments is
  'Payments of the tenant of the current database role.';
comment on column public.ledger_tenant_invoice_payments.id is 'Public id: pay_ and a ULID.';
comment on column public.ledger_tenant_invoice_payments.app_id is 'App.';
comment on column public.ledger_tenant_invoice_payments.tenant_id is 'Tenant who paid.';
comment on column public.ledger_tenant_invoice_payments.invoice_id is 'Id of the invoice.';
comment on column public.ledger_tenant_invoice_payments.amount is
  'Amount in the invoice''s currency.';
comment on column public.ledger_tenant_invoice_payments.currency is 'Currency of the amount.';
comment on column public.ledger_tenant_invoice_payments.reference is
  'What the payment is called where it was made, or null.';
comment on column public.ledger_tenant_invoice_payments.paid_at is 'When it was paid.';
comment on column public.ledger_tenant_invoice_payments.created_at is
  'When it was written down.';

revoke all on table public.ledger_tenant_invoice_payments from public;
grant select on table public.ledger_tenant_invoice_payments to pgledger_tenant;
alter view public.ledger_tenant_invoice_payments owner to pgledger_tenant_views;

-- file: repeatable/29_advance/advance_and_invoice.sql
/*
Moves on a subscription that is locked, and draws up the invoices that are due with that, unless
invoices is none. is_busy says that somebody else holds what its tenant has left of coupons: then
only the move was written.
*/
create or replace function pgledger.advance_and_invoice(
  subscription_key bigint,
  invoices text,
  now timestamptz,
  out version bigint,
  out invoice_keys bigint[],
  out is_busy boolean
)
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_moved pgledger.subscriptions := pgledger.advance_subscription(
    (select subscriptions from pgledger.subscriptions where subscriptions.key = subscription_key),
    now,
    to_store => invoices = 'none'
  );
begin
  version := v_moved.version;
  if invoices <> 'none' then
    invoice_keys := pgledger.invoice_subscription(v_moved, invoices = 'final');
    is_busy := invoice_keys is null;
  end if;
  invoice_keys := coalesce(invoice_keys, '{}');
end;
$$;

comment on function pgledger.advance_and_invoice is
  'Moves on a subscription that is locked and draws up its invoices.';

revoke all on function pgledger.advance_and_invoice from public;

-- file: repeatable/29_advance/advance_due_subscriptions.sql
/*
Moves on the subscriptions of an app that are due, the longest due first, and draws up the invoices
that are due with that. Takes at most max_subscriptions, and more as long as none of those taken had
anything to do; it stops after ten times as many and names the last one in last_looked_at. A
subscription that somebody else holds is left out.

one_by_one: each is moved in a subtransaction, at most 50 at a time, because a session keeps track
of so many at no cost. One that fails is undone, warned of, named with its error, and postponed for
an hour. One that cannot even be postponed is only warned of: were it named, a caller who waits for
a call without rows would never end.
*/
create or replace function pgledger.advance_due_subscriptions(
  app_id text,
  max_subscriptions integer,
  invoices text,
  now timestamptz,
  one_by_one boolean,
  out subscription_keys bigint[],
  out versions bigint[],
  out invoice_keys bigint[],
  out failed_keys bigint[],
  out errors text[],
  out last_looked_at bigint
)
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_due record;
  v_moved record;
  v_busy bigint[] := '{}';
  v_looked_at integer := 0;
  v_found boolean;
  v_did boolean := false;
begin
  subscription_keys := '{}';
  versions := '{}';
  invoice_keys := '{}';
  failed_keys := '{}';
  errors := '{}';
  loop
    v_found := false;
    for v_due in
      select
        subscriptions.key, subscriptions.version, subscriptions.id, subscriptions.tenant_id
      from pgledger.subscriptions
      where subscriptions.app_id = advance_due_subscriptions.app_id
        and subscriptions.advance_at <= now
        and (invoices <> 'none' or subscriptions.due_at <= now)
        and subscriptions.key <> all(v_busy)
      order by subscriptions.advance_at
      limit case when one_by_one then least(max_subscriptions, 50) else max_subscriptions end
      for no key update skip locked
    loop
      v_found := true;
      v_looked_at := v_looked_at + 1;
      if one_by_one then
        begin
          v_moved := pgledger.advance_and_invoice(v_due.key, invoices, now);
        exception
          when others then
            if not pgledger.may_concern_one_subscription(sqlstate) then
              raise;
            end if;
            raise warning using
              message = format(
                'subscription %s of tenant %s was not advanced: %s', v_due.id, v_due.tenant_id,
                sqlerrm
              ),
              errcode = sqlstate;
            v_busy := v_busy || v_due.key;
            if pgledger.postpone_advance(v_due.key, now + interval '1 hour') then
              failed_keys := failed_keys || v_due.key;
              errors := errors || sqlerrm;
              v_did := true;
            end if;
            continue;
        end;
      else
        v_moved := pgledger.advance_and_invoice(v_due.key, invoices, now);
      end if;

      subscription_keys := subscription_keys || v_due.key;
      versions := versions || v_due.version;
      invoice_keys := invoice_keys || v_moved.invoice_keys;
      if v_moved.is_busy then
        v_busy := v_busy || v_due.key;
      end if;
      v_did := v_did or v_moved.version > v_due.version or cardinality(v_moved.invoice_keys) > 0;
    end loop;
    exit when v_did or not v_found;
    if v_looked_at >= 10 * max_subscriptions then
      last_looked_at := v_due.key;
      exit;
    end if;
  end loop;
end;
$$;

comment on function pgledger.advance_due_subscriptions is
  'Moves on the subscriptions of an app that are due and draws up their invoices.';

revoke all on function pgledger.advance_due_subscriptions from public;

-- file: repeatable/29_advance/changes_since.sql
/*
What was written down about a subscription after a version, in the order of its versions.
*/
create or replace function pgledger.changes_since(subscription_key bigint, version bigint)
returns table (
  tenant_id text,
  subscription_id text,
  change text,
  occurred_at timestamptz
)
language sql
stable
parallel safe
as $$
  select
    subscription_changes.tenant_id, subscriptions.id, subscription_changes.change,
    subscription_changes.occurred_at
  from pgledger.subscription_changes
  inner join pgledger.subscriptions
    on subscription_changes.subscription_key = subscriptions.key
  where subscription_changes.subscription_key = changes_since.subscription_key
    and subscription_changes.version > changes_since.version
  order by subscription_changes.version
$$;

comment on function pgledger.changes_since is
  'What was written down about a subscription after a version.';

revoke all on function pgledger.changes_since from public;

-- file: repeatable/29_advance/invoice_occasions.sql
/*
The invoices that a subscription's changes since the last look ask for.

An invoice of kind period: for each period that has ended, except one that was a trial all through.
Of kind start: for each period that began or went on active. Whoever draws it up skips it if the
base fee has been billed, as it is by the invoice of the period before where that has_next, that is
where the one follows the other without a gap. A change at the moment at which the subscription is
canceled begins nothing.

Several changes can ask for the same invoice: the row is that of the first. With with_drafts, also
drafts that can become final by now, as of version 0.
*/
create or replace function pgledger.invoice_occasions(
  subscription pgledger.subscriptions,
  with_drafts boolean
)
returns table (
  kind text,
  period_start timestamptz,
  as_of_version bigint,
  has_next boolean
)
language sql
stable
parallel safe
as $$
  with change as (
    select
      subscription_changes.version, subscription_changes.change, subscription_changes.status,
      subscription_changes.period_start, subscription_changes.period_end,
      subscription_changes.occurred_at,
      lag(subscription_changes.period_start) over earlier as earlier_start,
      lag(subscription_changes.period_end) over earlier as earlier_end,
      lag(subscription_changes.change) over earlier = 'trial_ended'
      and lag(subscription_changes.occurred_at) over earlier
      = lag(subscription_changes.period_end) over earlier as was_trial,
      lead(subscription_changes.change) over earlier = 'canceled'
      and lead(subscription_changes.occurred_at) over earlier
      = subscription_changes.occurred_at as has_ended
    from pgledger.subscription_changes
    where subscription_changes.subscription_key = subscription.key
      and subscription_changes.version >= subscription.invoiced_version
    window earlier as (order by subscription_changes.version)
  )
  select distinct on (occasion.kind, occasion.period_start)
    occasion.kind, occasion.period_start, occasion.version, occasion.has_next
  from (
    select
      'period' as kind, change.earlier_start as period_start, change.version,
      change.status = 'active'
      and change.period_start = least(change.earlier_end, change.occurred_at) as has_next
    from change
    where change.version > subscription.invoiced_version
      and change.earlier_start <> change.period_start
      and not change.was_trial
    union all
    select 'period', change.period_start, change.version, false
    from change
    where change.version > subscription.invoiced_version
      and change.change = 'canceled'
      and change.occurred_at > change.period_start
    union all
    select 'period', subscription.current_period_start, subscription.version, false
    where subscription.status = 'paused'
      and subscription.current_period_end <= pgledger.clock()
    union all
    select 'start', change.period_start, change.version, false
    from change
    where change.version > subscription.invoiced_version
      and change.status = 'active'
      and change.has_ended is not true
      and change.change in ('created', 'trial_ended', 'period_started', 'plan_changed', 'resumed')
    union all
    select invoices.kind, invoices.period_start, 0, false
    from pgledger.invoices
    where with_drafts
      and invoices.subscription_key = subscription.key
      and invoices.status = 'draft'
      and (
        invoices.kind = 'start'
        or (invoices.kind = 'period' and invoices.period_end <= pgledger.clock())
      )
  ) as occasion
  order by occasion.kind, occasion.period_start, occasion.version
$$;

comment on function pgledger.invoice_occasions is
  'The invoices that a subscription''s changes since the last look ask for.';

revoke all on function pgledger.invoice_occasions from public;

-- file: repeatable/29_advance/invoice_on_occasion.sql
/*
The draft for an occasion; null if there is nothing to charge, or the invoice is final already. A
base fee has an invoice of its own only where nothing has been billed for its period.

With to_finalize, a draft that was there is locked and computed anew, and the coupons are used up;
it is computed again as often as another invoice has used up one of them meanwhile.
*/
create or replace function pgledger.invoice_on_occasion(
  subscription pgledger.subscriptions,
  kind text,
  period_start timestamptz,
  as_of_version bigint,
  to_finalize boolean
)
returns bigint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_invoice pgledger.invoices;
  v_key bigint;
begin
  v_invoice := (
    select invoices
    from pgledger.invoices
    where invoices.subscription_key = subscription.key
      and invoices.kind = invoice_on_occasion.kind
      and invoices.period_start = invoice_on_occasion.period_start
      and invoices.status <> 'voided'
    -- Otherwise the draft could be deleted before it has its number, and leave a gap.
    for no key update
  );
  if v_invoice.key is null then
    if kind = 'start' then
      perform
      from pgledger.billed_base(subscription.key, invoice_on_occasion.period_start, null);
      if found then
        return null;
      end if;
    end if;
    v_key := pgledger.find_or_draft_invoice(
      subscription, kind, period_start, case when kind = 'start' then as_of_version end, null,
      false
    );
  elsif v_invoice.status = 'draft' and to_finalize then
    v_key := v_invoice.key;
    perform pgledger.redraw_invoice(v_invoice, subscription);
  end if;

  while to_finalize and v_key is not null loop
    exit when pgledger.use_coupons(v_key);
    perform pgledger.redraw_invoice(
      (select invoices from pgledger.invoices where invoices.key = v_key), subscription
    );
  end loop;
  return v_key;
end;
$$;

comment on function pgledger.invoice_on_occasion is
  'The draft for an occasion to invoice a subscription, or null.';

revoke all on function pgledger.invoice_on_occasion from public;

-- file: repeatable/29_advance/invoice_subscription.sql
/*
Draws up the invoices that a subscription's changes since the last look ask for, and returns the
drafts in the order of these changes: the invoice of the period that ended, or of the base fee if no
such invoice has charged it. With to_finalize, their coupons are used up, and drafts that were there
before and can become final are among them.

The subscription is locked, and has been moved on to now; it is written here. If somebody else holds
what its tenant has left of coupons, only the subscription is written and the answer is null: the
next call draws up its invoices.
*/
create or replace function pgledger.invoice_subscription(
  subscription pgledger.subscriptions,
  to_finalize boolean
)
returns bigint[]
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_occasion record;
  v_key bigint;
  v_drawn_version bigint;
  v_keys bigint[] := '{}';
begin
  if to_finalize and not pgledger.lock_redemptions(
    subscription.app_id, subscription.tenant_id, false
  ) then
    perform pgledger.write_subscription(subscription);
    return null;
  end if;

  for v_occasion in
    select
      occasion.kind, occasion.period_start, occasion.as_of_version, occasion.has_next
    from pgledger.invoice_occasions(subscription, to_finalize) as occasion
    order by occasion.as_of_version, occasion.period_start, occasion.kind desc
  loop
    -- The invoice of the period before has just billed it.
    continue when v_occasion.as_of_version = v_drawn_version;
    v_key := pgledger.invoice_on_occasion(
      subscription, v_occasion.kind, v_occasion.period_start, v_occasion.as_of_version,
      to_finalize
    );
    if v_key is not null then
      v_keys := v_keys || v_key;
      v_drawn_version := case when v_occasion.has_next then v_occasion.as_of_version end;
    end if;
  end loop;

  subscription.invoiced_version := subscription.version;
  subscription.invoice_due_at := case
    when subscription.status = 'paused' and subscription.current_period_end > pgledger.clock()
      then subscription.current_period_end
  end;
  subscription.advance_at := least(subscription.due_at, subscription.invoice_due_at);
  perform pgledger.write_subscription(subscription);
  return v_keys;
end;
$$;

comment on function pgledger.invoice_subscription is
  'Draws up what a subscription is to be invoiced for by now, and returns the drafts.';

revoke all on function pgledger.invoice_subscription from public;

-- file: repeatable/29_advance/ledger_advance.sql
/*
Workers run side by side: each locks what it takes with FOR NO KEY UPDATE SKIP LOCKED, and leaves
what another one holds to the next call. Each subscription that is taken is moved on to now, however
many periods it is behind. Invoices become final at the end of the call, so that the app's numbers
are locked only from there to the end of the transaction.

A subscription that fails does not keep others from being billed: the call then begins again with
each subscription in a subtransaction of its own, and postpones and reports those that fail.
Checks, in this order: app_id, max_subscriptions, invoices.
Errors: NullArgument, InvalidScope, InvalidArgument.
*/
create or replace function public.ledger_advance(
  app_id text,
  max_subscriptions integer default 1000,
  invoices text default 'final'
)
returns setof public.ledger_subscription_move
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_done record;
  v_past_due bigint[] := '{}';
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);
  if max_subscriptions is null then
    v_ok := pgledger.fail('NullArgument', array['max_subscriptions']);
  elsif max_subscriptions not between 1 and 10000 then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array['max_subscriptions', max_subscriptions::text, 'it is not between 1 and 10000']
    );
  end if;
  v_ok := pgledger.check_choice('invoices', invoices, array['none', 'draft', 'final']);

  begin
    v_done := pgledger.advance_due_subscriptions(app_id, max_subscriptions, invoices, v_now, false);
  exception
    when others then
      if not pgledger.may_concern_one_subscription(sqlstate) then
        raise;
      end if;
      v_done := pgledger.advance_due_subscriptions(
        app_id, max_subscriptions, invoices, v_now, true
      );
  end;
  if invoices = 'final' then
    perform pgledger.finalize_invoices(app_id, v_done.invoice_keys);
  end if;
  if invoices <> 'none' then
    v_past_due := pgledger.mark_past_due(app_id, max_subscriptions, v_now);
  end if;

  return query
  select change.tenant_id, change.subscription_id, change.change, change.occurred_at, null, null
  from unnest(v_done.subscription_keys, v_done.versions) with ordinality
    as taken (key, version, place)
  cross join lateral pgledger.changes_since(taken.key, taken.version) as change
  order by taken.place;
  return query
  select subscriptions.tenant_id, subscriptions.id, 'failed', v_now, null::text, failed.error
  from unnest(v_done.failed_keys, v_done.errors) with ordinality as failed (key, error, place)
  inner join pgledger.subscriptions on failed.key = subscriptions.key
  order by failed.place;
  return query
  select subscriptions.tenant_id, subscriptions.id, 'nothing_due', v_now, null::text, null::text
  from pgledger.subscriptions
  where subscriptions.key = v_done.last_looked_at;
  return query
  select
    moved.tenant_id, moved.subscription_id, moved.change, moved.occurred_at, moved.invoice_id, null
  from pgledger.moved_invoices(v_done.invoice_keys, v_past_due) as moved;
end;
$$;

comment on function public.ledger_advance is
$$Does what the clock has made due in an app.

It ends trials and periods, cancels subscriptions whose time has come, draws
up the invoices that are due with these, and marks invoices that were not paid
in time. What has been due the longest comes first.

Any number of workers may call it at once, each in a transaction of its own:
no two move the same subscription. Call it until it returns no row. Fewer
subscriptions than asked for do not mean that nothing is left.

A subscription gives one row for each step, in order: trial_ended,
period_started, canceled. Invoices follow: invoice_drafted, invoice_finalized,
invoice_past_due. A subscription that could not be moved gives failed, with
the error, and is tried again in an hour. nothing_due names the last one that
was looked at, where very many were and none had anything to do.

app_id: App whose subscriptions and invoices they are.
max_subscriptions: How many subscriptions to move at most, 1 to 10,000.
invoices: What becomes of invoices: final draws up those that are due and
  makes them final; draft draws them up and leaves them to
  ledger_finalize_invoice; none moves subscriptions only, and marks nothing
  as past due. One of: none, draft, final.

Returns: What was done, step by step; empty when nothing is due that nobody
  else is moving.

Errors: NullArgument, InvalidScope, InvalidArgument (max_subscriptions is out
  of range, or invoices is none of its values).$$;

revoke all on function public.ledger_advance from public;
grant execute on function public.ledger_advance to pgledger_poster;

-- file: repeatable/29_advance/mark_past_due.sql
/*
Marks invoices of an app that are pending and due by now, the longest due first, at most
max_invoices, and returns their keys. Those that somebody else holds are left to the next call.
*/
create or replace function pgledger.mark_past_due(
  app_id text,
  max_invoices integer,
  now timestamptz
)
returns bigint[]
language sql
volatile
parallel unsafe
as $$
  with overdue as (
    select invoices.key
    from pgledger.invoices
    where invoices.app_id = mark_past_due.app_id
      and invoices.status = 'pending'
      and invoices.due_at <= mark_past_due.now
    order by invoices.due_at
    limit max_invoices
    for no key update skip locked
  ),
  marked as (
    update pgledger.invoices
    set
      status = 'past_due',
      version = invoices.version + 1,
      updated_at = mark_past_due.now
    from overdue
    where invoices.key = overdue.key and invoices.status = 'pending'
    returning invoices.key, invoices.due_at
  )
  select coalesce(array_agg(marked.key order by marked.due_at, marked.key), '{}')
  from marked
$$;

comment on function pgledger.mark_past_due is
  'Marks invoices of an app that are due by now, and returns their keys.';

revoke all on function pgledger.mark_past_due from public;

-- file: repeatable/29_advance/may_concern_one_subscription.sql
/*
Whether an error can come from the data of the subscription that was moved: a value out of range, a
constraint, a rule of ours or of the app's own triggers. Errors of the server, the session, the
transaction, locks or the schema would meet every subscription.
*/
create or replace function pgledger.may_concern_one_subscription(error_state text)
returns boolean
language sql
immutable
parallel safe
as $$
  select error_state !~ '^(08|0A|25|40|42|53|54|55P03|57|58|F0|XX)'
$$;

comment on function pgledger.may_concern_one_subscription is
  'Whether an error may concern one subscription alone, and spare the others.';

revoke all on function pgledger.may_concern_one_subscription from public;

-- file: repeatable/29_advance/moved_invoices.sql
/*
The rows of ledger_advance about invoices: first those drawn up or made final, then those past due.
*/
create or replace function pgledger.moved_invoices(drawn bigint[], past_due bigint[])
returns table (
  tenant_id text,
  subscription_id text,
  change text,
  occurred_at timestamptz,
  invoice_id text
)
language sql
stable
parallel safe
as $$
  select
    invoices.tenant_id,
    subscriptions.id,
    case
      when moved.is_past_due then 'invoice_past_due'
      when invoices.status = 'draft' then 'invoice_drafted'
      else 'invoice_finalized'
    end,
    case
      when moved.is_past_due then invoices.due_at
      else coalesce(invoices.finalized_at, invoices.created_at)
    end,
    invoices.id
  from (
    select given.key, false as is_past_due, given.place
    from unnest(drawn) with ordinality as given (key, place)
    union all
    select given.key, true, given.place
    from unnest(past_due) with ordinality as given (key, place)
  ) as moved
  inner join pgledger.invoices on moved.key = invoices.key
  left join pgledger.subscriptions on invoices.subscription_key = subscriptions.key
  order by moved.is_past_due, moved.place
$$;

comment on function pgledger.moved_invoices is 'The rows of ledger_advance about invoices.';

revoke all on function pgledger.moved_invoices from public;

-- file: repeatable/29_advance/postpone_advance.sql
/*
Makes ledger_advance leave a subscription alone until that time. Returns whether that could be
written: false if the row itself is refused, for example by a trigger.
*/
create or replace function pgledger.postpone_advance(subscription_key bigint, until timestamptz)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
begin
  update pgledger.subscriptions
  set advance_at = until
  where subscriptions.key = subscription_key;
  return true;
exception
  when others then
    if not pgledger.may_concern_one_subscription(sqlstate) then
      raise;
    end if;
    return false;
end;
$$;

comment on function pgledger.postpone_advance is
  'Makes ledger_advance leave a subscription alone until a later time.';

revoke all on function pgledger.postpone_advance from public;

-- file: repeatable/30_tenants/ledger_map_tenant_role.sql
/*
Grants nothing to the role: it only says which rows the views show it.

A role that could see more than one tenant's rows anyway is refused, so that nobody relies on a map
that does not bind it. This looks at the grants of now; it does not prevent later ones. The map
holds names rather than oids, because a restore may create the roles anew.

Checks, in this order: app_id, tenant_id, role_name, whether it is mapped to another tenant.
*/
create or replace function public.ledger_map_tenant_role(
  role_name name,
  app_id text,
  tenant_id text
)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_fault text := pgledger.tenant_role_fault(role_name);
  v_app_id text;
  v_tenant_id text;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  if role_name is null then
    v_ok := pgledger.fail('NullArgument', array['role_name']);
  elsif v_fault is not null then
    v_ok := pgledger.fail('InvalidArgument', array['role_name', quote_literal(role_name), v_fault]);
  end if;

  insert into pgledger.tenant_roles (role_name, app_id, tenant_id)
  values (
    ledger_map_tenant_role.role_name,
    ledger_map_tenant_role.app_id,
    ledger_map_tenant_role.tenant_id
  )
  on conflict on constraint tenant_roles_role_name_pk do nothing;
  if found then
    return;
  end if;

  select tenant_roles.app_id, tenant_roles.tenant_id
  into v_app_id, v_tenant_id
  from pgledger.tenant_roles
  where tenant_roles.role_name = ledger_map_tenant_role.role_name;

  if (v_app_id, v_tenant_id) is distinct from (app_id, tenant_id) then
    v_ok := pgledger.fail(
      'AlreadyExists',
      array[
        'role', quote_literal(role_name),
        format(' by tenant %L%s', v_tenant_id, pgledger.in_app(v_app_id))
      ]
    );
  end if;
end;
$$;

comment on function public.ledger_map_tenant_role is
$$Lets a database role read one tenant's rows.

The role reads through the views ledger_tenant_*, and needs the role
pgledger_tenant besides. Only the owner of pgledger may call this function.
Unmap a role before dropping it. A second call with the same values changes
nothing.

role_name: Name of the database role.
app_id: App of the tenant.
tenant_id: Tenant whose rows the role sees.

Errors: NullArgument, InvalidScope, InvalidArgument (there is no such role, or
  it could see more than one tenant's rows), AlreadyExists (the role is mapped
  to another tenant).$$;

revoke all on function public.ledger_map_tenant_role from public;

-- file: repeatable/30_tenants/ledger_unmap_tenant_role.sql
/*
Does not look whether the role exists: its name may be left over from one that was dropped.
*/
create or replace function public.ledger_unmap_tenant_role(role_name name)
returns boolean
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  if role_name is null then
    v_ok := pgledger.fail('NullArgument', array['role_name']);
  end if;

  delete from pgledger.tenant_roles
  where tenant_roles.role_name = ledger_unmap_tenant_role.role_name;
  return found;
end;
$$;

comment on function public.ledger_unmap_tenant_role is
$$Takes back what ledger_map_tenant_role gave a database role.

Only the owner of pgledger may call this function. The role need not exist any
more.

role_name: Name of the database role.

Returns: Whether it was mapped.

Errors: NullArgument.$$;

revoke all on function public.ledger_unmap_tenant_role from public;

-- file: repeatable/30_tenants/stronger_role_fault.sql
/*
Why a database role would see more than one tenant's rows: of the roles that it is, or is a member
of, the first that sees other rows or may give itself such rights. Null if there is none. The role
exists.
*/
create or replace function pgledger.stronger_role_fault(role_name name)
returns text
language plpgsql
stable
parallel safe
as $$
declare
  v_greater record;
begin
  select
    greater.rolname,
    case
      when greater.rolsuper then 'a superuser'
      when greater.rolbypassrls then 'not bound by row security'
      when greater.rolreplication then 'allowed to replicate the whole server'
      when greater.rolcreaterole then 'allowed to make and grant roles'
      when greater.rolname in (select tenant_roles.role_name from pgledger.tenant_roles)
        then 'another tenant''s role'
      when greater.rolname like 'pg\_%' then 'allowed to read or write everything'
      else 'not for tenants'
    end as why
  into v_greater
  from pg_roles as own
  inner join pg_roles as greater on pg_has_role(own.oid, greater.oid, 'MEMBER')
  where own.rolname = stronger_role_fault.role_name
    and (
      greater.rolsuper
      or greater.rolbypassrls
      or greater.rolreplication
      or greater.rolcreaterole
      or greater.oid = (
        select pg_namespace.nspowner from pg_namespace where pg_namespace.nspname = 'pgledger'
      )
      or greater.rolname in (
        'pgledger_owner', 'pgledger_poster', 'pgledger_reader', 'pgledger_auditor',
        'pgledger_tenant_views', 'pg_read_all_data', 'pg_write_all_data',
        'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program',
        'pg_monitor', 'pg_read_all_stats', 'pg_signal_backend'
      )
      -- Owns the schema public, and with it what is called there.
      or greater.oid = (
        select pg_database.datdba
        from pg_database
        where pg_database.datname = current_database()
      )
      or (
        greater.oid <> own.oid
        and greater.rolname in (select tenant_roles.role_name from pgledger.tenant_roles)
      )
      -- Every tenant's role is a member of that one, so it cannot be one tenant's.
      or (greater.rolname = 'pgledger_tenant' and greater.oid = own.oid)
    )
  -- What the role itself is, before what it is a member of.
  order by own.oid <> greater.oid, greater.rolsuper desc, greater.rolname
  limit 1;

  return case
    when v_greater.why is null then null
    when v_greater.rolname = role_name then format('it is %s', v_greater.why)
    else format('it is a member of %I, which is %s', v_greater.rolname, v_greater.why)
  end;
end;
$$;

comment on function pgledger.stronger_role_fault is
  'Says why a database role would see more than one tenant''s rows, or null if it would not.';

revoke all on function pgledger.stronger_role_fault from public;

-- file: repeatable/30_tenants/tenant_role_fault.sql
/*
Why a database role cannot be a tenant's; null if it can. It must not be, or be able to become, a
role that sees other tenants' rows or may make itself such a one; nor may another tenant's role be
able to become it.
*/
create or replace function pgledger.tenant_role_fault(role_name name)
returns text
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text;
  v_member name;
begin
  if not exists (
    select from pg_roles where pg_roles.rolname = tenant_role_fault.role_name
  ) then
    return 'there is no such role';
  end if;

  v_fault := pgledger.stronger_role_fault(role_name);
  if v_fault is not null then
    return v_fault;
  end if;

  v_member := (
    select pg_roles.rolname
    from pgledger.tenant_roles
    inner join pg_roles on tenant_roles.role_name = pg_roles.rolname
    where tenant_roles.role_name <> tenant_role_fault.role_name
      and pg_has_role(pg_roles.oid, tenant_role_fault.role_name, 'MEMBER')
    order by pg_roles.rolname
    limit 1
  );
  if v_member is not null then
    v_fault := format('%I, which is another tenant''s role, is a member of it', v_member);
  end if;
  return v_fault;
end;
$$;

comment on function pgledger.tenant_role_fault is
  'Says why a database role cannot be a tenant''s, or null if it can.';

revoke all on function pgledger.tenant_role_fault from public;

do $bodies$
declare
  v_search_path constant text := pg_catalog.current_setting('search_path');
  v_function record;
  v_detail text;
  v_hint text;
begin
  perform pg_catalog.set_config('check_function_bodies', 'on', true);
  for v_function in
    select
      pg_proc.oid,
      pg_catalog.format(
        '%I.%I(%s)', pg_namespace.nspname, pg_proc.proname,
        pg_catalog.pg_get_function_identity_arguments(pg_proc.oid)
      ) as name,
      pg_proc.proname as short_name,
      pg_proc.prosrc as source,
      pg_catalog.format('%I.%I', validator_namespace.nspname, validator.proname) as validator,
      (
        select pg_catalog.substr(setting.text, pg_catalog.length('search_path=') + 1)
        from pg_catalog.unnest(pg_proc.proconfig) as setting (text)
        where pg_catalog.starts_with(setting.text, 'search_path=')
      ) as search_path
    from pg_catalog.pg_proc
    join pg_catalog.pg_namespace on pg_namespace.oid = pg_proc.pronamespace
    join pg_catalog.pg_language on pg_language.oid = pg_proc.prolang
    join pg_catalog.pg_proc as validator on validator.oid = pg_language.lanvalidator
    join pg_catalog.pg_namespace as validator_namespace
      on validator_namespace.oid = validator.pronamespace
    join pg_catalog.pg_namespace as private on private.nspname = 'pgledger'
    where pg_proc.prokind <> 'a'
      and (
        pg_proc.pronamespace = private.oid
        or (
          pg_namespace.nspname = 'public'
          and pg_proc.proowner = private.nspowner
          and (
            pg_catalog.starts_with(pg_proc.proname::text, 'pgledger_')
            or pg_catalog.starts_with(pg_proc.proname::text, 'ledger_')
          )
        )
      )
    order by name
  loop
    perform pg_catalog.set_config(
      'search_path', coalesce(v_function.search_path, v_search_path), true);
    execute pg_catalog.format('select %s(%s)', v_function.validator, v_function.oid);
  end loop;
  perform pg_catalog.set_config('search_path', v_search_path, true);
exception
  when others then
    get stacked diagnostics v_detail = pg_exception_detail, v_hint = pg_exception_hint;
    raise exception 'the body of % is broken: %', v_function.name, sqlerrm
      using errcode = sqlstate, detail = v_detail, hint = v_hint;
end
$bodies$;

insert into pgledger.schema_history (name, kind, sha256, applied_at, package_version)
values
  ('migrations/0001_create_foundation.sql', 'versioned', '3449232b9133e68727613d9c4170fedf1d2290cdc107981ca4b522c2ce893e0e', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0002_create_accounts.sql', 'versioned', '58a602a128f85599b9c45fadc9266692530354b39aa3e8db42b12425bdb0f91e', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0003_create_transfers.sql', 'versioned', '325984cbc9df1674b3a46aba56ec0b5057c6fd96be76b43350e06d7e765b2740', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0004_create_ledger_types.sql', 'versioned', '84bf35001711b93f378e906335799ff8654ae1c1955f25e4745051b79a74beb9', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0005_create_catalogue.sql', 'versioned', 'b7cf10499a8c0b83bc57c39c25edb5b1ea8c7a5d5a94abb541c85d5fef5664e4', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0006_create_subscriptions.sql', 'versioned', 'ee9d914e41dff2993d787d6ba47740bee0252a439e4850a5afa046a981e85b68', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0007_create_usage.sql', 'versioned', '83e223a8c37facd724da28e4a364911742e91e27d6809b6ef7f8df67f8635634', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0008_create_entitlement_cache.sql', 'versioned', '7ecca296197affb587e7eb1442e8863bfa2fd9fa2fd95763357a98fc75442a54', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0009_create_tenant_roles.sql', 'versioned', '32a13ec5c0840d048b6538c5984d40088fc3a0c89f3288950ac2b8d24ae60633', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0010_create_coupons.sql', 'versioned', 'dbac9b1d638fc850a9f4371a37c01543a897a5e77a4d4241b2435a0ce56cda1a', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0011_create_invoices.sql', 'versioned', '4d9cfc9e777eb0eba3d63abdba1e7553ec0d05d68ab4346761bfeb738a422fa4', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/amount_fault.sql', 'repeatable', '8347c1d61debf5edfbfd1eeb81d456c48c1c6cfc7dcdfd2dd57e6d1a747b89e0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_app.sql', 'repeatable', '9acc42b3197e893aa17a7585edc7978885688506ad91b24261caf33ab4bf8ad4', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_arrays.sql', 'repeatable', '525f1e8d516c0dfa266e9dcf8166bf8a73216138b4d8918aa8ba01dd81e42e77', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_billing_scope.sql', 'repeatable', '1faeba048ed0c65174193752953276b60a512c7129843fb35f6d0b5da52a733f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_catalogue_scope.sql', 'repeatable', 'e20607daf7acc3593be019025ea052320cb9e01d402c1fdbb1367419323d4ede', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_choice.sql', 'repeatable', '7357d1ba186cd2103d317d045c5d5b6f091fb73cc01078fe217b10ec68e47e61', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_id.sql', 'repeatable', '0e4786084411a6cc948ac591d0813b5167e28740890aa2ddd32fedcde84e8e8a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_metadata.sql', 'repeatable', '63e607723315fcd4d2456a53964d7ad8d7b016a3c633e211ef02e34c93e70506', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_page.sql', 'repeatable', '11f9b4aed750a5b13c0d31ee672c959ea5ba79dfebae945aac3001773e58492d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_quantity.sql', 'repeatable', '78cba9959a6e1e9170f738df89ba18b7e20bd4ca74ca0e67b307c7c834b6f9bb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_scope.sql', 'repeatable', 'cd4d0189032bdb0e3dc82125958d1c75b309caeb11b17fc1917a777c8ecc88b7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_tax_rates.sql', 'repeatable', 'eb822386404d3b791a3ffe3ccacae88b3d251e3625aa2c815a6888e4b97f336b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_text.sql', 'repeatable', '94314c8da09a97dad2371513e26fe060bf1d423c35f7d4e37402df2e3f726e0e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/in_app.sql', 'repeatable', 'cbb9ea79149f8efb3b4e43d205f9203caf052683ad720947d118cd3ab2170ffe', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/in_catalogue.sql', 'repeatable', 'c1cde30555f6d53dbacbc2f92b974f9298b0f6dab96b67839a22b2d35a0e18f4', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/metadata_fault.sql', 'repeatable', '95bf61a334b6a76b0a232d806b591030026476ee5dd909ac43f6fd1920c3526f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/quantity_fault.sql', 'repeatable', 'd2c6ae92baf1ae80ea7bb38089a8dce46ebc2e97150bfacbdca7b7f264eec579', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/searched_metadata_fault.sql', 'repeatable', '3874a6958ebf0979d685c6a097af8d598b9fca6471ac86bbab438708d926c471', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/time_fault.sql', 'repeatable', 'ee7d91f8c0f2a8e03ae3397777a2a0e6c16aeb6839aa32e32b453ad84aa7c224', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/errors/abridged.sql', 'repeatable', '7dafac608e29f2c5ec3d023f126bbbab83ba04cdafc0141ef9c1e16195167d1e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/errors/error_code.sql', 'repeatable', '22dcd4d8983aedd74360bf7ce6f9ce0c37dbf7f6755fe4acbf7333c77c1023c0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/errors/error_registry.sql', 'repeatable', 'd37914af524120cc683f46177db6571b18406028af48014fe3f9280562b94444', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/errors/error_text.sql', 'repeatable', 'f2ba93b82f57fbba0f602bd48dca30b1ec1bf2034231b6184b8f36e5a0471d27', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/errors/fail.sql', 'repeatable', '59639db8c095b36202d5d5e493eb04b53e6b09d8d2192d701c5601ff92e2404b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/base32_lanes.sql', 'repeatable', 'd160aa5cbfd1c57eaa1e5036939d2269ac131bc793820b1fb0b29a4dfe28207d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/base32_pair.sql', 'repeatable', '00ad4c9e821588f45a2ff20e0aef6b9644d18cec958bb6cf934b1798194f2d66', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/base32_text.sql', 'repeatable', 'a6b94299b3670efdec8af449a89a6b50b31e763ee1a7ffe595c5ec2e69d8e503', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/derived_ulid.sql', 'repeatable', 'f42105271c852bb773f6b01c753dde2c6a5df7be015250cd8296f80cc7dd9205', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/entry_id.sql', 'repeatable', '16152adaadd37897d73e9e1291a56924c4ca45ac6f6407661430b63f080db2e5', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/event_id.sql', 'repeatable', '319073d891ee24725244975f52f558fee5f1b3f471e141bbe0bf6e004e16fef4', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/id_fault.sql', 'repeatable', '51530f7258dd389b67098521e0c514d73ca46958cd85ae0676065580213cd83e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/new_ulid.sql', 'repeatable', '20fedd13cc10552ad95d5b1fac518749017fef536d0ac3656fb6c76f693b9bca', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/pgledger_generate_id.sql', 'repeatable', '300dd752039b135b8b308b18a4417715c687a351b90203e577e13ab7fc152781', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/pgledger_id_timestamp.sql', 'repeatable', 'dbb83de1fda7cde78a8149ad645c72c96930da8eec691376c9218c8512d8c087', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/pgledger_ulid_to_uuid.sql', 'repeatable', '44dfc1a46ededf279666293dd45f1c08bf2ed620cb6af30693d74fa740369f9e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/pgledger_uuid_to_ulid.sql', 'repeatable', '4be39795c3d528613e95472482d1771cfecad1636d218818c3c0a4abc6448973', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/ulid_fault.sql', 'repeatable', '87f90074681704fb11c4182a9f8fbf362318619a891287e0fdaca403596bb171', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/check_json_array.sql', 'repeatable', '608717e7165b6f7cd1c6c5eb13adac95f02fa89b249f0c8645870028d2f94bbf', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/check_json_object.sql', 'repeatable', 'dd78619fb398bbae996e389aac35fb3448c60b22e00fe403d453f1c48ffa0deb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/check_json_size.sql', 'repeatable', 'd55c40e661cf451bfdeb5a778353d1d90f39e1082149768be991cb517b861208', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/decimal_fault.sql', 'repeatable', '11d21134f8850d3868f15e8b7af6c1730793d89f86a19e06b91d3dfb53af71f2', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/invoice_text.sql', 'repeatable', '9d91c5c0d1894d2d326ba0da7c2ac9d6654c5b79ae3d080374507dc43eab5325', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/invoice_time.sql', 'repeatable', '8d89a3ab7dccafab773609b04d3ea7d7b1f71fa95378c65838b3b33237fdbb25', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/json_bytes.sql', 'repeatable', '92489b6d2b5c933050376e0c203f2ac18540ae066bfd0a2a156b902b3bdde308', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/json_choice.sql', 'repeatable', 'edddcb4b4c2de0611c720a41f0965d6caf572fd22c74abb31f522fb4458ae9ec', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/json_decimal.sql', 'repeatable', '524c24c8b8e6986c886f37317ad63b1b9cc605c2b4a83de934d86ac0f46e927f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/json_path.sql', 'repeatable', '5ce4d15ef00795741f422cd552d02b439f4d42bb06ea43a7b3268f8f11e45e7a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/json_text.sql', 'repeatable', '047a9801ad94a805a6aba4e5f0431da52e25dd53f09c9a02e855eaebdabe5d01', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/refuse_json.sql', 'repeatable', '9029696b95d2d2c6baa112953f305b69d480effbd791ac7b2da927730a715c45', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/numbers/prorated.sql', 'repeatable', '33482b4448ff197db9ba07a6859183e84ffe7bd7c1e90f8105b4d42e6b952c16', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/numbers/rounded_quotient.sql', 'repeatable', '56d938b3a6120c8e72a30637c4585b9d1db36ee105dd0915550145af223a472e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/numbers/split_amount.sql', 'repeatable', 'd91df4307b5b9e0a8e89517ac9dba0b65db807da2fc2cbf510e91f9043581e8a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/periods/check_time_zone.sql', 'repeatable', '8b0cb7c6ccae086b4632c8a0efedd0d8fa6c9bd093327a8dff3b4286c897d233', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/periods/interval_length.sql', 'repeatable', '143ab4f830658121206c8b30c70fc9f570af989ede9c8d99c7031b32f2ac529d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/periods/period_at.sql', 'repeatable', '5bb3a1b642830180585ad2ab8c6af9bfbec69e4fcc9e58eec362a7b51b3eba5d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/periods/period_boundary.sql', 'repeatable', '857ce69239d2a413e5dbba2e820d6774471fdc02868376a0972be26d95bbbebe', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/periods/whole_period_start.sql', 'repeatable', 'faac63a7b27674eb93f5963ff8f8da23b194475a451530ca078d49dfba5e0615', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/text/invisible_characters.sql', 'repeatable', 'ed58cef161abae944130aac436620c3c002c46bb5a1e41ef6ac29699632ec405', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/text/text_fault.sql', 'repeatable', 'ae280de53049822db714b624eb084e3f60d8b607afd29426ff62b6f9432e68ca', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/time/clock.sql', 'repeatable', '867e2df5662a7b7db9e4277238106d87a9fe43803c27e071409e47e1c9561eb9', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/errors/views/pgledger_errors_v1.sql', 'repeatable', '1d6937453e192340167f8ac80ad7852756f4b471f9da70d3d7f2288b4691c7e0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/account_key.sql', 'repeatable', '96a133f76ea570f1c06d4e246a00a414633a9dacc25fc83e5b25d48c1ec3dc17', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/check_accounts.sql', 'repeatable', 'f483b4f66d0a8b68f3a26039ca3fdb454b4c6a06e7218214d375107be81582ae', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/check_balance.sql', 'repeatable', '5911cfeca97a157b7bf5e6471e614fcafad2f257459cbabeb6c940401de4732c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/check_balances.sql', 'repeatable', 'cb2cf401239d9dc89573d5a582a086940aa21c1b47b178f65ee895c63545eae5', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/check_transfer_request.sql', 'repeatable', 'f57b97e65fe12ac5a5d1ce6a588e60f36380b83e25a7ab7ad361519b071d48a7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/check_transfer_requests.sql', 'repeatable', '795b6bd5624f53b3c6b8271ff666ef2a8ee3d16a60d6059a752eee3cb218f5b7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/create_repeatable_transfers.sql', 'repeatable', '8912f872f63d90b11cb5ce8d38234cd25bc47d9596ffb7cce834c25304bf6be0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/create_transfers_of_rows.sql', 'repeatable', '2e66f2f8950dd2a7370d16335cbaefc5a3b0b54d86517b588133dca3a107eb85', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/legs.sql', 'repeatable', '3f07bbff9d5f55476bd70de03db55a33451f302e84d8dfb25883bfecb9963356', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/new_transfer_places.sql', 'repeatable', '92ed82187f77b3b40b10ec9a53c8202c8030903cd0dd2649c3df0ccd6164126c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/pgledger_account_entries.sql', 'repeatable', '74e3126edc1b3cbf1efd91e1e1ac8cc4ee212824cd5d908390c61e6276206634', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/pgledger_balance_at.sql', 'repeatable', '8019e0d37a7f8b2db6fba467efabe634b7ee5f6d1b7fad0a22a73cd28886e72c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/pgledger_create_account.sql', 'repeatable', '8e515b8dbc7ca1401f83b365058d7c41c8b8f766667cbafa78b0797c27c0085e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/pgledger_create_transfer.sql', 'repeatable', 'c3a9951057e39eff4af4bea10d014d525b4da8906d4beba853706e5b9edae562', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/pgledger_create_transfers.sql', 'repeatable', '942c1ccdd9c674d5d57592e85eed59b69342dec19fded4daf5256c3d8f22332d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/pgledger_create_transfers_bulk.sql', 'repeatable', 'ded329396fcc456f9778a7745fa1c1a41275e75b76e864b59025cc665403d6c6', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/pgledger_get_account.sql', 'repeatable', '675b2fd7d096390a7af29bca321fdbb1fa6eeb34da85864d4348be72d2ab3d0c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/pgledger_get_transfer.sql', 'repeatable', '57148fd9fc316abea0e6d59f23dc783d2a9b0f6d3ae9749ef77b61d32a23ddb0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/pgledger_verify.sql', 'repeatable', '0a4294de118dab6353bc4e1b888ba257a336c32f02049d47317f78d6ad8f48d3', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/post_transfers.sql', 'repeatable', '6157a67cdc4d15269de61c23374f39986182f1aba4960094a0575997803baa62', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/refuse_account.sql', 'repeatable', '8d0c9142914e2af9ed6f0948ce3974a8f680429e54bb35f5c4594063d27cc49b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/refuse_change.sql', 'repeatable', 'faf45ca604fb8f15ff7796c5ee6bbd6d81626e270a9e46908c39936b277aed68', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/refuse_taken_id.sql', 'repeatable', '0ae2a20e08dc6db4b8aa6798db654ea9d692516dbc9f7026a63132377ed3bbbd', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/repeated_transfer.sql', 'repeatable', '1fd687c8dea4354800c62f34901afda1a0ce33d897a19adc84456f5ee20d3527', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/transfers_by_id.sql', 'repeatable', '5ef1c97bd000e7aef7507a516c21191c48d96bce28130fdb655e429158e6af1d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/verify_accounts.sql', 'repeatable', '1ed81436199eda0e47dccd8f0eecc0affb4558cb60d38ac8fa1b1ac146f282dd', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/verify_books.sql', 'repeatable', 'd6eefec8f53b0160ac0089f173e701d142114792411cba20e3c3c1c3f725a3cb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/verify_entries.sql', 'repeatable', '1f59743b660671724acd234eca74ce0ec3596ab28670410f4cbe0ed5dc582ffb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/verify_guards.sql', 'repeatable', 'e8463c963266185d47159f7c54671be43e1a5c5645f2ee3c75c7045c1092dd5c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/verify_transfers.sql', 'repeatable', '3652094d3c452053d97365c1bfceb8ff1aa13a8bb0b98ef3083304764dbbe718', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/views/pgledger_accounts_v1.sql', 'repeatable', '8ae520b3be2fbacf0010fdc975702321f8033131ac59f04b967446f54511f8a2', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/views/pgledger_accounts_view.sql', 'repeatable', '903d1c1165668bea251e212cd15b21bc7e55ff87c01cd80eeb9032c11af930f2', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/views/pgledger_entries_v1.sql', 'repeatable', 'd1a127d74d7c66134539fb815e8209241d1c3f4695292ed379a437df24df126f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/views/pgledger_entries_view.sql', 'repeatable', '4d6e87aba41847edcec6153955a121442a602f9da776a302fe6b364e88a2341e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/views/pgledger_transfers_v1.sql', 'repeatable', 'ebfb62dbd2ca38c97591d370a00099d49970c958084448fa3e2572d1b840afcb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/views/pgledger_transfers_view.sql', 'repeatable', '7b8664c3d49cbf91169b2b1af5fd2ffadb7372cd06d561cf48e89013d55f9717', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/check_currency_unused.sql', 'repeatable', '9b15fa4287a550b320e12f1003c04fd6f4f13e832f4fda901a9c4917e4f5c241', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/check_feature.sql', 'repeatable', '92076bf0de90f5269e85f819c0fb677ed77fc8eeeee4c68531af6c211dc27e40', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/check_feature_exists.sql', 'repeatable', '211f0f49bbf725cdd1df954078f29789f8a6999e9f449afa21586a053e805d82', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/check_plan.sql', 'repeatable', '90bc6726812827a26ebe42a3d02b0cb4e9a74bf11208893c0a4953ad62e72c79', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/check_price.sql', 'repeatable', 'ebf5e1520e857cc59d595fc85c978b4684ca49f101b0a08d844b3dd80079532c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/check_price_object.sql', 'repeatable', 'da5085c0fff03659372ff0efc500a35ff0bb01ee3d33844824fc82c7ba8edbb6', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/check_price_tiers.sql', 'repeatable', '7e8ef5aaaa12260baa383935c3168b87f6dbf6efde5f215c0c86886399e38ed6', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/check_priced_limit.sql', 'repeatable', '4752e2c9931708ac4dfe989447c08b699c9c29e5af35c02d418bc15be355aa1e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/check_usage_keeps_meaning.sql', 'repeatable', '30809df664ce64716d7afd75545d6d0731bd0dcab78ee049b7853c2e56503c5f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/currency_exponent.sql', 'repeatable', '781998ab93076a1439a6d0776e867aed7f3900b77573e8a1baaf4d4e9f675e90', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/feature_allowed_in_plan.sql', 'repeatable', 'a8a3ad52cdfde9fbc5294a39dd34ce2f69a909256ee12d3b19bd71bb37384b0c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/feature_is_repeated.sql', 'repeatable', '96c423139637497d669daad26ec5a813c25477bce3fcb4ca89f9772ce863b6f6', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/feature_with_id.sql', 'repeatable', '37363cd76f9170286bd36364351eefd850e4f76414e341d7b120d7fc97cb6aaa', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/features_page.sql', 'repeatable', 'faaec98848872c585be9a6e8bb69a5b4576927e7abad0097e9c323c6f842031f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/find_feature.sql', 'repeatable', '878b98a7a0bf0104d8c933edd1969a79879962737fd4a69b1cb214a10704d8b3', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/insert_plan.sql', 'repeatable', 'f79d53e38c82465c4c5a93269bf2403c0fe3ac54910bd8c665aee3c3d3d308aa', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/iso_currencies.sql', 'repeatable', '27b4897ea3fc7d9b40462b8639c3133dba2443ac26c1a617ca5cc3a41288b499', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_archive_feature.sql', 'repeatable', '8b4a3a903a5d221ee87a92b614dc67bdca8ed6cd6c288b0c6fa8e9e146cbf6bc', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_archive_plan.sql', 'repeatable', '2476203c30ecc3545283f62551307db07aec3b00280cd1e5a0b77b328d661501', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_create_feature.sql', 'repeatable', 'eb7f0592debb4d6bafad36be6a2df35391156cf0ad38be8fae3501c6b928c134', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_create_plan.sql', 'repeatable', '10615f97abb4af1d67ffc3d4fad14998da699ea3be08deb888ec7d0df5d74c38', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_delete_feature.sql', 'repeatable', 'f2047e3cb57a051aaf8f80ac1a36be507a0c3b1d6d5fc1b4190319f299040c33', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_delete_plan.sql', 'repeatable', '203e9f072725dc203483fc593ddfcc802f26df31773da0937cc0cf69f62cb164', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_get_feature.sql', 'repeatable', '54caa02adc0edb509f33ec46d5602d7f2f323aff83c485837c49237e3f9f8d74', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_get_feature_by_key.sql', 'repeatable', 'e2a744a9c3ff1a8852281ed8246a9bfd0b2beb12f8fb2ca2087c822835cf715a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_get_plan.sql', 'repeatable', '79cddac8eafcd5511662b50ab2308715f144e9d0e846e886d0d8470bd69e8417', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_get_plan_by_slug.sql', 'repeatable', 'fc2b9e2beab3e52d5268b26b03be8a6f32bad692335916b7a90682f2dfceca02', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_list_features.sql', 'repeatable', '75691df527a9969601b4411f237a98565122f486c911d12129df72af40f11510', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_list_global_features.sql', 'repeatable', '94d4212e7a5201c18c47d77f94c34563c6eaf6c0e887d75a2cbc83bb06c49db0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_list_plans.sql', 'repeatable', 'c7909f78fddc49f927a55baa1220768fd471815e98ac057a756581178ec5efed', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_set_currency.sql', 'repeatable', '163ae2cd55225b37050eafef84f069ed41570e41d73a4f5afa898e5ed2939527', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_update_feature.sql', 'repeatable', '5abaf542758815b87e749d0ae0a28a9527a79ce13a750441ad0257f7cd937803', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_update_plan.sql', 'repeatable', 'ea03b35ffd3da29155c79dcd6f60d178cd9718dd9325259035f117260210d73e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/lock_feature.sql', 'repeatable', '680726305dada5cc509d6bb91bd3466002f330414f3e862ac1e377899d136c9c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/lock_plan.sql', 'repeatable', '283404569832e68df76618472635532a511e92b05b2a2d1f6d24b45128277342', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/plan_with_key.sql', 'repeatable', '84c2bb74259c2e7402128198c4cf6850062d488cb0609c1e23f4c86abf538dda', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/read_plan_base.sql', 'repeatable', 'ed36c8816c1a6b3d57b7f9c5bfb30380766c08962431888cfa8d2804cfc33281', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/read_plan_feature.sql', 'repeatable', '25f2780fd0ea80ca698398c820d2f7aa9a71893ad44414f9e76406f089d3e420', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/read_plan_features.sql', 'repeatable', 'c2bc4a60cecee5e55c9ca0c3341aebe4028dd70e1cd9c536b5a37202223941f4', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/read_pricing.sql', 'repeatable', 'b135122d9ad6e48092f3f6d266a54a5ba881e1aebaad09a497850b0cc12deeff', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/repeated_plan.sql', 'repeatable', 'bf6629e4ff3e91c5e4fb8a6aeb78c69cc66871af0ff677bd0059dad9bbcef16d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/rewrite_plan.sql', 'repeatable', '22bc947a6e8ae12f5dbad127834288f7da5048b6c06a3eaf110ad03504fecee1', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/write_plan_features.sql', 'repeatable', 'ef3a7bddd1376eaba23f06ef44c6af4f44a076f7c90113f0b93dd19b553870bb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/views/ledger_currencies.sql', 'repeatable', '9b4d8adff7743dcfe6e6cdd50789e32ddeea47f7e24fd198e97cfbbf4b78c9f6', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/views/ledger_features.sql', 'repeatable', '2041ed916a09434c517a0726578b5e2ba6f0574cfd2afb6a2b7dec039ec6ce42', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/views/ledger_plans.sql', 'repeatable', '82267fe5519b1bed4242e76a5f4496b3f46d6bea7052b1fb2315a9817333b278', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/views/ledger_tenant_features.sql', 'repeatable', '794939eec75c2bbdbdcc8c7cdef6ecd05df1ded6ba2afd3f872acb762b2be0ca', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/views/ledger_tenant_plans.sql', 'repeatable', 'f5b0ed3c7473efa60c2f1aa7d546923f10d1be36dd7c6ec0eb27c570926e7588', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/21_prices/check_price_usage.sql', 'repeatable', 'e845f39b571ce4f1683fb4fdf593a6676ef4131c455bc13ed6bb9560f7c4fe3c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/21_prices/ledger_price_usage.sql', 'repeatable', '591fed1068cf50a53044c4fc963e4d5f106bca97aaecaec6ee49760dd93c4168', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/21_prices/price_amounts.sql', 'repeatable', 'd9b2f673005d04f46efc6166bf38aa3fa9acafbd93ceae77a115eb3fedcf5f18', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/21_prices/price_description.sql', 'repeatable', '12cec4cf462e792bf985578eee40a031549b699493a8fc7c65c1fe17b4f6cbbd', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/21_prices/price_lines.sql', 'repeatable', 'ce7980a7ee18fcc9d57c090898910e41f18a64c8518ecdaa80983662a7492298', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/advance_subscription.sql', 'repeatable', '1965adfb00ad3326918ac0d56aba43285bf637fa52249d21162280aa845e8ca2', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/check_new_subscription.sql', 'repeatable', '246d1008c39c881b8e623ce3366ae857ba681d207d23dfeae0926c07ee323eae', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/check_plan_change.sql', 'repeatable', '6a56b7b00b9434dd9d88a3802c1e3460b888b864684df007e67d78928eb142e0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/check_subscription_quantity.sql', 'repeatable', '3d07d80f2415cfc9bccc5b88b414f965a92ebc6a6760d4666700716aaf7f1fad', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/end_overdue_subscription.sql', 'repeatable', 'df65fef2aedbf2665d445d1858b5475adcd4a0a6cfe8e0771b25e6c29a0fe939', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/insert_subscription.sql', 'repeatable', 'a153cfe8890ae4af6a3fcf7cf386cc4e3908e609db14eb7a0c48d43290081d8f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/ledger_cancel_subscription.sql', 'repeatable', 'f3755a5f435ade1a9253ec85099836790e2b0d242c061a69408e722ba38a8d7c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/ledger_change_plan.sql', 'repeatable', '5dfe8fa5c834e31839057430a0ae4d2c6a61dfe1f5bc91aa8f92d910ddfbc785', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/ledger_create_subscription.sql', 'repeatable', 'a4336030e07b18b69720c5d3a4da9bdde9fdcd8c88d687911b300d856412566b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/ledger_get_active_subscription.sql', 'repeatable', '5fe619b52d2c04c6302dd03e53598d32e412de3520b46c2d2417ab0070ff85c2', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/ledger_get_subscription.sql', 'repeatable', 'a1453e1a69622b9f675f5cb915d7150474ee1615b7807bb6e25c02cadecd7c11', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/ledger_list_subscriptions.sql', 'repeatable', 'c026acc739712fa0a600393ef61326e1fa0dd3eff199c5d2b9c2e57d06a81cba', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/ledger_pause_subscription.sql', 'repeatable', '0c3b9f5e3b846418a9e556c658459899c9be0f543f9ee2f1fa6aec8ece8100bd', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/ledger_resume_subscription.sql', 'repeatable', 'f111a0939da8e616e2bc51fb50ffa77ee470048c76def4dce6bdb4650f891198', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/ledger_update_subscription.sql', 'repeatable', '470456f1fed50c52b7888663736ffe6f48e1a9299cf350ef21153c5506a94ecd', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/lock_subscription.sql', 'repeatable', 'dae4eb2f0076f131ac5db3d5ab5f22b85d40c139e7fb5058c3c08bfd031ce822', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/new_subscription.sql', 'repeatable', '44e06d1dd6efcd242fc9a3d887f4c4028e41c46c18878abe4b763c792607aeed', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/note_subscription_change.sql', 'repeatable', '63a439c838518f8b8734eea871e7a7f4f5bd638ea53ed7e5d17a4ec77dafd73f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/refuse_second_subscription.sql', 'repeatable', '59c56d0542ecee8f931155ed5881cb665e3515ee6ba80a9d0659bc44fe479886', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/refuse_subscription_change.sql', 'repeatable', '9ae5e02844f543c4610e032fb760f79d084011546947e1f9cce81af40d51cec9', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/repeated_subscription.sql', 'repeatable', 'd679f5e5c7a4933d87763084b8d15cae6d69ef6ab176a1e721a073a62e81e331', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/store_subscription.sql', 'repeatable', '0d6f970731decc585b3127a4799f6e2ec88fc962947bfe1eb96b6601bd21bdd2', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/subscribable_plan.sql', 'repeatable', 'f7132b4849e7bd1471f17b9b5d6e135767b31fb57c2cb4334d6627c5419a3ac5', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/subscription_clock.sql', 'repeatable', '4e3772f7eeee4e63b06f92d90f172c470c6a035dca407e4633fea9f3691da4bb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/subscription_due_at.sql', 'repeatable', '0a3486040ce4ddaf59aa57c6ec4ae4516540504f88f826f0033c821a5df256da', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/subscription_period.sql', 'repeatable', 'fc4342362394acbdb953dff58c4690191932c8c5a8d722637ca41021bd0729bf', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/subscription_with_key.sql', 'repeatable', '33dbd2bbef03ececd54b6c1ad123d31003cf801661ca66f92065b36ef205d67c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/trial_end.sql', 'repeatable', '5f755313248deb066611c382fe1c71a28f97414f4140281aaea4aba40b775d2e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/write_subscription.sql', 'repeatable', '7b4574106d339d709b95784d3d244fc39345c94c6788149e4cc276ef1bd0ae13', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/views/ledger_subscription_changes.sql', 'repeatable', 'f6261feb3b495ada9fb91d8db9726d7e82550b059c2062bfacd26ef88be03fff', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/views/ledger_subscriptions.sql', 'repeatable', 'a0f311596e3e3e6edfad3f5ed214564b3119f061d3ad93b16a1b989fadb01370', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/views/ledger_tenant_subscription_changes.sql', 'repeatable', '1b684a39a26ac84efe35a6388d617081f07e4abf43efcd0941cc174f916ff102', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/views/ledger_tenant_subscriptions.sql', 'repeatable', '4bc20f3462df4de6b60826c600c348062995616b7dd4a03634b789194a152bd9', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/aggregate_usage.sql', 'repeatable', 'ae73b4add217ca5af79aee834ca76a7c78ef5cf94d1f5c35ab79c9ca65de371a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/check_usage_range.sql', 'repeatable', '9b7c1baefa0e92bae0516de05f5ae53d520c4e94b1a15b4043dee02f316968ab', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/count_usage_values.sql', 'repeatable', '43032b353d283eb051dfa8053e5d125934d4e68f5bf6def217da367ebe47d76f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/delete_usage_before.sql', 'repeatable', 'e45a148d692c818efaf9dfab4855d75a94f794af3997652e05c0896f9af75633', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/event_of_key.sql', 'repeatable', '3a32f6649d55826961cf825909e4ffb7be9664287c18863191bf00a01f45e24f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/ingest_one_usage.sql', 'repeatable', '63a8289900865ce090a47923580407541fdf9a5b8b91ceb95a8f3ba987be639c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/ingest_usage.sql', 'repeatable', '1c9974dae9c06e2912baacebfed93a1456906ef903f4e063e643eae442bd8469', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/insert_usage.sql', 'repeatable', '7debac71701943b8858a2372b354ce7d262ebd472bd8bd16ef33a4fd20beb5ba', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/latest_usage_between.sql', 'repeatable', '0d203aee7b0e0f89972601946d7897e78fc6dfc5774daab1284ad7a1e48aede7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/ledger_aggregate_usage.sql', 'repeatable', 'f62592ce7381d929271ab20d89d2c0bf0650e4c06fcfe661398f9dfc3de7825b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/ledger_aggregate_usage_by_feature.sql', 'repeatable', 'bfe4b484ee8c035c800af5514923ebf352086300ccd7f4ab57c5e5d2c032e1a3', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/ledger_ingest_usage.sql', 'repeatable', 'bd833c876cb9888145eb0056fa16121fdbfbc9094ae4ca964488a24062e5cb47', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/ledger_purge_usage.sql', 'repeatable', '835a56be9cf45ee7f4bc65f3c8b5126c9c8bc2f0456810cdf97fc262c2c7aea6', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/ledger_query_usage.sql', 'repeatable', '8efb602646130d60c63028d453d4f2d0df16f52d391d54679fa13dad5c0653a5', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/ledger_record_usage.sql', 'repeatable', 'd862af577de7be59aceba4597267b801fd72bed83105c1adbfbf3800209c8388', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/ledger_set_usage_skew.sql', 'repeatable', 'ca05ba05fa9df43df61393b389c1133ba58e4e4ff784979d0de3120378bb32e7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/lock_seat_meters.sql', 'repeatable', 'c687cbef44a67df0089571d1644cdecc72b5bd9f9f8b41a392524caf6d4e9450', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/open_meters.sql', 'repeatable', '73996e20bb6d1642b53bb3676b9ed4dd0a652a5ec6d78eb53b596356eb669f0b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/quota_period.sql', 'repeatable', '179fd3c7f5c8f144ab67161243c3da207e03f8f1b7a8b3863e5d38786918ec50', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/resolve_usage.sql', 'repeatable', '8fbc61df4c4eb142ac05d8f1746d4c54eca7ea54696d825d5ea5ecb85b64ad79', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/roll_up_usage.sql', 'repeatable', '765e80feefe2198e2f69c1e4ee8fd212f3cb2c331d4a00e08affdad368ae2d1c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/unique_usage_between.sql', 'repeatable', '6f11e9b000f6df7f8c31600ed7243fea83acb46cf88f0c80ef4417e22d868485', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/usage_answers.sql', 'repeatable', '5ed521f59b53ae3da73b5f23feb09ebdd0c58d43e568390e4258aae53f8c1ead', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/usage_between.sql', 'repeatable', 'bc990d33b3ec626813113e957af0e2efcd3e0437a91a2a7956bdf15bab8c9110', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/usage_fault.sql', 'repeatable', '5378102b2c3b7b737c6054bfd8cc76dd0093c4170bdab0bf1b4be26a35933dfe', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/usage_needed_from.sql', 'repeatable', '2ab6106f2ce800f083f8c0986e8f9e2d0900af2b77a0ec16de4d41ebf0cf2351', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/usage_skew.sql', 'repeatable', '7a54dda4d1878547947df4ca4475a540cf4ed21fa769a90c2d45e3cebe1c39a5', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/usage_sums.sql', 'repeatable', '2f0ee89500c68921a5a1e55037dfe2f9d5b57c3984e54c759fb674cccb721dad', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/usage_was_purged.sql', 'repeatable', 'e9deac10778d1b44d41684dfe49c9b0905377f043004e0bfca19bc8ce6f15270', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/whole_hours.sql', 'repeatable', 'e09f1ab6e47d0670d661baf94953c9023d363ee57e8a328c9d51ec11df683c61', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/views/ledger_tenant_usage_events.sql', 'repeatable', 'c9896de8414e134992a26ddeccb047b274ad7b6059873a6eaab1fdc367af077d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/views/ledger_usage_events.sql', 'repeatable', '2a10220efbfee8fa4b66484dbf6a2e220e71769e8954ad46d96d0e666fe61b6b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/consume_within_limit.sql', 'repeatable', 'da21b45393c0b4244331f8d6b8367ab67fe8c1c831843c42ce8a6a2e01d01960', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/entitlement.sql', 'repeatable', '4836f07c05187a22ad642d971fb1501b9d942c67b1e075de48b67b2cdfe79d37', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/entitlement_answer.sql', 'repeatable', '77404d980b0097e954b255a56846162a2ffde04ad84ae0f086802648846fca98', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/entitlement_versions.sql', 'repeatable', '306dc75090cbaeb384c45c88e3665c339bc4e31d3c9f6e5e0b2c5d21ec600860', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/ledger_check_entitlement.sql', 'repeatable', '390802535a6e8be5ddbc69d0e68786e2682a6e02410381fa08d96468bfdf5985', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/ledger_consume_entitlement.sql', 'repeatable', '85fcb5023dae33029f31879199e672aab30e2019dd2a943bdd660d6248921cb4', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/ledger_get_cached_entitlement.sql', 'repeatable', 'baf49474983e8ee223d2b9756083ca12984a5ab32baa338e78573209d3364832', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/ledger_invalidate_feature_entitlements.sql', 'repeatable', '3d87e97c29840b6e80920f05d12bc3fc3b12786efa870321cfe1a1003254a10f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/ledger_invalidate_tenant_entitlements.sql', 'repeatable', '8346091b25e931874f0a1b85a142d2351d002a030c0de933eff74d3492c4613b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/ledger_remaining_entitlement.sql', 'repeatable', '56419f63a503a448050c570923a5da110fb011dc574571b3193b5b247bd84122', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/ledger_set_cached_entitlement.sql', 'repeatable', '774a24093ba8dc83dec1002c7526c3a3d2232a0bbfb619e98c06a7b2f6503f16', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/unique_usage_added.sql', 'repeatable', 'decb1d54aeb6f6d209b783b7084778363a03c57d7f0a4ccabe7f6fb39abbcd10', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/views/ledger_entitlement_cache.sql', 'repeatable', '20534e68c55186125f45e45426ca9b8b464cff54b10ed13ba672f2c85fd4895b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/views/ledger_tenant_entitlement_cache.sql', 'repeatable', 'a5f6884e284b8544c4945b4e6c4ce5584571c3f2ed73c0912d2042ec410c8708', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/add_shares.sql', 'repeatable', 'e4b2d18e5cc88c4be30d61ee75be723e2d520c20be23b5f5913bc7471149d86e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/apply_coupons.sql', 'repeatable', 'da8925af34c0f1fa278ad0111fd1a1fb9b14b57d0f5a82437b724078ec58460a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/check_coupon_currency.sql', 'repeatable', 'b8c613912a95b25c7a8df169f0b2cfc0b662b6e77f1a02520ae574002f566eca', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/check_coupon_discount.sql', 'repeatable', 'a646e85279c9b3b9bb6cc21b88be28d3f9314a17327a5c6c53e4982336468538', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/check_coupon_duration.sql', 'repeatable', 'fe509ef6e5cdfa7a1052e1cd3aca7e7d4dfa381025f06a4112c47e94a0aea031', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/check_coupon_items.sql', 'repeatable', '8fad25fce889568a21ec0b3e62770a6d301de63e3dd78565694f552cec4f5da3', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/check_coupon_terms.sql', 'repeatable', '9c84d704aba3f6d5968e52c2393bffd764f22a30e55367ea6586ffda9f2b9d35', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/check_redeemable.sql', 'repeatable', 'e4448cc1ec01e8240e445b75ab3f1258749008f486325e8557a05148806226ac', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/coupon_redemption_with_key.sql', 'repeatable', '57e104110f29e8c7424a36c05dce3493c4a3a2c15c253c65c70fe42a8ff710be', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/coupon_shares.sql', 'repeatable', '9810c9c8ddca5f35258edf4213d98bd7ea0074a046d60503a6b377e5555558d2', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/coupon_with_key.sql', 'repeatable', '61112a7020c71185c0b620e225b4a416e4de4e637dba8a6511d0bdc45dd9cd74', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/discountable.sql', 'repeatable', 'b66516068f87b88f367dc8be55fba69180c3ea9b341d2670c6f967aa34693c00', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/find_coupon.sql', 'repeatable', 'c7ed9bd14d0cf4808cb6710841a42413764fc9a90c9b105ffa6ba6f603e4de20', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/insert_coupon.sql', 'repeatable', '251b9e9d53d81f06b11f27a038ebe6700059b8545879f54145878464950f4edd', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/ledger_archive_coupon.sql', 'repeatable', '0eebc8df0725398a9501429bf663513f976491a6a33a6a054a3ca6c64fa6e590', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/ledger_create_coupon.sql', 'repeatable', 'cb6a35dc800aae8b8506e4dcf5ff86bef3fdbe5bfab34aa254241c28133eb02d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/ledger_delete_coupon.sql', 'repeatable', 'e77b9b6d2988cedf1073b7f1c2ab68a8b77fb0d3938511983710a8e60109f1d0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/ledger_get_coupon.sql', 'repeatable', 'e58aeaf5733887ae5725542b8029f8b5a1b0a4a8bdfaf711715284767086f81e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/ledger_get_coupon_by_id.sql', 'repeatable', '9e8b834f0320f8d8b66f97e0266b12a08157a38a3717a2a9461b980fb877c4da', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/ledger_list_coupon_redemptions.sql', 'repeatable', '42acb9977697136655c0a3b2266f5d2981fee37f892ccebf7b8f5ed89161da5d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/ledger_list_coupons.sql', 'repeatable', 'eff6ac9616ca18ca1079423f0d315cf04270d68cf293da04454a9762bb33bcf4', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/ledger_redeem_coupon.sql', 'repeatable', 'fff4866f3f5cd24e492444b6372db0a61784fbd20f438678f5e2aff1cd899213', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/ledger_update_coupon.sql', 'repeatable', 'ceb443d51351403556c04532502e16f7e3380aaaf5cea1ad083e2f432fa1d908', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/lock_coupon.sql', 'repeatable', 'c0a3d6b095c45aa0785c4741068b9fd6350148e1d63ba828bb9816c96ec4509c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/lock_coupon_of_code.sql', 'repeatable', 'a9599751e8da0ff2009c7460aa5234d30d17a27788dfc9d233a726df685d197d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/lock_redemptions.sql', 'repeatable', '995881b2e6a82b4e9d8d726a8f991fa489763d4f6ecc781160a393234cb30ce7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/redeem_coupon.sql', 'repeatable', 'f0c59bfa99ce638f58d34fd627909ee45763160f32d86e45e95b59947192b69a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/repeated_coupon.sql', 'repeatable', '731017e1931e81ee722f49228d8e6ea0682d731219be92050c24bc594a2b313a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/repeated_redemption.sql', 'repeatable', 'f86e322b7da28c8466cb65cbb48b86a77789537163d6d6a57dfd9a0832c3d0e6', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/return_coupons.sql', 'repeatable', 'd7efb6935189ae146202eea80c791e92ba776e185bfc9bfebac0b13753c957a3', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/use_coupons.sql', 'repeatable', '6c6bf4c7025eebf4b7fc9fe70a74e74ad3a8e8878b7f51e46b3a2edfed62f1ff', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/views/ledger_coupon_redemptions.sql', 'repeatable', '13db45c81a82ee4879cf3d47413782815ff9e7e76060c033d49cbd950fcb26c4', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/views/ledger_coupons.sql', 'repeatable', '61c2958e7ee03203dfd38a57cab62e1eab6b22cd735a0f60e9734751fe88f9e3', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/26_taxes/apply_taxes.sql', 'repeatable', '043acb3ded6e1f89c706fad782905c715f4b5935293b32c44419162d825b3d15', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/26_taxes/billed_rates.sql', 'repeatable', 'cfd8a6e201f541a7e55b8ba2d2551162f43a5fd2776b47243fe40c9d4f79f1cf', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/26_taxes/billed_with.sql', 'repeatable', '1a1999c9c7b4a0bdcbe391aa47cfa069e67e761b544eda0c298262d3b4320fac', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/26_taxes/plain_tax_rates.sql', 'repeatable', 'f37f720a6319850e38722b12be6d8b0d5e656ac7fdd4fd3c510549a9cf419044', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/26_taxes/tax_line.sql', 'repeatable', '30eba1a7f50b470dbf25e2876b8beb8c7f0c44c56e634360f693891af05ca01a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/26_taxes/trace_credits.sql', 'repeatable', '7f825814743dde5bea7eecd9a010c11f6c06ef297fdf59b0866f4a00837e258f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/base_lines.sql', 'repeatable', 'c0b24b892824fc15c8c9138e31ed032e82df2738bd449e24d5a325442de14f2e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/billed_base.sql', 'repeatable', 'ea13e436c1dffcb28803fd6050d68e85f716de9fe7f2629a3640cd135080c732', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/billed_usage.sql', 'repeatable', '8f9a75bdca33f695300c0ecf062e5c6e925e1d518367a89e47f23f0d4e2f23db', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/billing_period.sql', 'repeatable', '74762b36a072785d9a64d1d43416398c7104b0082b65acbf630c464040107ecb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/billing_segments.sql', 'repeatable', 'ee09a4e8fb3e41e293a147cc9f7a8333be7b2d25946fe3beec41f88482693354', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/billing_stays.sql', 'repeatable', '828ff5b3c5fd805669ae304214af70ee2cbd69845cc7c6d66285877730a84530', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/bound_line.sql', 'repeatable', 'd05929818e27ab4799811d9d4f7a5cadef9cc94168526e75883a92fd8f435e7f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/changed_base.sql', 'repeatable', 'a0e2ab1d82b9c9a918bc6e6faaad6238e3777eaf9ed3f57a6889eadbb2ad38f5', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/charge_as_billed.sql', 'repeatable', 'bfe0a2e7c652443d605190df3967c3d5cc6a1cd4d35bc7bf0fae7b2a70091c5d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/check_no_earlier_draft.sql', 'repeatable', 'aa1bb60acc3d36f6a76cbae08d224b48b8428f21c365246a7e1d0a70cd840327', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/check_no_final_invoice_goes_on_from.sql', 'repeatable', '633a5962081470c31f51501c54510d7e2bfea23ca0c2c2539eaf19d57efc60bf', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/check_usage_not_purged.sql', 'repeatable', '42bddf0d6bb71f2390570500cb6c4f4bacfa647aded37ae6bcdb29a3ea76bb2b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/complete_invoice.sql', 'repeatable', 'e86340af255738ff40f6510005cc56d8216a6409af8e3897fb8a99f3563dbb8d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/draw_invoice.sql', 'repeatable', '2891b92e32432d661b78185db63c82fb3a1e785f765b35813e05bdfa464dc6ad', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/draw_lines.sql', 'repeatable', '6ffa33719b8aceaba4241bf3452caf5433dfe67e3e5adeb7a642270f4a502ff0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/due_base.sql', 'repeatable', '0a4447db83977b347cfc57a2e6b7db77a681ed1910873bcbde05298dca66b3a9', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/features_with_late_usage.sql', 'repeatable', 'e86840d9c8ac967ac0f63b801e81a18d4f1f8140e66c7c8d6378f4e83da49a3f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/finalize_invoices.sql', 'repeatable', '04b0969a0bc0ce2a490fb23d4bf70653a1f4f4ba709e760fbc92ef2bf4f15cc5', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/find_or_draft_invoice.sql', 'repeatable', '5cdf8397a0880b4359ebab944a39e0ff476ea1c11d09a0ee4847001b500e5482', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/insert_one_off_invoice.sql', 'repeatable', 'd3320e966fa1bac432b94dde499164a9d78af554ebab81bae86cb2e15041e53c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/interim_start.sql', 'repeatable', 'a2628304e432f180e4b65dac591a7ff2266f316be019fe61d364da96f8b9d490', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/invoice_key.sql', 'repeatable', '425d9d40bb6478074915650eb7170870f9c8996369d0f3c42987158dcf93f062', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/invoice_request.sql', 'repeatable', '7739efef79acbe4a3728e6b4eb03de344045adcdb55f2cdb0a66f5b3dce912ca', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/invoice_with_key.sql', 'repeatable', 'd31e4acfc4abe98dca4cd8ad45a22eff7c48d98969839831d05787d3e37e3e76', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/late_lines.sql', 'repeatable', 'd202726abdf905c494a5028d668b41c554463aa9b71d67dabd7a3f022c8c9852', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_create_invoice.sql', 'repeatable', '625f18126533358297727593eb11e2c5a6fa9ac93af98b163dca46a0d7a14dd7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_delete_invoice.sql', 'repeatable', '9f1c93afeb7236557c69a354a2bc01a1005caf5996eb678ac1cf2105c18cae42', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_finalize_invoice.sql', 'repeatable', '23910f58534f0112d187441caf02d3cf379cd25861c13831812a716fb5795667', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_generate_invoice.sql', 'repeatable', '0f8ec0d66810953dd363a9915979c564a9f8040bb223956785a8f1350595f2fc', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_get_invoice.sql', 'repeatable', '8516fc99bdda148d34631b42e84ee91eb964b7c7140bb471e619a770e94282d6', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_get_invoice_by_period.sql', 'repeatable', '21657c639cd7a180745310405a5069aff73c5995709f92a6dfbeb01cc9fde838', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_list_invoices.sql', 'repeatable', 'c6d38ff6ba32f6b88708cec66afaedfb5290964063713d96ee82c7caf5eae4ea', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_list_pending_invoices.sql', 'repeatable', '64dcc4886ec39ed638c04a7205eb14dd2cab3457f04cbe75c70aeb6431a82728', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_mark_invoice_uncollectible.sql', 'repeatable', '597afbd6dd2a61bd41b518d46d6b0a52cf82ee284696c3da2ca7bb893f6df890', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_mark_invoice_voided.sql', 'repeatable', '0d7098ffbabaab9ae28699fdb39b191a288f3298b324d1539e7acb26541dfe81', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_preview_invoice.sql', 'repeatable', 'abc916ccc61653e7d47d1e6b4ded4fba9d7a9fb58f985331c2ed77bec21c8aa7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_refresh_invoice.sql', 'repeatable', '9a65ca1481aaf802662d14f630b8bd084487d8ff17d60a55452faf166d53ce72', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_set_payment_terms.sql', 'repeatable', '1e314ab07919aec51212bfaaf945d6d1ccc62ce24b78f3e507ff6fffa6ab3c1a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/less_billed_usage.sql', 'repeatable', '7e53dc8c6349e3bf2061245c41ef15709e58526db94fd7b0a041d92374bd16da', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/line_item.sql', 'repeatable', '7156392c9f1f528f5fdff40fdce355fe35bc70d421146560e07eeeb3dad31327', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/lock_currency_exponent.sql', 'repeatable', '38c1da83369daae5ccb36a153130cf35d61dbca2d98d6b15d8c9c85b3dcd8771', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/lock_draft.sql', 'repeatable', 'eb05926589c41556ba2efe656947f97e2a6615ce1792b85700c9117d599e690e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/lock_invoice.sql', 'repeatable', '5fde8a5ea8e2a63c6bc6dd8481caabdee3e8dfe767498af46ac67ab4cf800bf3', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/next_base_lines.sql', 'repeatable', 'b0633927cf17d3c53e1cfaa3326101b7ba2bafca33ce418c4781c8729b83c730', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/plan_usage_lines.sql', 'repeatable', 'f1fdfa2e4e57f54dad381e13f3f560f6bafb85e46b3f9e488321d2b489dc4d65', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/preview_invoice.sql', 'repeatable', 'f36b8998cabaad2a1c7644f3457889644b0686b0585e68aa61541f665d3a08d7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/priced_features.sql', 'repeatable', '60e411b73d7bcacde591c55aa44c40713f89dd13583f5e47d5d870032b64a684', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/proration_unit.sql', 'repeatable', '657170dc1455b9a226747d45d1ced33a81cf1acd867a1a295f622506fb2bc173', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/read_invoice_line.sql', 'repeatable', 'a7eed4243b2ecf1395f6b208e198553c51fc590adbe5051c6c6aaa6b94985bc7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/read_invoice_lines.sql', 'repeatable', 'e06249c6b2d94318caf70b7eb3fda554111e4019abe71327558f50dc4a43122a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/redraw_invoice.sql', 'repeatable', '7acbb876237da8142562850d3739eb359e816660fc876e9c9593c5f72214cc7a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/refuse_invoice_move.sql', 'repeatable', '08a971cb98a6306f7b3ed69c731c4c4c7743011f6c517eea4ad6d5d74c21415e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/repeated_invoice.sql', 'repeatable', '0cd281ed249243bcd9a552e6d53ed57e9ba527f11f36ae92fbe7318d0aa44ae7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/seat_levels.sql', 'repeatable', 'e40bf3a0714e44cbaba60c42f95821623d38a019bac1accfb3e5ea72416c0e29', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/seats_charge.sql', 'repeatable', '9b40b76c3829c609e29dcd557a14cb3009e4f1a6852258176ad4a73270d9ae6b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/segments_until.sql', 'repeatable', 'cb7981544c3eef0ed89a58d7cd83922d64530f0967279bbd854ad001eb1af906', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/show_invoice.sql', 'repeatable', 'c6b1ea8715aaa1434af0e2a6dad7edb0f163bd93c8299d98985b6dbf3707cb90', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/store_invoice.sql', 'repeatable', 'df4cf9b731644fc8416322fe7c99e29cc37c2faeb21cde7561aef87c4acb073a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/store_lines.sql', 'repeatable', 'd968ad45c55bac2e551a74fbac20f0818b581adee0f0994e54af21508512fe31', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/usage_charges.sql', 'repeatable', '4e9d531484bbb0387feb5ddeb89043425de5294813244d392a683276c00a2ac6', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/usage_in_stays.sql', 'repeatable', 'e27b183df77938441264564131e5bab8b63ae0bebbd81877f5cbb8560f3bbfed', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/usage_lines.sql', 'repeatable', '135511e5a4cae7cf1da995e0c729b0b6b43212387d4fee9dd1213a2e44667deb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/views/ledger_invoices.sql', 'repeatable', '929fe89b83163e7d1e2d753db8b9ec38c1f441523e69ca562f9b1afcfc213624', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/views/ledger_tenant_invoices.sql', 'repeatable', 'd21ab125eba0e88396600fb5fbd0cb524a2baf3673ae761667218ac1456f112c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/28_payments/check_payment.sql', 'repeatable', '0428787cd176501ac50dc6a668302f99f564798af7e2b4d36aa5068c2e8d2615', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/28_payments/check_payment_amount.sql', 'repeatable', '5dc84ae3fdafec099dd81b89288e8e4e9f8ca3bf9ba6d93e69c6f443503a7cb5', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/28_payments/ledger_list_payments.sql', 'repeatable', 'b2efc6f4f96e683fb6f2cbf5687234139e7c7d9b894982554949cfd89c830b67', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/28_payments/ledger_mark_invoice_paid.sql', 'repeatable', '3fd977a0f66c6846d02f69cbeb1542c674839481ee2a82f19b45d42a23726df7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/28_payments/ledger_record_payment.sql', 'repeatable', 'c9c1ab843590704848efa4e76d2558d97fe3d572ce5eef6d494cd3ddbc38ae57', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/28_payments/pay_invoice.sql', 'repeatable', 'e6e63414346745d7a926fb86ffb678190fccb09b86a621e50fe3af52a822632c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/28_payments/payment_is_repeated.sql', 'repeatable', '8e894d07f9d323739eb99a139b7c7dd278cf08f63b8d0b685e3f9012cc6a1dd7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/28_payments/views/ledger_invoice_payments.sql', 'repeatable', 'ba35416935817ba14e299ab7d2b988348836bd99117a33a0cc070714dcbe0eb1', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/28_payments/views/ledger_tenant_invoice_payments.sql', 'repeatable', '1e600b5df68a218c6f3fd59d58810d9d9e164b81daa73d8fff652ba3ebb8f8a3', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/advance_and_invoice.sql', 'repeatable', '590c270a374322e1ba3238163df8228897de40ce8d5bb2d8df9a33f49a76a337', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/advance_due_subscriptions.sql', 'repeatable', '39986c4846bd8082c71911efec4a9d1ca6217fdb54d850b190e11ebfd311a860', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/changes_since.sql', 'repeatable', '316d9766642f3aeb76d1d4c77f425762550b4846baa642d7013d45cc9105ba1c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/invoice_occasions.sql', 'repeatable', 'df1e141d8783432f9cc9896519421c7585cfc4715a41301b4fd7627fe722e047', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/invoice_on_occasion.sql', 'repeatable', '5d19670f04ed715c6908c04db400ec1d8a042731b73894168fa651da8b3276ae', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/invoice_subscription.sql', 'repeatable', '9619db88e8aed93bb010ad305d80db913a1bb1a3a65e8f818e29df501d04badf', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/ledger_advance.sql', 'repeatable', 'feac4a9e7c4ad8e5b2589632a0ad48b4fa13e32e4c88a95b4b5d30a7b8f40508', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/mark_past_due.sql', 'repeatable', '0ea92075e74f2aa41e775b2904756c15da725a18828b1ab5ecc31c2f98e0329b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/may_concern_one_subscription.sql', 'repeatable', 'a69984bf8708af18da9b3b39c73e6103de048ed30a1339131a45d1e2b2084a2d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/moved_invoices.sql', 'repeatable', '4621d0fa9a51b169f7a40145f4792dafc3083e7aa8045041a1ff782b0dcb3488', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/postpone_advance.sql', 'repeatable', '7cf249febfb315a3ee8a43ff4c7ea76a617c87ce068a0f48702b9c134c6402e9', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_tenants/ledger_map_tenant_role.sql', 'repeatable', '17fbcac04d28485c8ea3a2af7b993de36b18892aa781bfbc3848cc42958e41bb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_tenants/ledger_unmap_tenant_role.sql', 'repeatable', '776bcd637ff3e768aac19e7b7093006c177de3f7d76346f9e6b9d69018dc7636', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_tenants/stronger_role_fault.sql', 'repeatable', '210a2a7bcc884fdbb3f711b43c395547c2aa80185874927f696dd0b5bd3600ff', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_tenants/tenant_role_fault.sql', 'repeatable', '0a15d705b4ec8e4eb573886270536a4884d70f9fb082726d68b6a43403687878', pg_catalog.now(), '0.1.0.dev0');

commit;
