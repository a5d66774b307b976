/*
pgledger 0.1.0.dev0, everything in one file. Generated; do not edit.

Installs into a database that has nothing of pgledger, in one transaction:

  psql -v ON_ERROR_STOP=1 -f pgledger.sql

The functions and views go into the schema "public", unless the session names another:

  PGOPTIONS='-c pgledger.schema=money' psql -v ON_ERROR_STOP=1 -f pgledger.sql

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

do $surface$
begin
  if coalesce(pg_catalog.current_setting('pgledger.schema', true), '') = '' then
    perform pg_catalog.set_config('pgledger.schema', 'public', true);
  end if;
end
$surface$;

do $guard$
declare
  v_surface constant text := pg_catalog.current_setting('pgledger.schema');
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
    ) as object
    join pg_catalog.pg_namespace on pg_namespace.oid = object.namespace
    where pg_namespace.nspname = pg_catalog.current_setting('pgledger.schema')
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
  v_need record;
  v_done text[] := '{}';
begin
  loop
    select need.kind, need.name, need.statement
    into v_need
    from (
      with given as (
        select
          pg_catalog.current_setting('pgledger.schema')::name as surface,
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
    where need.statement <> all (v_done)
    order by need.place
    limit 1;
    exit when not found;
    if v_need.kind = 'excess' then
      raise exception '%', v_need.name
        using hint = pg_catalog.format('Take that from it: %s.', v_need.statement);
    end if;
    v_done := v_done || v_need.statement;
    begin
      execute v_need.statement;
    exception
      -- Roles belong to all databases of the server: another one's migration was faster.
      when duplicate_object or unique_violation then
        if v_need.kind <> 'role' then
          raise;
        end if;
    end;
  end loop;
end
$requirements$;

set local role pgledger_owner;

do $surface$
declare
  v_surface constant text := pg_catalog.current_setting('pgledger.schema');
begin
  if not exists (select from pg_catalog.pg_namespace where nspname = v_surface) then
    execute pg_catalog.format('create schema %I', v_surface);
  end if;
  perform pg_catalog.set_config(
    'search_path', pg_catalog.quote_ident(v_surface) || ', pg_temp', true);
end
$surface$;

do $requirements$
declare
  v_need record;
  v_done text[] := '{}';
begin
  loop
    select need.kind, need.name, need.statement
    into v_need
    from (
      with given as (
        select
          pg_catalog.current_setting('pgledger.schema')::name as surface,
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
    where need.statement <> all (v_done)
    order by need.place
    limit 1;
    exit when not found;
    if v_need.kind = 'excess' then
      raise exception '%', v_need.name
        using hint = pg_catalog.format('Take that from it: %s.', v_need.statement);
    end if;
    v_done := v_done || v_need.statement;
    begin
      execute v_need.statement;
    exception
      -- Roles belong to all databases of the server: another one's migration was faster.
      when duplicate_object or unique_violation then
        if v_need.kind <> 'role' then
          raise;
        end if;
    end;
  end loop;
end
$requirements$;

-- file: migrations/0001_create_foundation.sql
/*
The private schema and the record of what has been applied to this database.

Everything below is created by the role that will own it: pgledger_owner, or, without roles of our
own, the role that migrates.
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
Accounts. The row is updated by every transfer that touches it, so its changing columns stand
together (a small difference to log), pages keep room for the next version of a row beside the last
one (heap-only updates), and no index holds a column that changes.

No CHECK constraints: PostgreSQL parses them anew for every statement that writes the table, which
cost a sixth of a transfer. The writing functions are the only writers and check on the way in;
pgledger_verify() checks what was written.
*/
create table pgledger.accounts (
  -- An entry's id has 40 bits for it: 8 for the node, which is 0 here, and 32 for the count.
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
  name text not null,
  tenant_id text collate "C" not null,
  metadata jsonb,
  constraint accounts_key_pk primary key (key),
  constraint accounts_id_key unique (id)
) with (fillfactor = 50);

create index accounts_app_id_tenant_id_name_idx
on pgledger.accounts (app_id, tenant_id, name collate "C");

comment on table pgledger.accounts is
  'One row an account: what it is, and its balance and version after the newest transfer. '
  'Rows are never deleted; id, key, app, currency, name, tenant, limits and metadata never change.';
comment on column pgledger.accounts.key is
  'Internal number of the account; transfers refer to it. 8 bits name the node, 32 count.';
comment on column pgledger.accounts.created_at is 'When the account was recorded.';
comment on column pgledger.accounts.updated_at is
  'created_at of the newest transfer, or of the account itself. The next transfer is later.';
comment on column pgledger.accounts.version is
  'Count of the account''s entries. Versions of entries run from 1 to this without a gap.';
comment on column pgledger.accounts.balance is
  'Sum of the account''s entries in units of its currency, at most 18 decimal places.';
comment on column pgledger.accounts.held_out is
  'Sum of what open holds keep back for leaving the account; 0 as long as there are no holds.';
comment on column pgledger.accounts.held_in is
  'Sum of what open holds announce to reach the account; 0 as long as there are no holds.';
comment on column pgledger.accounts.min_balance is
  'Limit that the balance less held_out never falls below; null for none.';
comment on column pgledger.accounts.max_balance is
  'Limit that the balance and held_in never exceed; null for none.';
comment on column pgledger.accounts.status is
  '0: open. 1: frozen for what leaves. 2: for what reaches it. 3: for both. 4: closed.';
comment on column pgledger.accounts.amount_scale is
  'Decimal places that amounts may have; null for 18.';
comment on column pgledger.accounts.allow_negative_balance is
  'Whether a transfer may leave the balance below zero.';
comment on column pgledger.accounts.allow_positive_balance is
  'Whether a transfer may leave the balance above zero.';
comment on column pgledger.accounts.id is 'Public id: pgla_ and a ULID.';
comment on column pgledger.accounts.app_id is
  'Which set of books the account belongs to; the empty text where there is only one.';
comment on column pgledger.accounts.currency is
  'Unit of the balance: 1 to 32 visible characters, for example USD.';
comment on column pgledger.accounts.name is 'Name for people: 1 to 255 characters, as given.';
comment on column pgledger.accounts.tenant_id is
  'Whose account it is; the empty text where there are no tenants.';
comment on column pgledger.accounts.metadata is
  'JSON object given at creation, at most 64 KiB. Store references in it, never personal data.';

revoke all on table pgledger.accounts from public;
grant select on table pgledger.accounts to pgledger_auditor;

-- file: migrations/0003_create_transfers.sql
/*
Transfers. One row holds both legs, so a transfer that does not balance cannot be written down.

There is no foreign key to accounts: it would lock both accounts a second time for every row. That
the accounts exist is kept by the writing functions, which hold both rows locked, and by accounts
never being deleted. There are no CHECK constraints, for the reason given for accounts.
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
  'One row a transfer, with both of its legs: the account it leaves and the account it reaches. '
  'Rows are never updated or deleted; a correction is another transfer.';
comment on column pgledger.transfers.from_key is 'Account that the amount leaves.';
comment on column pgledger.transfers.to_key is 'Account that the amount reaches.';
comment on column pgledger.transfers.from_version is 'Version of the account it leaves, after it.';
comment on column pgledger.transfers.to_version is 'Version of the account it reaches, after it.';
comment on column pgledger.transfers.created_at is
  'When it was recorded, read under both accounts'' locks: later than anything recorded on them.';
comment on column pgledger.transfers.event_at is
  'When it happened in the world, if the caller said so; null means at created_at.';
comment on column pgledger.transfers.id is 'Public id: pglt_ and a ULID.';
comment on column pgledger.transfers.app_id is 'Set of books, that of both accounts.';
comment on column pgledger.transfers.amount is
  'What moved, in units of the currency: above 0, below 1e30, at most 18 decimal places.';
comment on column pgledger.transfers.from_balance is
  'Balance of the account it leaves, after it.';
comment on column pgledger.transfers.to_balance is
  'Balance of the account it reaches, after it.';
comment on column pgledger.transfers.group_id is
  'Name given by the caller to join the transfers of one call, for example an order''s number.';
comment on column pgledger.transfers.origin_id is
  'Hold that it posts (pglh_) or transfer that it reverses (pglt_); null for one of its own.';
comment on column pgledger.transfers.metadata is
  'JSON object given at creation, at most 64 KiB. Store references in it, never personal data.';

revoke all on table pgledger.transfers from public;
grant select on table pgledger.transfers to pgledger_auditor;

-- file: migrations/0004_create_ledger_types.sql
/*
What the ledger's functions take and return. Results are types of their own, not rows of views: so
functions need no view, and a result may tell what a view cannot. They grow at their end only.
*/
-- Its three attributes stay as they are for ever: callers write plain rows, which match it by
-- position.
create type pgledger_transfer_request as (
  from_account_id text,
  to_account_id text,
  amount numeric
);

comment on type pgledger_transfer_request is
  'One transfer to make: (from_account_id, to_account_id, amount). '
  'Written as a plain row: (''pgla_...'', ''pgla_...'', 12.34).';
comment on column pgledger_transfer_request.from_account_id is 'Account that the amount leaves.';
comment on column pgledger_transfer_request.to_account_id is 'Account that the amount reaches.';
comment on column pgledger_transfer_request.amount is 'What to move, in units of the currency.';

revoke all on type pgledger_transfer_request from public;
grant usage on type pgledger_transfer_request to pgledger_reader;

create type pgledger_account as (
  id text collate "C",
  name text,
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

comment on type pgledger_account is 'An account as it stands.';
comment on column pgledger_account.id is 'Public id, pgla_ and a ULID.';
comment on column pgledger_account.name is 'For people, as given.';
comment on column pgledger_account.currency is 'Unit of the balance.';
comment on column pgledger_account.balance is 'Sum of all entries.';
comment on column pgledger_account.version is 'Count of all entries; grows by one with each.';
comment on column pgledger_account.allow_negative_balance is
  'Whether a transfer may leave the balance below zero.';
comment on column pgledger_account.allow_positive_balance is
  'Whether a transfer may leave the balance above zero.';
comment on column pgledger_account.metadata is 'JSON object given at creation, or null.';
comment on column pgledger_account.created_at is 'When it was recorded.';
comment on column pgledger_account.updated_at is
  'When its newest transfer was recorded, or it itself.';
comment on column pgledger_account.app_id is
  'Set of books, the empty text where there is only one.';
comment on column pgledger_account.tenant_id is
  'Whose account it is, the empty text where there are no tenants.';
comment on column pgledger_account.replayed is
  'Whether the call was a repeat, and this is what the first one made; null where nothing was '
  'asked for.';

revoke all on type pgledger_account from public;
grant usage on type pgledger_account to pgledger_reader;

create type pgledger_transfer as (
  id text collate "C",
  from_account_id text collate "C",
  to_account_id text collate "C",
  amount numeric,
  created_at timestamptz,
  event_at timestamptz,
  metadata jsonb,
  currency text collate "C",
  from_account_name text,
  to_account_name text,
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

comment on type pgledger_transfer is
  'A transfer: an amount that left one account and reached another, in one currency.';
comment on column pgledger_transfer.id is 'Public id, pglt_ and a ULID.';
comment on column pgledger_transfer.from_account_id is 'Account that the amount left.';
comment on column pgledger_transfer.to_account_id is 'Account that the amount reached.';
comment on column pgledger_transfer.amount is 'What moved, above zero.';
comment on column pgledger_transfer.created_at is
  'When it was recorded; ascends along each account.';
comment on column pgledger_transfer.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column pgledger_transfer.metadata is 'JSON object given at creation, or null.';
comment on column pgledger_transfer.currency is 'Currency of both accounts.';
comment on column pgledger_transfer.from_account_name is
  'Name of the account that the amount left.';
comment on column pgledger_transfer.to_account_name is
  'Name of the account that the amount reached.';
comment on column pgledger_transfer.from_account_balance is
  'Balance of that account right after this transfer.';
comment on column pgledger_transfer.to_account_balance is
  'Balance of that account right after this transfer.';
comment on column pgledger_transfer.from_account_version is
  'Version of that account right after this transfer.';
comment on column pgledger_transfer.to_account_version is
  'Version of that account right after this transfer.';
comment on column pgledger_transfer.group_id is
  'Name that the call gave to its transfers, or null.';
comment on column pgledger_transfer.app_id is 'Set of books of both accounts.';
comment on column pgledger_transfer.from_tenant_id is 'Whose account the amount left.';
comment on column pgledger_transfer.to_tenant_id is 'Whose account the amount reached.';
comment on column pgledger_transfer.origin_id is
  'Hold that it posts (pglh_) or transfer that it reverses (pglt_), or null.';
comment on column pgledger_transfer.replayed is
  'Whether the call was a repeat, and this is what the first one made; null where nothing was '
  'asked for.';

revoke all on type pgledger_transfer from public;
grant usage on type pgledger_transfer to pgledger_reader;

create type pgledger_entry as (
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
  account_name text,
  currency text collate "C",
  app_id text collate "C",
  tenant_id text collate "C"
);

comment on type pgledger_entry is 'An entry: one account''s side of a transfer.';
comment on column pgledger_entry.id is 'Public id, pgle_ and a ULID.';
comment on column pgledger_entry.account_id is 'Whose entry it is.';
comment on column pgledger_entry.transfer_id is 'What caused it.';
comment on column pgledger_entry.amount is 'Change of the balance: negative where the amount left.';
comment on column pgledger_entry.account_previous_balance is 'Balance right before.';
comment on column pgledger_entry.account_current_balance is 'Balance right after.';
comment on column pgledger_entry.account_version is
  'Number of the entry along its account, from 1 without gaps.';
comment on column pgledger_entry.created_at is 'When the transfer was recorded.';
comment on column pgledger_entry.event_at is 'When it happened in the world.';
comment on column pgledger_entry.metadata is 'The transfer''s, or null.';
comment on column pgledger_entry.account_name is 'Name of the account.';
comment on column pgledger_entry.currency is 'Currency of the account.';
comment on column pgledger_entry.app_id is 'Set of books.';
comment on column pgledger_entry.tenant_id is 'Whose account it is.';

revoke all on type pgledger_entry from public;
grant usage on type pgledger_entry to pgledger_reader;

create type pgledger_check as (
  check_name text collate "C",
  rows_checked bigint,
  violations bigint,
  example text collate "C"
);

comment on type pgledger_check is 'Outcome of one check of the books.';
comment on column pgledger_check.check_name is 'Which rule was checked.';
comment on column pgledger_check.rows_checked is 'How many rows it looked at.';
comment on column pgledger_check.violations is 'How many of them break the rule.';
comment on column pgledger_check.example is 'One that does, in words, or null.';

revoke all on type pgledger_check from public;
grant usage on type pgledger_check to pgledger_reader;

create type pgledger_transfer_outcome as (
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

comment on type pgledger_transfer_outcome is
  'What became of one request of a batch that answers for each by itself.';
comment on column pgledger_transfer_outcome.request_index is 'Which of the batch, from 1.';
comment on column pgledger_transfer_outcome.status is
  'What became of it; one of: posted, replayed, failed.';
comment on column pgledger_transfer_outcome.id is
  'Public id of the transfer, pglt_ and a ULID; of a failed one none: or null.';
comment on column pgledger_transfer_outcome.error is
  'SQLSTATE of what is wrong with a failed one, or null.';
comment on column pgledger_transfer_outcome.error_name is
  'Name of that error, as pgledger_errors_v1 has it, or null.';
comment on column pgledger_transfer_outcome.reason is 'The same in words, or null.';
comment on column pgledger_transfer_outcome.created_at is
  'When the transfer was recorded, or null.';
comment on column pgledger_transfer_outcome.from_account_balance is
  'Balance of the account that the amount left, right after it, or null.';
comment on column pgledger_transfer_outcome.to_account_balance is
  'Balance of the account that the amount reached, right after it, or null.';
comment on column pgledger_transfer_outcome.from_account_version is
  'Version of the account that the amount left, right after it, or null.';
comment on column pgledger_transfer_outcome.to_account_version is
  'Version of the account that the amount reached, right after it, or null.';

revoke all on type pgledger_transfer_outcome from public;
grant usage on type pgledger_transfer_outcome to pgledger_reader;

create type pgledger_hold as (
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
  from_account_name text,
  to_account_name text,
  group_id text collate "C",
  app_id text collate "C",
  from_tenant_id text collate "C",
  to_tenant_id text collate "C",
  replayed boolean
);

comment on type pgledger_hold is
  'An amount that is kept back on one account for another until it is posted, voided or expired.';
comment on column pgledger_hold.id is 'Public id, pglh_ and a ULID.';
comment on column pgledger_hold.from_account_id is 'Account that the amount is to leave.';
comment on column pgledger_hold.to_account_id is 'Account that the amount is to reach.';
comment on column pgledger_hold.amount is 'What is held, above zero.';
comment on column pgledger_hold.posted_amount is 'What of it has been posted so far.';
comment on column pgledger_hold.status is
  'State; all but pending are final; one of: pending, posted, voided, expired.';
comment on column pgledger_hold.created_at is 'When it was recorded.';
comment on column pgledger_hold.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column pgledger_hold.expires_at is
  'From when on it is expired, unless it ended before, or null.';
comment on column pgledger_hold.ended_at is 'When it was posted, voided or expired, or null.';
comment on column pgledger_hold.metadata is 'JSON object given at creation, or null.';
comment on column pgledger_hold.currency is 'Currency of both accounts.';
comment on column pgledger_hold.from_account_name is
  'Name of the account that the amount is to leave.';
comment on column pgledger_hold.to_account_name is
  'Name of the account that the amount is to reach.';
comment on column pgledger_hold.group_id is 'Name that the call gave to its holds, or null.';
comment on column pgledger_hold.app_id is 'Set of books of both accounts.';
comment on column pgledger_hold.from_tenant_id is 'Whose account the amount is to leave.';
comment on column pgledger_hold.to_tenant_id is 'Whose account the amount is to reach.';
comment on column pgledger_hold.replayed is
  'Whether the call was a repeat, and this is what the first one made; null where nothing was '
  'asked for.';

revoke all on type pgledger_hold from public;
grant usage on type pgledger_hold to pgledger_reader;

-- file: migrations/0005_create_catalogue.sql
/*
The billing store's catalogue: currencies, settings of an app, tenants, features and plans.

Rows here are few and are read far more often than written, so rules stand as constraints as well as
in the writing functions.
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
  'Number of the invoice finalised last. Counted in a row, not a sequence: what is rolled back '
  'leaves no gap.';

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
  'Tenants that have recorded usage or cached an entitlement: a number for each, so that usage '
  'events need not repeat two texts, and what holds for a tenant as a whole.';
comment on column pgledger.tenants.key is 'Internal number of (app_id, tenant_id).';
comment on column pgledger.tenants.app_id is 'App.';
comment on column pgledger.tenants.tenant_id is 'Tenant of the app.';
comment on column pgledger.tenants.cache_version is
  'Counts invalidations of the tenant''s cached entitlements.';
comment on column pgledger.tenants.purged_before is
  'Usage events before this whole UTC hour may have been purged, and none is taken any more.';

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
comment on column pgledger.features.tenant_id is 'Tenant of a custom deal; empty for all tenants.';
comment on column pgledger.features.key is 'Name in plans and usage events, for example api_calls.';
comment on column pgledger.features.name is 'Name for people.';
comment on column pgledger.features.description is 'Text for people, or null.';
comment on column pgledger.features.type is
  'boolean: on or off. metered: usage adds up over a period. seat: a level.';
comment on column pgledger.features.aggregation is
  'What usage of a metered feature comes to: sum, count, max, unique_count or latest.';
comment on column pgledger.features.unique_key is
  'Member of an event''s metadata whose different values unique_count counts; never changes.';
comment on column pgledger.features.status is 'active, or archived: no new plan may contain it.';
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
comment on column pgledger.plans.key is 'Internal number.';
comment on column pgledger.plans.id is 'Public id: plan_ and a ULID.';
comment on column pgledger.plans.app_id is 'App that it belongs to.';
comment on column pgledger.plans.tenant_id is 'Tenant of a custom deal; empty for all tenants.';
comment on column pgledger.plans.slug is 'Name in addresses and code, for example pro.';
comment on column pgledger.plans.name is 'Name for people.';
comment on column pgledger.plans.description is 'Text for people, or null.';
comment on column pgledger.plans.status is
  'active, or archived: existing subscriptions keep it, no new one may take it.';
comment on column pgledger.plans.currency is 'Currency of every amount in pricing.';
comment on column pgledger.plans.features is 'JSON array of features and limits, as given.';
comment on column pgledger.plans.pricing is 'JSON object of base fee and prices, as given.';
comment on column pgledger.plans.billing_interval is
  'Unit of the billing period: day, week, month or year; out of pricing.';
comment on column pgledger.plans.interval_count is
  'Units in a billing period; out of pricing.';
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
  'Features of plans, one row each, taken out of pgledger.plans.features with defaults filled in.';
comment on column pgledger.plan_features.plan_key is 'Plan.';
comment on column pgledger.plan_features.feature_key is 'Key of the feature.';
comment on column pgledger.plan_features.feature_id is 'The feature in the catalogue.';
comment on column pgledger.plan_features.place is 'Index in the plan''s array, from 0.';
comment on column pgledger.plan_features.type is 'boolean, metered or seat: that of the feature.';
comment on column pgledger.plan_features.quota is
  'Limit: -1 for unlimited; of a boolean feature 1 for on, 0 for off.';
comment on column pgledger.plan_features.period is
  'What a metered limit is for: day, week, month, year, billing (the subscription''s own period) '
  'or lifetime.';
comment on column pgledger.plan_features.soft_limit is
  'Whether usage beyond the limit is allowed, and priced.';
comment on column pgledger.plan_features.aggregation is
  'What usage comes to; latest for a seat and for a boolean.';

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

create type ledger_currency as (
  app_id text collate "C",
  code text collate "C",
  exponent integer
);

comment on type ledger_currency is 'How far amounts of a currency are rounded.';
comment on column ledger_currency.app_id is 'App that defined it; * for ISO 4217.';
comment on column ledger_currency.code is 'Code, for example JPY or POINTS.';
comment on column ledger_currency.exponent is 'Decimal places.';

revoke all on type ledger_currency from public;
grant usage on type ledger_currency to pgledger_reader;

create type ledger_feature as (
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

comment on type ledger_feature is 'What plans can contain.';
comment on column ledger_feature.id is 'Public id, feat_ and a ULID.';
comment on column ledger_feature.app_id is 'App that it belongs to; * for all apps.';
comment on column ledger_feature.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column ledger_feature.key is 'Name in plans and usage events, for example api_calls.';
comment on column ledger_feature.name is 'Name for people.';
comment on column ledger_feature.description is 'Text for people, or null.';
comment on column ledger_feature.type is
  'What it is: boolean is on or off, metered adds usage up over a period, seat is a level; one '
  'of: boolean, metered, seat.';
comment on column ledger_feature.aggregation is
  'What usage of a metered feature comes to (none for the other types); one of: sum, count, max, '
  'unique_count, latest, or null.';
comment on column ledger_feature.unique_key is
  'Member of an event''s metadata whose different values unique_count counts, or null.';
comment on column ledger_feature.status is
  'No new plan may contain an archived one; one of: active, archived.';
comment on column ledger_feature.version is 'Counts changes, from 1.';
comment on column ledger_feature.metadata is 'JSON object of the app''s own, or null.';
comment on column ledger_feature.created_at is 'When it was created.';
comment on column ledger_feature.updated_at is 'When it was last changed.';

revoke all on type ledger_feature from public;
grant usage on type ledger_feature to pgledger_reader;

create type ledger_plan as (
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

comment on type ledger_plan is 'What a subscription gives and what it costs.';
comment on column ledger_plan.id is 'Public id, plan_ and a ULID.';
comment on column ledger_plan.app_id is 'App that it belongs to.';
comment on column ledger_plan.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column ledger_plan.slug is 'Name in addresses and code, for example pro.';
comment on column ledger_plan.name is 'Name for people.';
comment on column ledger_plan.description is 'Text for people, or null.';
comment on column ledger_plan.status is
  'Who has an archived one keeps it, nobody new may take it; one of: active, archived.';
comment on column ledger_plan.currency is 'Currency of every amount in pricing.';
comment on column ledger_plan.features is 'Features and their limits, as given.';
comment on column ledger_plan.pricing is 'Base fee and prices, as given.';
comment on column ledger_plan.billing_interval is
  'Unit of the billing period; one of: day, week, month, year.';
comment on column ledger_plan.interval_count is 'Units in a billing period.';
comment on column ledger_plan.trial_days is 'Days of trial that a new subscription gets.';
comment on column ledger_plan.anchor_at_trial_end is
  'Whether periods count from the end of the trial.';
comment on column ledger_plan.add_on is
  'Whether a tenant may have it beside another active subscription.';
comment on column ledger_plan.version is 'Counts changes, from 1.';
comment on column ledger_plan.metadata is 'JSON object of the app''s own, or null.';
comment on column ledger_plan.created_at is 'When it was created.';
comment on column ledger_plan.updated_at is 'When it was last changed.';

revoke all on type ledger_plan from public;
grant usage on type ledger_plan to pgledger_reader;

create type ledger_price_line as (
  line integer,
  kind text collate "C",
  description text collate "C",
  quantity numeric,
  unit_amount numeric,
  flat_amount numeric,
  amount numeric
);

comment on type ledger_price_line is 'One line of what usage costs.';
comment on column ledger_price_line.line is 'Which line, from 1.';
comment on column ledger_price_line.kind is
  'usage; true_up: what is missing to the minimum; cap: what is above the maximum, below zero. '
  'One of: usage, true_up, cap.';
comment on column ledger_price_line.description is 'Text for people.';
comment on column ledger_price_line.quantity is 'How much is charged for, or null.';
comment on column ledger_price_line.unit_amount is 'Price of one, or null.';
comment on column ledger_price_line.flat_amount is
  'Amount that is due whatever the quantity, or null.';
comment on column ledger_price_line.amount is 'What it comes to.';

revoke all on type ledger_price_line from public;
grant usage on type ledger_price_line to pgledger_reader;

-- file: migrations/0006_create_subscriptions.sql
/*
Subscriptions, and what happened to each. A subscription is live while it is trialing or active and
its cancel_at, if any, is still ahead; ledger_advance writes down what the clock has decided.
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
comment on column pgledger.subscriptions.key is 'Internal number.';
comment on column pgledger.subscriptions.id is 'Public id: sub_ and a ULID.';
comment on column pgledger.subscriptions.app_id is 'App.';
comment on column pgledger.subscriptions.tenant_id is 'Tenant who subscribes.';
comment on column pgledger.subscriptions.plan_key is 'Plan as of now.';
comment on column pgledger.subscriptions.add_on is
  'Whether the plan was an add-on when it was taken: others may be active beside it.';
comment on column pgledger.subscriptions.status is
  'trialing, active, paused or canceled; the last is final.';
comment on column pgledger.subscriptions.quantity is 'How many times the plan is taken.';
comment on column pgledger.subscriptions.started_at is 'Start of the first period or trial.';
comment on column pgledger.subscriptions.anchor_at is
  'Boundary number 0: every other is a whole number of intervals from it.';
comment on column pgledger.subscriptions.time_zone is
  'Zone of the IANA database in whose days and months periods are counted.';
comment on column pgledger.subscriptions.billing_interval is 'day, week, month or year.';
comment on column pgledger.subscriptions.interval_count is 'Intervals in a period.';
comment on column pgledger.subscriptions.period_number is
  'Number of the boundary that the current period starts at, or would if it were whole.';
comment on column pgledger.subscriptions.current_period_start is
  'Start of the current period, inclusive.';
comment on column pgledger.subscriptions.current_period_end is
  'End of the current period, exclusive.';
comment on column pgledger.subscriptions.trial_end is
  'When the trial ends or ended; null without a trial.';
comment on column pgledger.subscriptions.cancel_at is 'When it will end, if that is decided.';
comment on column pgledger.subscriptions.canceled_at is 'When its end was asked for.';
comment on column pgledger.subscriptions.paused_at is 'Since when it is paused.';
comment on column pgledger.subscriptions.ended_at is 'When it ended.';
comment on column pgledger.subscriptions.due_at is
  'Earliest of trial end, period end and cancellation that is still to be written down.';
comment on column pgledger.subscriptions.unused_time is
  'What becomes of time that was paid and is not used once it is cancelled at once: none, credit '
  'or refund.';
comment on column pgledger.subscriptions.tax_rates is
  'JSON array of the tax rates of its invoices, unless others are given for one.';
comment on column pgledger.subscriptions.invoiced_version is
  'Version up to which ledger_advance has looked at what is to be invoiced.';
comment on column pgledger.subscriptions.invoice_due_at is
  'When ledger_advance has to look at what is to be invoiced; null if nothing is.';
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
  'The subscription''s version after the change.';
comment on column pgledger.subscription_changes.change is
  'created, updated, plan_changed, trial_ended, period_started, cancellation_scheduled, '
  'cancellation_withdrawn, canceled, paused or resumed.';
comment on column pgledger.subscription_changes.occurred_at is
  'When it took effect: for what the clock decides, the boundary itself.';
comment on column pgledger.subscription_changes.created_at is 'When it was written down.';
comment on column pgledger.subscription_changes.app_id is 'App.';
comment on column pgledger.subscription_changes.tenant_id is 'Tenant.';
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

create type ledger_subscription as (
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

comment on type ledger_subscription is 'Which plan a tenant has, since when and until when.';
comment on column ledger_subscription.id is 'Public id, sub_ and a ULID.';
comment on column ledger_subscription.app_id is 'App.';
comment on column ledger_subscription.tenant_id is 'Tenant who subscribes.';
comment on column ledger_subscription.plan_id is 'Plan as of now.';
comment on column ledger_subscription.plan_slug is 'Its slug.';
comment on column ledger_subscription.status is
  'State; canceled is final; one of: trialing, active, paused, canceled.';
comment on column ledger_subscription.quantity is 'How many times the plan is taken.';
comment on column ledger_subscription.started_at is 'When it began.';
comment on column ledger_subscription.anchor_at is
  'Boundary number 0 of its periods: every other is whole intervals from it.';
comment on column ledger_subscription.time_zone is
  'Zone in whose days and months periods are counted.';
comment on column ledger_subscription.billing_interval is
  'Unit of the billing period; one of: day, week, month, year.';
comment on column ledger_subscription.interval_count is 'Intervals in a period.';
comment on column ledger_subscription.current_period_start is
  'Start of the current period, inclusive.';
comment on column ledger_subscription.current_period_end is 'End of the current period, exclusive.';
comment on column ledger_subscription.trial_end is
  'When the trial ends or ended (none without one), or null.';
comment on column ledger_subscription.cancel_at is 'When it will end, if that is decided, or null.';
comment on column ledger_subscription.canceled_at is 'When its end was asked for, or null.';
comment on column ledger_subscription.paused_at is 'Since when it is paused, or null.';
comment on column ledger_subscription.ended_at is 'When it ended, or null.';
comment on column ledger_subscription.add_on is 'Whether others may be active beside it.';
comment on column ledger_subscription.unused_time is
  'What becomes of paid time that a cancellation at once leaves unused; one of: none, credit, '
  'refund.';
comment on column ledger_subscription.tax_rates is 'Tax rates of its invoices, as given.';
comment on column ledger_subscription.version is 'Counts changes, from 1.';
comment on column ledger_subscription.metadata is 'JSON object of the app''s own, or null.';
comment on column ledger_subscription.created_at is 'When it was created.';
comment on column ledger_subscription.updated_at is 'When it was last changed.';

revoke all on type ledger_subscription from public;
grant usage on type ledger_subscription to pgledger_reader;

create type ledger_subscription_move as (
  tenant_id text collate "C",
  subscription_id text collate "C",
  change text collate "C",
  occurred_at timestamptz,
  invoice_id text collate "C",
  error text collate "C"
);

comment on type ledger_subscription_move is 'One step that the clock has made due.';
comment on column ledger_subscription_move.tenant_id is 'Whose subscription or invoice.';
comment on column ledger_subscription_move.subscription_id is
  'Which subscription (none for a one-off invoice), or null.';
comment on column ledger_subscription_move.change is
  'What happened. failed: it could not be moved or invoiced, and is tried again in an hour. '
  'nothing_due: very many had only to be looked at. One of: trial_ended, period_started, '
  'canceled, invoice_drafted, invoice_finalized, invoice_past_due, failed, nothing_due.';
comment on column ledger_subscription_move.occurred_at is
  'The boundary at which it took effect; of an invoice, when it was made or due.';
comment on column ledger_subscription_move.invoice_id is
  'The invoice, if it is about one, or null.';
comment on column ledger_subscription_move.error is 'What went wrong, of one that failed, or null.';

revoke all on type ledger_subscription_move from public;
grant usage on type ledger_subscription_move to pgledger_reader;

-- file: migrations/0007_create_usage.sql
/*
Usage: events as they were reported, and roll-ups that are kept in the same statement.

An event is the row that there are most of, so it holds numbers instead of texts: tenant_key stands
for (app_id, tenant_id), meter_key for that and the feature. Its indexes lead with them.
No CHECK constraints and no foreign keys on events and roll-ups, for the reasons given for
transfers.
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
comment on column pgledger.meters.key is 'Internal number of (app_id, tenant_id, feature_key).';
comment on column pgledger.meters.tenant_key is 'Number of (app_id, tenant_id).';
comment on column pgledger.meters.app_id is 'App.';
comment on column pgledger.meters.tenant_id is 'Tenant.';
comment on column pgledger.meters.feature_key is 'Key of the feature.';
comment on column pgledger.meters.type is 'metered or seat, as the feature was at the first event.';
comment on column pgledger.meters.unique_key is
  'Member of metadata whose different values are kept, as the feature was at the first event.';
comment on column pgledger.meters.turn is
  'Counts those who needed the usage to stand still: calls that consume, and reports of seats.';

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
  'Unique number: that of the call times 2^20, and the place within it. Part of the public id.';
comment on column pgledger.usage_events.event_at is
  'When it happened, as reported; it belongs to the period that this lies in.';
comment on column pgledger.usage_events.created_at is 'When it was recorded.';
comment on column pgledger.usage_events.tenant_key is 'Number of (app_id, tenant_id).';
comment on column pgledger.usage_events.meter_key is 'Number of (app_id, tenant_id, feature_key).';
comment on column pgledger.usage_events.quantity is
  'How much: 0 or more, below 1e30, at most 18 decimal places.';
comment on column pgledger.usage_events.idempotency_key is
  'The tenant''s own name of the event; a second event of that name is not counted.';
comment on column pgledger.usage_events.metadata is 'JSON object given with it, or null.';

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

create type ledger_usage_event as (
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

comment on type ledger_usage_event is 'Usage as it was reported.';
comment on column ledger_usage_event.id is 'Public id, evt_ and a ULID.';
comment on column ledger_usage_event.app_id is 'App.';
comment on column ledger_usage_event.tenant_id is 'Who used it.';
comment on column ledger_usage_event.feature_key is 'What was used.';
comment on column ledger_usage_event.quantity is 'How much.';
comment on column ledger_usage_event.event_at is
  'When it happened; it belongs to the period that this lies in.';
comment on column ledger_usage_event.idempotency_key is
  'The tenant''s own name of the event, or null.';
comment on column ledger_usage_event.metadata is 'JSON object given with it, or null.';
comment on column ledger_usage_event.created_at is 'When it was recorded.';

revoke all on type ledger_usage_event from public;
grant usage on type ledger_usage_event to pgledger_reader;

create type ledger_usage_answer as (
  event_index bigint,
  status text collate "C",
  id text collate "C",
  error text collate "C",
  reason text collate "C"
);

comment on type ledger_usage_answer is 'What became of one event of a batch.';
comment on column ledger_usage_answer.event_index is 'Which of the batch, from 1.';
comment on column ledger_usage_answer.status is
  'What became of it; the key of a duplicate had been counted before; one of: inserted, '
  'duplicate, rejected.';
comment on column ledger_usage_answer.id is
  'Public id of the event, evt_ and a ULID; of a duplicate that of the first one, unless that is '
  'purged just now; of a rejected one none: or null.';
comment on column ledger_usage_answer.error is
  'SQLSTATE of what is wrong with a rejected one, or null.';
comment on column ledger_usage_answer.reason is 'The same in words, or null.';

revoke all on type ledger_usage_answer from public;
grant usage on type ledger_usage_answer to pgledger_reader;

create type ledger_usage_receipt as (
  status text collate "C",
  id text collate "C"
);

comment on type ledger_usage_receipt is 'What became of a single event.';
comment on column ledger_usage_receipt.status is
  'What became of it; the key of a duplicate had been counted before; one of: inserted, duplicate.';
comment on column ledger_usage_receipt.id is
  'Public id of the event, evt_ and a ULID; of a duplicate that of the first one, unless that is '
  'purged just now, or null.';

revoke all on type ledger_usage_receipt from public;
grant usage on type ledger_usage_receipt to pgledger_reader;

create type ledger_feature_usage as (
  feature_key text collate "C",
  aggregation text collate "C",
  value numeric
);

comment on type ledger_feature_usage is 'What usage of a feature comes to.';
comment on column ledger_feature_usage.feature_key is 'What was used.';
comment on column ledger_feature_usage.aggregation is 'How it was counted.';
comment on column ledger_feature_usage.value is 'What it comes to.';

revoke all on type ledger_feature_usage from public;
grant usage on type ledger_feature_usage to pgledger_reader;

-- file: migrations/0008_create_entitlement_cache.sql
/*
Cached entitlements. An entry holds the versions of what it was made from and is served only while
they all still stand, so nothing that changes has to find it; usage never writes here.
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
comment on column pgledger.entitlement_cache.used is 'Usage in the limit''s period, or seats.';
comment on column pgledger.entitlement_cache.quota is 'Limit; -1 for unlimited.';
comment on column pgledger.entitlement_cache.soft_limit is 'Whether usage may go beyond the limit.';
comment on column pgledger.entitlement_cache.reason is
  'Why nothing is allowed at all; empty where the limit decides.';
comment on column pgledger.entitlement_cache.starts_at is
  'Start of what the usage was counted in, inclusive; null where none was.';
comment on column pgledger.entitlement_cache.ends_at is
  'End of what the usage was counted in, exclusive; null where none was.';
comment on column pgledger.entitlement_cache.plan_version is
  'Sum of the versions of the plans it was made from.';
comment on column pgledger.entitlement_cache.subscription_version is
  'Sum of the versions of all the tenant''s subscriptions when it was made.';
comment on column pgledger.entitlement_cache.usage_version is
  'Count of the events between starts_at and ends_at when it was made.';
comment on column pgledger.entitlement_cache.tenant_version is
  'Invalidations of the tenant when it was made.';
comment on column pgledger.entitlement_cache.feature_version is
  'Invalidations of the feature when it was made.';
comment on column pgledger.entitlement_cache.created_at is 'When it was made.';
comment on column pgledger.entitlement_cache.expires_at is
  'Earliest of its time to live, the end of the limit''s period, trial end and cancellation.';

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

create type ledger_entitlement as (
  allowed boolean,
  feature text collate "C",
  used numeric,
  "limit" numeric,
  remaining numeric,
  soft_limit boolean,
  reason text collate "C"
);

comment on type ledger_entitlement is 'Whether a tenant may use a feature.';
comment on column ledger_entitlement.allowed is 'Whether the quantity asked for may be used.';
comment on column ledger_entitlement.feature is 'Key of the feature.';
comment on column ledger_entitlement.used is 'Usage in the limit''s period, or seats taken.';
comment on column ledger_entitlement."limit" is 'How much there is; -1 for unlimited.';
comment on column ledger_entitlement.remaining is 'How much of it is left; -1 for unlimited.';
comment on column ledger_entitlement.soft_limit is
  'Whether usage may go beyond the limit, at a price.';
comment on column ledger_entitlement.reason is
  'Why it is allowed or not; soft_limit is beyond the limit, at a price; one of: within_limit, '
  'unlimited, soft_limit, enabled, limit_exceeded, disabled, not_in_plan, no_subscription, '
  'paused.';

revoke all on type ledger_entitlement from public;
grant usage on type ledger_entitlement to pgledger_reader;

create type ledger_consumption as (
  allowed boolean,
  feature text collate "C",
  used numeric,
  "limit" numeric,
  remaining numeric,
  soft_limit boolean,
  reason text collate "C",
  event_id text collate "C"
);

comment on type ledger_consumption is 'An entitlement that was checked and used in one step.';
comment on column ledger_consumption.allowed is 'Whether the quantity was recorded as used.';
comment on column ledger_consumption.feature is 'Key of the feature.';
comment on column ledger_consumption.used is
  'Usage in the limit''s period afterwards, or seats taken.';
comment on column ledger_consumption."limit" is 'How much there is; -1 for unlimited.';
comment on column ledger_consumption.remaining is
  'How much of it is left afterwards; -1 for unlimited.';
comment on column ledger_consumption.soft_limit is
  'Whether usage may go beyond the limit, at a price.';
comment on column ledger_consumption.reason is
  'Why it is allowed or not; soft_limit is beyond the limit, at a price; one of: within_limit, '
  'unlimited, soft_limit, enabled, limit_exceeded, disabled, not_in_plan, no_subscription, '
  'paused.';
comment on column ledger_consumption.event_id is
  'Public id of the usage event, evt_ and a ULID; of a duplicate that of the first one; none if '
  'nothing was recorded: or null.';

revoke all on type ledger_consumption from public;
grant usage on type ledger_consumption to pgledger_reader;

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
Row security on what the views read. The tables' owner passes it by, so the billing store's own
functions see everything; pgledger_tenant_views, which owns the views, does not. Never forced: that
would blind the functions and pg_dump. The map stands in sub-selects, which run once a query.
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
    -- A feature of all apps. Who is not mapped sees none of these either.
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

-- The policy of pgledger.tenants leaves one row of it.
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

-- Without these an auditor would find the tables empty.
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
Coupons, who has redeemed them, and which invoices they have reduced. A redemption is a right of the
tenant's: invoices use it up as they become final, and give it back when they are voided.
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
comment on column pgledger.coupons.key is 'Internal number.';
comment on column pgledger.coupons.id is 'Public id: cpn_ and a ULID.';
comment on column pgledger.coupons.app_id is 'App that it belongs to.';
comment on column pgledger.coupons.tenant_id is 'Tenant of a custom deal; empty for all tenants.';
comment on column pgledger.coupons.code is 'What is typed to redeem it, for example WELCOME20.';
comment on column pgledger.coupons.name is 'Name for people; stands on invoices.';
comment on column pgledger.coupons.percentage is 'Percent off, above 0 to 100; or null.';
comment on column pgledger.coupons.amount is 'Amount off in currency; or null.';
comment on column pgledger.coupons.currency is
  'Currency of its amounts; if it has one, it is for invoices in that currency only.';
comment on column pgledger.coupons.duration is
  'For how many invoices: once, repeating (duration_invoices times) or forever.';
comment on column pgledger.coupons.duration_invoices is
  'How many invoices a redemption reduces, if it is repeating.';
comment on column pgledger.coupons.applies_to is
  'Keys of the features whose lines it reduces, base among them for the base fee; null for the '
  'whole invoice.';
comment on column pgledger.coupons.minimum_subtotal is
  'Sum of an invoice''s lines, before discounts, from which on it applies; or null.';
comment on column pgledger.coupons.valid_from is 'First moment at which it can be redeemed.';
comment on column pgledger.coupons.valid_until is
  'Moment from which on it can no longer be redeemed.';
comment on column pgledger.coupons.max_redemptions is 'How often it can be redeemed in all.';
comment on column pgledger.coupons.max_redemptions_per_tenant is
  'How often one tenant can redeem it.';
comment on column pgledger.coupons.redemptions is 'How often it has been redeemed.';
comment on column pgledger.coupons.status is 'active, or archived: it can no longer be redeemed.';
comment on column pgledger.coupons.version is 'Counts changes, from 1.';
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
comment on column pgledger.coupon_redemptions.key is 'Internal number.';
comment on column pgledger.coupon_redemptions.id is 'Public id: red_ and a ULID.';
comment on column pgledger.coupon_redemptions.coupon_key is 'Coupon.';
comment on column pgledger.coupon_redemptions.app_id is 'App.';
comment on column pgledger.coupon_redemptions.tenant_id is 'Tenant who redeemed it.';
comment on column pgledger.coupon_redemptions.subscription_key is
  'Subscription whose invoices it reduces; null for all of the tenant''s.';
comment on column pgledger.coupon_redemptions.uses_left is
  'How many invoices it can still reduce; null for any number.';
comment on column pgledger.coupon_redemptions.amount_left is
  'What is left of an amount off that is for once; null for all others.';
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

create type ledger_coupon as (
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
  applies_to text[] collate "C",
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

comment on type ledger_coupon is 'A discount that tenants can redeem.';
comment on column ledger_coupon.id is 'Public id, cpn_ and a ULID.';
comment on column ledger_coupon.app_id is 'App that it belongs to.';
comment on column ledger_coupon.tenant_id is
  'Tenant of a custom deal; the empty text for all tenants.';
comment on column ledger_coupon.code is 'What is typed to redeem it, for example WELCOME20.';
comment on column ledger_coupon.name is 'Name for people; stands on invoices.';
comment on column ledger_coupon.percentage is
  'Percent off, above 0 to 100 (none for an amount), or null.';
comment on column ledger_coupon.amount is 'Amount off (none for a percentage), or null.';
comment on column ledger_coupon.currency is
  'Currency of its amounts; if it has one, it is for invoices in that currency only, or null.';
comment on column ledger_coupon.duration is
  'How many invoices a redemption reduces; one of: once, repeating, forever.';
comment on column ledger_coupon.duration_invoices is 'How many, if it is repeating, or null.';
comment on column ledger_coupon.applies_to is
  'Keys of the features whose lines it reduces, base among them for the base fee (none for the '
  'whole invoice), or null.';
comment on column ledger_coupon.minimum_subtotal is
  'Sum of an invoice''s lines, before discounts, from which on it applies, or null.';
comment on column ledger_coupon.valid_from is
  'From when on it can be redeemed, inclusive, or null.';
comment on column ledger_coupon.valid_until is 'Until when, exclusive, or null.';
comment on column ledger_coupon.max_redemptions is 'How often it can be redeemed in all, or null.';
comment on column ledger_coupon.max_redemptions_per_tenant is
  'How often one tenant can redeem it, or null.';
comment on column ledger_coupon.redemptions is 'How often it has been redeemed.';
comment on column ledger_coupon.status is
  'An archived one can no longer be redeemed; one of: active, archived.';
comment on column ledger_coupon.version is 'Counts changes, from 1.';
comment on column ledger_coupon.metadata is 'JSON object of the app''s own, or null.';
comment on column ledger_coupon.created_at is 'When it was created.';
comment on column ledger_coupon.updated_at is 'When it was last changed.';

revoke all on type ledger_coupon from public;
grant usage on type ledger_coupon to pgledger_reader;

create type ledger_coupon_redemption as (
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

comment on type ledger_coupon_redemption is 'A coupon in the hands of a tenant.';
comment on column ledger_coupon_redemption.id is 'Public id, red_ and a ULID.';
comment on column ledger_coupon_redemption.app_id is 'App.';
comment on column ledger_coupon_redemption.tenant_id is 'Who redeemed it.';
comment on column ledger_coupon_redemption.coupon_id is 'Which coupon.';
comment on column ledger_coupon_redemption.code is 'Its code.';
comment on column ledger_coupon_redemption.subscription_id is
  'Subscription whose invoices it reduces (none for all of the tenant''s), or null.';
comment on column ledger_coupon_redemption.status is
  'Nothing is left of a used one; one of: active, used.';
comment on column ledger_coupon_redemption.uses_left is
  'How many invoices it can still reduce (none for any number), or null.';
comment on column ledger_coupon_redemption.amount_left is
  'What is left of an amount off that is for once (none for all others), or null.';
comment on column ledger_coupon_redemption.created_at is 'When it was redeemed.';

revoke all on type ledger_coupon_redemption from public;
grant usage on type ledger_coupon_redemption to pgledger_reader;

-- file: migrations/0011_create_invoices.sql
/*
Invoices: their lines, the payments made on them, and the coupons that reduced them. A draft is
computed anew whenever it is refreshed; once it is final only its state and its payments move.

The lines are also the record of what has been billed: what a later invoice charges or credits for
the same time is the difference to them.
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
comment on column pgledger.invoices.key is 'Internal number.';
comment on column pgledger.invoices.id is 'Public id: inv_ and a ULID.';
comment on column pgledger.invoices.app_id is 'App.';
comment on column pgledger.invoices.tenant_id is 'Tenant who is billed.';
comment on column pgledger.invoices.subscription_key is 'Subscription; null for a one-off invoice.';
comment on column pgledger.invoices.kind is
  'What it is for. period: what a period has come to. start: a base fee that is due at the start '
  'of what it pays for. interim: usage within a period. one_off: lines that the app gave.';
comment on column pgledger.invoices.period_start is 'Start of the period it is for, inclusive.';
comment on column pgledger.invoices.period_end is 'End of the period it is for, exclusive.';
comment on column pgledger.invoices.status is
  'State: draft, pending, paid, past_due, voided or uncollectible; paid and voided are final.';
comment on column pgledger.invoices.number is
  'Number within the app, from 1 without a gap, taken when it became final.';
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
  'What is to be paid back: of a total below zero, as much as was credited to be refunded.';
comment on column pgledger.invoices.unapplied is
  'What the tenant has paid too much, or was credited and not refunded: kept, and not yet used.';
comment on column pgledger.invoices.tax_rates is
  'JSON array of the tax rates it was computed with.';
comment on column pgledger.invoices.as_of_version is
  'Version of the subscription up to which its changes were looked at; null for a one-off invoice '
  'and for a draft whose period goes on.';
comment on column pgledger.invoices.finalized_at is 'When it became final.';
comment on column pgledger.invoices.due_at is 'When it is to be paid.';
comment on column pgledger.invoices.paid_at is 'When its payments covered it.';
comment on column pgledger.invoices.voided_at is 'When it was voided.';
comment on column pgledger.invoices.void_reason is 'Why it was voided, as given.';
comment on column pgledger.invoices.uncollectible_at is 'When it was given up.';
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
  'Lines of invoices. The sum of the amounts of all lines of an invoice is its total.';
comment on column pgledger.invoice_lines.invoice_key is 'Invoice.';
comment on column pgledger.invoice_lines.place is 'Place on the invoice, from 1.';
comment on column pgledger.invoice_lines.kind is
  'What it is: base_fee, proration, usage, overage, seats, true_up, cap, late_usage or item for '
  'what is charged or credited; discount; tax.';
comment on column pgledger.invoice_lines.description is 'Text for people.';
comment on column pgledger.invoice_lines.item is
  'What it is for, as coupons and tax rates name it: the key of a feature, or base; null for '
  'discounts and taxes.';
comment on column pgledger.invoice_lines.period_start is 'Start of the time it is for, inclusive.';
comment on column pgledger.invoice_lines.period_end is 'End of the time it is for, exclusive.';
comment on column pgledger.invoice_lines.quantity is 'How much is charged for.';
comment on column pgledger.invoice_lines.unit_amount is 'Price of one, where there is one.';
comment on column pgledger.invoice_lines.amount is
  'Amount, rounded to the currency''s exponent; credits and discounts are below zero.';
comment on column pgledger.invoice_lines.discount is
  'Share of the invoice''s discounts in it; 0 for discounts and taxes.';
comment on column pgledger.invoice_lines.tax is
  'Share of the invoice''s taxes on it; 0 for discounts and taxes.';
comment on column pgledger.invoice_lines.subscription_key is
  'Subscription, for lines that later ones are the difference to.';
comment on column pgledger.invoice_lines.for_period is
  'Start of the subscription''s period that it belongs to.';
comment on column pgledger.invoice_lines.plan_key is 'Plan that it was charged by.';
comment on column pgledger.invoice_lines.gross is
  'Of a base fee, what it is before the discounts that a credit gives back a part of.';
comment on column pgledger.invoice_lines.counted is
  'What usage came to since the start of the period, at the end of the time it is for.';
comment on column pgledger.invoice_lines.events is
  'Count of the events that were looked at; of a late one, of those added.';
comment on column pgledger.invoice_lines.redemption_key is
  'Redemption of the coupon of a discount.';
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
comment on column pgledger.invoice_payments.key is 'Internal number.';
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

comment on table pgledger.coupon_applications is
  'What redemptions have taken off invoices that are final.';
comment on column pgledger.coupon_applications.invoice_key is 'Invoice.';
comment on column pgledger.coupon_applications.redemption_key is 'Redemption.';
comment on column pgledger.coupon_applications.discount is 'What it took off.';
comment on column pgledger.coupon_applications.created_at is 'When the invoice became final.';
comment on column pgledger.coupon_applications.returned_at is
  'When the invoice was voided, and this given back; null if it stands.';

revoke all on table pgledger.coupon_applications from public;
grant select on table pgledger.coupon_applications to pgledger_auditor;

/*
Tenants' own database roles read invoices as they read what is theirs elsewhere.
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

create type ledger_invoice as (
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

comment on type ledger_invoice is 'An invoice with its lines.';
comment on column ledger_invoice.id is 'Public id, inv_ and a ULID.';
comment on column ledger_invoice.app_id is 'App.';
comment on column ledger_invoice.tenant_id is 'Who is billed.';
comment on column ledger_invoice.subscription_id is
  'For which subscription (none for a one-off invoice), or null.';
comment on column ledger_invoice.kind is
  'What it is for. period: what a period has come to. start: a base fee at the start of what it '
  'pays for. interim: usage within a period. one_off: lines that the app gave. One of: period, '
  'start, interim, one_off.';
comment on column ledger_invoice.period_start is
  'Start of the period it is for, inclusive (none for a one-off invoice), or null.';
comment on column ledger_invoice.period_end is 'End of the period it is for, exclusive, or null.';
comment on column ledger_invoice.status is
  'State; paid and voided are final; one of: draft, pending, paid, past_due, voided, '
  'uncollectible.';
comment on column ledger_invoice.number is
  'Number within the app, from 1 without a gap (none for a draft), or null.';
comment on column ledger_invoice.currency is 'Currency of all amounts.';
comment on column ledger_invoice.subtotal is 'Sum of the lines before discounts and taxes.';
comment on column ledger_invoice.discount is 'Sum of what coupons take off.';
comment on column ledger_invoice.tax is 'Sum of the taxes.';
comment on column ledger_invoice.total is
  'subtotal less discount plus tax; below zero where it credits more than it charges.';
comment on column ledger_invoice.credits_applied is 'What a wallet has paid of the total.';
comment on column ledger_invoice.amount_due is 'total less credits_applied, at least 0.';
comment on column ledger_invoice.amount_paid is 'Sum of the payments made on it.';
comment on column ledger_invoice.amount_remaining is
  'What is still to be paid; 0 for one that is voided.';
comment on column ledger_invoice.refund_due is 'What is to be paid back of a total below zero.';
comment on column ledger_invoice.unapplied is
  'What was paid too much, or credited and not refunded: kept for the tenant.';
comment on column ledger_invoice.line_items is 'Its lines, in their order.';
comment on column ledger_invoice.tax_rates is 'Tax rates that it was computed with, as given.';
comment on column ledger_invoice.finalized_at is 'When it became final, or null.';
comment on column ledger_invoice.due_at is 'When it is to be paid, or null.';
comment on column ledger_invoice.paid_at is 'When payments covered it, or null.';
comment on column ledger_invoice.voided_at is 'When it was voided, or null.';
comment on column ledger_invoice.void_reason is 'Why it was voided, or null.';
comment on column ledger_invoice.uncollectible_at is 'When it was given up, or null.';
comment on column ledger_invoice.version is 'Counts changes, from 1.';
comment on column ledger_invoice.metadata is 'JSON object of the app''s own, or null.';
comment on column ledger_invoice.created_at is 'When it was drawn up.';
comment on column ledger_invoice.updated_at is 'When it was last changed.';

revoke all on type ledger_invoice from public;
grant usage on type ledger_invoice to pgledger_reader;

create type ledger_invoice_preview as (
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

comment on type ledger_invoice_preview is 'An invoice as it would be drawn up, or as it was.';
comment on column ledger_invoice_preview.id is
  'Public id, inv_ and a ULID (none as long as it is not written down), or null.';
comment on column ledger_invoice_preview.app_id is 'App.';
comment on column ledger_invoice_preview.tenant_id is 'Who is billed.';
comment on column ledger_invoice_preview.subscription_id is
  'For which subscription (none for a one-off invoice), or null.';
comment on column ledger_invoice_preview.kind is
  'What it is for. period: what a period has come to. start: a base fee at the start of what it '
  'pays for. interim: usage within a period. one_off: lines that the app gave. One of: period, '
  'start, interim, one_off.';
comment on column ledger_invoice_preview.period_start is
  'Start of the period it is for, inclusive (none for a one-off invoice), or null.';
comment on column ledger_invoice_preview.period_end is
  'End of the period it is for, exclusive, or null.';
comment on column ledger_invoice_preview.status is
  'State; paid and voided are final; one of: draft, pending, paid, past_due, voided, '
  'uncollectible.';
comment on column ledger_invoice_preview.number is
  'Number within the app, from 1 without a gap (none for a draft), or null.';
comment on column ledger_invoice_preview.currency is 'Currency of all amounts.';
comment on column ledger_invoice_preview.subtotal is 'Sum of the lines before discounts and taxes.';
comment on column ledger_invoice_preview.discount is 'Sum of what coupons take off.';
comment on column ledger_invoice_preview.tax is 'Sum of the taxes.';
comment on column ledger_invoice_preview.total is
  'subtotal less discount plus tax; below zero where it credits more than it charges.';
comment on column ledger_invoice_preview.credits_applied is 'What a wallet has paid of the total.';
comment on column ledger_invoice_preview.amount_due is 'total less credits_applied, at least 0.';
comment on column ledger_invoice_preview.amount_paid is 'Sum of the payments made on it.';
comment on column ledger_invoice_preview.amount_remaining is
  'What is still to be paid; 0 for one that is voided.';
comment on column ledger_invoice_preview.refund_due is
  'What is to be paid back of a total below zero.';
comment on column ledger_invoice_preview.unapplied is
  'What was paid too much, or credited and not refunded: kept for the tenant.';
comment on column ledger_invoice_preview.line_items is 'Its lines, in their order.';
comment on column ledger_invoice_preview.tax_rates is
  'Tax rates that it was computed with, as given.';
comment on column ledger_invoice_preview.finalized_at is 'When it became final, or null.';
comment on column ledger_invoice_preview.due_at is 'When it is to be paid, or null.';
comment on column ledger_invoice_preview.paid_at is 'When payments covered it, or null.';
comment on column ledger_invoice_preview.voided_at is 'When it was voided, or null.';
comment on column ledger_invoice_preview.void_reason is 'Why it was voided, or null.';
comment on column ledger_invoice_preview.uncollectible_at is 'When it was given up, or null.';
comment on column ledger_invoice_preview.version is
  'Counts changes, from 1 (none as long as it is not written down), or null.';
comment on column ledger_invoice_preview.metadata is 'JSON object of the app''s own, or null.';
comment on column ledger_invoice_preview.created_at is
  'When it was drawn up (none as long as it is not written down), or null.';
comment on column ledger_invoice_preview.updated_at is
  'When it was last changed (none as long as it is not written down), or null.';

revoke all on type ledger_invoice_preview from public;
grant usage on type ledger_invoice_preview to pgledger_reader;

create type ledger_payment as (
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

comment on type ledger_payment is 'Money that came in for an invoice.';
comment on column ledger_payment.id is 'Public id, pay_ and a ULID.';
comment on column ledger_payment.app_id is 'App.';
comment on column ledger_payment.tenant_id is 'Who paid.';
comment on column ledger_payment.invoice_id is 'Which invoice.';
comment on column ledger_payment.amount is 'Amount in the invoice''s currency.';
comment on column ledger_payment.currency is 'That currency.';
comment on column ledger_payment.reference is
  'What the payment is called where it was made, or null.';
comment on column ledger_payment.paid_at is 'When it was paid.';
comment on column ledger_payment.created_at is 'When it was written down.';

revoke all on type ledger_payment from public;
grant usage on type ledger_payment to pgledger_reader;

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
    -- NaN is above everything, so it is refused with what is not below 1e30.
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
Refuses an app that the billing store cannot have. Unlike the ledger's, it must be named, because *
stands for all apps and the empty text would name one that nobody meant.
Errors: NullArgument, InvalidScope.
*/
create or replace function pgledger.check_app(app_id text)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  perform pgledger.check_scope('app_id', app_id, 1);
  if app_id = '*' then
    perform pgledger.fail('LG006', array['app_id', '''*''', 'it stands for all apps']);
  end if;
end;
$$;

comment on function pgledger.check_app is
  'Raises NullArgument or InvalidScope unless the text can name an app of the billing store.';

revoke all on function pgledger.check_app from public;

-- file: repeatable/00_core/checks/check_arrays.sql
/*
Refuses parallel arrays that do not have one dimension and one length, or that have more than
100,000 elements. The first of them counts, and the first ones are required; the others may be null.
Errors: InvalidBatch, BatchTooLarge.
*/
create or replace function pgledger.check_arrays(
  names text[],
  sizes bigint[],
  dimensions integer[],
  required integer
)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  for v_place in 1..cardinality(names) loop
    if sizes[v_place] is null then
      if v_place <= required then
        perform pgledger.fail('LG012', array[names[v_place] || ' must not be null']);
      end if;
    elsif dimensions[v_place] > 1 then
      perform pgledger.fail(
        'LG012', array[format('%s has %s dimensions', names[v_place], dimensions[v_place])]
      );
    elsif sizes[v_place] <> sizes[1] then
      perform pgledger.fail(
        'LG012',
        array[
          format('%s has %s elements, %s %s', names[v_place], sizes[v_place], names[1], sizes[1])
        ]
      );
    end if;
  end loop;
  if sizes[1] > 100000 then
    perform pgledger.fail('LG013', array[sizes[1]::text, '100000']);
  end if;
end;
$$;

comment on function pgledger.check_arrays is
  'Raises InvalidBatch or BatchTooLarge unless parallel arrays have one length and one dimension.';

revoke all on function pgledger.check_arrays from public;

-- file: repeatable/00_core/checks/check_billing_scope.sql
/*
Refuses an app or a tenant that the billing store cannot have. The empty tenant means the whole app
in the catalogue, and nothing anywhere else.
Errors: NullArgument, InvalidScope.
*/
create or replace function pgledger.check_billing_scope(
  app_id text,
  tenant_id text
)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  perform pgledger.check_app(app_id);
  perform pgledger.check_scope('tenant_id', tenant_id, 1);
end;
$$;

comment on function pgledger.check_billing_scope is
  'Raises NullArgument or InvalidScope unless both can name an app and a tenant of it.';

revoke all on function pgledger.check_billing_scope from public;

-- file: repeatable/00_core/checks/check_catalogue_scope.sql
/*
Refuses an app or a tenant that the catalogue cannot have. The empty tenant stands for the whole
app. The app * stands for all apps, which only features can belong to, and none of their tenants.

Errors: NullArgument, InvalidScope.
*/
create or replace function pgledger.check_catalogue_scope(
  app_id text,
  tenant_id text default '',
  all_apps_allowed boolean default false
)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  if not all_apps_allowed or (app_id = '*') is not true then
    perform pgledger.check_app(app_id);
  end if;

  perform pgledger.check_scope('tenant_id', tenant_id);

  if app_id = '*' and tenant_id <> '' then
    perform pgledger.fail(
      'LG006',
      array[
        'tenant_id',
        quote_literal(pgledger.abridged(tenant_id)),
        'what belongs to all apps belongs to no tenant'
      ]
    );
  end if;
end;
$$;

comment on function pgledger.check_catalogue_scope is
  'Raises NullArgument or InvalidScope unless both can name an app, or all apps where that is '
  'allowed, and a tenant of it or the whole app.';

revoke all on function pgledger.check_catalogue_scope from public;

-- file: repeatable/00_core/checks/check_choice.sql
/*
Refuses a text that is none of those. The name is that of the argument.

Errors: NullArgument, InvalidArgument.
*/
create or replace function pgledger.check_choice(
  name text,
  value text,
  choices text[]
)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  if value is null then
    perform pgledger.fail('LG003', array[name]);
  elsif value <> all(choices) then
    perform pgledger.fail(
      'LG101',
      array[
        name,
        quote_literal(pgledger.abridged(value)),
        'it is none of ' || array_to_string(choices, ', ')
      ]
    );
  end if;
end;
$$;

comment on function pgledger.check_choice is
  'Raises NullArgument or InvalidArgument unless the text is one of those.';

revoke all on function pgledger.check_choice from public;

-- file: repeatable/00_core/checks/check_id.sql
/*
Refuses what is not an id of that prefix. The name is that of the argument.

Errors: NullArgument, InvalidId.
*/
create or replace function pgledger.check_id(
  name text,
  id text,
  prefix text,
  request_index bigint default null,
  request_count bigint default null
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_fault text := pgledger.id_fault(id, prefix);
begin
  if id is null then
    perform pgledger.fail('LG003', array[name], request_index, request_count);
  elsif v_fault is not null then
    perform pgledger.fail(
      'LG001',
      array[name || ' ' || quote_literal(pgledger.abridged(id)), v_fault],
      request_index,
      request_count
    );
  end if;
end;
$$;

comment on function pgledger.check_id is
  'Raises NullArgument or InvalidId unless the text is an id of that prefix.';

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
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_fault text := pgledger.metadata_fault(metadata);
begin
  if v_fault is not null then
    perform pgledger.fail('LG007', array[v_fault], request_index, request_count);
  end if;
end;
$$;

comment on function pgledger.check_metadata is
  'Raises InvalidMetadata unless metadata is null or a JSON object that is not too large.';

revoke all on function pgledger.check_metadata from public;

-- file: repeatable/00_core/checks/check_page.sql
/*
Refuses a page of a list that cannot be one.
Errors: NullArgument, InvalidPage.
*/
create or replace function pgledger.check_page(page_size integer, page_offset bigint)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  if page_size is null then
    perform pgledger.fail('LG003', array['page_size']);
  elsif page_size not between 1 and 10000 then
    perform pgledger.fail(
      'LG014', array['page_size', page_size::text, 'it is not between 1 and 10000']
    );
  elsif page_offset is null then
    perform pgledger.fail('LG003', array['page_offset']);
  elsif page_offset < 0 then
    perform pgledger.fail('LG014', array['page_offset', page_offset::text, 'it is negative']);
  end if;
end;
$$;

comment on function pgledger.check_page is
  'Raises NullArgument or InvalidPage unless these can be a page of a list.';

revoke all on function pgledger.check_page from public;

-- file: repeatable/00_core/checks/check_quantity.sql
/*
Refuses a quantity that cannot be one. The name is that of the argument.
Errors: NullArgument, InvalidQuantity.
*/
create or replace function pgledger.check_quantity(name text, quantity numeric)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  if quantity is null then
    perform pgledger.fail('LG003', array[name]);
  elsif pgledger.quantity_fault(quantity) is not null then
    perform pgledger.fail(
      'LG104', array[name, pgledger.abridged(quantity::text), pgledger.quantity_fault(quantity)]
    );
  end if;
end;
$$;

comment on function pgledger.check_quantity is
  'Raises NullArgument or InvalidQuantity unless the number can be a quantity.';

revoke all on function pgledger.check_quantity from public;

-- file: repeatable/00_core/checks/check_scope.sql
/*
Refuses an app_id, tenant_id or group_id that could not name anything, or that looks like another.

Errors: NullArgument, InvalidScope.
*/
create or replace function pgledger.check_scope(
  name text,
  value text,
  minimum integer default 0,
  maximum integer default 128
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_fault text := pgledger.text_fault(value, minimum, maximum, false);
begin
  if value is null then
    perform pgledger.fail('LG003', array[name]);
  elsif v_fault is not null then
    perform pgledger.fail('LG006', array[name, quote_literal(pgledger.abridged(value)), v_fault]);
  end if;
end;
$$;

comment on function pgledger.check_scope is
  'Raises NullArgument or InvalidScope unless the value can be an app_id, tenant_id or group_id.';

revoke all on function pgledger.check_scope from public;

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
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_fault text := pgledger.text_fault(value, minimum, maximum, allow_invisible);
begin
  if value is null then
    perform pgledger.fail('LG003', array[name]);
  elsif v_fault is not null then
    perform pgledger.fail('LG101', array[name, quote_literal(pgledger.abridged(value)), v_fault]);
  end if;
end;
$$;

comment on function pgledger.check_text is
  'Raises NullArgument or InvalidArgument unless the text has so many characters and can be seen.';

revoke all on function pgledger.check_text from public;

-- file: repeatable/00_core/checks/in_app.sql
/*
Names the app in a message, unless it is the empty one, of which most callers know nothing.
*/
create or replace function pgledger.in_app(app_id text)
returns text
language sql
immutable
parallel safe
as $$
  select case when app_id <> '' then ' in app ' || quote_literal(app_id) else '' end
$$;

comment on function pgledger.in_app is 'How a message names the app, if it is not the empty one.';

revoke all on function pgledger.in_app from public;

-- file: repeatable/00_core/checks/in_catalogue.sql
/*
Where in the catalogue something was looked for or stands, as messages say it.
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
  'How a message names the part of the catalogue that belongs to an app or to a tenant of it.';

revoke all on function pgledger.in_catalogue from public;

-- file: repeatable/00_core/checks/metadata_fault.sql
/*
Says what is wrong with metadata, or null if nothing is. Null is no metadata.
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
    -- A number takes a few bytes and is written with up to 131072: what is large is not written out
    -- before its numbers are known to be short. The least of them has 16383 decimal places.
    when pg_column_size(metadata) > 1024
      and jsonb_path_exists(
        metadata, '$.** ? (@.type() == "number" && (@ >= 1e308 || @ <= -1e308))'
      )
      then 'it has a number of more than 308 digits'
    when octet_length(metadata::text) > 65536
      then format('it has %s bytes, at most 65536 are allowed', octet_length(metadata::text))
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
    -- NaN is above everything, so it is refused with what is not below 1e30.
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
A value as a message shows it: whole, or its beginning and dots. A caller may give us megabytes.
*/
create or replace function pgledger.abridged(value text)
returns text
language sql
immutable
parallel safe
as $$
  select case when char_length(value) > 64 then left(value, 61) || '...' else value end
$$;

comment on function pgledger.abridged is 'A value as a message shows it, at most 64 characters.';

revoke all on function pgledger.abridged from public;

-- file: repeatable/00_core/errors/error_registry.sql
/*
Every error of pgledger, one row each: the one home of codes, names and texts. The message is a
form for format(); its arguments are given where the error is raised. Codes are of SQLSTATE class
LG and are never reused. None of these errors is cured by running the same transaction again at
once: those that are (40001, 40P01, 55P03) are PostgreSQL's own.
*/
create or replace function pgledger.error_registry()
returns table (code text, name text, message text, hint text, retryable boolean)
language sql
immutable
parallel safe
as $$
  values
    (
      'LG001', 'InvalidId', '%s is not a valid id: %s',
      'An id is a prefix, an underscore and a ULID: 26 characters out of 0-9 and A-Z without I, L, '
      'O and U, the first at most 7.',
      false
    ),
    (
      'LG002', 'InvalidIdPrefix', '%s is not a valid prefix for ids',
      'A prefix is 1 to 16 lower-case letters a-z, for example pgla.',
      false
    ),
    (
      'LG003', 'NullArgument', '%s must not be null',
      'Give a value; an argument that has a default may be left out.',
      false
    ),
    (
      'LG004', 'InvalidName', 'account name %s is not valid: %s',
      'A name has 1 to 255 characters and at least one that can be seen.',
      false
    ),
    (
      'LG005', 'InvalidCurrency', 'currency %s is not valid: %s',
      'A currency is 1 to 32 visible characters without spaces, for example USD.',
      false
    ),
    (
      'LG006', 'InvalidScope', '%s %s is not valid: %s',
      'app_id and tenant_id have at most 128 characters, group_id 1 to 255, all of them visible. '
      'In the billing store neither may be empty.',
      false
    ),
    (
      'LG007', 'InvalidMetadata', 'metadata is not valid: %s',
      'Metadata is a JSON object of at most 65536 bytes, or null. Store large things elsewhere and '
      'a reference here.',
      false
    ),
    (
      'LG008', 'InvalidTime', '%s %s is not valid: %s',
      'Give a finite time from the year 1 to the year 9999.',
      false
    ),
    (
      'LG009', 'EventAtInFuture', 'event_at %s is more than a day ahead of %s',
      'If the event really is that far ahead, call with allow_future_event_at => true.',
      false
    ),
    (
      'LG010', 'InvalidAmount', 'amount %s is not valid: %s',
      'An amount is a number above 0 and below 1e30 with at most 18 decimal places. To move money '
      'the other way, swap the accounts.',
      false
    ),
    (
      'LG011', 'SameAccount', 'cannot transfer from account %s to itself',
      'A transfer needs two different accounts.',
      false
    ),
    (
      'LG012', 'InvalidBatch', '%s',
      'Give one-dimensional arrays of equal length, one element a request; an optional array may '
      'be left out.',
      false
    ),
    (
      'LG013', 'BatchTooLarge', '%s requests in one call, at most %s are taken',
      'Split the requests into several calls, in one transaction if they belong together.',
      false
    ),
    (
      'LG014', 'InvalidPage', '%s %s is not valid: %s',
      'page_size is 1 to 10000. after_version is the account_version of the last entry of the page '
      'before, or null; page_offset counts rows to leave out, from 0.',
      false
    ),
    (
      'LG020', 'AccountNotFound', 'account %s does not exist%s',
      'Check the id, and the app_id: an account is found only under its own app.',
      false
    ),
    (
      'LG021', 'TransferNotFound', 'transfer %s does not exist%s',
      'Check the id, and the app_id: a transfer is found only under its own app.',
      false
    ),
    (
      'LG022', 'CurrencyMismatch',
      'cannot transfer between different currencies: account %s is in %s, account %s in %s',
      'An exchange is two transfers in one call, each within its currency, through accounts that '
      'hold both currencies'' liquidity.',
      false
    ),
    (
      'LG023', 'IdempotencyConflict', 'id %s is already taken by a different request',
      'Send exactly the same request to get its first result again, or choose a new id.',
      false
    ),
    (
      'LG024', 'InsufficientFunds',
      'account %s (%s) does not allow a negative balance: %s less %s would leave %s',
      'Move a smaller amount, or move money into the account first.',
      false
    ),
    (
      'LG025', 'PositiveBalanceNotAllowed',
      'account %s (%s) does not allow a positive balance: %s plus %s would leave %s',
      'Move a smaller amount, or move money out of the account first.',
      false
    ),
    (
      'LG026', 'BalanceOutOfRange', 'account %s (%s) cannot hold a balance of %s',
      'A balance stays above -1e30 and below 1e30.',
      false
    ),
    (
      'LG030', 'ImmutableRecord', '%s on %s is not allowed: its rows never change',
      'Correct a transfer with another transfer.',
      false
    ),
    (
      'LG101', 'InvalidArgument', '%s %s is not valid: %s',
      'The description of the function says what each argument can be: \df+ in psql, help() in '
      'Python.',
      false
    ),
    (
      'LG102', 'InvalidPlan', 'the plan is not valid at %s: %s',
      'The message names the JSON path of what is wrong; docs/concepts.md has the forms.',
      false
    ),
    (
      'LG103', 'UnknownCurrency', 'currency %s is not known%s',
      'Use a code of ISO 4217, or define a currency of the app''s own with ledger_set_currency.',
      false
    ),
    (
      'LG104', 'InvalidQuantity', '%s %s is not valid: %s',
      'A quantity is a number from 0 to below 1e30 with at most 18 decimal places.',
      false
    ),
    (
      'LG105', 'UsageInFuture', 'event_at %s is more than %s ahead of %s',
      'Check the unit and the time zone; ledger_set_usage_skew changes how far ahead is allowed.',
      false
    ),
    (
      'LG106', 'UsagePurged', '%s %s is before %s, where usage events may have been purged',
      'Usage that old is neither taken nor split any more. Ask for whole UTC hours, whose totals '
      'are kept.',
      false
    ),
    (
      'LG107', 'InvalidInvoice', 'the invoice is not valid at %s: %s',
      'The message names the JSON path of what is wrong; docs/billing.md has the forms.',
      false
    ),
    (
      'LG110', 'PlanNotFound', 'plan %s does not exist%s',
      'Check the id or slug, the app_id, and whether the plan belongs to another tenant.',
      false
    ),
    (
      'LG111', 'FeatureNotFound', 'feature %s does not exist%s',
      'Check the id or key and the app_id, or create it with ledger_create_feature.',
      false
    ),
    (
      'LG112', 'SubscriptionNotFound', 'subscription %s does not exist%s',
      'Check the id, the app_id and the tenant_id: a subscription is found only under its own.',
      false
    ),
    (
      'LG113', 'InvoiceNotFound', 'invoice %s does not exist%s',
      'Check the id, the app_id and the tenant_id: an invoice is found only under its own.',
      false
    ),
    (
      'LG114', 'CouponNotFound', 'coupon %s does not exist%s',
      'Check the code or id, the app_id, and whether the coupon belongs to another tenant.',
      false
    ),
    (
      'LG120', 'AlreadyExists', '%s %s is already taken%s',
      'Choose another, or get the one that has it.',
      false
    ),
    (
      'LG121', 'Archived', '%s %s is archived',
      'What is archived stays for those who have it and takes nobody new; choose another.',
      false
    ),
    (
      'LG122', 'InUse', '%s %s cannot be %s: %s',
      'What is in use stays as it is. Archive it, so that nobody else takes it, or choose another.',
      false
    ),
    (
      'LG123', 'InvalidState', '%s %s is %s and cannot become %s',
      'Get it again to see its state; it may have changed since.',
      false
    ),
    (
      'LG124', 'ActiveSubscriptionExists', 'tenant %s has an active subscription already%s',
      'Change its plan or cancel it at once, or take a plan that is an add-on.',
      false
    ),
    (
      'LG125', 'CouponNotValid', 'coupon %s cannot be redeemed: %s',
      'A coupon is redeemed while it is active, from valid_from until valid_until.',
      false
    ),
    (
      'LG126', 'CouponExhausted', 'coupon %s is used up: it has been redeemed %s of %s times%s',
      'max_redemptions limits all tenants together, max_redemptions_per_tenant each of them; '
      'ledger_update_coupon raises either.',
      false
    )
$$;

comment on function pgledger.error_registry is
  'Every error of pgledger: SQLSTATE, name, form of the message, hint, whether a retry can help.';

-- The view of errors calls it, with the privileges of whoever reads the view.
revoke all on function pgledger.error_registry from public;
grant execute on function pgledger.error_registry to pgledger_reader;

-- file: repeatable/00_core/errors/error_text.sql
/*
The message of the error of that code: the registry's form filled in with the arguments. Null for a
code that is not registered.
*/
create or replace function pgledger.error_text(code text, arguments text[])
returns text
language sql
stable
parallel safe
as $$
  select format(registry.message, variadic error_text.arguments)
  from pgledger.error_registry() as registry
  where registry.code = error_text.code
$$;

comment on function pgledger.error_text is
  'Message of the registered error of that SQLSTATE, filled in.';

revoke all on function pgledger.error_text from public;

-- file: repeatable/00_core/errors/fail.sql
/*
Raises the error of that code, and never returns. The message is the registry's form filled in with
the arguments; in a batch it begins with the request that is at fault, counted from 1.
*/
create or replace function pgledger.fail(
  code text,
  arguments text[],
  request_index bigint default null,
  request_count bigint default null
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_message text := pgledger.error_text(code, arguments);
  v_hint text;
begin
  select registry.hint
  into strict v_hint
  from pgledger.error_registry() as registry
  where registry.code = fail.code;

  if fail.request_index is not null then
    v_message := format('request %s of %s: %s', fail.request_index, fail.request_count, v_message);
  end if;

  raise exception using errcode = fail.code, message = v_message, hint = v_hint;
end;
$$;

comment on function pgledger.fail is
  'Raises the registered error of that SQLSTATE with its message filled in.';

revoke all on function pgledger.fail from public;

-- file: repeatable/00_core/ids/base32_lanes.sql
/*
Spreads the low 40 bits of a number over eight bytes, five bits a byte, most significant first: its
digits in base 32. Three halvings (2 x 20 bits, 4 x 10, 8 x 5) instead of eight shifts, written as
one expression so that the planner inlines it; give it a plain variable or column, because it
stands in it eight times. Constants are decimal because PostgreSQL 15 has no hexadecimal ones.
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
Two characters of Crockford's alphabet for ten bits: what is left over of 130 bits (26 characters)
after three groups of eight.
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
Writes eight base-32 digits, one a byte, in Crockford's alphabet. Added to the code of '0' are 7
from digit 10 on (the letters), and 1 more after each of I, L, O and U that is left out; each
comparison is one addition over all eight bytes, whose carry into the sixth bit says "at least".
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
The ULID of an id that is not stored but computed from what is: when the record was written
(milliseconds, 48 bits) and two numbers (the low 40 bits of each).
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
  -- 48 bits are two bits short of ten characters: the first two hold the upper eight bits.
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
The id of an entry, which is not stored: the ULID of when it was recorded, its account and its
version on that account. Unique, ascending along an account.
Views call it with the privileges and the search_path of whoever reads them; hence its own.
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
  'Id of the entry of that account and version, recorded at that time.';

revoke all on function pgledger.entry_id from public;
grant execute on function pgledger.entry_id to pgledger_reader;

-- file: repeatable/00_core/ids/event_id.sql
/*
The id of a usage event, which is not stored: the ULID of when it was recorded and its key.
Views call it with the privileges and the search_path of whoever reads them; hence its own.
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
  'Id of the usage event of that key, recorded at that time.';

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
A new ULID for that time, whose bits are a UUIDv7 of RFC 9562: 48 bits of milliseconds, the version,
12 bits of the fraction of the millisecond (each microsecond has its own value, so ids of different
microseconds sort by them), the variant, and random bits. Made by hand on every major: a server's
own uuidv7() cannot be told the time, and a stranger may have one of the same name.

A transaction that makes one transfer runs this once, so what counts is the number of operators,
each of which is set up anew. Hence the halvings of pgledger.base32_lanes written out over
variables, and a tail of twelve hexadecimal digits, which are digits of Crockford's alphabet as
they stand: 48 random bits within a microsecond, the other bits zero.
*/
create or replace function pgledger.new_ulid(at timestamptz)
returns text
language plpgsql
volatile
parallel safe
as $$
declare
  v_microseconds bigint := extract(epoch from at) * 1000000;
  -- Eight characters: milliseconds but their last ten bits.
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

  -- Added to each byte is the code of '0'; the characters that follow '9' there become letters.
  return translate(
    encode(
      int8send(v_head + 3472328296227680304)
      || substring(int8send(v_rest + 3472328296227680304) from 3),
      'escape'
    ),
    ':;<=>?@ABCDEFGHIJKLMNO',
    'ABCDEFGHJKMNPQRSTVWXYZ'
  )
  -- The last group of a UUID's text holds neither its version nor its variant.
  || translate(right(gen_random_uuid()::text, 12), 'abcdef', 'ABCDEF');
end;
$$;

comment on function pgledger.new_ulid is
  'A new ULID of that time, 26 characters; underneath it is a UUIDv7.';

revoke all on function pgledger.new_ulid from public;

-- file: repeatable/00_core/ids/pgledger_generate_id.sql
/*
Makes a new id. Strictly ascending within a session, within a statement and between statements,
while the clock does not step back: the function does not return before the clock has left the
microsecond that the id was made of, however fast the machine. The wait is bounded, because a clock
that stands still (a test's) must not hang a session.

Errors: InvalidIdPrefix.
*/
create or replace function pgledger_generate_id(prefix text)
returns text
language plpgsql
volatile
parallel restricted
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
begin
  if (prefix collate "C" ~ '^[a-z]{1,16}$') is not true then
    perform pgledger.fail('LG002', array[quote_nullable(pgledger.abridged(prefix))]);
  end if;

  for v_attempt in 1..100 loop
    exit when pgledger.clock() > v_now;
  end loop;

  return prefix || '_' || pgledger.new_ulid(v_now);
end;
$$;

comment on function pgledger_generate_id is
  'Makes a new id: the prefix (1 to 16 letters a-z), an underscore and a ULID. '
  'Ids of one session ascend. Errors: InvalidIdPrefix.';

revoke all on function pgledger_generate_id from public;
grant execute on function pgledger_generate_id to pgledger_reader;

-- file: repeatable/00_core/ids/pgledger_id_timestamp.sql
/*
The time inside an id, with or without its prefix. Null for null. The interval is added in whole
seconds and in milliseconds, each exact in the double precision that intervals are multiplied in.

Errors: InvalidId.
*/
create or replace function pgledger_id_timestamp(id text)
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
begin
  if v_fault is not null then
    perform pgledger.fail('LG001', array[quote_nullable(pgledger.abridged(id)), v_fault]);
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

comment on function pgledger_id_timestamp is
  'The time inside an id, with or without its prefix, in whole milliseconds. '
  'Errors: InvalidId.';

revoke all on function pgledger_id_timestamp from public;
grant execute on function pgledger_id_timestamp to pgledger_reader;

-- file: repeatable/00_core/ids/pgledger_ulid_to_uuid.sql
/*
The UUID of the same 128 bits as a ULID. Null for null. A text that is not exactly 26 characters of
Crockford's alphabet within 128 bits is refused: guessing at a mistyped id moves the wrong money.

Errors: InvalidId.
*/
create or replace function pgledger_ulid_to_uuid(ulid text)
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
begin
  if v_fault is not null then
    perform pgledger.fail('LG001', array[quote_nullable(pgledger.abridged(ulid)), v_fault]);
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

comment on function pgledger_ulid_to_uuid is
  'The UUID of the same 128 bits as the ULID (26 characters, without a prefix). '
  'Errors: InvalidId.';

revoke all on function pgledger_ulid_to_uuid from public;
grant execute on function pgledger_ulid_to_uuid to pgledger_reader;

-- file: repeatable/00_core/ids/pgledger_uuid_to_ulid.sql
/*
The ULID of the same 128 bits as a UUID. Null for null.
*/
create or replace function pgledger_uuid_to_ulid(uuid uuid)
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

comment on function pgledger_uuid_to_ulid is
  'The ULID, 26 characters, of the same 128 bits as the UUID.';

revoke all on function pgledger_uuid_to_ulid from public;
grant execute on function pgledger_uuid_to_ulid to pgledger_reader;

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

-- file: repeatable/00_core/json/check_plan_array.sql
/*
Refuses what is not an array, or has more than 1000 elements.

Errors: InvalidPlan.
*/
create or replace function pgledger.check_plan_array(
  value jsonb,
  path text
)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  if jsonb_typeof(value) <> 'array' then
    perform pgledger.refuse_plan(
      value, path, format('is of type %s, not an array', jsonb_typeof(value))
    );
  elsif jsonb_array_length(value) > 1000 then
    perform pgledger.refuse_plan(
      value,
      path,
      format('has %s elements, at most 1000 are allowed', jsonb_array_length(value))
    );
  end if;
end;
$$;

comment on function pgledger.check_plan_array is
  'Raises InvalidPlan unless the value is an array of at most 1000 elements.';

revoke all on function pgledger.check_plan_array from public;

-- file: repeatable/00_core/json/check_plan_object.sql
/*
Refuses what is not an object, or has members other than those. A misspelt member would otherwise
be a price or a limit that silently does not hold.

Errors: InvalidPlan.
*/
create or replace function pgledger.check_plan_object(
  value jsonb,
  path text,
  members text[]
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_stranger text;
begin
  if jsonb_typeof(value) <> 'object' then
    perform pgledger.refuse_plan(
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
    perform pgledger.refuse_plan(
      null,
      pgledger.json_path(path, v_stranger),
      'is not known here: there may be ' || array_to_string(members, ', ')
    );
  end if;
end;
$$;

comment on function pgledger.check_plan_object is
  'Raises InvalidPlan unless the value is an object that has none but those members.';

revoke all on function pgledger.check_plan_object from public;

-- file: repeatable/00_core/json/check_plan_size.sql
/*
Refuses a plan's JSON that is larger than 1 MiB as text. A number such as 1e131071 takes 12 bytes
and is written with 131072, so the text is made only once every value in it was found to be sound;
before that, what would be too large in any case is kept from being looked through. JSON takes less
than eight times the bytes of its text.

Errors: InvalidPlan.
*/
create or replace function pgledger.check_plan_size(
  value jsonb,
  path text,
  sound boolean
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_bytes integer := case
    when sound then octet_length(value::text)
    else pg_column_size(value) / 8
  end;
begin
  if v_bytes > 1048576 then
    perform pgledger.fail('LG102', array[path, 'it has more than 1048576 bytes']);
  end if;
end;
$$;

comment on function pgledger.check_plan_size is
  'Raises InvalidPlan if JSON has more than 1 MiB; only roughly while its values may be unsound.';

revoke all on function pgledger.check_plan_size from public;

-- file: repeatable/00_core/json/decimal_fault.sql
/*
Says what is wrong with a number in a plan's JSON, or null if nothing is: a number, or a string of
digits, below 1e30 with at most 18 decimal places that matter. How it is written is bounded before
it is converted, because digits enough overflow a numeric.
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
  'What is wrong with a number, or a string that should hold one, in a plan''s JSON, or null.';

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
volatile
parallel safe
as $$
declare
  v_text text := value #>> '{}';
  v_fault text := pgledger.text_fault(v_text, 1, maximum, true);
begin
  if value is null then
    return null;
  elsif jsonb_typeof(value) <> 'string' then
    perform pgledger.refuse_plan(
      value, path, format('is of type %s, not a string', jsonb_typeof(value))
    );
  elsif v_fault is not null then
    perform pgledger.fail('LG107', array[path, v_fault]);
  end if;

  return v_text;
end;
$$;

comment on function pgledger.invoice_text is
  'A text in the JSON of an invoice, or null; raises InvalidInvoice unless it is sound.';

revoke all on function pgledger.invoice_text from public;

-- file: repeatable/00_core/json/invoice_time.sql
/*
The time that a member of an object in the JSON of an invoice holds, which needs an offset: what a
text without one means depends on the session. Null if there is no such member, or it is null. Its
form leaves nothing that the conversion could refuse but the 30th of February and its like.

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
begin
  if v_value is null then
    return null;
  elsif jsonb_typeof(v_value) <> 'string' then
    perform pgledger.refuse_plan(
      v_value, v_path, format('is of type %s, not a string', jsonb_typeof(v_value))
    );
  elsif (
    v_text collate "C" ~ (
      '^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
      '[Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?'
      '([Zz]|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)$'
    )
  ) is not true then
    perform pgledger.refuse_plan(
      v_value, v_path, 'is not an ISO 8601 time with an offset such as 2025-01-31T00:00:00Z'
    );
  elsif substr(v_text, 9, 2)::integer > extract(
    day from (left(v_text, 7) || '-01')::timestamp + interval '1 month -1 day'
  ) then
    perform pgledger.refuse_plan(v_value, v_path, 'is a day that its month does not have');
  end if;

  v_time := v_text::timestamptz;
  if pgledger.time_fault(v_time) is not null then
    perform pgledger.fail('LG107', array[v_path, pgledger.time_fault(v_time)]);
  end if;
  return v_time;
end;
$$;

comment on function pgledger.invoice_time is
  'A time in the JSON of an invoice, or null; raises InvalidInvoice unless it is sound.';

revoke all on function pgledger.invoice_time from public;

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
  'The path of a member of the object at that path, its name quoted where it has to be.';

revoke all on function pgledger.json_path from public;

-- file: repeatable/00_core/json/plan_choice.sql
/*
The word that a member of an object in a plan's JSON holds, one of those; null if there is no such
member, or it is null.

Errors: InvalidPlan.
*/
create or replace function pgledger.plan_choice(
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
begin
  if v_value is null then
    if required then
      perform pgledger.refuse_plan(null, v_path, 'is missing');
    end if;
    return null;
  elsif jsonb_typeof(v_value) <> 'string' then
    perform pgledger.refuse_plan(
      v_value, v_path, format('is of type %s, not a string', jsonb_typeof(v_value))
    );
  elsif v_value #>> '{}' <> all(choices) then
    perform pgledger.refuse_plan(
      v_value, v_path, 'is none of ' || array_to_string(choices, ', ')
    );
  end if;

  return v_value #>> '{}';
end;
$$;

comment on function pgledger.plan_choice is
  'The word of a member in a plan''s JSON, or null; raises InvalidPlan unless it is one of those.';

revoke all on function pgledger.plan_choice from public;

-- file: repeatable/00_core/json/plan_decimal.sql
/*
The number that a member of an object in a plan's JSON holds, within bounds; null if there is no
such member, or it is null.

Errors: InvalidPlan.
*/
create or replace function pgledger.plan_decimal(
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
begin
  if v_value is null then
    if required then
      perform pgledger.refuse_plan(null, v_path, 'is missing');
    end if;
    return null;
  elsif v_fault is not null then
    perform pgledger.refuse_plan(v_value, v_path, v_fault);
  end if;

  v_number := (v_value #>> '{}')::numeric;

  if v_number < minimum then
    perform pgledger.refuse_plan(v_value, v_path, format('is below %s', minimum));
  elsif v_number > maximum then
    perform pgledger.refuse_plan(v_value, v_path, format('is above %s', maximum));
  end if;

  return v_number;
end;
$$;

comment on function pgledger.plan_decimal is
  'The number of a member in a plan''s JSON, or null; raises InvalidPlan unless it is sound.';

revoke all on function pgledger.plan_decimal from public;

-- file: repeatable/00_core/json/plan_text.sql
/*
The text that a member of an object in a plan's JSON holds, which has to be there.

Errors: InvalidPlan.
*/
create or replace function pgledger.plan_text(
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
begin
  if v_value is null then
    perform pgledger.refuse_plan(null, pgledger.json_path(path, member), 'is missing');
  elsif jsonb_typeof(v_value) <> 'string' then
    perform pgledger.refuse_plan(
      v_value,
      pgledger.json_path(path, member),
      format('is of type %s, not a string', jsonb_typeof(v_value))
    );
  end if;

  return v_value #>> '{}';
end;
$$;

comment on function pgledger.plan_text is
  'The text of a member in a plan''s JSON; raises InvalidPlan unless it is there and a string.';

revoke all on function pgledger.plan_text from public;

-- file: repeatable/00_core/json/refuse_plan.sql
/*
Raises what is wrong with a value in the JSON of a plan, or of an invoice's lines and tax rates. The
message shows it if it is a single one: the text of an array or an object may be far larger than the
value itself.

Errors: InvalidPlan, InvalidInvoice.
*/
create or replace function pgledger.refuse_plan(
  value jsonb,
  path text,
  fault text
)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  perform pgledger.fail(
    case when path ~ '^[$][.](lines|tax_rates)' then 'LG107' else 'LG102' end,
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

comment on function pgledger.refuse_plan is
  'Raises InvalidPlan or InvalidInvoice, by the path of the value; the fault reads on from it.';

revoke all on function pgledger.refuse_plan from public;

-- file: repeatable/00_core/numbers/prorated.sql
/*
The part of an amount that falls to the units (days, seconds) between two of a whole length. It is
the difference of what is reached at its end and at its start, each rounded: so the parts of
whatever cuts add up to the rounded whole, and what is credited for a part is what was charged.
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
  'Part of an amount for the units from one to another of a length; parts add up to the whole.';

revoke all on function pgledger.prorated from public;

-- file: repeatable/00_core/numbers/rounded_quotient.sql
/*
A quotient, rounded half away from zero, once and exactly. round() of a division would round twice,
because a division stops after some 16 digits: 1 below a half of the last place would become that
half. The divisor is above 0.
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
  'Quotient at so many decimal places, rounded half away from zero; the divisor is above 0.';

revoke all on function pgledger.rounded_quotient from public;

-- file: repeatable/00_core/numbers/split_amount.sql
/*
Rounds shares so that they add up to a total: each down, and the units that are then missing to the
largest fractions, of equal ones to the earlier. The total is a multiple of the unit. Shares may be
negative, and need not add up to the total: units that are missing beyond one for each, or that are
too many, are spread evenly, so the sum is right whatever divisions the shares have come from.
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
  'Shares rounded so that they add up to the total, by largest remainder.';

revoke all on function pgledger.split_amount from public;

-- file: repeatable/00_core/periods/check_time_zone.sql
/*
Refuses what is not the name of a time zone. PostgreSQL reads other things as one, too: an
abbreviation, whose meaning depends on a setting of the session, a POSIX rule, a name in any case.
None of the names with an area before a slash can be taken for these. Directories of the operating
system, posix/ and right/, are not on every server.

Looking through the names takes some 20 ms, and none for UTC.
Errors: NullArgument, InvalidArgument.
*/
create or replace function pgledger.check_time_zone(time_zone text)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  if time_zone is null then
    perform pgledger.fail('LG003', array['time_zone']);
  elsif time_zone <> 'UTC' and (
    time_zone !~ '^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)+$'
    or not exists (
      select
      from pg_catalog.pg_timezone_names
      where pg_timezone_names.name = check_time_zone.time_zone
    )
  ) then
    perform pgledger.fail(
      'LG101',
      array[
        'time_zone',
        quote_literal(pgledger.abridged(time_zone)),
        'it is neither UTC nor the name of a time zone such as Europe/Berlin'
      ]
    );
  end if;
end;
$$;

comment on function pgledger.check_time_zone is
  'Raises NullArgument or InvalidArgument unless the text is UTC or the name of a time zone.';

revoke all on function pgledger.check_time_zone from public;

-- file: repeatable/00_core/periods/interval_length.sql
/*
How long a billing interval is, so that it can be compared with another: a year is 12 months and a
week is 7 days, but no number of days is a month.
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
  'Length of a billing interval in months or days; equal for equal lengths.';

revoke all on function pgledger.interval_length from public;

-- file: repeatable/00_core/periods/period_at.sql
/*
The period that a time lies in: starts_at <= at < ends_at, both boundaries as
pgledger.period_boundary tells them, also before the anchor, where numbers are negative. An empty
period contains nothing, and is never the answer. Times are finite; null where an argument is null.

The number is found among local times first, exactly: a difference of months or days, less one if
the clamped boundary is still ahead. Local times go back by at most a day, and periods are a day or
longer, so the true boundary can lie on the other side of the time by one number and no more.
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
    -- The calendar repeats after 400 years, and a year BC would count from the wrong end.
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
  'Number, start and end of the period that a time lies in, of periods that count from an anchor '
  'in a time zone.';

revoke all on function pgledger.period_at from public;

-- file: repeatable/00_core/periods/period_boundary.sql
/*
Boundary number n of the periods that count from an anchor: the anchor's local time plus n times the
length of a period, read in that time zone. Always from the anchor, so that a month that is too
short clamps one boundary and not the ones after it: Jan 31, Feb 28, Mar 31.

Boundary 0 is the anchor itself, for its local time may have come twice. Any other one whose local
time comes twice is the second of the two, and one whose local time is left out is as late as if the
clock had not been put forward. Boundaries ascend strictly, except where a zone left out a whole
day: the two around it are the same moment, and the period between them is empty.

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
  'Boundary of that number of the periods that count from an anchor in a time zone.';

revoke all on function pgledger.period_boundary from public;

-- file: repeatable/00_core/periods/whole_period_start.sql
/*
Where the current period of a subscription would start if it were whole: what is charged for a part
of a period is charged by its share of the whole one. A trial that ends at the anchor is a period of
its own length.
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
create or replace view pgledger_errors_v1 as
select
  registry.code,
  registry.name,
  registry.message,
  registry.hint,
  registry.retryable
from pgledger.error_registry() as registry;

comment on view pgledger_errors_v1 is
  'Every error that pgledger raises: its SQLSTATE, name, the form of its message (%s stands for a '
  'value), what to do, and whether running the same transaction again at once can help.';
comment on column pgledger_errors_v1.code is 'SQLSTATE, of class LG.';
comment on column pgledger_errors_v1.name is 'Name, which is also that of the Python class.';
comment on column pgledger_errors_v1.message is 'Form of the message; %s stands for a value.';
comment on column pgledger_errors_v1.hint is 'What to do about it.';
comment on column pgledger_errors_v1.retryable is
  'Whether the same transaction can succeed when it is run again at once.';

revoke all on table pgledger_errors_v1 from public;
grant select on table pgledger_errors_v1 to pgledger_reader;

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
begin
  select accounts.key, accounts.version
  into account_key.key, account_key.version
  from pgledger.accounts
  where accounts.id = account_key.account_id
    and accounts.app_id = account_key.app_id;

  if not found then
    perform pgledger.refuse_account('account_id', account_id, app_id);
  end if;
end;
$$;

comment on function pgledger.account_key is
  'Key and version of the account of that id; raises if there is none.';

revoke all on function pgledger.account_key from public;

-- file: repeatable/10_ledger/check_accounts.sql
/*
Refuses requests whose account ids are not ids; then those whose accounts do not exist in the app or
are in different currencies. The lowest request first; in it, the account it leaves, the one it
reaches, the currencies.

Only accounts that the caller has locked are taken to exist: one that was created while it waited
for those locks is seen by now, but anyone may be changing it.

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
returns void
language plpgsql
volatile
parallel safe
set plan_cache_mode = force_custom_plan
set enable_nestloop = off
set jit = off
as $$
declare
  v_fault record;
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
    perform pgledger.check_id(
      'from_account_id', v_fault.from_account_id, 'pgla', v_fault.index, request_count
    );
    perform pgledger.check_id(
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
    return;
  elsif v_fault.from_currency is null then
    perform pgledger.refuse_account(
      'from_account_id', v_fault.from_account_id, app_id, v_fault.index, request_count
    );
  elsif v_fault.to_currency is null then
    perform pgledger.refuse_account(
      'to_account_id', v_fault.to_account_id, app_id, v_fault.index, request_count
    );
  else
    perform pgledger.fail(
      'LG022',
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
  'Raises the first request whose accounts do not exist in the app or differ in currency.';

revoke all on function pgledger.check_accounts from public;

-- file: repeatable/10_ledger/check_balance.sql
/*
Refuses a leg that would break its account's limits. A leg that takes from an account can only take
it below zero, one that gives can only take it above: the other limit was kept before.

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
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_balance numeric := previous_balance + change;
begin
  if change < 0 and v_balance < 0 and not allow_negative_balance then
    perform pgledger.fail(
      'LG024',
      array[account_id, account_name, previous_balance::text, abs(change)::text, v_balance::text],
      request_index,
      request_count
    );
  elsif change > 0 and v_balance > 0 and not allow_positive_balance then
    perform pgledger.fail(
      'LG025',
      array[account_id, account_name, previous_balance::text, change::text, v_balance::text],
      request_index,
      request_count
    );
  elsif abs(v_balance) >= 1e30 then
    perform pgledger.fail(
      'LG026', array[account_id, account_name, v_balance::text], request_index, request_count
    );
  end if;
end;
$$;

comment on function pgledger.check_balance is
  'Raises what is wrong with the balance that a leg would leave, if anything.';

revoke all on function pgledger.check_balance from public;

-- file: repeatable/10_ledger/check_balances.sql
/*
Walks through a batch in order, on balances as they stand, and raises the first leg that would break
a limit. Only called when there is one: the set-based path knows that, not which.

Errors: InsufficientFunds, PositiveBalanceNotAllowed, BalanceOutOfRange.
*/
create or replace function pgledger.check_balances(
  from_account_ids text[],
  to_account_ids text[],
  amounts numeric[],
  request_indexes bigint[],
  request_count bigint
)
returns void
language plpgsql
volatile
parallel safe
set plan_cache_mode = force_custom_plan
set jit = off
as $$
declare
  v_leg record;
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
    perform pgledger.check_balance(
      v_leg.id, v_leg.name, v_leg.allow_negative_balance, v_leg.allow_positive_balance,
      v_leg.previous_balance, v_leg.change, v_leg.index, request_count
    );
  end loop;
end;
$$;

comment on function pgledger.check_balances is
  'Raises the first leg of a batch that would break its account''s limits.';

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
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_fault text;
begin
  perform pgledger.check_id(
    'from_account_id', from_account_id, 'pgla', request_index, request_count
  );
  perform pgledger.check_id('to_account_id', to_account_id, 'pgla', request_index, request_count);

  if from_account_id = to_account_id then
    perform pgledger.fail('LG011', array[from_account_id], request_index, request_count);
  end if;

  v_fault := pgledger.amount_fault(amount);
  if v_fault is not null then
    perform pgledger.fail(
      'LG010',
      array[coalesce(pgledger.abridged(amount::text), 'null'), v_fault],
      request_index,
      request_count
    );
  end if;

  v_fault := pgledger.time_fault(event_at);
  if event_at is not null and v_fault is not null then
    perform pgledger.fail(
      'LG008', array['event_at', event_at::text, v_fault], request_index, request_count
    );
  elsif event_at > v_now + interval '1 day' and allow_future_event_at is not true then
    perform pgledger.fail(
      'LG009', array[event_at::text, v_now::text], request_index, request_count
    );
  end if;

  perform pgledger.check_metadata(metadata, request_index, request_count);

  if id is not null then
    perform pgledger.check_id('id', id, 'pglt', request_index, request_count);
  end if;
end;
$$;

comment on function pgledger.check_transfer_request is
  'Raises the first thing that is wrong with a request, looking at the request alone.';

revoke all on function pgledger.check_transfer_request from public;

-- file: repeatable/10_ledger/check_transfer_requests.sql
/*
Refuses a batch whose shape is wrong, then the lowest of its requests whose own values are wrong.
A sound batch is seen to be sound by one statement; request by request is only looked for the fault.
Account ids are not looked at before that: one that does not exist, for whatever reason, is refused
by pgledger.check_accounts.

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
returns void
language plpgsql
volatile
parallel safe
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
begin
  perform pgledger.check_arrays(
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
  perform pgledger.check_scope('app_id', app_id);
  if group_id is not null then
    perform pgledger.check_scope('group_id', group_id, 1, 255);
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
    return;
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
    perform pgledger.check_transfer_request(
      v_request.from_account_id, v_request.to_account_id, v_request.amount, v_request.event_at,
      v_request.metadata, v_request.id, allow_future_event_at, v_request.index, v_count
    );
  end loop;
end;
$$;

comment on function pgledger.check_transfer_requests is
  'Raises what is wrong with a batch''s shape, or with the first of its requests that is wrong.';

revoke all on function pgledger.check_transfer_requests from public;

-- file: repeatable/10_ledger/create_repeatable_transfers.sql
/*
Creates a batch in which the caller chose ids, so that some may be repeats: of earlier calls, or of
one another. What exists is told from what is new while the accounts are locked; only the new is
posted; all are answered in the order of the requests.

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
returns setof pgledger_transfer
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
  v_conflict_place bigint;
  v_posted_ids text[];
  v_locked_ids text[];
  v_taken text;
  v_answer_ids text[];
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

  perform pgledger.check_accounts(
    from_account_ids, to_account_ids, app_id, v_locked_ids, null, v_count
  );

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
    where accounts.id = any(v_locked_ids)
  ),

  existing as materialized (
    select
      transfers.id, transfers.app_id, transfers.from_key, transfers.to_key, transfers.amount,
      transfers.event_at, transfers.metadata
    from pgledger.transfers
    where transfers.id = any(create_repeatable_transfers.ids)
  ),

  -- A request can repeat a transfer that exists already, and the first request of its id.
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
          create_repeatable_transfers.app_id, source.key, target.key, given.amount, given.event_at,
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
    perform pgledger.fail('LG023', array[given.id], given.place, v_count)
    from unnest(ids) with ordinality as given (id, place)
    where given.place = v_conflict_place;
  end if;

  -- The new ones, posted in their order.
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
      -- An id was taken meanwhile by someone who did not wait for the accounts that this call
      -- holds, and so asked for something else. Our snapshot may not show it; the detail names it.
      v_taken := substring(v_taken from '[(]id[)]=[(](pglt_[0-9A-Z]{26})[)]');
      if v_taken is null or v_taken <> all(array_remove(ids, null)) then
        raise;
      end if;
      -- A transaction that looks back to its beginning is to be run again, as in the single path.
      if current_setting('transaction_isolation') <> 'read committed' then
        raise exception using
          errcode = '40001',
          message = format('could not serialize access: id %s was taken meanwhile', v_taken);
      end if;
      perform pgledger.fail('LG023', array[given.id], given.place, v_count)
      from unnest(ids) with ordinality as given (id, place)
      where given.id = v_taken
      order by given.place;
  end;

  -- Every request has its id now: the caller's, or the one it was posted under.
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
  'Creates a batch in which the caller chose ids; what exists already is answered, not made again.';

revoke all on function pgledger.create_repeatable_transfers from public;

-- file: repeatable/10_ledger/create_transfers_of_rows.sql
/*
Creates the transfers of an array of rows, which share what else is said of them. Rows carry no ids
of the caller's choice, so none of them can be a repeat. Checks are in the order of
pgledger_create_transfers_bulk.

Errors: InvalidBatch, and those of pgledger.check_transfer_requests and pgledger.post_transfers.
*/
create or replace function pgledger.create_transfers_of_rows(
  transfer_requests pgledger_transfer_request[],
  event_at timestamptz,
  metadata jsonb,
  app_id text,
  group_id text,
  allow_future_event_at boolean
)
returns setof pgledger_transfer
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_count integer := cardinality(transfer_requests);
  v_from_account_ids text[];
  v_to_account_ids text[];
  v_amounts numeric[];
begin
  if transfer_requests is null then
    perform pgledger.fail('LG012', array['transfer_requests must not be null']);
  elsif array_ndims(transfer_requests) > 1 then
    perform pgledger.fail(
      'LG012', array[format('transfer_requests has %s dimensions', array_ndims(transfer_requests))]
    );
  end if;

  select
    coalesce(array_agg(request.from_account_id order by request.place), '{}'),
    coalesce(array_agg(request.to_account_id order by request.place), '{}'),
    coalesce(array_agg(request.amount order by request.place), '{}')
  into v_from_account_ids, v_to_account_ids, v_amounts
  from unnest(transfer_requests)
    with ordinality as request (from_account_id, to_account_id, amount, place);

  perform pgledger.check_transfer_requests(
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

-- file: repeatable/10_ledger/pgledger_account_entries.sql
/*
One page of an account's entries. Versions have no gap, so a page is a range of versions, and
however long the account's history is, a page reads its own rows and no more.

Errors: NullArgument, InvalidId, InvalidScope, InvalidPage, AccountNotFound.
*/
create or replace function pgledger_account_entries(
  account_id text,
  page_size integer default 100,
  newest_first boolean default true,
  after_version bigint default null,
  app_id text default ''
)
returns setof pgledger_entry
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
begin
  v_account := pgledger.account_key(account_id, app_id);

  if page_size is null then
    perform pgledger.fail('LG003', array['page_size']);
  elsif page_size not between 1 and 10000 then
    perform pgledger.fail(
      'LG014', array['page_size', page_size::text, 'it is not between 1 and 10000']
    );
  elsif newest_first is null then
    perform pgledger.fail('LG003', array['newest_first']);
  elsif after_version < 0 then
    perform pgledger.fail('LG014', array['after_version', after_version::text, 'it is negative']);
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

comment on function pgledger_account_entries is
  'One page of an account''s entries, newest or oldest first; a page reads only its own rows, '
  'however long the history. page_size: 1 to 10000. after_version: the account_version of the last '
  'entry of the page before; null for the first page. Errors: NullArgument, InvalidId, '
  'InvalidScope, InvalidPage, AccountNotFound.';

revoke all on function pgledger_account_entries from public;
grant execute on function pgledger_account_entries to pgledger_reader;

-- file: repeatable/10_ledger/pgledger_balance_at.sql
/*
The balance that an account had at a time, as recorded: after the newest entry whose created_at is
not later. Along an account versions and times ascend together and versions have no gap, so the
entry is found by halving the versions: 2 index look-ups for each of at most 40 halvings, whatever
the time.

Errors: NullArgument, InvalidId, InvalidScope, AccountNotFound.
*/
create or replace function pgledger_balance_at(
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
begin
  v_account := pgledger.account_key(account_id, app_id);

  if at is null then
    perform pgledger.fail('LG003', array['at']);
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

comment on function pgledger_balance_at is
  'Balance of an account at a time, as recorded: the sum of its entries whose created_at is not '
  'later than that; 0 before the first. A transfer is recorded shortly before it commits, so the '
  'answer for a time is final once the transactions that were open then have ended. Errors: '
  'NullArgument, InvalidId, InvalidScope, AccountNotFound.';

revoke all on function pgledger_balance_at from public;
grant execute on function pgledger_balance_at to pgledger_reader;

-- file: repeatable/10_ledger/pgledger_create_account.sql
/*
Creates an account, with a balance of zero.

With an id of the caller's choice the call can be repeated: the second call returns the account as
it stands now if everything it asks for is the same, and is refused if anything differs.

Checks, in this order: app_id, tenant_id, name, currency, limits, metadata, id, repeat.
Errors: NullArgument, InvalidScope, InvalidName, InvalidCurrency, InvalidMetadata, InvalidId,
IdempotencyConflict.
*/
create or replace function pgledger_create_account(
  name text,
  currency text,
  allow_negative_balance boolean default true,
  allow_positive_balance boolean default true,
  metadata jsonb default null,
  id text default null,
  app_id text default '',
  tenant_id text default ''
)
returns pgledger_account
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
begin
  perform pgledger.check_scope('app_id', app_id);
  perform pgledger.check_scope('tenant_id', tenant_id);

  if v_name_fault is not null then
    perform pgledger.fail('LG004', array[quote_nullable(pgledger.abridged(name)), v_name_fault]);
  elsif v_currency_fault is not null then
    perform pgledger.fail(
      'LG005', array[quote_nullable(pgledger.abridged(currency)), v_currency_fault]
    );
  elsif allow_negative_balance is null then
    perform pgledger.fail('LG003', array['allow_negative_balance']);
  elsif allow_positive_balance is null then
    perform pgledger.fail('LG003', array['allow_positive_balance']);
  end if;

  perform pgledger.check_metadata(metadata);
  perform pgledger.check_id('id', v_id, 'pgla');

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
    perform pgledger.fail('LG023', array[v_id]);
  end if;

  return v_account;
end;
$$;

comment on function pgledger_create_account is
  'Creates an account with a balance of zero and returns it. Call it in FROM: '
  '(pgledger_create_account(...)).* calls it once for every column. name: for people, 1 to 255 '
  'characters. currency: unit of the balance, 1 to 32 visible characters. allow_negative_balance, '
  'allow_positive_balance: what transfers may make of the balance. metadata: JSON object, at most '
  '64 KiB. id: pgla_ and a ULID of your own choice, to make the call repeatable. app_id: set of '
  'books. tenant_id: whose account it is. Errors: NullArgument, InvalidScope, InvalidName, '
  'InvalidCurrency, InvalidMetadata, InvalidId, IdempotencyConflict.';

revoke all on function pgledger_create_account from public;
grant execute on function pgledger_create_account to pgledger_poster;

-- file: repeatable/10_ledger/pgledger_create_transfer.sql
/*
Moves an amount from one account to another: one row, and both balances, or nothing.

Locks both accounts FOR NO KEY UPDATE, in ascending order of their ids, so that calls never
deadlock with one another and rows of an application that refer to an account are not blocked;
then the transfer's id, if the caller chose it.

With an id of the caller's choice the call can be repeated: the second call returns the first
result if app, accounts, amount, event_at and metadata are the same, and is refused if not.

This is the path for one transfer, and pgledger.post_transfers the one for many: several times
faster each than the other would be in its place. They check the same things, in this order:
app_id; the request's own values; that the accounts exist and share a currency; whether it is a
repeat; limits.
Errors: NullArgument, InvalidScope, InvalidId, SameAccount, InvalidAmount, InvalidTime,
EventAtInFuture, InvalidMetadata, AccountNotFound, CurrencyMismatch, IdempotencyConflict,
InsufficientFunds, PositiveBalanceNotAllowed, BalanceOutOfRange.
*/
create or replace function pgledger_create_transfer(
  from_account_id text,
  to_account_id text,
  amount numeric,
  event_at timestamptz default null,
  metadata jsonb default null,
  id text default null,
  app_id text default '',
  allow_future_event_at boolean default false
)
returns pgledger_transfer
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
begin
  -- Most requests are seen to be sound by one expression; only the others are looked at in detail.
  if (
    amount > 0 and amount < 1e30 and scale(amount) <= 18 and v_first_id <> v_second_id
    and event_at is null and metadata is null and id is null
  ) is not true then
    perform pgledger.check_scope('app_id', app_id);
    perform pgledger.check_transfer_request(
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
    perform pgledger.check_scope('app_id', app_id);
    perform pgledger.check_accounts(
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
    select
      transfers.amount, transfers.created_at, transfers.from_balance, transfers.to_balance,
      transfers.from_version, transfers.to_version, transfers.group_id, transfers.origin_id,
      (
        transfers.app_id, transfers.from_key, transfers.to_key, transfers.amount,
        transfers.event_at, transfers.metadata
      ) is not distinct from (
        pgledger_create_transfer.app_id, v_from.key, v_to.key, v_amount,
        pgledger_create_transfer.event_at, pgledger_create_transfer.metadata
      ) as is_same
    into v_earlier
    from pgledger.transfers
    where transfers.id = v_id;

    if v_earlier.is_same then
      return row(
        v_id, from_account_id, to_account_id, v_earlier.amount, v_earlier.created_at,
        coalesce(event_at, v_earlier.created_at), metadata, v_from.currency, v_from.name,
        v_to.name, v_earlier.from_balance, v_earlier.to_balance, v_earlier.from_version,
        v_earlier.to_version, v_earlier.group_id, app_id, v_from.tenant_id, v_to.tenant_id,
        v_earlier.origin_id, true
      );
    elsif not v_earlier.is_same then
      perform pgledger.fail('LG023', array[v_id]);
    end if;
  end if;

  v_from_balance := v_from.balance - v_amount;
  v_to_balance := v_to.balance + v_amount;

  if
    v_from_balance < 0 and (not v_from.allow_negative_balance or v_from_balance <= -1e30)
    or v_to_balance > 0 and (not v_to.allow_positive_balance or v_to_balance >= 1e30)
  then
    perform pgledger.check_balance(
      from_account_id, v_from.name, v_from.allow_negative_balance, v_from.allow_positive_balance,
      v_from.balance, -v_amount
    );
    perform pgledger.check_balance(
      to_account_id, v_to.name, v_to.allow_negative_balance, v_to.allow_positive_balance,
      v_to.balance, v_amount
    );
  end if;

  -- Later than anything on either account, whatever the clock does.
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

    -- Taken since we looked, by someone who did not wait for our accounts: a different request.
    if not found then
      perform pgledger.fail('LG023', array[v_id]);
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

comment on function pgledger_create_transfer is
  'Moves an amount from one account to another and returns the transfer, with both new balances. '
  'Call it in FROM: (pgledger_create_transfer(...)).* calls it once for every column. '
  'amount: in units of the accounts'' currency, above 0, below 1e30, at most 18 decimal places. '
  'event_at: when it happened, if not now; at most a day ahead unless allow_future_event_at. '
  'metadata: JSON object, at most 64 KiB. id: pglt_ and a ULID of your own choice, to make the '
  'call repeatable. app_id: set of books. Errors: NullArgument, InvalidScope, InvalidId, '
  'SameAccount, InvalidAmount, InvalidTime, EventAtInFuture, InvalidMetadata, AccountNotFound, '
  'CurrencyMismatch, IdempotencyConflict, InsufficientFunds, PositiveBalanceNotAllowed, '
  'BalanceOutOfRange.';

revoke all on function pgledger_create_transfer from public;
grant execute on function pgledger_create_transfer to pgledger_poster;

-- file: repeatable/10_ledger/pgledger_create_transfers.sql
/*
Moves several amounts at once, given as plain rows: all of them, or none. This form takes the rows
as its arguments; the other takes an array of them and what they share. A row has no place for an id
or a value of its own; pgledger_create_transfers_bulk has.
*/
create or replace function pgledger_create_transfers(
  variadic transfer_requests pgledger_transfer_request[]
)
returns setof pgledger_transfer
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

comment on function pgledger_create_transfers(pgledger_transfer_request[]) is
  'Makes several transfers, all or none, and returns them in order. Each argument is a plain row '
  '(from_account_id, to_account_id, amount). Errors name the request, counted from 1; they are '
  'those of pgledger_create_transfer, InvalidBatch and BatchTooLarge.';

revoke all on function pgledger_create_transfers(pgledger_transfer_request[]) from public;
grant execute on function pgledger_create_transfers(pgledger_transfer_request[]) to pgledger_poster;
/*
Moves several amounts at once, given as an array of plain rows which share event_at, metadata,
app_id and group_id: all of them, or none.
*/
create or replace function pgledger_create_transfers(
  transfer_requests pgledger_transfer_request[],
  event_at timestamptz default null,
  metadata jsonb default null,
  app_id text default '',
  group_id text default null,
  allow_future_event_at boolean default false
)
returns setof pgledger_transfer
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

comment on function pgledger_create_transfers(
  pgledger_transfer_request[], timestamptz, jsonb, text, text, boolean
) is
  'Makes several transfers, all or none, and returns them in order; what else is given holds for '
  'every one of them. transfer_requests: rows (from_account_id, to_account_id, amount), at '
  'most 100000. event_at: when they happened, if not now. metadata: JSON object, at most 64 KiB. '
  'app_id: set of books. group_id: a name that joins them. Errors name the request, counted from '
  '1; they are those of pgledger_create_transfer, InvalidBatch and BatchTooLarge.';

revoke all on function pgledger_create_transfers(
  pgledger_transfer_request[], timestamptz, jsonb, text, text, boolean
) from public;
grant execute on function pgledger_create_transfers(
  pgledger_transfer_request[], timestamptz, jsonb, text, text, boolean
) to pgledger_poster;

-- file: repeatable/10_ledger/pgledger_create_transfers_bulk.sql
/*
Moves many amounts at once, given as parallel arrays: all of them, or none.

A batch in which the caller chose no ids cannot hold a repeat, and is posted as it is; one in which
it did goes the longer way, where what exists already is answered and not made again.

Checks, in this order: the arrays, app_id and group_id; each request's own values; that accounts
exist and share a currency; whether it is a repeat; limits. Each looks at all requests before the
next one looks at any, and the lowest request at fault is named.

Locks and errors: those of the functions that it calls.
*/
create or replace function pgledger_create_transfers_bulk(
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
returns setof pgledger_transfer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  perform pgledger.check_transfer_requests(
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

comment on function pgledger_create_transfers_bulk is
  'Makes many transfers, all or none, and returns them in order: element n of each array belongs '
  'to request n, counted from 1. At most 100000 requests. event_ats, metadatas and ids may be left '
  'out, or hold nulls. An id of your own choice (pglt_ and a ULID) makes its request repeatable. '
  'group_id: a name that joins these transfers, for example an order''s number. Errors name the '
  'request; they are those of pgledger_create_transfer, InvalidBatch and BatchTooLarge.';

revoke all on function pgledger_create_transfers_bulk from public;
grant execute on function pgledger_create_transfers_bulk to pgledger_poster;

-- file: repeatable/10_ledger/pgledger_get_account.sql
/*
One account, as it stands. An id that does not exist is an error rather than no row: a mistyped id
must not look like an account without money.

Errors: NullArgument, InvalidId, InvalidScope, AccountNotFound.
*/
create or replace function pgledger_get_account(
  id text,
  app_id text default ''
)
returns pgledger_account
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_account record;
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
    perform pgledger.refuse_account('id', id, app_id);
  end if;

  return v_account;
end;
$$;

comment on function pgledger_get_account is
  'The account of that id, with its balance. Errors: NullArgument, InvalidId, InvalidScope, '
  'AccountNotFound.';

revoke all on function pgledger_get_account from public;
grant execute on function pgledger_get_account to pgledger_reader;

-- file: repeatable/10_ledger/pgledger_get_transfer.sql
/*
One transfer. An id that does not exist is an error rather than no row.

Errors: NullArgument, InvalidId, InvalidScope, TransferNotFound.
*/
create or replace function pgledger_get_transfer(
  id text,
  app_id text default ''
)
returns pgledger_transfer
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_transfer record;
begin
  perform pgledger.check_scope('app_id', app_id);
  perform pgledger.check_id('id', id, 'pglt');

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
    perform pgledger.fail('LG021', array[id, pgledger.in_app(app_id)]);
  end if;

  return v_transfer;
end;
$$;

comment on function pgledger_get_transfer is
  'The transfer of that id, with both accounts as it left them. Errors: NullArgument, InvalidId, '
  'InvalidScope, TransferNotFound.';

revoke all on function pgledger_get_transfer from public;
grant execute on function pgledger_get_transfer to pgledger_reader;

-- file: repeatable/10_ledger/pgledger_verify.sql
/*
Proves from the data that the books are in order, in one statement and so on one snapshot, while
transfers go on. Reads every transfer: run it where and when that is welcome, for example on a
replica. Expressions here say again what the writing functions do, on purpose: it is their audit.
*/
create or replace function pgledger_verify()
returns setof pgledger_check
language sql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
  with leg as materialized (
    select
      transfers.id,
      transfers.from_key as key,
      transfers.from_version as version,
      -transfers.amount as amount,
      transfers.from_balance as balance,
      transfers.created_at
    from pgledger.transfers
    union all
    select
      transfers.id,
      transfers.to_key,
      transfers.to_version,
      transfers.amount,
      transfers.to_balance,
      transfers.created_at
    from pgledger.transfers
  ),

  chain as materialized (
    select
      leg.id,
      leg.version = coalesce(lag(leg.version) over along, 0) + 1 as has_no_gap,
      leg.balance - leg.amount = coalesce(lag(leg.balance) over along, 0) as follows,
      leg.created_at > coalesce(lag(leg.created_at) over along, accounts.created_at) as is_later,
      (leg.balance >= 0 or accounts.allow_negative_balance)
      and (leg.balance <= 0 or accounts.allow_positive_balance)
      and leg.balance > -1e30 and leg.balance < 1e30 as is_within_limits
    from leg
    left join pgledger.accounts on leg.key = accounts.key
    window along as (partition by leg.key order by leg.version)
  ),

  total as materialized (
    select
      accounts.id,
      accounts.balance = coalesce(sum(leg.amount), 0) as balance_is_right,
      accounts.version = count(leg.id) as version_is_right,
      accounts.updated_at = coalesce(max(leg.created_at), accounts.created_at) as time_is_right
    from pgledger.accounts
    left join leg on accounts.key = leg.key
    group by accounts.key
  ),

  guard as materialized (
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
          -- Neither WHEN nor a list of columns.
          and pg_trigger.tgqual is null
          and pg_trigger.tgattr = ''
      )
      -- And what they call still refuses: the body is the one that this version brought.
      and exists (
        select
        from pg_catalog.pg_proc
        where pg_proc.oid = 'pgledger.refuse_change'::regproc
          and encode(sha256(convert_to(pg_proc.prosrc, 'UTF8')), 'hex')
          = '01558ecafc481b6b5c8e0cc072322945db37c938ae4a878e29f487785c77dfe0'
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
    'balances of each app and currency sum to zero',
    coalesce(sum(book.accounts), 0)::bigint,
    count(*) filter (where book.balance <> 0),
    min(format('app %L, currency %L: %s', book.app_id, book.currency, book.balance))
      filter (where book.balance <> 0)
  from (
    select accounts.app_id, accounts.currency, sum(accounts.balance), count(*)
    from pgledger.accounts
    group by accounts.app_id, accounts.currency
  ) as book (app_id, currency, balance, accounts)
  union all
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
  union all
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
  union all
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
  ) as sound
  union all
  select
    'amounts are above 0, below 1e30, of at most 18 decimal places',
    count(*),
    count(*) filter (where pgledger.amount_fault(transfers.amount) is not null),
    min(transfers.id) filter (where pgledger.amount_fault(transfers.amount) is not null)
  from pgledger.transfers
  union all
  select
    'ids of accounts and transfers are well formed',
    count(*),
    count(*) filter (where pgledger.id_fault(named.id, named.prefix) is not null),
    min(named.id) filter (where pgledger.id_fault(named.id, named.prefix) is not null)
  from (
    select transfers.id, 'pglt' as prefix
    from pgledger.transfers
    union all
    select accounts.id, 'pgla' as prefix
    from pgledger.accounts
  ) as named
  union all
  select
    'triggers that keep records unchanged stand and are always on',
    count(*),
    count(*) filter (where not guard.stands),
    min(guard.name) filter (where not guard.stands)
  from guard
$$;

comment on function pgledger_verify is
  'Proves from the data that the books are in order. One row a check: what it checks, how many '
  'rows it looked at, how many broke the rule, and one of those. All is well when violations are 0 '
  'throughout. Reads every transfer.';

revoke all on function pgledger_verify from public;
grant execute on function pgledger_verify to pgledger_auditor;

-- file: repeatable/10_ledger/post_transfers.sql
/*
Writes many transfers at once, each new and sound by itself: the path for batches. Three statements,
whatever the number of requests: one locks the accounts; one, whose snapshot shows what those locks
waited for, computes, writes and answers; one updates the accounts.

Only accounts that the first one locked take part: one that was created while it waited is seen by
the second, but anyone may be changing it.

The second leaves out each request that has no accounts, mixes currencies or breaks a limit, so that
a count tells whether there was one; then it is looked for and raised.

Transfer n of the call is created n - 1 microseconds after the first, so that versions and times
ascend together along each account. Their ids share one random tail; their times tell them apart.

Plans are made for the arrays at hand and without nested loops: whatever the statistics say of a
table that was empty yesterday, a batch never costs the square of its size.

What the requests share is given once: 100000 copies of large metadata are more than an array holds.

request_indexes says which request of the caller's each one is, for messages; null, all in order.

Locks: the accounts FOR NO KEY UPDATE ascending by id, then the transfers ascending by id.
Errors: those of pgledger.check_accounts and pgledger.check_balances; a unique violation where an
id that a caller chose was taken.
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
returns setof pgledger_transfer
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

  -- The first eight characters of the ids change once in 1.024 seconds, more than any call spans.
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

  -- Rows stay narrow on their way; what an account is called joins them at the end.
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
    -- OFFSET keeps what a step comes to from being written out wherever it is used.
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
    -- Only an id that a caller chose can be waited for.
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
    perform pgledger.check_accounts(
      from_account_ids, to_account_ids, app_id, v_locked_ids, request_indexes, request_count
    );
    perform pgledger.check_balances(
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
Raises why an account cannot be found: the app or the id is malformed, or there is none.

Errors: NullArgument, InvalidScope, InvalidId, AccountNotFound.
*/
create or replace function pgledger.refuse_account(
  name text,
  account_id text,
  app_id text,
  request_index bigint default null,
  request_count bigint default null
)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  perform pgledger.check_scope('app_id', app_id);
  perform pgledger.check_id(name, account_id, 'pgla', request_index, request_count);
  perform pgledger.fail(
    'LG020', array[account_id, pgledger.in_app(app_id)], request_index, request_count
  );
end;
$$;

comment on function pgledger.refuse_account is
  'Raises why an account cannot be found; name is the argument that its id was given as.';

revoke all on function pgledger.refuse_account from public;

-- file: repeatable/10_ledger/refuse_change.sql
/*
Keeps what is written as it was written: transfers are never updated, deleted or truncated, accounts
never deleted or truncated, whoever asks. The triggers are ENABLE ALWAYS, so that
session_replication_role does not switch them off, and fire for each row as well as for each
statement, because replication applies rows.

Errors: ImmutableRecord.
*/
create or replace function pgledger.refuse_change()
returns trigger
language plpgsql
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  perform pgledger.fail('LG030', array[tg_op, format('%I.%I', tg_table_schema, tg_table_name)]);
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

-- file: repeatable/10_ledger/transfers_by_id.sql
/*
The transfers of those ids, in the order of the ids, as applications see them: look-ups by index,
also when it is called where nested loops are off.
*/
create or replace function pgledger.transfers_by_id(ids text[])
returns setof pgledger_transfer
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
  'The transfers of those ids, in the order of the ids.';

revoke all on function pgledger.transfers_by_id from public;

-- file: repeatable/10_ledger/views/pgledger_accounts_v1.sql
/*
Accounts as applications see them. Columns never change; a change of shape is a new version.
*/
create or replace view pgledger_accounts_v1 as
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

comment on view pgledger_accounts_v1 is
  'One row an account, with its balance and version after the newest transfer.';
comment on column pgledger_accounts_v1.id is 'Id of the account: pgla_ and a ULID.';
comment on column pgledger_accounts_v1.name is 'Name for people, as given.';
comment on column pgledger_accounts_v1.currency is 'Unit of the balance.';
comment on column pgledger_accounts_v1.balance is
  'Sum of the account''s entries, in units of the currency.';
comment on column pgledger_accounts_v1.version is 'Count of the account''s entries.';
comment on column pgledger_accounts_v1.allow_negative_balance is
  'Whether a transfer may leave the balance below zero.';
comment on column pgledger_accounts_v1.allow_positive_balance is
  'Whether a transfer may leave the balance above zero.';
comment on column pgledger_accounts_v1.metadata is 'JSON object given at creation, or null.';
comment on column pgledger_accounts_v1.created_at is 'When the account was recorded.';
comment on column pgledger_accounts_v1.updated_at is
  'When the newest transfer was recorded, or the account itself.';
comment on column pgledger_accounts_v1.app_id is
  'Set of books that the account belongs to; empty where there is only one.';
comment on column pgledger_accounts_v1.tenant_id is
  'Whose account it is; empty where there are no tenants.';

revoke all on table pgledger_accounts_v1 from public;
grant select on table pgledger_accounts_v1 to pgledger_reader;

-- file: repeatable/10_ledger/views/pgledger_accounts_view.sql
/*
The newest version of pgledger_accounts_v1, under the name that stays.
*/
create or replace view pgledger_accounts_view as
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
from pgledger_accounts_v1 as newest;

comment on view pgledger_accounts_view is 'Accounts: today''s version, pgledger_accounts_v1.';
comment on column pgledger_accounts_view.id is 'Id of the account: pgla_ and a ULID.';
comment on column pgledger_accounts_view.name is 'Name for people, as given.';
comment on column pgledger_accounts_view.currency is 'Unit of the balance.';
comment on column pgledger_accounts_view.balance is
  'Sum of the account''s entries, in units of the currency.';
comment on column pgledger_accounts_view.version is 'Count of the account''s entries.';
comment on column pgledger_accounts_view.allow_negative_balance is
  'Whether a transfer may leave the balance below zero.';
comment on column pgledger_accounts_view.allow_positive_balance is
  'Whether a transfer may leave the balance above zero.';
comment on column pgledger_accounts_view.metadata is 'JSON object given at creation, or null.';
comment on column pgledger_accounts_view.created_at is 'When the account was recorded.';
comment on column pgledger_accounts_view.updated_at is
  'When the newest transfer was recorded, or the account itself.';
comment on column pgledger_accounts_view.app_id is
  'Set of books that the account belongs to; empty where there is only one.';
comment on column pgledger_accounts_view.tenant_id is
  'Whose account it is; empty where there are no tenants.';

revoke all on table pgledger_accounts_view from public;
grant select on table pgledger_accounts_view to pgledger_reader;

-- file: repeatable/10_ledger/views/pgledger_entries_v1.sql
/*
Entries as applications see them: the two legs of each transfer.

A page of an account's newest entries is pgledger_account_entries: here, sorting means reading the
whole account first.
*/
create or replace view pgledger_entries_v1 as
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

comment on view pgledger_entries_v1 is
  'One row an entry: two for each transfer, one on each of its accounts. '
  'For pages of one account''s entries use pgledger_account_entries.';
comment on column pgledger_entries_v1.id is
  'Id of the entry: pgle_ and a ULID. Ascends along the account.';
comment on column pgledger_entries_v1.account_id is 'Account that the entry belongs to.';
comment on column pgledger_entries_v1.transfer_id is 'Transfer that the entry is one leg of.';
comment on column pgledger_entries_v1.amount is
  'What the entry adds to the balance: negative on the account that a transfer leaves.';
comment on column pgledger_entries_v1.account_previous_balance is
  'Balance of the account before the entry.';
comment on column pgledger_entries_v1.account_current_balance is
  'Balance of the account after the entry.';
comment on column pgledger_entries_v1.account_version is
  'Number of the entry on its account, from 1 without a gap.';
comment on column pgledger_entries_v1.created_at is
  'When it was recorded. Ascends along the account.';
comment on column pgledger_entries_v1.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column pgledger_entries_v1.metadata is 'JSON object given with the transfer, or null.';
comment on column pgledger_entries_v1.account_name is 'Name of the account.';
comment on column pgledger_entries_v1.currency is 'Currency of the account.';
comment on column pgledger_entries_v1.app_id is 'Set of books; empty where there is only one.';
comment on column pgledger_entries_v1.tenant_id is 'Whose account it is.';

revoke all on table pgledger_entries_v1 from public;
grant select on table pgledger_entries_v1 to pgledger_reader;

-- file: repeatable/10_ledger/views/pgledger_entries_view.sql
/*
The newest version of pgledger_entries_v1, under the name that stays.
*/
create or replace view pgledger_entries_view as
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
from pgledger_entries_v1 as newest;

comment on view pgledger_entries_view is 'Entries: today''s version, pgledger_entries_v1.';
comment on column pgledger_entries_view.id is
  'Id of the entry: pgle_ and a ULID. Ascends along the account.';
comment on column pgledger_entries_view.account_id is 'Account that the entry belongs to.';
comment on column pgledger_entries_view.transfer_id is 'Transfer that the entry is one leg of.';
comment on column pgledger_entries_view.amount is
  'What the entry adds to the balance: negative on the account that a transfer leaves.';
comment on column pgledger_entries_view.account_previous_balance is
  'Balance of the account before the entry.';
comment on column pgledger_entries_view.account_current_balance is
  'Balance of the account after the entry.';
comment on column pgledger_entries_view.account_version is
  'Number of the entry on its account, from 1 without a gap.';
comment on column pgledger_entries_view.created_at is
  'When it was recorded. Ascends along the account.';
comment on column pgledger_entries_view.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column pgledger_entries_view.metadata is 'JSON object given with the transfer, or null.';
comment on column pgledger_entries_view.account_name is 'Name of the account.';
comment on column pgledger_entries_view.currency is 'Currency of the account.';
comment on column pgledger_entries_view.app_id is 'Set of books; empty where there is only one.';
comment on column pgledger_entries_view.tenant_id is 'Whose account it is.';

revoke all on table pgledger_entries_view from public;
grant select on table pgledger_entries_view to pgledger_reader;

-- file: repeatable/10_ledger/views/pgledger_transfers_v1.sql
/*
Transfers as applications see them, with both accounts as they stood after each.
*/
create or replace view pgledger_transfers_v1 as
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

comment on view pgledger_transfers_v1 is
  'One row a transfer: an amount that left one account and reached another, in one currency.';
comment on column pgledger_transfers_v1.id is 'Id of the transfer: pglt_ and a ULID.';
comment on column pgledger_transfers_v1.from_account_id is 'Account that the amount leaves.';
comment on column pgledger_transfers_v1.to_account_id is 'Account that the amount reaches.';
comment on column pgledger_transfers_v1.amount is 'What moved, above 0, in units of the currency.';
comment on column pgledger_transfers_v1.created_at is
  'When it was recorded. Ascends along each account.';
comment on column pgledger_transfers_v1.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column pgledger_transfers_v1.metadata is 'JSON object given at creation, or null.';
comment on column pgledger_transfers_v1.currency is 'Currency of both accounts.';
comment on column pgledger_transfers_v1.from_account_name is 'Name of the account it leaves.';
comment on column pgledger_transfers_v1.to_account_name is 'Name of the account it reaches.';
comment on column pgledger_transfers_v1.from_account_balance is
  'Balance of the account it leaves, after it.';
comment on column pgledger_transfers_v1.to_account_balance is
  'Balance of the account it reaches, after it.';
comment on column pgledger_transfers_v1.from_account_version is
  'Version of the account it leaves, after it.';
comment on column pgledger_transfers_v1.to_account_version is
  'Version of the account it reaches, after it.';
comment on column pgledger_transfers_v1.group_id is
  'Name that joins the transfers of one call, if the caller gave one.';
comment on column pgledger_transfers_v1.app_id is 'Set of books; empty where there is only one.';
comment on column pgledger_transfers_v1.from_tenant_id is 'Whose account it leaves.';
comment on column pgledger_transfers_v1.to_tenant_id is 'Whose account it reaches.';

revoke all on table pgledger_transfers_v1 from public;
grant select on table pgledger_transfers_v1 to pgledger_reader;

-- file: repeatable/10_ledger/views/pgledger_transfers_view.sql
/*
The newest version of pgledger_transfers_v1, under the name that stays.
*/
create or replace view pgledger_transfers_view as
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
from pgledger_transfers_v1 as newest;

comment on view pgledger_transfers_view is 'Transfers: today''s version, pgledger_transfers_v1.';
comment on column pgledger_transfers_view.id is 'Id of the transfer: pglt_ and a ULID.';
comment on column pgledger_transfers_view.from_account_id is 'Account that the amount leaves.';
comment on column pgledger_transfers_view.to_account_id is 'Account that the amount reaches.';
comment on column pgledger_transfers_view.amount is
  'What moved, above 0, in units of the currency.';
comment on column pgledger_transfers_view.created_at is
  'When it was recorded. Ascends along each account.';
comment on column pgledger_transfers_view.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column pgledger_transfers_view.metadata is 'JSON object given at creation, or null.';
comment on column pgledger_transfers_view.currency is 'Currency of both accounts.';
comment on column pgledger_transfers_view.from_account_name is 'Name of the account it leaves.';
comment on column pgledger_transfers_view.to_account_name is 'Name of the account it reaches.';
comment on column pgledger_transfers_view.from_account_balance is
  'Balance of the account it leaves, after it.';
comment on column pgledger_transfers_view.to_account_balance is
  'Balance of the account it reaches, after it.';
comment on column pgledger_transfers_view.from_account_version is
  'Version of the account it leaves, after it.';
comment on column pgledger_transfers_view.to_account_version is
  'Version of the account it reaches, after it.';
comment on column pgledger_transfers_view.group_id is
  'Name that joins the transfers of one call, if the caller gave one.';
comment on column pgledger_transfers_view.app_id is 'Set of books; empty where there is only one.';
comment on column pgledger_transfers_view.from_tenant_id is 'Whose account it leaves.';
comment on column pgledger_transfers_view.to_tenant_id is 'Whose account it reaches.';

revoke all on table pgledger_transfers_view from public;
grant select on table pgledger_transfers_view to pgledger_reader;

-- file: repeatable/20_catalogue/check_currency_unused.sql
/*
Refuses to change the exponent of a currency that a plan, a coupon or an invoice is in: amounts have
been rounded by it.

Errors: InUse.
*/
create or replace function pgledger.check_currency_unused(
  app_id text,
  code text,
  exponent integer
)
returns void
language plpgsql
volatile
parallel safe
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
begin
  if v_user is not null then
    perform pgledger.fail(
      'LG122',
      array[
        'currency',
        quote_literal(code),
        'changed',
        format('%s is in it, so its exponent stays %s', v_user, exponent)
      ]
    );
  end if;
end;
$$;

comment on function pgledger.check_currency_unused is
  'Raises InUse if a plan, a coupon or an invoice of the app is in that currency.';

revoke all on function pgledger.check_currency_unused from public;

-- file: repeatable/20_catalogue/check_feature.sql
/*
Refuses a feature of which a value is wrong by itself or beside the others; its key is looked at
elsewhere. The order of the checks is that of the arguments.

Errors: NullArgument, InvalidArgument, InvalidMetadata.
*/
create or replace function pgledger.check_feature(feature pgledger.features)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_fault text;
begin
  perform pgledger.check_text('name', feature.name, 255, allow_invisible => true);
  perform pgledger.check_choice('type', feature.type, array['boolean', 'metered', 'seat']);

  if feature.aggregation is not null then
    perform pgledger.check_choice(
      'aggregation', feature.aggregation, array['sum', 'count', 'max', 'unique_count', 'latest']
    );
    v_fault := case
      when feature.type <> 'metered' then 'the feature is not metered but ' || feature.type
      when feature.aggregation = 'unique_count' and feature.unique_key is null
        then 'the feature has no unique_key, whose different values it would count'
    end;
    if v_fault is not null then
      perform pgledger.fail(
        'LG101', array['aggregation', quote_literal(feature.aggregation), v_fault]
      );
    end if;
  end if;

  if feature.unique_key is not null then
    perform pgledger.check_text('unique_key', feature.unique_key, 128, allow_invisible => true);
    if feature.type <> 'metered' then
      perform pgledger.fail(
        'LG101',
        array[
          'unique_key',
          quote_literal(pgledger.abridged(feature.unique_key)),
          'the feature is not metered but ' || feature.type
        ]
      );
    end if;
  end if;

  if feature.description is not null then
    perform pgledger.check_text(
      'description', feature.description, 10000, allow_invisible => true, minimum => 0
    );
  end if;

  perform pgledger.check_metadata(feature.metadata);
end;
$$;

comment on function pgledger.check_feature is
  'Raises the first thing that is wrong with a feature''s name, type, aggregation or metadata.';

revoke all on function pgledger.check_feature from public;

-- file: repeatable/20_catalogue/check_feature_usage.sql
/*
Refuses a feature that would give another meaning to usage that was recorded under its key: what a
tenant's meter keeps depends on the type and the unique_key of the feature that its key named first.
Errors: InUse.
*/
create or replace function pgledger.check_feature_usage(feature pgledger.features)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_meter record;
begin
  select meters.tenant_id, meters.type, meters.unique_key
  into v_meter
  from pgledger.meters
  where meters.feature_key = feature.key
    and feature.app_id in (meters.app_id, '*')
    and feature.tenant_id in (meters.tenant_id, '')
    and (meters.type, meters.unique_key) is distinct from (feature.type, feature.unique_key)
    -- A narrower feature goes on being the one that the key names.
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
    perform pgledger.fail(
      'LG122',
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
end;
$$;

comment on function pgledger.check_feature_usage is
  'Raises InUse if a feature would give another meaning to usage recorded under its key.';

revoke all on function pgledger.check_feature_usage from public;

-- file: repeatable/20_catalogue/check_plan.sql
/*
Refuses a plan of which a value is wrong by itself; its JSON, slug and currency are looked at
elsewhere. The order of the checks is that of the arguments.

Errors: NullArgument, InvalidArgument, InvalidMetadata.
*/
create or replace function pgledger.check_plan(plan pgledger.plans)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  perform pgledger.check_text('name', plan.name, 255, allow_invisible => true);

  if plan.features is null then
    perform pgledger.fail('LG003', array['features']);
  elsif plan.pricing is null then
    perform pgledger.fail('LG003', array['pricing']);
  elsif plan.description is not null then
    perform pgledger.check_text(
      'description', plan.description, 10000, allow_invisible => true, minimum => 0
    );
  end if;

  if plan.trial_days is null then
    perform pgledger.fail('LG003', array['trial_days']);
  elsif plan.trial_days not between 0 and 3650 then
    perform pgledger.fail(
      'LG101', array['trial_days', plan.trial_days::text, 'it is not between 0 and 3650']
    );
  elsif plan.anchor_at_trial_end is null then
    perform pgledger.fail('LG003', array['anchor_at_trial_end']);
  elsif plan.add_on is null then
    perform pgledger.fail('LG003', array['add_on']);
  end if;

  perform pgledger.check_metadata(plan.metadata);
end;
$$;

comment on function pgledger.check_plan is
  'Raises the first thing that is wrong with a plan''s name, texts, trial, choices or metadata.';

revoke all on function pgledger.check_plan from public;

-- file: repeatable/20_catalogue/check_price.sql
/*
Refuses a price whose model is not known, lacks what its model needs, or has what its model would
not look at. Its feature has been looked at.

Errors: InvalidPlan.
*/
create or replace function pgledger.check_price(
  price jsonb,
  path text
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_model text := pgledger.plan_choice(
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
begin
  select given.name
  into v_member
  from jsonb_each(price) as given (name, value)
  where given.value <> 'null'
    and given.name <> all(v_members || array['feature', 'model', 'minimum', 'maximum'])
  order by given.name collate "C"
  limit 1;

  if found then
    perform pgledger.refuse_plan(
      null, pgledger.json_path(path, v_member), format('is not part of the model %s', v_model)
    );
  elsif v_members = array['tiers'] then
    if nullif(price -> 'tiers', 'null') is null then
      perform pgledger.refuse_plan(null, path || '.tiers', 'is missing');
    end if;
    perform pgledger.check_price_tiers(price -> 'tiers', path || '.tiers', v_model);
    v_members := '{}';
  end if;

  foreach v_member in array v_members loop
    -- Read before it is looked at: a condition need not be evaluated as far as the call.
    v_number := pgledger.plan_decimal(
      price,
      path,
      v_member,
      required => v_member <> all(v_optional),
      maximum => case when v_member = 'percentage' then 100 end
    );
    if v_member = 'package_size' and v_number = 0 then
      perform pgledger.refuse_plan(
        price -> 'package_size', path || '.package_size', 'is not above 0'
      );
    end if;
  end loop;

  perform pgledger.plan_decimal(
    price, path, 'maximum', minimum => coalesce(pgledger.plan_decimal(price, path, 'minimum'), 0)
  );
end;
$$;

comment on function pgledger.check_price is
  'Raises InvalidPlan unless a price has a known model and just what that needs.';

revoke all on function pgledger.check_price from public;

-- file: repeatable/20_catalogue/check_price_object.sql
/*
Refuses what is not an object, or has members that no price has. Which of them its model needs is
looked at elsewhere.

Errors: InvalidPlan.
*/
create or replace function pgledger.check_price_object(
  price jsonb,
  path text
)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  perform pgledger.check_plan_object(
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
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_rate text := case when model = 'graduated_percentage' then 'percentage' else 'unit_amount' end;
  v_tier record;
  v_path text;
  v_bound numeric;
  v_amounts integer;
  v_last numeric := 0;
begin
  perform pgledger.check_plan_array(tiers, path);

  if jsonb_array_length(tiers) = 0 then
    perform pgledger.refuse_plan(tiers, path, 'is empty: there must be one tier at least');
  end if;

  for v_tier in
    select tier.value, tier.place = jsonb_array_length(tiers) as is_last, tier.place
    from jsonb_array_elements(tiers) with ordinality as tier (value, place)
    order by tier.place
  loop
    v_path := format('%s[%s]', path, v_tier.place - 1);
    perform pgledger.check_plan_object(v_tier.value, v_path, array['up_to', v_rate, 'flat_amount']);
    v_bound := pgledger.plan_decimal(v_tier.value, v_path, 'up_to');

    if v_tier.is_last and v_bound is not null then
      perform pgledger.refuse_plan(
        v_tier.value -> 'up_to',
        v_path || '.up_to',
        'bounds the last tier, which must be unbounded: leave it out'
      );
    elsif not v_tier.is_last and v_bound is null then
      perform pgledger.refuse_plan(
        null, v_path || '.up_to', 'is missing: only the last tier is unbounded'
      );
    elsif v_bound <= v_last then
      perform pgledger.refuse_plan(
        v_tier.value -> 'up_to',
        v_path || '.up_to',
        case
          when v_last = 0 then 'is not above 0'
          else format('is not above %s, where the tier before ends', v_last)
        end
      );
    end if;

    v_amounts := num_nonnulls(
      pgledger.plan_decimal(
        v_tier.value,
        v_path,
        v_rate,
        maximum => case when v_rate = 'percentage' then 100 end
      ),
      pgledger.plan_decimal(v_tier.value, v_path, 'flat_amount')
    );
    if v_amounts = 0 then
      perform pgledger.refuse_plan(
        v_tier.value, v_path, format('has neither %s nor flat_amount', v_rate)
      );
    end if;

    v_last := v_bound;
  end loop;
end;
$$;

comment on function pgledger.check_price_tiers is
  'Raises InvalidPlan unless tiers cover every quantity once, in ascending order.';

revoke all on function pgledger.check_price_tiers from public;

-- file: repeatable/20_catalogue/check_priced_limit.sql
/*
Refuses a limit that is an allowance of a price and is for another time than the billing period: a
price begins where usage of the billing period exceeds the allowance, so one for each day would
have no meaning to an invoice.

Errors: InvalidPlan.
*/
create or replace function pgledger.check_priced_limit(
  feature pgledger.plan_features,
  billing_interval text,
  interval_count integer
)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  if feature.type = 'metered'
    and feature.soft_limit
    and feature.quota >= 0
    and feature.period <> 'billing'
    and pgledger.interval_length(feature.period, 1)
    is distinct from pgledger.interval_length(billing_interval, interval_count) then
    perform pgledger.refuse_plan(
      to_jsonb(feature.period),
      format('$.features[%s].period', feature.place),
      'is not as long as the billing period: the soft limit is an allowance of a price, and '
      'counts over that'
    );
  end if;
end;
$$;

comment on function pgledger.check_priced_limit is
  'Raises InvalidPlan if a soft limit of a priced feature is not for the billing period.';

revoke all on function pgledger.check_priced_limit from public;

-- file: repeatable/20_catalogue/currency_exponent.sql
/*
The decimal places that amounts of a currency are rounded to, or null if the app does not know it.
An app's own definition counts even if ISO 4217 takes up its code later: amounts have been rounded
by it.
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

-- file: repeatable/20_catalogue/feature_is_repeated.sql
/*
Whether an earlier call with that id has created the feature. What can be updated is compared until
it has been; then the id is held to what never changes.

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
    perform pgledger.fail('LG023', array[request.id]);
  end if;

  return true;
end;
$$;

comment on function pgledger.feature_is_repeated is
  'Whether a feature has that id already; raises if another request created it.';

revoke all on function pgledger.feature_is_repeated from public;

-- file: repeatable/20_catalogue/feature_of.sql
/*
The feature of that id as applications see it, or null.
*/
create or replace function pgledger.feature_of(id text)
returns ledger_feature
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
  where features.id = feature_of.id
$$;

comment on function pgledger.feature_of is
  'The feature of that id as the view ledger_features shows it, or null.';

revoke all on function pgledger.feature_of from public;

-- file: repeatable/20_catalogue/features_page.sql
/*
One page of the features of an app, or of all apps, in the order of their ids.

Errors: NullArgument, InvalidScope, InvalidArgument, InvalidPage.
*/
create or replace function pgledger.features_page(
  app_id text,
  status text,
  page_size integer,
  page_offset bigint,
  tenant_id text
)
returns setof ledger_feature
language plpgsql
stable
parallel safe
as $$
begin
  perform pgledger.check_catalogue_scope(
    app_id, coalesce(tenant_id, ''), all_apps_allowed => true
  );
  if status is not null then
    perform pgledger.check_choice('status', status, array['active', 'archived']);
  end if;
  perform pgledger.check_page(page_size, page_offset);

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
  'One page of the features of an app or of all apps; raises unless the page can be asked for.';

revoke all on function pgledger.features_page from public;

-- file: repeatable/20_catalogue/find_feature.sql
/*
The feature that a key names for a tenant: the tenant's own, or else the app's, or else that of all
apps; archived ones included, so that what was archived does not uncover another. Null if there is
none.
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
Writes down a new plan and its features, and returns its number: that of the plan which a repeated
call has written down meanwhile, if so.

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
begin
  -- Its exponent stays while this plan is being written.
  perform 1
  from pgledger.currencies
  where currencies.app_id = plan.app_id and currencies.code = plan.currency
  for share;

  if pgledger.currency_exponent(plan.app_id, plan.currency) is null then
    perform pgledger.fail(
      'LG103',
      array[quote_literal(pgledger.abridged(plan.currency)), pgledger.in_app(plan.app_id)]
    );
  end if;

  v_features := pgledger.read_plan_features(plan.features, plan.app_id, plan.tenant_id);
  v_period := pgledger.read_pricing(plan.pricing, v_features);

  loop
    -- Without a constraint, because the id or the slug may be the one that is taken.
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

    -- What was in the way may be gone by now; then there is another try.
    if exists (
      select
      from pgledger.plans
      where plans.app_id = plan.app_id
        and plans.tenant_id = plan.tenant_id
        and plans.slug = plan.slug
    ) then
      perform pgledger.fail(
        'LG120',
        array[
          'plan slug', quote_literal(plan.slug), pgledger.in_catalogue(plan.app_id, plan.tenant_id)
        ]
      );
    end if;
  end loop;
end;
$$;

comment on function pgledger.insert_plan is
  'Writes down a new plan and its features; raises what is wrong with its currency or JSON.';

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
Archives a feature: plans that contain it keep it, no other plan may contain it. Repeatable.

Locks the feature; whoever writes a plan that contains it holds it FOR SHARE.
Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound.
*/
create or replace function ledger_archive_feature(
  app_id text,
  id text
)
returns ledger_feature
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

  return pgledger.feature_of(id);
end;
$$;

comment on function ledger_archive_feature is
  'Archives a feature and returns it: plans that contain it keep it, no other plan may contain it. '
  'Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound.';

revoke all on function ledger_archive_feature from public;
grant execute on function ledger_archive_feature to pgledger_poster;

-- file: repeatable/20_catalogue/ledger_archive_plan.sql
/*
Archives a plan: subscriptions that have it keep it, no other may take it. Repeatable.

Locks the plan; whoever subscribes to it holds it FOR SHARE.
Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound.
*/
create or replace function ledger_archive_plan(
  app_id text,
  id text
)
returns ledger_plan
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

  return pgledger.plan_of(v_plan.key);
end;
$$;

comment on function ledger_archive_plan is
  'Archives a plan and returns it: subscriptions that have it keep it, no other may take it. '
  'Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound.';

revoke all on function ledger_archive_plan from public;
grant execute on function ledger_archive_plan to pgledger_poster;

-- file: repeatable/20_catalogue/ledger_create_feature.sql
/*
Creates a feature for an app, for one tenant of it, or, with app_id *, for all apps.

With an id of the caller's choice the call can be repeated: the second call returns the feature as
it stands now if everything it asks for is the same, and is refused if anything differs. Once the
feature has been updated, only what an update cannot change is compared.

Locks the features of that key which the app sees, FOR UPDATE, ascending by id.
Checks, in this order: app_id, tenant_id, key, name, type, aggregation, unique_key, description,
metadata, id, repeat, whether the key is taken, or was used for something else.
Errors: NullArgument, InvalidScope, InvalidArgument, InvalidMetadata, InvalidId,
IdempotencyConflict, AlreadyExists, InUse.
*/
create or replace function ledger_create_feature(
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
returns ledger_feature
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_new pgledger.features;
begin
  perform pgledger.check_catalogue_scope(app_id, tenant_id, all_apps_allowed => true);
  perform pgledger.check_text('key', key, 128);

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
  perform pgledger.check_feature(v_new);
  perform pgledger.check_id('id', v_new.id, 'feat');

  -- Whoever opens a meter of what the key names now is through, or waits and looks again.
  perform
  from pgledger.features
  where features.key = v_new.key and features.app_id in (v_new.app_id, '*')
  order by features.id
  for update;
  loop
    -- Without a constraint, because the id or the key may be the one that is taken.
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
      perform pgledger.check_feature_usage(v_new);
      exit;
    end if;
    exit when pgledger.feature_is_repeated(v_new);

    -- What was in the way may be gone by now; then there is another try.
    if exists (
      select
      from pgledger.features
      where features.app_id = v_new.app_id
        and features.tenant_id = v_new.tenant_id
        and features.key = v_new.key
    ) then
      perform pgledger.fail(
        'LG120',
        array['feature key', quote_literal(key), pgledger.in_catalogue(app_id, tenant_id)]
      );
    end if;
  end loop;

  return pgledger.feature_of(v_new.id);
end;
$$;

comment on function ledger_create_feature is
  'Creates a feature that plans can contain, and returns it. app_id: * for all apps. key: its name '
  'in plans and usage events, 1 to 128 visible characters. name: for people, 1 to 255 characters. '
  'type: boolean, metered or seat. aggregation: what usage of a metered one comes to: sum (also '
  'where null), count, max, unique_count or latest. unique_key: member of an event''s metadata '
  'whose different values unique_count counts. description: at most 10000 characters. metadata: '
  'JSON object, at most 64 KiB. id: feat_ and a ULID of your own choice, to make the call '
  'repeatable. tenant_id: tenant of a custom deal. Errors: NullArgument, InvalidScope, '
  'InvalidArgument, InvalidMetadata, InvalidId, IdempotencyConflict, AlreadyExists, InUse.';

revoke all on function ledger_create_feature from public;
grant execute on function ledger_create_feature to pgledger_poster;

-- file: repeatable/20_catalogue/ledger_create_plan.sql
/*
Creates a plan, for the whole app or, with a tenant_id, for that tenant alone.

With an id of the caller's choice the call can be repeated: the second call returns the plan as it
stands now if everything it asks for is the same, and is refused if anything differs. Once the plan
has been updated, only what an update cannot change is compared.

Locks, FOR SHARE: a currency of the app's own, then the features, ascending by id.

Checks, in this order: app_id, tenant_id, slug, name, currency, features and pricing for null,
description, trial_days, anchor_at_trial_end, add_on, metadata, id, repeat, whether the currency is
known, features, pricing, whether the slug is taken.
Errors: NullArgument, InvalidScope, InvalidArgument, InvalidMetadata, InvalidId,
IdempotencyConflict, UnknownCurrency, InvalidPlan, FeatureNotFound, Archived, AlreadyExists.
*/
create or replace function ledger_create_plan(
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
returns ledger_plan
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_new pgledger.plans;
begin
  perform pgledger.check_catalogue_scope(app_id, tenant_id);
  perform pgledger.check_text('slug', slug, 128);

  if currency is null then
    perform pgledger.fail('LG003', array['currency']);
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
  perform pgledger.check_plan(v_new);
  perform pgledger.check_id('id', v_new.id, 'plan');

  v_new.key := pgledger.repeated_plan(v_new);
  if v_new.key is null then
    v_new.key := pgledger.insert_plan(v_new);
  end if;

  return pgledger.plan_of(v_new.key);
end;
$$;

comment on function ledger_create_plan is
  'Creates a plan and returns it. slug: its name in addresses and code, 1 to 128 visible '
  'characters. name: for people, 1 to 255 characters. currency: code of ISO 4217, or one that the '
  'app has defined. features: JSON array of features and limits. pricing: JSON object of base fee '
  'and prices. description: at most 10000 characters. trial_days: 0 to 3650. anchor_at_trial_end: '
  'whether billing periods count from the end of the trial. add_on: whether a tenant may have it '
  'beside another subscription. metadata: JSON object, at most 64 KiB. id: plan_ and a ULID of '
  'your own choice, to make the call repeatable. tenant_id: tenant of a custom deal. Errors: '
  'NullArgument, InvalidScope, InvalidArgument, InvalidMetadata, InvalidId, IdempotencyConflict, '
  'UnknownCurrency, InvalidPlan, FeatureNotFound, Archived, AlreadyExists.';

revoke all on function ledger_create_plan from public;
grant execute on function ledger_create_plan to pgledger_poster;

-- file: repeatable/20_catalogue/ledger_delete_feature.sql
/*
Deletes a feature that no plan contains and that no usage was recorded of, and returns it as it was.
Usage is of the feature that its key names for its tenant now.

Locks the feature FOR UPDATE: whoever writes a plan that contains it holds it FOR SHARE.
Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound, InUse.
*/
create or replace function ledger_delete_feature(
  app_id text,
  id text
)
returns ledger_feature
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.features := pgledger.lock_feature(app_id, id, to_delete => true);
  v_feature record := pgledger.feature_of(id);
  v_fault text;
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
    perform pgledger.fail(
      'LG122', array['feature', quote_literal(v_old.key), 'deleted', v_fault]
    );
  end if;

  return v_feature;
end;
$$;

comment on function ledger_delete_feature is
  'Deletes a feature that no plan contains and no usage was recorded of, and returns it as it was. '
  'Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound, InUse.';

revoke all on function ledger_delete_feature from public;
grant execute on function ledger_delete_feature to pgledger_poster;

-- file: repeatable/20_catalogue/ledger_delete_plan.sql
/*
Deletes a plan that no subscription has or has had, and returns it as it was.

Locks the plan FOR UPDATE: whoever subscribes to it holds it FOR SHARE.
Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound, InUse.
*/
create or replace function ledger_delete_plan(
  app_id text,
  id text
)
returns ledger_plan
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.plans := pgledger.lock_plan(app_id, id, to_delete => true);
  v_plan record := pgledger.plan_of(v_old.key);
begin
  begin
    delete from pgledger.plans
    where plans.key = v_old.key;
  exception
    when foreign_key_violation then
      perform pgledger.fail(
        'LG122', array['plan', v_old.id, 'deleted', 'subscriptions have it or have had it']
      );
  end;

  return v_plan;
end;
$$;

comment on function ledger_delete_plan is
  'Deletes a plan that no subscription has or has had, and returns it as it was. Errors: '
  'NullArgument, InvalidScope, InvalidId, PlanNotFound, InUse.';

revoke all on function ledger_delete_plan from public;
grant execute on function ledger_delete_plan to pgledger_poster;

-- file: repeatable/20_catalogue/ledger_get_feature.sql
/*
One feature: the app's own, whichever tenant's, or one of all apps. An id that does not exist is an
error rather than no row.

Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound.
*/
create or replace function ledger_get_feature(
  app_id text,
  id text
)
returns ledger_feature
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  perform pgledger.check_catalogue_scope(app_id, all_apps_allowed => true);
  perform pgledger.check_id('id', id, 'feat');

  if not exists (
    select
    from pgledger.features
    where features.id = ledger_get_feature.id
      and features.app_id in (ledger_get_feature.app_id, '*')
  ) then
    perform pgledger.fail('LG111', array[id, pgledger.in_catalogue(app_id, '')]);
  end if;

  return pgledger.feature_of(id);
end;
$$;

comment on function ledger_get_feature is
  'The feature of that id, of the app or of all apps. Errors: NullArgument, InvalidScope, '
  'InvalidId, FeatureNotFound.';

revoke all on function ledger_get_feature from public;
grant execute on function ledger_get_feature to pgledger_reader;

-- file: repeatable/20_catalogue/ledger_get_feature_by_key.sql
/*
The feature that a key names for a tenant: the tenant's own, or else the app's, or else that of all
apps. The empty tenant_id stands for the whole app.

Errors: NullArgument, InvalidScope, FeatureNotFound.
*/
create or replace function ledger_get_feature_by_key(
  app_id text,
  key text,
  tenant_id text default ''
)
returns ledger_feature
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_feature pgledger.features;
begin
  perform pgledger.check_catalogue_scope(app_id, tenant_id, all_apps_allowed => true);

  if key is null then
    perform pgledger.fail('LG003', array['key']);
  end if;

  v_feature := pgledger.find_feature(app_id, key, tenant_id);
  if v_feature.id is null then
    perform pgledger.fail(
      'LG111',
      array[quote_literal(pgledger.abridged(key)), pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;

  return pgledger.feature_of(v_feature.id);
end;
$$;

comment on function ledger_get_feature_by_key is
  'The feature that a key names for a tenant: its own, or else the app''s, or else that of all '
  'apps. Errors: NullArgument, InvalidScope, FeatureNotFound.';

revoke all on function ledger_get_feature_by_key from public;
grant execute on function ledger_get_feature_by_key to pgledger_reader;

-- file: repeatable/20_catalogue/ledger_get_plan.sql
/*
One plan of the app, whichever tenant's. An id that does not exist is an error rather than no row.

Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound.
*/
create or replace function ledger_get_plan(
  app_id text,
  id text
)
returns ledger_plan
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
begin
  perform pgledger.check_catalogue_scope(app_id);
  perform pgledger.check_id('id', id, 'plan');

  select plans.key
  into v_key
  from pgledger.plans
  where plans.id = ledger_get_plan.id and plans.app_id = ledger_get_plan.app_id;

  if not found then
    perform pgledger.fail('LG110', array[id, pgledger.in_app(app_id)]);
  end if;

  return pgledger.plan_of(v_key);
end;
$$;

comment on function ledger_get_plan is
  'The plan of that id. Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound.';

revoke all on function ledger_get_plan from public;
grant execute on function ledger_get_plan to pgledger_reader;

-- file: repeatable/20_catalogue/ledger_get_plan_by_slug.sql
/*
The plan that a slug names for a tenant: the tenant's own, or else the whole app's; archived ones
included. The empty tenant_id stands for the whole app.

Errors: NullArgument, InvalidScope, PlanNotFound.
*/
create or replace function ledger_get_plan_by_slug(
  app_id text,
  slug text,
  tenant_id text default ''
)
returns ledger_plan
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
begin
  perform pgledger.check_catalogue_scope(app_id, tenant_id);

  if slug is null then
    perform pgledger.fail('LG003', array['slug']);
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
    perform pgledger.fail(
      'LG110',
      array[quote_literal(pgledger.abridged(slug)), pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;

  return pgledger.plan_of(v_key);
end;
$$;

comment on function ledger_get_plan_by_slug is
  'The plan that a slug names for a tenant: its own, or else the whole app''s. Errors: '
  'NullArgument, InvalidScope, PlanNotFound.';

revoke all on function ledger_get_plan_by_slug from public;
grant execute on function ledger_get_plan_by_slug to pgledger_reader;

-- file: repeatable/20_catalogue/ledger_list_features.sql
/*
One page of an app's features, oldest first: by id, which for generated ids is the order of
creation.

Errors: NullArgument, InvalidScope, InvalidArgument, InvalidPage.
*/
create or replace function ledger_list_features(
  app_id text,
  status text default null,
  page_size integer default 100,
  page_offset bigint default 0,
  tenant_id text default null
)
returns setof ledger_feature
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

comment on function ledger_list_features is
  'One page of the features of an app, by id. status: active, archived, or null for both. '
  'page_size: 1 to 10000. page_offset: rows to leave out. tenant_id: null for the whole app''s and '
  'every tenant''s, empty for the whole app''s alone, otherwise that tenant''s and the whole '
  'app''s. Errors: NullArgument, InvalidScope, InvalidArgument, InvalidPage.';

revoke all on function ledger_list_features from public;
grant execute on function ledger_list_features to pgledger_reader;

-- file: repeatable/20_catalogue/ledger_list_global_features.sql
/*
One page of the features of all apps, by id.

Errors: NullArgument, InvalidArgument, InvalidPage.
*/
create or replace function ledger_list_global_features(
  status text default null,
  page_size integer default 100,
  page_offset bigint default 0
)
returns setof ledger_feature
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

comment on function ledger_list_global_features is
  'One page of the features that belong to all apps, by id. status: active, archived, or null for '
  'both. page_size: 1 to 10000. page_offset: rows to leave out. Errors: NullArgument, '
  'InvalidArgument, InvalidPage.';

revoke all on function ledger_list_global_features from public;
grant execute on function ledger_list_global_features to pgledger_reader;

-- file: repeatable/20_catalogue/ledger_list_plans.sql
/*
One page of an app's plans, oldest first: by id, which for generated ids is the order of creation.

Checks, in this order: app_id, tenant_id, status, page_size, page_offset.
Errors: NullArgument, InvalidScope, InvalidArgument, InvalidPage.
*/
create or replace function ledger_list_plans(
  app_id text,
  status text default null,
  page_size integer default 100,
  page_offset bigint default 0,
  tenant_id text default null
)
returns setof ledger_plan
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  perform pgledger.check_catalogue_scope(app_id, coalesce(tenant_id, ''));
  if status is not null then
    perform pgledger.check_choice('status', status, array['active', 'archived']);
  end if;
  perform pgledger.check_page(page_size, page_offset);

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

comment on function ledger_list_plans is
  'One page of the plans of an app, by id. status: active, archived, or null for both. page_size: '
  '1 to 10000. page_offset: rows to leave out. tenant_id: null for the whole app''s and every '
  'tenant''s, empty for the whole app''s alone, otherwise that tenant''s and the whole app''s. '
  'Errors: NullArgument, InvalidScope, InvalidArgument, InvalidPage.';

revoke all on function ledger_list_plans from public;
grant execute on function ledger_list_plans to pgledger_reader;

-- file: repeatable/20_catalogue/ledger_set_currency.sql
/*
Defines a currency of the app's own, or changes its exponent while no plan, coupon or invoice is in
it: amounts have been rounded by the exponent that they began with. Codes of ISO 4217 are known and
fixed. Repeatable.

Locks the currency's row; whoever creates a plan in it holds that row FOR SHARE.

Checks, in this order: app_id, code, exponent, use.
Errors: NullArgument, InvalidScope, InvalidCurrency, InvalidArgument, InUse.
*/
create or replace function ledger_set_currency(
  app_id text,
  code text,
  exponent integer
)
returns ledger_currency
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
begin
  perform pgledger.check_app(app_id);

  if code is null then
    perform pgledger.fail('LG003', array['code']);
  elsif v_code_fault is not null then
    perform pgledger.fail('LG005', array[quote_literal(pgledger.abridged(code)), v_code_fault]);
  end if;

  v_standard := (
    select iso_currencies.exponent
    from pgledger.iso_currencies()
    where iso_currencies.code = ledger_set_currency.code
  );
  if v_standard is not null then
    perform pgledger.fail(
      'LG101',
      array[
        'code',
        quote_literal(code),
        format('it is a code of ISO 4217, whose exponent is %s', v_standard)
      ]
    );
  elsif exponent is null then
    perform pgledger.fail('LG003', array['exponent']);
  elsif exponent not between 0 and 18 then
    perform pgledger.fail(
      'LG101', array['exponent', exponent::text, 'it is not between 0 and 18']
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
    perform pgledger.check_currency_unused(app_id, code, v_currency.exponent);

    update pgledger.currencies
    set exponent = ledger_set_currency.exponent
    where currencies.app_id = ledger_set_currency.app_id
      and currencies.code = ledger_set_currency.code;
    v_currency.exponent := exponent;
  end if;

  return v_currency;
end;
$$;

comment on function ledger_set_currency is
  'Defines a currency of the app''s own, beside those of ISO 4217, and returns it. code: 1 to 32 '
  'visible characters. exponent: decimal places that amounts are rounded to, 0 to 18; fixed as '
  'soon as a plan, a coupon or an invoice is in the currency. Errors: NullArgument, InvalidScope, '
  'InvalidCurrency, InvalidArgument, InUse.';

revoke all on function ledger_set_currency from public;
grant execute on function ledger_set_currency to pgledger_poster;

-- file: repeatable/20_catalogue/ledger_update_feature.sql
/*
Changes a feature; what is null stays. A call that changes nothing leaves the version as it is. A
feature of all apps is changed with app_id *.

A plan that does not name an aggregation keeps the one that the feature had when the plan's features
were written: what is billed does not change under those who have the plan.

Locks the feature. Checks, in this order: app_id, id, existence, name, aggregation, description,
metadata.
Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound, InvalidArgument, InvalidMetadata.
*/
create or replace function ledger_update_feature(
  app_id text,
  id text,
  name text default null,
  description text default null,
  aggregation text default null,
  metadata jsonb default null
)
returns ledger_feature
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.features := pgledger.lock_feature(app_id, id);
  v_new pgledger.features := v_old;
begin
  v_new.name := coalesce(name, v_old.name);
  v_new.description := coalesce(description, v_old.description);
  v_new.aggregation := coalesce(aggregation, v_old.aggregation);
  v_new.metadata := coalesce(metadata, v_old.metadata);
  perform pgledger.check_feature(v_new);

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

  return pgledger.feature_of(id);
end;
$$;

comment on function ledger_update_feature is
  'Changes a feature and returns it; what is null stays as it is. app_id: * for a feature of all '
  'apps. A changed aggregation counts for plans that are written from then on. Errors: '
  'NullArgument, InvalidScope, InvalidId, FeatureNotFound, InvalidArgument, InvalidMetadata.';

revoke all on function ledger_update_feature from public;
grant execute on function ledger_update_feature to pgledger_poster;

-- file: repeatable/20_catalogue/ledger_update_plan.sql
/*
Changes a plan; what is null stays. A call that changes nothing leaves the version as it is. The
currency, the slug and whether it is an add-on never change, nor does the billing interval while
subscriptions have the plan. A plan that is archived may be changed: those who have it keep it.

Locks the plan, then, FOR SHARE, the features if they change, ascending by id. Whoever subscribes to
the plan holds it FOR SHARE.

Checks, in this order: app_id, id, existence, name, description, trial_days, metadata, features,
pricing, subscriptions.
Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound, InvalidArgument, InvalidMetadata,
InvalidPlan, FeatureNotFound, Archived, InUse.
*/
create or replace function ledger_update_plan(
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
returns ledger_plan
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.plans := pgledger.lock_plan(app_id, id);
  v_new pgledger.plans := v_old;
begin
  v_new.name := coalesce(name, v_old.name);
  v_new.features := coalesce(features, v_old.features);
  v_new.pricing := coalesce(pricing, v_old.pricing);
  v_new.description := coalesce(description, v_old.description);
  v_new.trial_days := coalesce(trial_days, v_old.trial_days);
  v_new.anchor_at_trial_end := coalesce(anchor_at_trial_end, v_old.anchor_at_trial_end);
  v_new.metadata := coalesce(metadata, v_old.metadata);
  perform pgledger.check_plan(v_new);

  if v_new is distinct from v_old then
    perform pgledger.rewrite_plan(v_old, v_new);
  end if;

  return pgledger.plan_of(v_old.key);
end;
$$;

comment on function ledger_update_plan is
  'Changes a plan and returns it; what is null stays as it is. The currency, the slug and whether '
  'it is an add-on never change, nor does the billing interval while subscriptions have the plan. '
  'Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound, InvalidArgument, InvalidMetadata, '
  'InvalidPlan, FeatureNotFound, Archived, InUse.';

revoke all on function ledger_update_plan from public;
grant execute on function ledger_update_plan to pgledger_poster;

-- file: repeatable/20_catalogue/lock_feature.sql
/*
The feature of that id, its row locked: FOR UPDATE if it is to be deleted, so that nothing can come
to refer to it, and FOR NO KEY UPDATE if it is to be changed.

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
begin
  perform pgledger.check_catalogue_scope(app_id, all_apps_allowed => true);
  perform pgledger.check_id('id', id, 'feat');

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
    perform pgledger.fail('LG111', array[id, pgledger.in_catalogue(app_id, '')]);
  end if;

  return v_feature;
end;
$$;

comment on function pgledger.lock_feature is
  'The feature of that id, locked to be changed or deleted; raises FeatureNotFound.';

revoke all on function pgledger.lock_feature from public;

-- file: repeatable/20_catalogue/lock_plan.sql
/*
The plan of that id, its row locked: FOR UPDATE if it is to be deleted, so that nothing can come
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
begin
  perform pgledger.check_catalogue_scope(app_id);
  perform pgledger.check_id('id', id, 'plan');

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
    perform pgledger.fail('LG110', array[id, pgledger.in_catalogue(app_id, '')]);
  end if;

  return v_plan;
end;
$$;

comment on function pgledger.lock_plan is
  'The plan of that id, locked to be changed or deleted; raises PlanNotFound.';

revoke all on function pgledger.lock_plan from public;

-- file: repeatable/20_catalogue/plan_candidate.sql
/*
The feature that a key in a plan names, if the plan may contain it: it is there and not archived, or
the plan has it already.

Errors: FeatureNotFound, Archived.
*/
create or replace function pgledger.plan_candidate(
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
begin
  if v_feature.id is null then
    perform pgledger.fail(
      'LG111',
      array[
        quote_literal(pgledger.abridged(feature_key)), pgledger.in_catalogue(app_id, tenant_id)
      ]
    );
  elsif v_feature.status = 'archived' and not exists (
    select
    from pgledger.plan_features
    where plan_features.plan_key = plan_candidate.plan_key
      and plan_features.feature_id = v_feature.id
  ) then
    perform pgledger.fail('LG121', array['feature', quote_literal(feature_key)]);
  end if;

  return v_feature;
end;
$$;

comment on function pgledger.plan_candidate is
  'The feature that a key in a plan names; raises unless the plan may contain it.';

revoke all on function pgledger.plan_candidate from public;

-- file: repeatable/20_catalogue/plan_of.sql
/*
The plan of that number as applications see it, or null.
*/
create or replace function pgledger.plan_of(key bigint)
returns ledger_plan
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
  where plans.key = plan_of.key
$$;

comment on function pgledger.plan_of is
  'The plan of that number as the view ledger_plans shows it, or null.';

revoke all on function pgledger.plan_of from public;

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
begin
  perform pgledger.check_plan_object(
    base, v_path, array['amount', 'interval', 'interval_count', 'billed', 'proration']
  );
  perform pgledger.plan_decimal(base, v_path, 'amount');
  billing_interval := coalesce(
    pgledger.plan_choice(base, v_path, 'interval', array['day', 'week', 'month', 'year']),
    'month'
  );

  v_count := coalesce(
    pgledger.plan_decimal(base, v_path, 'interval_count', minimum => 1, maximum => 1000), 1
  );
  if v_count <> trunc(v_count) then
    perform pgledger.refuse_plan(
      base -> 'interval_count', v_path || '.interval_count', 'is not a whole number'
    );
  end if;
  interval_count := v_count;

  perform pgledger.plan_choice(base, v_path, 'billed', array['advance', 'arrears']);
  perform pgledger.plan_choice(base, v_path, 'proration', array['day', 'second']);
end;
$$;

comment on function pgledger.read_plan_base is
  'The billing period that a plan''s base fee sets; raises InvalidPlan unless it is sound.';

revoke all on function pgledger.read_plan_base from public;

-- file: repeatable/20_catalogue/read_plan_feature.sql
/*
Reads one element of a plan's features against the feature that it names, and fills in defaults.
Its key is known to be that of the feature.

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
  v_type text := pgledger.plan_choice(
    item, path, 'type', array['boolean', 'metered', 'seat']
  );
  v_quota numeric := pgledger.plan_decimal(item, path, 'limit', minimum => -1);
  v_period text := pgledger.plan_choice(
    item, path, 'period', array['day', 'week', 'month', 'year', 'billing', 'lifetime']
  );
  v_soft_limit jsonb := coalesce(nullif(item -> 'soft_limit', 'null'), 'false');
  v_aggregation text := pgledger.plan_choice(
    item, path, 'aggregation', array['sum', 'count', 'max', 'unique_count', 'latest']
  );
begin
  if v_type <> feature.type then
    perform pgledger.refuse_plan(
      item -> 'type', path || '.type', 'is not the type of the feature, which is ' || feature.type
    );
  elsif feature.type = 'boolean' and v_quota not in (0, 1) then
    perform pgledger.refuse_plan(
      item -> 'limit', path || '.limit', 'is neither 0 nor 1, and the feature is boolean'
    );
  elsif v_quota < 0 and v_quota <> -1 then
    perform pgledger.refuse_plan(
      item -> 'limit', path || '.limit', 'is below 0 and not -1, which is for unlimited'
    );
  elsif v_period is not null and feature.type <> 'metered' then
    perform pgledger.refuse_plan(
      item -> 'period',
      path || '.period',
      'is for metered features, and this one is ' || feature.type
    );
  elsif jsonb_typeof(v_soft_limit) <> 'boolean' then
    perform pgledger.refuse_plan(
      v_soft_limit,
      path || '.soft_limit',
      format('is of type %s, not a boolean', jsonb_typeof(v_soft_limit))
    );
  elsif v_soft_limit = 'true' and feature.type = 'boolean' then
    perform pgledger.refuse_plan(
      v_soft_limit, path || '.soft_limit', 'is for limits, and the feature is boolean'
    );
  elsif v_aggregation is not null and feature.type <> 'metered' then
    perform pgledger.refuse_plan(
      item -> 'aggregation',
      path || '.aggregation',
      'is for metered features, and this one is ' || feature.type
    );
  elsif v_aggregation = 'unique_count' and feature.unique_key is null then
    perform pgledger.refuse_plan(
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
Reads a plan's features against the catalogue, in their order: the rows that stand for them, without
the plan's number.

Locks every feature that one of the keys could name FOR SHARE, ascending by id: until the plan is
written, none of them is archived or deleted. A feature that the plan has had stays allowed when it
is archived.

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
begin
  perform pgledger.check_plan_array(read_plan_features.features, '$.features');
  perform pgledger.check_plan_size(read_plan_features.features, '$.features', false);

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
    perform pgledger.check_plan_object(
      v_item,
      v_path,
      array['key', 'type', 'limit', 'period', 'soft_limit', 'aggregation']
    );
    v_key := pgledger.plan_text(v_item, v_path, 'key');

    if v_key = any(v_keys) then
      perform pgledger.refuse_plan(
        v_item -> 'key',
        v_path || '.key',
        format('stands at $.features[%s] already', array_position(v_keys, v_key) - 1)
      );
    end if;

    v_row := pgledger.read_plan_feature(
      v_item,
      v_path,
      pgledger.plan_candidate(
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

  perform pgledger.check_plan_size(read_plan_features.features, '$.features', true);
  return v_rows;
end;
$$;

comment on function pgledger.read_plan_features is
  'A plan''s features as rows, in order; raises unless each is sound and in the catalogue.';

revoke all on function pgledger.read_plan_features from public;

-- file: repeatable/20_catalogue/read_pricing.sql
/*
Reads a plan's pricing against the rows of its features, and returns the billing period that it
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
parallel safe
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
begin
  perform pgledger.check_plan_object(pricing, '$.pricing', array['base', 'prices']);
  perform pgledger.check_plan_size(pricing, '$.pricing', false);

  select base.billing_interval, base.interval_count
  into read_pricing.billing_interval, read_pricing.interval_count
  from pgledger.read_plan_base(coalesce(nullif(pricing -> 'base', 'null'), '{}')) as base;

  perform pgledger.check_plan_array(v_prices, '$.pricing.prices');
  for v_price in
    select price.value
    from jsonb_array_elements(v_prices) with ordinality as price (value, place)
    order by price.place
  loop
    v_path := format('$.pricing.prices[%s]', cardinality(v_keys));
    perform pgledger.check_price_object(v_price, v_path);
    v_key := pgledger.plan_text(v_price, v_path, 'feature');
    v_feature := features[(v_places ->> v_key)::integer];
    v_fault := case
      when v_key = any(v_keys) then format(
        'has a price at $.pricing.prices[%s] already', array_position(v_keys, v_key) - 1
      )
      when v_feature.feature_key is null then 'is not among the plan''s features'
      when v_feature.type = 'boolean' then 'is a boolean feature, which has no quantity'
    end;
    if v_fault is not null then
      perform pgledger.refuse_plan(v_price -> 'feature', v_path || '.feature', v_fault);
    end if;
    perform pgledger.check_priced_limit(v_feature, billing_interval, interval_count);
    perform pgledger.check_price(v_price, v_path);
    v_keys := v_keys || v_key;
  end loop;

  perform pgledger.check_plan_size(pricing, '$.pricing', true);
end;
$$;

comment on function pgledger.read_pricing is
  'The billing period that a plan''s pricing sets; raises InvalidPlan unless the pricing is sound.';

revoke all on function pgledger.read_pricing from public;

-- file: repeatable/20_catalogue/repeated_plan.sql
/*
The number of the plan that an earlier call with that id has created, or null if none has. What can
be updated is compared until it has been; then the id is held to what never changes.

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
    perform pgledger.fail('LG023', array[request.id]);
  end if;

  return v_plan.key;
end;
$$;

comment on function pgledger.repeated_plan is
  'Number of the plan that has that id already, or null; raises if another request created it.';

revoke all on function pgledger.repeated_plan from public;

-- file: repeatable/20_catalogue/rewrite_plan.sql
/*
Writes down a plan that has changed, and its features if they have. Its row is locked.

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
    perform pgledger.fail(
      'LG122',
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
  'Writes down a plan that has changed; raises what is wrong with its JSON, or InUse.';

revoke all on function pgledger.rewrite_plan from public;

-- file: repeatable/20_catalogue/write_plan_features.sql
/*
Makes the rows of a plan's features those that were read from its JSON. The plan's row is locked.
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
Currencies that plans can be in: those of ISO 4217, and those of each app. Where an app has defined
a code before ISO 4217 took it up, both are listed and the app's own one counts.
*/
create or replace view ledger_currencies as
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

comment on view ledger_currencies is
  'One row a currency: those of ISO 4217, which all apps share, and those that an app has defined.';
comment on column ledger_currencies.app_id is 'App that defined it; * for ISO 4217.';
comment on column ledger_currencies.code is 'Code, for example USD.';
comment on column ledger_currencies.exponent is 'Decimal places that amounts are rounded to.';

revoke all on table ledger_currencies from public;
grant select on table ledger_currencies to pgledger_reader;

-- file: repeatable/20_catalogue/views/ledger_features.sql
/*
The catalogue of features as applications see it. Columns never change.
*/
create or replace view ledger_features as
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

comment on view ledger_features is
  'One row a feature that plans can contain. A key may be there for a tenant, for an app and for '
  'all apps; the narrowest one counts.';
comment on column ledger_features.id is 'Id of the feature: feat_ and a ULID.';
comment on column ledger_features.app_id is 'App that it belongs to; * for all apps.';
comment on column ledger_features.tenant_id is
  'Tenant of a custom deal; empty for all tenants of the app.';
comment on column ledger_features.key is 'Name in plans and usage events, for example api_calls.';
comment on column ledger_features.name is 'Name for people.';
comment on column ledger_features.description is 'Text for people, or null.';
comment on column ledger_features.type is
  'What it is: boolean (on or off), metered (usage adds up over a period) or seat (a level).';
comment on column ledger_features.aggregation is
  'What usage of a metered feature comes to: sum, count, max, unique_count or latest; null for '
  'other features.';
comment on column ledger_features.unique_key is
  'Member of an event''s metadata whose different values unique_count counts, or null.';
comment on column ledger_features.status is
  'Whether it is active, or archived: no new plan may contain it.';
comment on column ledger_features.version is 'Counts changes, from 1.';
comment on column ledger_features.metadata is 'JSON object of the app''s own, or null.';
comment on column ledger_features.created_at is 'When it was created.';
comment on column ledger_features.updated_at is 'When it was last changed.';

revoke all on table ledger_features from public;
grant select on table ledger_features to pgledger_reader;

-- file: repeatable/20_catalogue/views/ledger_plans.sql
/*
Plans as applications see them. Columns never change.
*/
create or replace view ledger_plans as
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

comment on view ledger_plans is
  'One row a plan: what a subscription to it gives and what it costs.';
comment on column ledger_plans.id is 'Id of the plan: plan_ and a ULID.';
comment on column ledger_plans.app_id is 'App that it belongs to.';
comment on column ledger_plans.tenant_id is
  'Tenant of a custom deal; empty for all tenants of the app.';
comment on column ledger_plans.slug is 'Name in addresses and code, for example pro.';
comment on column ledger_plans.name is 'Name for people.';
comment on column ledger_plans.description is 'Text for people, or null.';
comment on column ledger_plans.status is
  'Whether it is active, or archived: subscriptions keep it, no new one may take it.';
comment on column ledger_plans.currency is 'Currency of every amount in pricing.';
comment on column ledger_plans.features is 'JSON array of features and limits, as given.';
comment on column ledger_plans.pricing is 'JSON object of base fee and prices, as given.';
comment on column ledger_plans.billing_interval is
  'Unit of the billing period: day, week, month or year; out of pricing.';
comment on column ledger_plans.interval_count is 'Units in a billing period; out of pricing.';
comment on column ledger_plans.trial_days is 'Days of trial that a new subscription gets.';
comment on column ledger_plans.anchor_at_trial_end is
  'Whether billing periods count from the end of the trial rather than from its start.';
comment on column ledger_plans.add_on is
  'Whether a tenant may have it beside another active subscription.';
comment on column ledger_plans.version is 'Counts changes, from 1.';
comment on column ledger_plans.metadata is 'JSON object of the app''s own, or null.';
comment on column ledger_plans.created_at is 'When it was created.';
comment on column ledger_plans.updated_at is 'When it was last changed.';

revoke all on table ledger_plans from public;
grant select on table ledger_plans to pgledger_reader;

-- file: repeatable/20_catalogue/views/ledger_tenant_features.sql
/*
Features that a tenant's own database role may see: the tenant's, its app's, and those of all apps.
Guarded as ledger_tenant_plans is.
*/
create or replace view ledger_tenant_features with (security_barrier) as
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

comment on view ledger_tenant_features is
  'Features that the tenant of the current database role can have: its own, its app''s and '
  'global ones.';
comment on column ledger_tenant_features.id is 'Id of the feature: feat_ and a ULID.';
comment on column ledger_tenant_features.app_id is 'App that it belongs to; * for all apps.';
comment on column ledger_tenant_features.tenant_id is
  'Tenant of a custom deal; empty for all tenants.';
comment on column ledger_tenant_features.key is
  'Name in plans and usage events, for example api_calls.';
comment on column ledger_tenant_features.name is 'Name for people.';
comment on column ledger_tenant_features.description is 'Text for people, or null.';
comment on column ledger_tenant_features.type is
  'boolean: on or off. metered: usage adds up over a period. seat: a level.';
comment on column ledger_tenant_features.aggregation is
  'What usage of a metered feature comes to: sum, count, max, unique_count or latest.';
comment on column ledger_tenant_features.unique_key is
  'Member of an event''s metadata whose different values unique_count counts.';
comment on column ledger_tenant_features.status is
  'active, or archived: no new plan may contain it.';
comment on column ledger_tenant_features.version is 'Counts changes, from 1.';
comment on column ledger_tenant_features.metadata is 'JSON object of the app''s own, or null.';
comment on column ledger_tenant_features.created_at is 'When it was created.';
comment on column ledger_tenant_features.updated_at is 'When it was last changed.';

revoke all on table ledger_tenant_features from public;
grant select on table ledger_tenant_features to pgledger_tenant;
alter view ledger_tenant_features owner to pgledger_tenant_views;

-- file: repeatable/20_catalogue/views/ledger_tenant_plans.sql
/*
Plans that a tenant's own database role may see: the tenant's custom deals, and its app's plans.

Like all views ledger_tenant_*, it is guarded twice: by the row-security policies of the tables,
which hold for its owner pgledger_tenant_views, and by its own condition, which also stands where
there are no roles of ours. Both go by current_user, which no setting changes. As a security
barrier it lets no function of the reader's see rows that are not the reader's.
*/
create or replace view ledger_tenant_plans with (security_barrier) as
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

comment on view ledger_tenant_plans is
  'Plans that the tenant of the current database role can have: its own, and its app''s.';
comment on column ledger_tenant_plans.id is 'Id of the plan: plan_ and a ULID.';
comment on column ledger_tenant_plans.app_id is 'App that it belongs to.';
comment on column ledger_tenant_plans.tenant_id is
  'Tenant of a custom deal; empty for all tenants.';
comment on column ledger_tenant_plans.slug is 'Name in addresses and code, for example pro.';
comment on column ledger_tenant_plans.name is 'Name for people.';
comment on column ledger_tenant_plans.description is 'Text for people, or null.';
comment on column ledger_tenant_plans.status is
  'active, or archived: who has it keeps it, and nobody new may take it.';
comment on column ledger_tenant_plans.currency is 'Currency of every amount in pricing.';
comment on column ledger_tenant_plans.features is 'JSON array of features and limits.';
comment on column ledger_tenant_plans.pricing is 'JSON object of base fee and prices.';
comment on column ledger_tenant_plans.billing_interval is
  'Unit of the billing period: day, week, month or year.';
comment on column ledger_tenant_plans.interval_count is 'Units in a billing period.';
comment on column ledger_tenant_plans.trial_days is 'Days of trial that a new subscription gets.';
comment on column ledger_tenant_plans.anchor_at_trial_end is
  'Whether billing periods count from the end of the trial rather than from its start.';
comment on column ledger_tenant_plans.add_on is
  'Whether a tenant may have it beside another active subscription.';
comment on column ledger_tenant_plans.version is 'Counts changes, from 1.';
comment on column ledger_tenant_plans.metadata is 'JSON object of the app''s own, or null.';
comment on column ledger_tenant_plans.created_at is 'When it was created.';
comment on column ledger_tenant_plans.updated_at is 'When it was last changed.';

revoke all on table ledger_tenant_plans from public;
grant select on table ledger_tenant_plans to pgledger_tenant;
alter view ledger_tenant_plans owner to pgledger_tenant_views;

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
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  -- Named as the argument is: below $ itself there are members of other JSON.
  v_path constant text := '$.price';
begin
  if price is null then
    perform pgledger.fail('LG003', array['price']);
  end if;
  perform pgledger.check_price_object(price, v_path);
  perform pgledger.check_plan_size(price, v_path, false);
  if jsonb_typeof(price -> 'feature') <> 'null' then
    perform pgledger.plan_text(price, v_path, 'feature');
  end if;
  perform pgledger.check_price(price, v_path);
  perform pgledger.check_plan_size(price, v_path, true);

  perform pgledger.check_quantity('quantity', quantity);
  perform pgledger.check_quantity('allowance', allowance);
  if exponent not between 0 and 18 then
    perform pgledger.fail(
      'LG101', array['exponent', exponent::text, 'it is not between 0 and 18']
    );
  end if;
end;
$$;

comment on function pgledger.check_price_usage is
  'Raises the first thing that is wrong with a price and the usage that it is asked about.';

revoke all on function pgledger.check_price_usage from public;

-- file: repeatable/21_prices/ledger_price_usage.sql
/*
Prices usage by any price object, that of a plan or one that is only being thought of, as an
invoice does. Reads nothing but its arguments.

With an exponent each line is the difference of two rounded running totals, so that the lines add up
to the rounded total, and a minimum or a maximum is met as it stands, rounded.

Errors: NullArgument, InvalidPlan, InvalidQuantity, InvalidArgument.
*/
create or replace function ledger_price_usage(
  price jsonb,
  quantity numeric,
  allowance numeric default 0,
  exponent integer default null
)
returns setof ledger_price_line
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
  -- A minimum that is missed by less than can be charged leaves nothing to charge.
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

comment on function ledger_price_usage is
  'What usage costs by a price: a line for each tier that it reaches (kind usage), then one that '
  'brings the total up to the minimum (true_up) or down to the maximum (cap). line counts from 1; '
  'amount is quantity * unit_amount + flat_amount, of packages by their number. price: JSON object '
  'of a price as in a plan''s pricing, with or without its feature. quantity: what was used, from '
  '0. allowance: how much of that is not priced. exponent: decimal places that amounts are rounded '
  'to, half away from zero, so that lines add up to the rounded total; null for exact amounts. '
  'Errors: NullArgument, InvalidPlan, InvalidQuantity, InvalidArgument.';

revoke all on function ledger_price_usage from public;
grant execute on function ledger_price_usage to pgledger_reader;

-- file: repeatable/21_prices/packages_begun.sql
/*
How many packages a quantity begins. Counted with div() and mod(), which are exact: a quotient is
not, and rounded up it could be one package less.
*/
create or replace function pgledger.packages_begun(
  quantity numeric,
  package_size numeric
)
returns numeric
language sql
immutable
parallel safe
as $$
  select div(quantity, package_size) + sign(mod(quantity, package_size))
$$;

comment on function pgledger.packages_begun is
  'How many packages of that size it takes to hold a quantity from 0.';

revoke all on function pgledger.packages_begun from public;

-- file: repeatable/21_prices/price_amounts.sql
/*
What usage costs, exactly, in sums: of all tiers, of what is missing to the minimum, and of what is
above the maximum (0 or less). The price is known to be sound.
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
  'What usage costs by a price, exactly: usage, and what brings that to the minimum or maximum.';

revoke all on function pgledger.price_amounts from public;

-- file: repeatable/21_prices/price_description.sql
/*
What a price, or one of its tiers, is for, in words for people. A tier is named by its bounds, which
need not be whole numbers: what is above one tier begins right after it.
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
What usage costs, exactly: a row for each tier that it reaches (`usage`), in order, then one with
what is missing to the minimum (`true_up`) or is above the maximum (`cap`, negative), if anything
is. The price is known to be sound. A usage row's amount is quantity * unit_amount + flat_amount,
of which what the price does not have is null and counts as 0. The quantity of packages is their
number.

Every usage reaches the first tier, zero included. A price without tiers is treated as one of a
single tier, because both have their amounts under the same names.
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
      when 'package' then pgledger.packages_begun(
        greatest(used - coalesce((price ->> 'free')::numeric, 0), 0),
        (price ->> 'package_size')::numeric
      )
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
  'What usage costs by a price, exactly, tier by tier, and what brings it to minimum or maximum.';

revoke all on function pgledger.price_lines from public;

-- file: repeatable/22_subscriptions/advance_subscription.sql
/*
Writes down what the clock has decided about a subscription until that time, inclusive, in the order
in which it happened, and returns it as it is then. Its row is locked; whoever does not have it
stored writes it.

At one and the same time a trial ends first, then what was cancelled ends, and only what goes on
starts a period. Each is a change of its own, so that no period is left out, however late it is.
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
  'Moves a locked subscription on to that time: trial, cancellation and periods that are due.';

revoke all on function pgledger.advance_subscription from public;

-- file: repeatable/22_subscriptions/check_new_subscription.sql
/*
Refuses a request for a subscription of which a value is wrong by itself. The order of the checks is
that of the arguments.

Errors: NullArgument, InvalidTime, InvalidArgument, InvalidQuantity, InvalidMetadata, InvalidId,
InvalidInvoice.
*/
create or replace function pgledger.check_new_subscription(
  request pgledger.subscriptions,
  trial_days integer
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_started_fault text := coalesce(
    pgledger.time_fault(request.started_at),
    case when request.started_at > request.created_at then 'it is in the future' end
  );
  v_anchor_fault text := pgledger.time_fault(request.anchor_at);
begin
  if request.started_at is not null and v_started_fault is not null then
    perform pgledger.fail(
      'LG008', array['started_at', request.started_at::text, v_started_fault]
    );
  elsif request.anchor_at is not null and v_anchor_fault is not null then
    perform pgledger.fail('LG008', array['anchor_at', request.anchor_at::text, v_anchor_fault]);
  end if;

  perform pgledger.check_time_zone(request.time_zone);
  if trial_days not between 0 and 3650 then
    perform pgledger.fail(
      'LG101', array['trial_days', trial_days::text, 'it is not between 0 and 3650']
    );
  end if;
  perform pgledger.check_subscription_quantity(request.quantity);
  perform pgledger.check_metadata(request.metadata);
  if request.id is not null then
    perform pgledger.check_id('id', request.id, 'sub');
  end if;
  perform pgledger.check_tax_rates(request.tax_rates);
end;
$$;

comment on function pgledger.check_new_subscription is
  'Raises what is wrong with a request for a subscription by itself.';

revoke all on function pgledger.check_new_subscription from public;

-- file: repeatable/22_subscriptions/check_plan_change.sql
/*
Refuses a plan that a subscription cannot be moved to: one of another currency, or an add-on in
place of a plan that is not one, or the other way round.

Errors: InvalidArgument.
*/
create or replace function pgledger.check_plan_change(
  subscription pgledger.subscriptions,
  plan pgledger.plans
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_currency text := (
    select plans.currency from pgledger.plans where plans.key = subscription.plan_key
  );
  v_fault text;
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
    perform pgledger.fail('LG101', array['plan_id', quote_literal(plan.id), v_fault]);
  end if;
end;
$$;

comment on function pgledger.check_plan_change is
  'Raises InvalidArgument unless a subscription can be moved to that plan.';

revoke all on function pgledger.check_plan_change from public;

-- file: repeatable/22_subscriptions/check_subscription_quantity.sql
/*
Refuses a quantity that a plan cannot be taken in: the bounds of an amount, above zero.

Errors: NullArgument, InvalidQuantity.
*/
create or replace function pgledger.check_subscription_quantity(quantity numeric)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_fault text := pgledger.amount_fault(quantity);
begin
  if quantity is null then
    perform pgledger.fail('LG003', array['quantity']);
  elsif v_fault is not null then
    perform pgledger.fail('LG104', array['quantity', pgledger.abridged(quantity::text), v_fault]);
  end if;
end;
$$;

comment on function pgledger.check_subscription_quantity is
  'Raises NullArgument or InvalidQuantity unless a plan can be taken in that quantity.';

revoke all on function pgledger.check_subscription_quantity from public;

-- file: repeatable/22_subscriptions/insert_subscription.sql
/*
Creates the subscription that a sound request asks for, moves it on to now if it starts in the past,
and returns its number.

Locks the plan FOR SHARE. Whoever creates another one with the id, or another live one for the
tenant, at the same time goes first or waits: of conflicts there are two, hence none is named.
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
      perform pgledger.refuse_second_subscription(request.app_id, request.tenant_id);
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
  'Creates the subscription that a sound request asks for, and returns its number.';

revoke all on function pgledger.insert_subscription from public;

-- file: repeatable/22_subscriptions/ledger_cancel_subscription.sql
/*
Cancels a subscription: at once, or when what has begun is over, which is the trial's end during a
trial and the period's end otherwise. Nothing is written if it is cancelled so already, or has
ended. Of one that is paused, a period that is over does not come back, so it ends at once.

What was paid in advance and is not used any more after a cancellation at once is kept, credited or
to be refunded, as asked, on the invoice of its last period.

Locks the subscription, and first writes down what the clock has decided about it.
Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, InvalidArgument.
*/
create or replace function ledger_cancel_subscription(
  app_id text,
  tenant_id text,
  id text,
  at_period_end boolean default true,
  unused_time text default 'none'
)
returns ledger_subscription
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
begin
  if at_period_end is null then
    perform pgledger.fail('LG003', array['at_period_end']);
  end if;
  perform pgledger.check_choice('unused_time', unused_time, array['none', 'credit', 'refund']);
  if at_period_end and unused_time <> 'none' then
    perform pgledger.fail(
      'LG101',
      array[
        'unused_time', quote_literal(unused_time), 'at the end of the period no time is unused'
      ]
    );
  elsif v_new.status = 'canceled' or (at_period_end and v_new.cancel_at is not null) then
    return pgledger.subscription_of(v_new.key);
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

comment on function ledger_cancel_subscription is
  'Cancels a subscription and returns it. at_period_end: true to let the trial or the current '
  'period go to its end, which ledger_resume_subscription can prevent; false to end it at once. '
  'unused_time: what becomes of a base fee paid in advance for time after the end at once: none '
  '(it is kept), credit or refund, on the invoice of the last period. '
  'Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, InvalidArgument.';

revoke all on function ledger_cancel_subscription from public;
grant execute on function ledger_cancel_subscription to pgledger_poster;

-- file: repeatable/22_subscriptions/ledger_change_plan.sql
/*
Moves a subscription to another plan of the same currency. If that one is billed at an interval of
the same length, periods stay as they are; otherwise they are counted from now, in the same time
zone, and the present one ends. A trial that goes on ends when it was to end; if periods count from
its end, they still do. A pause and a cancellation stay. Nothing is written if it has the plan
already.

Locks the subscription, then the plan FOR SHARE; first writes down what the clock has decided.
Checks, in this order: app_id, tenant_id, id, existence, plan_id, status, plan.
Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, InvalidState, PlanNotFound,
Archived, InvalidArgument.
*/
create or replace function ledger_change_plan(
  app_id text,
  tenant_id text,
  id text,
  plan_id text
)
returns ledger_subscription
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
begin
  perform pgledger.check_id('plan_id', plan_id, 'plan');
  if exists (
    select
    from pgledger.plans
    where plans.key = v_new.plan_key and plans.id = ledger_change_plan.plan_id
  ) then
    return pgledger.subscription_of(v_new.key);
  elsif v_new.status = 'canceled' then
    perform pgledger.refuse_move(v_new, 'one of plan ' || plan_id);
  end if;

  v_plan := pgledger.subscribable_plan(app_id, tenant_id, plan_id);
  perform pgledger.check_plan_change(v_new, v_plan);

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

comment on function ledger_change_plan is
  'Moves a subscription to another plan and returns it. With an interval of the same length its '
  'periods stay; with another they are counted from now, or, during a trial that they are counted '
  'from the end of, still from there. plan_id: a plan of the whole app or of the tenant, of the '
  'same currency, and an add-on if the present one is. Errors: NullArgument, InvalidScope, '
  'InvalidId, SubscriptionNotFound, InvalidState, PlanNotFound, Archived, InvalidArgument.';

revoke all on function ledger_change_plan from public;
grant execute on function ledger_change_plan to pgledger_poster;

-- file: repeatable/22_subscriptions/ledger_create_subscription.sql
/*
Subscribes a tenant to a plan, from now or from a time in the past. One that starts in the past is
moved on to now at once, by the rules of ledger_advance.

With an id of the caller's choice the call can be repeated: the second call returns the subscription
as it stands now if it asks for the same, and is refused if not.

Locks the tenant's live subscription, if that was to end by now, then the plan FOR SHARE.
Checks, in this order: app_id, tenant_id, plan_id, started_at, anchor_at, time_zone, trial_days,
quantity, metadata, id, tax_rates, repeat, plan, whether the tenant has a live subscription.
Errors: NullArgument, InvalidScope, InvalidId, InvalidTime, InvalidArgument, InvalidQuantity,
InvalidMetadata, InvalidInvoice, IdempotencyConflict, PlanNotFound, Archived,
ActiveSubscriptionExists.
*/
create or replace function ledger_create_subscription(
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
returns ledger_subscription
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_request pgledger.subscriptions;
  v_key bigint;
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

  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_id('plan_id', plan_id, 'plan');
  perform pgledger.check_new_subscription(v_request, trial_days);

  v_key := pgledger.repeated_subscription(v_request, plan_id, trial_days);
  if v_key is null then
    perform pgledger.make_way(app_id, tenant_id);
    v_key := pgledger.insert_subscription(v_request, plan_id, trial_days);
  end if;

  return pgledger.subscription_of(v_key);
end;
$$;

comment on function ledger_create_subscription is
  'Subscribes a tenant to a plan and returns the subscription. Call it in FROM: '
  '(ledger_create_subscription(...)).* calls it once for every column. plan_id: a plan of the '
  'whole app or of the tenant. started_at: now, or a time in the past. anchor_at: what periods are '
  'counted from; the start, or, if the plan says so, the end of the trial; with another, the first '
  'period is a part of one. time_zone: UTC or the name of a time zone such as Europe/Berlin, in '
  'whose days and months periods are counted. trial_days: 0 to 3650, or null for the plan''s. '
  'quantity: how many times the plan is taken, above 0. metadata: JSON object, at most 64 KiB. id: '
  'sub_ and a ULID of your own choice, to make the call repeatable. tax_rates: JSON array of the '
  'tax rates of its invoices, such as [{"name": "VAT", "percentage": "19"}]. Errors: NullArgument, '
  'InvalidScope, InvalidId, InvalidTime, InvalidArgument, InvalidQuantity, InvalidMetadata, '
  'InvalidInvoice, IdempotencyConflict, PlanNotFound, Archived, ActiveSubscriptionExists.';

revoke all on function ledger_create_subscription from public;
grant execute on function ledger_create_subscription to pgledger_poster;

-- file: repeatable/22_subscriptions/ledger_get_active_subscription.sql
/*
The tenant's live subscription that is not an add-on: trialing or active, and not to end by now,
whether or not its end is written down already. There is at most one.

Errors: NullArgument, InvalidScope.
*/
create or replace function ledger_get_active_subscription(
  app_id text,
  tenant_id text
)
returns setof ledger_subscription
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
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);

  select subscriptions.key
  into v_key
  from pgledger.subscriptions
  where subscriptions.app_id = ledger_get_active_subscription.app_id
    and subscriptions.tenant_id = ledger_get_active_subscription.tenant_id
    and not subscriptions.add_on
    and subscriptions.status in ('trialing', 'active')
    and (subscriptions.cancel_at > v_now or subscriptions.cancel_at is null);

  if found then
    return next pgledger.subscription_of(v_key);
  end if;
end;
$$;

comment on function ledger_get_active_subscription is
  'The tenant''s trialing or active subscription that is not an add-on, or no row. Errors: '
  'NullArgument, InvalidScope.';

revoke all on function ledger_get_active_subscription from public;
grant execute on function ledger_get_active_subscription to pgledger_reader;

-- file: repeatable/22_subscriptions/ledger_get_subscription.sql
/*
One subscription of a tenant, as it is written down. An id that does not exist, or is another
tenant's, is an error rather than no row.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound.
*/
create or replace function ledger_get_subscription(
  app_id text,
  tenant_id text,
  id text
)
returns ledger_subscription
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_id('id', id, 'sub');

  select subscriptions.key
  into v_key
  from pgledger.subscriptions
  where subscriptions.id = ledger_get_subscription.id
    and subscriptions.app_id = ledger_get_subscription.app_id
    and subscriptions.tenant_id = ledger_get_subscription.tenant_id;

  if not found then
    perform pgledger.fail('LG112', array[id, pgledger.in_catalogue(app_id, tenant_id)]);
  end if;

  return pgledger.subscription_of(v_key);
end;
$$;

comment on function ledger_get_subscription is
  'The tenant''s subscription of that id, as it is written down. Errors: NullArgument, '
  'InvalidScope, InvalidId, SubscriptionNotFound.';

revoke all on function ledger_get_subscription from public;
grant execute on function ledger_get_subscription to pgledger_reader;

-- file: repeatable/22_subscriptions/ledger_list_subscriptions.sql
/*
One page of a tenant's subscriptions, oldest first: by id, which for generated ids is the order of
creation.

Checks, in this order: app_id, tenant_id, status, page_size, page_offset.
Errors: NullArgument, InvalidScope, InvalidArgument, InvalidPage.
*/
create or replace function ledger_list_subscriptions(
  app_id text,
  tenant_id text,
  status text default null,
  page_size integer default 100,
  page_offset bigint default 0
)
returns setof ledger_subscription
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  if status is not null then
    perform pgledger.check_choice(
      'status', status, array['trialing', 'active', 'paused', 'canceled']
    );
  end if;
  perform pgledger.check_page(page_size, page_offset);

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

comment on function ledger_list_subscriptions is
  'One page of a tenant''s subscriptions, by id, as they are written down. status: trialing, '
  'active, paused, canceled, or null for all. page_size: 1 to 10000. page_offset: rows to leave '
  'out. Errors: NullArgument, InvalidScope, InvalidArgument, InvalidPage.';

revoke all on function ledger_list_subscriptions from public;
grant execute on function ledger_list_subscriptions to pgledger_reader;

-- file: repeatable/22_subscriptions/ledger_pause_subscription.sql
/*
Pauses a subscription: it gives nothing, and no period of it begins, until it is resumed. The days
of its trial go by, and what was cancelled ends when it was to end. Nothing is written if it is
paused already.

Locks the subscription, and first writes down what the clock has decided about it.
Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, InvalidState.
*/
create or replace function ledger_pause_subscription(
  app_id text,
  tenant_id text,
  id text
)
returns ledger_subscription
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
begin
  if v_new.status = 'paused' then
    return pgledger.subscription_of(v_new.key);
  elsif v_new.status = 'canceled' then
    perform pgledger.refuse_move(v_new, 'paused');
  end if;

  v_new.status := 'paused';
  v_new.paused_at := v_now;
  v_new := pgledger.note_subscription_change(v_new, 'paused', v_now, v_now);
  return pgledger.store_subscription(v_new);
end;
$$;

comment on function ledger_pause_subscription is
  'Pauses a subscription and returns it: it gives nothing until it is resumed. Errors: '
  'NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, InvalidState.';

revoke all on function ledger_pause_subscription from public;
grant execute on function ledger_pause_subscription to pgledger_poster;

-- file: repeatable/22_subscriptions/ledger_resume_subscription.sql
/*
Lets a subscription go on: one that is paused, and one that is cancelled but has not ended yet, or
both. The current period is then the one that now lies in; nothing moves by the length of the pause.
A trial that is over by now is over. Nothing is written if it goes on anyway.

Locks the subscription, and the tenant's live one if that was to end by now, ascending by id; first
writes down what the clock has decided about both.
Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, InvalidState,
ActiveSubscriptionExists.
*/
create or replace function ledger_resume_subscription(
  app_id text,
  tenant_id text,
  id text
)
returns ledger_subscription
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
begin
  perform pgledger.make_way(app_id, tenant_id, id);
  v_new := pgledger.lock_subscription(app_id, tenant_id, id);
  v_now := pgledger.subscription_clock(v_new);
  v_new := pgledger.advance_subscription(v_new, v_now);

  if v_new.status = 'canceled' then
    perform pgledger.refuse_move(v_new, 'active');
  elsif v_new.status = 'paused' then
    v_new.status := case when v_new.trial_end > v_now then 'trialing' else 'active' end;
    v_new.paused_at := null;
    select period.number, period.starts_at, period.ends_at
    into v_new.period_number, v_new.current_period_start, v_new.current_period_end
    from pgledger.subscription_period(v_new, v_now) as period;
  elsif v_new.cancel_at is not null then
    v_change := 'cancellation_withdrawn';
  else
    return pgledger.subscription_of(v_new.key);
  end if;

  v_new.cancel_at := null;
  v_new.canceled_at := null;
  v_new := pgledger.note_subscription_change(v_new, v_change, v_now, v_now);
  begin
    return pgledger.store_subscription(v_new);
  exception
    when unique_violation then
      perform pgledger.refuse_second_subscription(app_id, tenant_id);
  end;
end;
$$;

comment on function ledger_resume_subscription is
  'Lets a subscription go on that is paused, or cancelled and not at its end yet, and returns it. '
  'Its periods are counted as if it had not been paused. Errors: NullArgument, InvalidScope, '
  'InvalidId, SubscriptionNotFound, InvalidState, ActiveSubscriptionExists.';

revoke all on function ledger_resume_subscription from public;
grant execute on function ledger_resume_subscription to pgledger_poster;

-- file: repeatable/22_subscriptions/ledger_update_subscription.sql
/*
Changes what a subscription has of its own: quantity, metadata and tax rates; null leaves each as it
is. Nothing is written if all are so already.

Locks the subscription, and first writes down what the clock has decided about it.
Checks, in this order: app_id, tenant_id, id, existence, quantity, metadata, tax_rates,
status.
Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, InvalidQuantity,
InvalidMetadata, InvalidInvoice, InvalidState.
*/
create or replace function ledger_update_subscription(
  app_id text,
  tenant_id text,
  id text,
  quantity numeric default null,
  metadata jsonb default null,
  tax_rates jsonb default null
)
returns ledger_subscription
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
begin
  if quantity is not null then
    perform pgledger.check_subscription_quantity(quantity);
  end if;
  perform pgledger.check_metadata(metadata);
  if tax_rates is not null then
    perform pgledger.check_tax_rates(tax_rates);
  end if;

  if (
    coalesce(quantity, v_new.quantity),
    coalesce(metadata, v_new.metadata),
    coalesce(tax_rates, v_new.tax_rates)
  ) is not distinct from (v_new.quantity, v_new.metadata, v_new.tax_rates) then
    return pgledger.subscription_of(v_new.key);
  elsif v_new.status = 'canceled' then
    perform pgledger.refuse_move(v_new, 'updated');
  end if;

  v_new.quantity := coalesce(quantity, v_new.quantity);
  v_new.metadata := coalesce(metadata, v_new.metadata);
  v_new.tax_rates := coalesce(tax_rates, v_new.tax_rates);
  v_new := pgledger.note_subscription_change(v_new, 'updated', v_now, v_now);
  return pgledger.store_subscription(v_new);
end;
$$;

comment on function ledger_update_subscription is
  'Changes quantity, metadata and tax rates of a subscription and returns it; null leaves them. '
  'quantity: above 0; what it changes of the current period is prorated on the period''s invoice. '
  'metadata: JSON object, at most 64 KiB, instead of the one before. tax_rates: JSON array, '
  'instead of the one before, for invoices still to be drawn up. Errors: NullArgument, '
  'InvalidScope, InvalidId, SubscriptionNotFound, InvalidQuantity, InvalidMetadata, '
  'InvalidInvoice, InvalidState.';

revoke all on function ledger_update_subscription from public;
grant execute on function ledger_update_subscription to pgledger_poster;

-- file: repeatable/22_subscriptions/lock_subscription.sql
/*
A tenant's subscription, its row locked FOR NO KEY UPDATE. What the clock has decided meanwhile is
the caller's to write down: the time counts from when the lock was got.

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
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_id('id', id, 'sub');

  perform
  from pgledger.subscriptions
  where subscriptions.id = lock_subscription.id
    and subscriptions.app_id = lock_subscription.app_id
    and subscriptions.tenant_id = lock_subscription.tenant_id
  for no key update;
  if not found then
    perform pgledger.fail('LG112', array[id, pgledger.in_catalogue(app_id, tenant_id)]);
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

-- file: repeatable/22_subscriptions/make_way.sql
/*
Ends a tenant's live subscription if it was to end by now and nobody has written that down yet, so
that another one can live. With the id of one that is there already, that one is locked as well.

Locks both FOR NO KEY UPDATE, ascending by id.
*/
create or replace function pgledger.make_way(
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
    where subscriptions.app_id = make_way.app_id
      and subscriptions.tenant_id = make_way.tenant_id
      and (
        subscriptions.id = make_way.id
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

comment on function pgledger.make_way is
  'Ends a tenant''s live subscription that was to end by now, so that another one can live.';

revoke all on function pgledger.make_way from public;

-- file: repeatable/22_subscriptions/new_subscription.sql
/*
What a sound request asks for of a plan, defaults filled in: as it is at its start, version 0, to be
inserted. Trials are counted from its start, and so are periods, unless the request says from when,
or the plan says from the end of the trial.

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
parallel safe
as $$
declare
  v_new pgledger.subscriptions := request;
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

  -- Each period since the start becomes a row.
  if (
    pgledger.subscription_period(v_new, v_new.created_at)
  ).number > v_new.period_number + 10000 then
    perform pgledger.fail(
      'LG008',
      array['started_at', v_new.started_at::text, 'it is more than 10000 periods ago']
    );
  end if;
  return v_new;
end;
$$;

comment on function pgledger.new_subscription is
  'What a request asks for of a plan, defaults filled in, as it is at its start.';

revoke all on function pgledger.new_subscription from public;

-- file: repeatable/22_subscriptions/note_subscription_change.sql
/*
Writes down that a subscription is now as it is given, and returns it with its next version, with
what is due next, and with when ledger_advance has to look at it. pgledger.store_subscription, or
the insertion, writes the subscription itself.

The subscription is locked, or new.
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
    -- What was used is billed at the period's end, also if nothing goes on then.
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
  'Writes down a change of a subscription, and returns it with its next version and due time.';

revoke all on function pgledger.note_subscription_change from public;

-- file: repeatable/22_subscriptions/refuse_move.sql
/*
Raises that a subscription cannot be what it was to become. In a message the last argument follows
"cannot become".

Errors: InvalidState.
*/
create or replace function pgledger.refuse_move(
  subscription pgledger.subscriptions,
  target text
)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  perform pgledger.fail(
    'LG123', array['subscription', subscription.id, subscription.status, target]
  );
end;
$$;

comment on function pgledger.refuse_move is
  'Raises that a subscription cannot be what it was to become.';

revoke all on function pgledger.refuse_move from public;

-- file: repeatable/22_subscriptions/refuse_second_subscription.sql
/*
Raises that a tenant can have no other live subscription.

Errors: ActiveSubscriptionExists.
*/
create or replace function pgledger.refuse_second_subscription(app_id text, tenant_id text)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  perform pgledger.fail(
    'LG124', array[quote_literal(pgledger.abridged(tenant_id)), pgledger.in_app(app_id)]
  );
end;
$$;

comment on function pgledger.refuse_second_subscription is
  'Raises that a tenant can have no other live subscription.';

revoke all on function pgledger.refuse_second_subscription from public;

-- file: repeatable/22_subscriptions/repeated_subscription.sql
/*
The number of the subscription that an earlier call with that id has created, or null if none has.
What was asked for is compared with what was created, as far as that is still known: an anchor until
the plan was changed, metadata until something was updated. What the request leaves to its default
is held to nothing: started_at was another time then, and a plan's trial may have changed.

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
    perform pgledger.fail('LG023', array[request.id]);
  end if;
  return v_key;
end;
$$;

comment on function pgledger.repeated_subscription is
  'Number of the subscription that has that id already, or null; raises if another request '
  'created it.';

revoke all on function pgledger.repeated_subscription from public;

-- file: repeatable/22_subscriptions/store_subscription.sql
/*
Writes a subscription as it is given over its row, which is locked, and returns what applications
see. Whoever brings one back to life has to expect a violation of
the unique index of live subscriptions.
*/
create or replace function pgledger.store_subscription(subscription pgledger.subscriptions)
returns ledger_subscription
language plpgsql
volatile
parallel unsafe
as $$
begin
  perform pgledger.write_subscription(subscription);
  return pgledger.subscription_of(subscription.key);
end;
$$;

comment on function pgledger.store_subscription is
  'Writes a changed subscription over its locked row, and returns what applications see.';

revoke all on function pgledger.store_subscription from public;

-- file: repeatable/22_subscriptions/subscribable_plan.sql
/*
A plan that a tenant can subscribe to: the whole app's or the tenant's own, and not archived. Locked
FOR SHARE, so that it is neither archived nor billed at another interval meanwhile.

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
begin
  perform pgledger.check_id('plan_id', plan_id, 'plan');

  perform
  from pgledger.plans
  where plans.id = subscribable_plan.plan_id
    and plans.app_id = subscribable_plan.app_id
    and plans.tenant_id in (subscribable_plan.tenant_id, '')
  for share;
  if not found then
    perform pgledger.fail('LG110', array[plan_id, pgledger.in_catalogue(app_id, tenant_id)]);
  end if;

  v_plan := (select plans from pgledger.plans where plans.id = subscribable_plan.plan_id);
  if v_plan.status = 'archived' then
    perform pgledger.fail('LG121', array['plan', plan_id]);
  end if;
  return v_plan;
end;
$$;

comment on function pgledger.subscribable_plan is
  'A plan that a tenant can subscribe to, locked; raises PlanNotFound or Archived.';

revoke all on function pgledger.subscribable_plan from public;

-- file: repeatable/22_subscriptions/subscription_clock.sql
/*
What time it is for a subscription: never before what was last written about it, and never before
its current period, even if the clock was put back. Otherwise a day could be billed twice.
*/
create or replace function pgledger.subscription_clock(subscription pgledger.subscriptions)
returns timestamptz
language sql
volatile
parallel safe
as $$
  select greatest(
    pgledger.clock(), subscription.updated_at, subscription.current_period_start
  )
$$;

comment on function pgledger.subscription_clock is
  'What time it is for a subscription: never before what was last written about it.';

revoke all on function pgledger.subscription_clock from public;

-- file: repeatable/22_subscriptions/subscription_due_at.sql
/*
When the next thing happens to a subscription that the clock decides alone. While it is paused its
periods stand still and its trial is not ended, but what was cancelled ends when it was to end.
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

-- file: repeatable/22_subscriptions/subscription_of.sql
/*
The subscription of that number as applications see it, or null.
*/
create or replace function pgledger.subscription_of(key bigint)
returns ledger_subscription
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
  where subscriptions.key = subscription_of.key
$$;

comment on function pgledger.subscription_of is
  'The subscription of that number as the view ledger_subscriptions shows it, or null.';

revoke all on function pgledger.subscription_of from public;

-- file: repeatable/22_subscriptions/subscription_period.sql
/*
The period of a subscription that a time lies in. A trial whose end is the anchor is one period,
however long, which counts as the one before the anchor. No period begins before the subscription.
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

-- file: repeatable/22_subscriptions/trial_end.sql
/*
When a trial of so many days ends, counted in days of that time zone; null for none.
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

comment on function pgledger.trial_end is 'When a trial of so many days ends; null for none.';

revoke all on function pgledger.trial_end from public;

-- file: repeatable/22_subscriptions/write_subscription.sql
/*
Writes a subscription as it is given over its row, which is locked. Only what can change is written.
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
create or replace view ledger_subscription_changes as
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

comment on view ledger_subscription_changes is
  'One row each time a subscription changed: what happened, and what it was afterwards.';
comment on column ledger_subscription_changes.subscription_id is 'Id of the subscription.';
comment on column ledger_subscription_changes.app_id is 'App.';
comment on column ledger_subscription_changes.tenant_id is 'Tenant who subscribes.';
comment on column ledger_subscription_changes.version is
  'The subscription''s version after the change: 1, 2, 3 and so on without a gap.';
comment on column ledger_subscription_changes.change is
  'created, updated, plan_changed, trial_ended, period_started, cancellation_scheduled, '
  'cancellation_withdrawn, canceled, paused or resumed.';
comment on column ledger_subscription_changes.occurred_at is
  'When it took effect: for what the clock decides, the boundary itself.';
comment on column ledger_subscription_changes.status is 'Status afterwards.';
comment on column ledger_subscription_changes.plan_id is 'Id of the plan afterwards.';
comment on column ledger_subscription_changes.quantity is 'Quantity afterwards.';
comment on column ledger_subscription_changes.period_start is 'Start of the period afterwards.';
comment on column ledger_subscription_changes.period_end is 'End of the period afterwards.';
comment on column ledger_subscription_changes.created_at is 'When it was written down.';

revoke all on table ledger_subscription_changes from public;
grant select on table ledger_subscription_changes to pgledger_reader;

-- file: repeatable/22_subscriptions/views/ledger_subscriptions.sql
/*
Subscriptions as applications see them: what is written down. Columns never change.
*/
create or replace view ledger_subscriptions as
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

comment on view ledger_subscriptions is
  'One row a subscription. What the clock has decided since (a trial, a period or the subscription '
  'is over) stands here once ledger_advance, or a call that changes it, has written it down.';
comment on column ledger_subscriptions.id is 'Id of the subscription: sub_ and a ULID.';
comment on column ledger_subscriptions.app_id is 'App.';
comment on column ledger_subscriptions.tenant_id is 'Tenant who subscribes.';
comment on column ledger_subscriptions.plan_id is 'Id of the plan as of now.';
comment on column ledger_subscriptions.plan_slug is 'Slug of the plan as of now.';
comment on column ledger_subscriptions.status is
  'trialing, active, paused or canceled; the last is final.';
comment on column ledger_subscriptions.quantity is 'How many times the plan is taken.';
comment on column ledger_subscriptions.started_at is 'Start of the first period or trial.';
comment on column ledger_subscriptions.anchor_at is
  'Boundary that every other is a whole number of intervals from.';
comment on column ledger_subscriptions.time_zone is
  'Zone of the IANA database in whose days and months periods are counted.';
comment on column ledger_subscriptions.billing_interval is 'day, week, month or year.';
comment on column ledger_subscriptions.interval_count is 'Intervals in a period.';
comment on column ledger_subscriptions.current_period_start is
  'Start of the current period, inclusive.';
comment on column ledger_subscriptions.current_period_end is
  'End of the current period, exclusive.';
comment on column ledger_subscriptions.trial_end is
  'When the trial ends or ended; null without a trial.';
comment on column ledger_subscriptions.cancel_at is 'When it will end, if that is decided.';
comment on column ledger_subscriptions.canceled_at is 'When its end was asked for.';
comment on column ledger_subscriptions.paused_at is 'Since when it is paused; null if it is not.';
comment on column ledger_subscriptions.ended_at is 'When it ended.';
comment on column ledger_subscriptions.add_on is 'Whether others may be active beside it.';
comment on column ledger_subscriptions.unused_time is
  'What becomes of paid time that a cancellation at once leaves unused: none, credit or refund.';
comment on column ledger_subscriptions.tax_rates is
  'JSON array of the tax rates of its invoices.';
comment on column ledger_subscriptions.version is 'Counts changes, from 1.';
comment on column ledger_subscriptions.metadata is 'JSON object of the app''s own, or null.';
comment on column ledger_subscriptions.created_at is 'When it was created.';
comment on column ledger_subscriptions.updated_at is 'When it was last changed.';

revoke all on table ledger_subscriptions from public;
grant select on table ledger_subscriptions to pgledger_reader;

-- file: repeatable/22_subscriptions/views/ledger_tenant_subscription_changes.sql
/*
What happened to the subscriptions that a tenant's own database role may see.
Guarded as ledger_tenant_plans is.
*/
create or replace view ledger_tenant_subscription_changes with (security_barrier) as
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

comment on view ledger_tenant_subscription_changes is
  'Changes of the subscriptions of the tenant of the current database role, one row each.';
comment on column ledger_tenant_subscription_changes.subscription_id is 'Id of the subscription.';
comment on column ledger_tenant_subscription_changes.app_id is 'App.';
comment on column ledger_tenant_subscription_changes.tenant_id is 'Tenant.';
comment on column ledger_tenant_subscription_changes.version is
  'The subscription''s version after the change.';
comment on column ledger_tenant_subscription_changes.change is
  'What happened, for example plan_changed or period_started.';
comment on column ledger_tenant_subscription_changes.occurred_at is
  'When it took effect: for what the clock decides, the boundary itself.';
comment on column ledger_tenant_subscription_changes.status is 'Status afterwards.';
comment on column ledger_tenant_subscription_changes.plan_id is 'Id of the plan afterwards.';
comment on column ledger_tenant_subscription_changes.quantity is 'Quantity afterwards.';
comment on column ledger_tenant_subscription_changes.period_start is
  'Start of the period afterwards.';
comment on column ledger_tenant_subscription_changes.period_end is 'End of the period afterwards.';
comment on column ledger_tenant_subscription_changes.created_at is 'When it was written down.';

revoke all on table ledger_tenant_subscription_changes from public;
grant select on table ledger_tenant_subscription_changes to pgledger_tenant;
alter view ledger_tenant_subscription_changes owner to pgledger_tenant_views;

-- file: repeatable/22_subscriptions/views/ledger_tenant_subscriptions.sql
/*
Subscriptions that a tenant's own database role may see.
Guarded as ledger_tenant_plans is.
*/
create or replace view ledger_tenant_subscriptions with (security_barrier) as
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

comment on view ledger_tenant_subscriptions is
  'Subscriptions of the tenant of the current database role.';
comment on column ledger_tenant_subscriptions.id is 'Id of the subscription: sub_ and a ULID.';
comment on column ledger_tenant_subscriptions.app_id is 'App.';
comment on column ledger_tenant_subscriptions.tenant_id is 'Tenant who subscribes.';
comment on column ledger_tenant_subscriptions.plan_id is 'Id of the plan as of now.';
comment on column ledger_tenant_subscriptions.plan_slug is 'Slug of the plan as of now.';
comment on column ledger_tenant_subscriptions.status is
  'trialing, active, paused or canceled; the last is final.';
comment on column ledger_tenant_subscriptions.quantity is 'How many times the plan is taken.';
comment on column ledger_tenant_subscriptions.started_at is 'Start of the first period or trial.';
comment on column ledger_tenant_subscriptions.anchor_at is
  'Boundary that every other is a whole number of intervals from.';
comment on column ledger_tenant_subscriptions.time_zone is
  'Zone of the IANA database in whose days and months periods are counted.';
comment on column ledger_tenant_subscriptions.billing_interval is 'day, week, month or year.';
comment on column ledger_tenant_subscriptions.interval_count is 'Intervals in a period.';
comment on column ledger_tenant_subscriptions.current_period_start is
  'Start of the current period, inclusive.';
comment on column ledger_tenant_subscriptions.current_period_end is
  'End of the current period, exclusive.';
comment on column ledger_tenant_subscriptions.trial_end is
  'When the trial ends or ended; null without a trial.';
comment on column ledger_tenant_subscriptions.cancel_at is 'When it will end, if that is decided.';
comment on column ledger_tenant_subscriptions.canceled_at is 'When its end was asked for.';
comment on column ledger_tenant_subscriptions.paused_at is 'Since when it is paused.';
comment on column ledger_tenant_subscriptions.ended_at is 'When it ended.';
comment on column ledger_tenant_subscriptions.add_on is 'Whether others may be active beside it.';
comment on column ledger_tenant_subscriptions.unused_time is
  'What becomes of paid time that a cancellation at once leaves unused: none, credit or refund.';
comment on column ledger_tenant_subscriptions.tax_rates is
  'JSON array of the tax rates of its invoices.';
comment on column ledger_tenant_subscriptions.version is 'Counts changes, from 1.';
comment on column ledger_tenant_subscriptions.metadata is 'JSON object of the app''s own, or null.';
comment on column ledger_tenant_subscriptions.created_at is 'When it was created.';
comment on column ledger_tenant_subscriptions.updated_at is 'When it was last changed.';

revoke all on table ledger_tenant_subscriptions from public;
grant select on table ledger_tenant_subscriptions to pgledger_tenant;
alter view ledger_tenant_subscriptions owner to pgledger_tenant_views;

-- file: repeatable/23_usage/aggregate_usage.sql
/*
What a tenant's usage of a feature comes to in [starts_at, ends_at), and by which aggregation: the
one asked for, or else the feature's own. A feature that exists and was never used comes to zero.
Errors: NullArgument, FeatureNotFound, InvalidArgument.
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
begin
  if feature_key is null then
    perform pgledger.fail('LG003', array['feature_key']);
  elsif aggregation not in ('sum', 'count', 'max', 'unique_count', 'latest') then
    perform pgledger.fail(
      'LG101',
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
    perform pgledger.fail(
      'LG111', array[quote_literal(pgledger.abridged(feature_key)), pgledger.in_app(app_id)]
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
    perform pgledger.fail(
      'LG101',
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
  'What a tenant''s usage of a feature comes to in a range of time, and by which aggregation.';

revoke all on function pgledger.aggregate_usage from public;

-- file: repeatable/23_usage/check_usage_range.sql
/*
Refuses a range of time that usage cannot be added up over: one that is not finite or is empty, or
that breaks an hour whose events may have been purged.
Errors: NullArgument, InvalidTime, UsagePurged.
*/
create or replace function pgledger.check_usage_range(
  app_id text,
  tenant_id text,
  starts_at timestamptz,
  ends_at timestamptz
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_purged_before timestamptz;
  v_edge record;
begin
  for v_edge in
    select edge.name, edge.at, pgledger.time_fault(edge.at) as fault
    from (values (1, 'starts_at', starts_at), (2, 'ends_at', ends_at)) as edge (place, name, at)
    order by edge.place
  loop
    if v_edge.at is null then
      perform pgledger.fail('LG003', array[v_edge.name]);
    elsif v_edge.fault is not null then
      perform pgledger.fail('LG008', array[v_edge.name, v_edge.at::text, v_edge.fault]);
    end if;
  end loop;
  if ends_at <= starts_at then
    perform pgledger.fail(
      'LG008', array['ends_at', ends_at::text, format('it is not after starts_at %s', starts_at)]
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
    perform pgledger.fail('LG106', array[v_edge.name, v_edge.at::text, v_purged_before::text]);
  end loop;
end;
$$;

comment on function pgledger.check_usage_range is
  'Raises InvalidTime or UsagePurged unless usage can be added up over a range of time.';

revoke all on function pgledger.check_usage_range from public;

-- file: repeatable/23_usage/count_usage_values.sql
/*
Adds the named values in the metadata of a batch's events to the sets of their hours and days.
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
  'Adds the named values in the metadata of a batch''s events to the sets of hours and days.';

revoke all on function pgledger.count_usage_values from public;

-- file: repeatable/23_usage/event_of_key.sql
/*
The usage event that a tenant's idempotency key names, if it is what a call asks to consume; null if
there is none. Of a seat the event has the level that was reached, so only the feature is compared.
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
    perform pgledger.fail('LG023', array[quote_literal(pgledger.abridged(idempotency_key))]);
  end if;
  return v_event.id;
end;
$$;

comment on function pgledger.event_of_key is
  'Id of the usage event that an idempotency key names; raises if it was for something else.';

revoke all on function pgledger.event_of_key from public;

-- file: repeatable/23_usage/ingest_one_usage.sql
/*
Records one usage event, or raises why it cannot be.
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
begin
  select answer.status, answer.id, answer.code, answer.arguments
  into v_answer
  from pgledger.ingest_usage(
    app_id, array[tenant_id], array[feature_key], array[quantity], array[event_at],
    array[idempotency_key], array[metadata], latest_known_at
  ) as answer;
  if v_answer.code is not null then
    perform pgledger.fail(v_answer.code, v_answer.arguments);
  end if;
  ingest_one_usage.status := v_answer.status;
  ingest_one_usage.id := v_answer.id;
end;
$$;

comment on function pgledger.ingest_one_usage is
  'Records one usage event and says what became of it; raises why it cannot be taken.';

revoke all on function pgledger.ingest_one_usage from public;

-- file: repeatable/23_usage/ingest_usage.sql
/*
Records usage events, each for itself: what is wrong with one does not keep the others out. Events,
their roll-ups and their values are written by the one call, so they are always of one mind.

An event may be ahead of the clock by the app's skew, or as far as one that is known already.
A key is taken by whoever commits first; a session that finds it taken by a transaction in progress
waits for that.

Purging: an event older than the tenant's purge line is not taken, because its key may have been
forgotten. A purge that commits while an old event waits is seen afterwards, and raises 40001; one
that is in progress is not waited for, except at higher isolation levels.

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
returns table (event_index bigint, status text, id text, code text, arguments text[])
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
    -- The second look sees what was made here or meanwhile, and is later than all levels so far.
    if v_resolved.lacks_meters then
      perform pgledger.open_meters(app_id, v_tenant_ids, tenant_ids, feature_keys);
    end if;
    perform pgledger.take_turns(app_id, v_tenant_ids, feature_keys);
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
      message = 'usage was purged while events of that time were recorded',
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
    select answer.event_index, answer.status, answer.id, answer.code, answer.arguments
    from pgledger.usage_answers(
      app_id, tenant_ids, feature_keys, quantities, event_ats, idempotency_keys, metadatas, v_now,
      v_latest, v_id_head, v_resolved.tenant_keys, v_resolved.meter_keys, v_meter_keys
    ) as answer;
  end if;

  -- Last, because most others who ingest wait for these rows.
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
Inserts the events of a batch that have a meter and whose idempotency key is new for the tenant.
Returns the meters of those that were inserted, each in its place, and nulls in the others.

As a rule no key is taken, and to ask of each whether it is would cost a third of the insert. So
they are inserted as if none were, in the order of their keys; if one is, that is undone, and they
are inserted one by one, which leaves out those that are in the way.

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
    -- Only a key that a caller chose can be waited for.
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
What the last event of a meter in [starts_at, ends_at) says; zero where there is none. The newest of
each part that pgledger.usage_sums puts a range together from is looked at, and no more.
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
  'What the last event of a meter in a range of time says.';

revoke all on function pgledger.latest_usage_between from public;

-- file: repeatable/23_usage/ledger_aggregate_usage.sql
/*
What a tenant's usage of a feature comes to in [starts_at, ends_at): exact, from roll-ups of whole
hours and days and the events of the hours that the range breaks.
Errors: NullArgument, InvalidScope, InvalidTime, InvalidArgument, FeatureNotFound, UsagePurged.
*/
create or replace function ledger_aggregate_usage(
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
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_usage_range(app_id, tenant_id, starts_at, ends_at);
  return (
    pgledger.aggregate_usage(app_id, tenant_id, feature_key, starts_at, ends_at, aggregation)
  ).value;
end;
$$;

comment on function ledger_aggregate_usage is
  'What a tenant''s usage of a feature comes to from starts_at, inclusive, to ends_at, exclusive; '
  '0 where there is none. aggregation: sum, count, max, unique_count or latest; null for the '
  'feature''s own. Exact, and as fast however many events there are: it reads totals of days and '
  'hours, and events only of the hours that the range breaks. Errors: NullArgument, InvalidScope, '
  'InvalidTime, InvalidArgument, FeatureNotFound, UsagePurged.';

revoke all on function ledger_aggregate_usage from public;
grant execute on function ledger_aggregate_usage to pgledger_reader;

-- file: repeatable/23_usage/ledger_aggregate_usage_by_feature.sql
/*
What a tenant's usage of several features comes to in [starts_at, ends_at), each by the feature's
own aggregation, in the order of the keys.
Errors: NullArgument, InvalidScope, InvalidBatch, BatchTooLarge, InvalidTime, FeatureNotFound,
UsagePurged.
*/
create or replace function ledger_aggregate_usage_by_feature(
  app_id text,
  tenant_id text,
  feature_keys text[],
  starts_at timestamptz,
  ends_at timestamptz
)
returns setof ledger_feature_usage
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_arrays(
    array['feature_keys'], array[cardinality(feature_keys)], array[array_ndims(feature_keys)], 1
  );
  perform pgledger.check_usage_range(app_id, tenant_id, starts_at, ends_at);
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

comment on function ledger_aggregate_usage_by_feature is
  'What a tenant''s usage of several features comes to from starts_at, inclusive, to ends_at, '
  'exclusive: one row a key, in their order, with the aggregation that the feature has. Errors: '
  'NullArgument, InvalidScope, InvalidBatch, BatchTooLarge, InvalidTime, FeatureNotFound, '
  'UsagePurged.';

revoke all on function ledger_aggregate_usage_by_feature from public;
grant execute on function ledger_aggregate_usage_by_feature to pgledger_reader;

-- file: repeatable/23_usage/ledger_ingest_usage.sql
/*
Ingests a batch of usage events, given as parallel arrays. Each event is taken or refused by itself:
the answer has one row for each, in the order of the arrays.
Locks: those of pgledger.ingest_usage.
Errors: NullArgument, InvalidScope, InvalidBatch, BatchTooLarge.
*/
create or replace function ledger_ingest_usage(
  app_id text,
  tenant_ids text[],
  feature_keys text[],
  quantities numeric[],
  event_ats timestamptz[] default null,
  idempotency_keys text[] default null,
  metadatas jsonb[] default null
)
returns setof ledger_usage_answer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  perform pgledger.check_app(app_id);
  perform pgledger.check_arrays(
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
    answer.code,
    case
      when answer.code is not null then pgledger.error_text(answer.code, answer.arguments)
    end
  from pgledger.ingest_usage(
    ledger_ingest_usage.app_id, tenant_ids, feature_keys, quantities, event_ats, idempotency_keys,
    metadatas
  ) as answer;
end;
$$;

comment on function ledger_ingest_usage is
  'Ingests usage events, at most 100000 in a call, given as parallel arrays, and says what became '
  'of each: inserted (with its id), duplicate (its idempotency key is taken: the first event of '
  'that key counts, and the id is its) or rejected (error is the SQLSTATE of pgledger_errors_v1, '
  'reason its message). One wrong event rejects itself only. quantities: 0 or more, below 1e30, at '
  'most 18 decimal places; for a seat, how many there are now. event_ats: when each happened, null '
  'for now; not further ahead of the clock than ledger_set_usage_skew allows. idempotency_keys: '
  'the reporter''s own names, 1 to 255 characters, unique for a tenant; without one, each event '
  'counts. metadatas: JSON objects, at most 64 KiB each. Errors: NullArgument, InvalidScope, '
  'InvalidBatch, BatchTooLarge.';

revoke all on function ledger_ingest_usage from public;
grant execute on function ledger_ingest_usage to pgledger_poster;

-- file: repeatable/23_usage/ledger_purge_usage.sql
/*
Deletes usage events that happened before a time, at most so many in a call, and keeps their
roll-ups. Of a tenant with subscriptions nothing is deleted that they still count in. Whole UTC
hours are deleted, and the tenant's purge line moves with them: nothing older is taken any more,
because the idempotency keys are forgotten with the events.
Locks: the tenants concerned, ascending (ingestion takes no lock on them); events that nobody else
is purging. Whoever ingests a key that is being deleted waits for the end of this transaction.
Errors: NullArgument, InvalidScope, InvalidTime, InvalidArgument.
*/
create or replace function ledger_purge_usage(
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
-- The index has a meter's events in the order in which they are deleted.
set enable_bitmapscan = off
set enable_seqscan = off
as $$
declare
  v_latest timestamptz := pgledger.clock() - interval '1 hour';
  v_deleted bigint;
begin
  perform pgledger.check_app(app_id);
  if before is null then
    perform pgledger.fail('LG003', array['before']);
  elsif pgledger.time_fault(before) is not null then
    perform pgledger.fail('LG008', array['before', before::text, pgledger.time_fault(before)]);
  elsif before > v_latest then
    perform pgledger.fail(
      'LG008',
      array[
        'before', before::text, format('it is less than an hour ago: at most %s can be', v_latest)
      ]
    );
  elsif (max_events between 1 and 1000000) is not true then
    perform pgledger.fail(
      'LG101',
      array[
        'max_events', coalesce(max_events::text, 'null'), 'it is not between 1 and 1000000'
      ]
    );
  end if;

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
      where meters.app_id = ledger_purge_usage.app_id
        and exists (
          select
          from pgledger.usage_events
          where usage_events.meter_key = meters.key
            and usage_events.event_at < ledger_purge_usage.before
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

comment on function ledger_purge_usage is
  'Deletes an app''s usage events that happened before a time, oldest first within a feature, and '
  'returns how many: call it, each time in a transaction of its own, until that is 0. What '
  'subscriptions that go on still count in is kept, and so are all totals. before: at least an '
  'hour ago. max_events: at most so many in this call, 1 to 1000000. Of the tenants concerned, '
  'events of the hours deleted are refused from then on (UsagePurged). Errors: NullArgument, '
  'InvalidScope, InvalidTime, InvalidArgument.';

revoke all on function ledger_purge_usage from public;
grant execute on function ledger_purge_usage to pgledger_poster;

-- file: repeatable/23_usage/ledger_query_usage.sql
/*
A page of a tenant's usage events, in the order in which they happened; of events of one time in the
order in which they were recorded.
Errors: NullArgument, InvalidScope, InvalidPage.
*/
create or replace function ledger_query_usage(
  app_id text,
  tenant_id text,
  starts_at timestamptz default null,
  ends_at timestamptz default null,
  feature_key text default null,
  page_size integer default 100,
  page_offset bigint default 0
)
returns setof ledger_usage_event
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_page(page_size, page_offset);
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

comment on function ledger_query_usage is
  'A page of a tenant''s usage events from starts_at, inclusive, to ends_at, exclusive, of one '
  'feature or of all, in the order in which they happened. page_size: 1 to 10000. page_offset: '
  'rows to leave out; to go through many, ask from the last event_at on instead. Errors: '
  'NullArgument, InvalidScope, InvalidPage.';

revoke all on function ledger_query_usage from public;
grant execute on function ledger_query_usage to pgledger_reader;

-- file: repeatable/23_usage/ledger_record_usage.sql
/*
Records one usage event, and raises what a batch would only report.
Locks: those of pgledger.ingest_usage.
Errors: NullArgument, InvalidScope, FeatureNotFound, InvalidArgument, InvalidQuantity, InvalidTime,
UsageInFuture, UsagePurged, InvalidMetadata.
*/
create or replace function ledger_record_usage(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric default 1,
  event_at timestamptz default null,
  idempotency_key text default null,
  metadata jsonb default null
)
returns setof ledger_usage_receipt
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_answer record;
begin
  perform pgledger.check_app(app_id);
  v_answer := pgledger.ingest_one_usage(
    app_id, tenant_id, feature_key, quantity, event_at, idempotency_key, metadata
  );
  return query
  select v_answer.status, v_answer.id;
end;
$$;

comment on function ledger_record_usage is
  'Records one usage event and says whether it was inserted, with its id, or is a duplicate: its '
  'idempotency key is taken, the first event of that key counts, and the id is its. quantity: 0 or '
  'more, below 1e30, at most 18 decimal places; for a seat, how many there are now. event_at: when '
  'it happened, null for now. metadata: JSON object, at most 64 KiB, or null. Errors: '
  'NullArgument, InvalidScope, FeatureNotFound, InvalidArgument, InvalidQuantity, InvalidTime, '
  'UsageInFuture, UsagePurged, InvalidMetadata.';

revoke all on function ledger_record_usage from public;
grant execute on function ledger_record_usage to pgledger_poster;

-- file: repeatable/23_usage/ledger_set_usage_skew.sql
/*
Sets how far ahead of the clock an app's usage events may be. Repeatable.

Checks, in this order: app_id, skew.
Errors: NullArgument, InvalidScope, InvalidArgument.
*/
create or replace function ledger_set_usage_skew(
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
begin
  perform pgledger.check_app(app_id);

  if skew is null then
    perform pgledger.fail('LG003', array['skew']);
  elsif v_fault is not null then
    perform pgledger.fail('LG101', array['skew', quote_literal(skew::text), v_fault]);
  end if;

  insert into pgledger.apps (app_id, usage_skew)
  values (ledger_set_usage_skew.app_id, ledger_set_usage_skew.skew)
  on conflict on constraint apps_app_id_pk do update
  set usage_skew = excluded.usage_skew;

  return skew;
end;
$$;

comment on function ledger_set_usage_skew is
  'Sets how far ahead of the clock usage events of the app may be, and returns it: 1 hour unless '
  'set, 0 to 365 days. Errors: NullArgument, InvalidScope, InvalidArgument.';

revoke all on function ledger_set_usage_skew from public;
grant execute on function ledger_set_usage_skew to pgledger_poster;

-- file: repeatable/23_usage/open_meters.sql
/*
Makes the meters that are missing for these parallel pairs of tenant and feature, where the tenant
can be one and the feature is in the catalogue and can be metered. A pair that stays without a meter
is wrong; pgledger.usage_fault says why.
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
  'Makes the meters that are missing for pairs of tenant and feature, where both are sound.';

revoke all on function pgledger.open_meters from public;

-- file: repeatable/23_usage/quota_period.sql
/*
The period that a limit is for, around a time: the subscription's own, or days, weeks, months or
years counted from its anchor, none of which begins before the subscription. What counts for a
lifetime, and a seat's level, has no bounds.
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
Looks at each event of a batch: the keys of its tenant and its meter where it can be taken, nulls
where it cannot. Why not is for pgledger.usage_fault to say. Besides, whether values of metadata are
to be counted, whether an event has no meter, and whether one is of a seat.
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
Adds the events of a batch that have a meter to the roll-ups of their hours and days.
The latest event of an hour is found by one number: its microseconds into the hour, then its place.
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

-- file: repeatable/23_usage/take_turns.sql
/*
Makes reports of seats' levels take turns with those who consume seats: until the end of the
transaction nobody else changes the level.
Locks: the meters of seats among these tenants and features, ascending.
*/
create or replace function pgledger.take_turns(
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
      where seat.app_id = take_turns.app_id
        and seat.tenant_id = any(take_turns.tenant_ids)
        and seat.type = 'seat'
        and seat.feature_key in (
          select given.feature_key from unnest(take_turns.feature_keys) as given (feature_key)
        )
      order by seat.key
      for no key update
    )
  );
end;
$$;

comment on function pgledger.take_turns is
  'Locks the meters of seats among tenants and features until the end of the transaction.';

revoke all on function pgledger.take_turns from public;

-- file: repeatable/23_usage/unique_usage_between.sql
/*
How many different values the named member of metadata has among a meter's events in
[starts_at, ends_at), put together as pgledger.usage_sums does it; everything if the start is
infinite. With only_value, whether that value is among them: one or none.
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
  'Count of the different values of a member of metadata among a meter''s events.';

revoke all on function pgledger.unique_usage_between from public;

-- file: repeatable/23_usage/usage_answers.sql
/*
What became of each event of a batch in which not all were inserted: sound are those with a meter
that was found for them, inserted those with one at the end. A duplicate has the id of the event
that counts.
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
returns table (event_index bigint, status text, id text, code text, arguments text[])
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
    case when counted.id is null then fault.code end,
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
  -- Before the purge line some are left, and one that is reported again was counted.
  left join lateral (
    select pgledger.event_id(usage_events.created_at, usage_events.key) as id
    from pgledger.tenants
    inner join pgledger.usage_events on tenants.key = usage_events.tenant_key
    where fault.code = 'LG106'
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
What usage of a meter in [starts_at, ends_at) comes to; zero where there is none. Exact whatever the
range, as long as the events of the hours that it breaks have not been purged.
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
Says why a usage event cannot be taken: the code of the error and the arguments of its message. The
first that applies is named. Called for events that were seen to be wrong; what is no longer wrong
raises 40001, so that the call is made again.
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
  out code text,
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
    code := 'LG003';
    arguments := array[
      case
        when tenant_id is null then 'tenant_id'
        when feature_key is null then 'feature_key'
        else 'quantity'
      end
    ];
  elsif pgledger.text_fault(tenant_id, 1, 128, false) is not null then
    code := 'LG006';
    arguments := array[
      'tenant_id', quote_literal(pgledger.abridged(tenant_id)),
      pgledger.text_fault(tenant_id, 1, 128, false)
    ];
  elsif v_meter.key is null then
    code := 'LG111';
    arguments := array[quote_literal(pgledger.abridged(feature_key)), pgledger.in_app(app_id)];
    if (pgledger.find_feature(app_id, feature_key, tenant_id)).type = 'boolean' then
      code := 'LG101';
      arguments := array[
        'feature_key', quote_literal(pgledger.abridged(feature_key)),
        'the feature is on or off, and its usage is not metered'
      ];
    end if;
  elsif pgledger.quantity_fault(quantity) is not null then
    code := 'LG104';
    arguments := array[
      'quantity', pgledger.abridged(quantity::text), pgledger.quantity_fault(quantity)
    ];
  elsif not isfinite(event_at) or event_at < timestamptz 'epoch' then
    code := 'LG008';
    arguments := array[
      'event_at', event_at::text,
      case when isfinite(event_at) then 'it is before the year 1970' else 'it is not finite' end
    ];
  elsif event_at > latest then
    code := 'LG105';
    arguments := array[event_at::text, (latest - now)::text, now::text];
  elsif event_at < v_purged_before then
    code := 'LG106';
    arguments := array['event_at', event_at::text, v_purged_before::text];
  elsif char_length(idempotency_key) not between 1 and 255 then
    code := 'LG101';
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
      code := 'LG007';
      arguments := array[v_fault];
      return;
    end if;
    raise exception using
      errcode = '40001',
      message = 'what was wrong with a usage event has been mended while it was looked at',
      hint = 'Run the transaction again.';
  end if;
end;
$$;

comment on function pgledger.usage_fault is
  'Code and message''s arguments of why a usage event cannot be taken.';

revoke all on function pgledger.usage_fault from public;

-- file: repeatable/23_usage/usage_needed_from.sql
/*
Since when a tenant's usage events are still needed one by one: since the earliest start of what its
subscriptions count in now, and of what is to be invoiced for them: the period that a draft is for,
and, if a plan since then has prices, the one that was current when ledger_advance last looked.
Infinity if there is nothing of that.
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
What usage of meters in [starts_at, ends_at) adds up to, whatever its length: a row for each meter,
put together from events of the broken hours at the range's edges, hours of the broken days, and
whole days. Each event is in exactly one part.

The keys are read by a subquery, so that the planner takes them for as many as it always does and
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
Whether a purge has committed that passed one of the events which this call has inserted: then the
key of that event may have been forgotten just before, and the event counted a second time.
A transaction that would not see such a purge locks its tenants instead, so that it fails if there
was one.
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
  'Whether a purge has committed that passed one of the events which a call has inserted.';

revoke all on function pgledger.usage_was_purged from public;

-- file: repeatable/23_usage/whole_hours.sql
/*
The whole UTC hours of a range, and the whole UTC days among them, each as [first, last): where
there is none the first is not before the last. An infinite end has no broken hour.
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
create or replace view ledger_tenant_usage_events with (security_barrier) as
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

comment on view ledger_tenant_usage_events is
  'Usage events of the tenant of the current database role, until they are purged.';
comment on column ledger_tenant_usage_events.id is 'Id of the event: evt_ and a ULID.';
comment on column ledger_tenant_usage_events.app_id is 'App.';
comment on column ledger_tenant_usage_events.tenant_id is 'Tenant whose usage it is.';
comment on column ledger_tenant_usage_events.feature_key is 'Key of the feature that was used.';
comment on column ledger_tenant_usage_events.quantity is
  'How much was used; for a seat, how many there are.';
comment on column ledger_tenant_usage_events.event_at is
  'When it happened; it belongs to the period that this lies in.';
comment on column ledger_tenant_usage_events.idempotency_key is
  'The reporter''s own name of the event, unique for the tenant, or null.';
comment on column ledger_tenant_usage_events.metadata is 'JSON object given with it, or null.';
comment on column ledger_tenant_usage_events.created_at is 'When it was recorded.';

revoke all on table ledger_tenant_usage_events from public;
grant select on table ledger_tenant_usage_events to pgledger_tenant;
alter view ledger_tenant_usage_events owner to pgledger_tenant_views;

-- file: repeatable/23_usage/views/ledger_usage_events.sql
/*
Usage events as applications see them. The conditions on app, tenant and feature find the meters,
each of which leads to its events in order of time.
*/
create or replace view ledger_usage_events as
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

comment on view ledger_usage_events is 'One row a usage event, until it is purged.';
comment on column ledger_usage_events.id is 'Id of the event: evt_ and a ULID.';
comment on column ledger_usage_events.app_id is 'App.';
comment on column ledger_usage_events.tenant_id is 'Tenant whose usage it is.';
comment on column ledger_usage_events.feature_key is 'Key of the feature that was used.';
comment on column ledger_usage_events.quantity is
  'How much was used; for a seat, how many there are.';
comment on column ledger_usage_events.event_at is
  'When it happened; it belongs to the period that this lies in.';
comment on column ledger_usage_events.idempotency_key is
  'The reporter''s own name of the event, unique for the tenant, or null.';
comment on column ledger_usage_events.metadata is 'JSON object given with it, or null.';
comment on column ledger_usage_events.created_at is 'When it was recorded.';

revoke all on table ledger_usage_events from public;
grant select on table ledger_usage_events to pgledger_reader;

-- file: repeatable/24_entitlements/allowance.sql
/*
Whether so much more of a feature is allowed, in the form in which every entitlement is answered.
An entitlement that a reason decides (there is no subscription, or a switch) is not measured.
*/
create or replace function pgledger.allowance(
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
    allowance.feature_key,
    allowance.used,
    allowance.quota,
    case
      when allowance.quota = -1 then -1
      else greatest(allowance.quota - allowance.used, 0)
    end,
    allowance.soft_limit,
    decision.why
  from (
    select case
      when allowance.reason <> '' then allowance.reason
      when allowance.quota = -1 then 'unlimited'
      when allowance.used + allowance.quantity <= allowance.quota then 'within_limit'
      when allowance.soft_limit then 'soft_limit'
      else 'limit_exceeded'
    end as why
  ) as decision
$$;

comment on function pgledger.allowance is
  'Whether so much more of a feature is allowed, what is left of it, and why.';

revoke all on function pgledger.allowance from public;

-- file: repeatable/24_entitlements/consume.sql
/*
Records usage if what it then comes to is within the limit. Whoever consumes of a meter takes turns
with all others who do, from the second look at the limit until the end of the transaction; who is
refused at the first look waits for nobody. Reports of usage do not take turns, except those of a
seat's level, which would otherwise be overwritten.

Null status: refused.
Locks: the meter, then those of pgledger.ingest_usage.
Errors: those of pgledger.entitlement and pgledger.ingest_one_usage.
*/
create or replace function pgledger.consume(
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
      from pgledger.allowance(
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
      -- Changed, and not only locked, so that it is seen at every isolation level.
      update pgledger.meters
      set turn = meters.turn + 1
      where meters.app_id = consume.app_id
        and meters.tenant_id = consume.tenant_id
        and meters.feature_key = consume.feature_key;
    end if;
  end loop;
  if v_entitlement.type = 'seat' then
    -- The level of the moment is that of the latest event, whose clock may have been ahead.
    select greatest(usage_rollups.latest_at, pgledger.clock())
    into v_seat_at
    from pgledger.meters
    inner join pgledger.usage_rollups on meters.key = usage_rollups.meter_key
    where meters.app_id = consume.app_id
      and meters.tenant_id = consume.tenant_id
      and meters.feature_key = consume.feature_key
      and usage_rollups.span = 1
    order by usage_rollups.starts_at desc
    limit 1;
  end if;
  select recorded.status, recorded.id
  into consume.status, consume.id
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

comment on function pgledger.consume is
  'Records usage if the limit allows it, so that nobody comes between check and record.';

revoke all on function pgledger.consume from public;

-- file: repeatable/24_entitlements/entitlement.sql
/*
What a tenant has of a feature now, by the clock rather than by what ledger_advance has written down
so far: the plans of its live subscriptions, the limit and its period, and what is used.

With several subscriptions (add-ons), limits add up, one that is unlimited makes the sum unlimited
and one that is soft makes it soft; the period is that of the first that has the feature, which is
the one that is not an add-on.

The reason is empty where the limit decides. Errors: NullArgument, FeatureNotFound.
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

  if type is null and (pgledger.find_feature(app_id, feature_key, tenant_id)).id is null then
    if feature_key is null then
      perform pgledger.fail('LG003', array['feature_key']);
    end if;
    perform pgledger.fail(
      'LG111', array[quote_literal(pgledger.abridged(feature_key)), pgledger.in_app(app_id)]
    );
  elsif type = 'boolean' then
    reason := case when quota = 0 then 'disabled' else 'enabled' end;
  elsif type is not null then
    select meters.key, meters.unique_key, tenants.purged_before
    into v_meter
    from pgledger.meters
    inner join pgledger.tenants on meters.tenant_key = tenants.key
    where meters.app_id = entitlement.app_id
      and meters.tenant_id = entitlement.tenant_id
      and meters.feature_key = entitlement.feature_key;
    if found then
      -- Of an hour whose events may be gone, all that happened counts.
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

-- file: repeatable/24_entitlements/entitlement_versions.sql
/*
The versions of everything that an entitlement is made from, as of the calling statement; of usage
the count of events in the time that was counted. None of
them ever goes back; a sum of versions does not either, while what it is the sum of stays the same,
and a change of that is a change of the tenant's subscriptions.
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
Whether a tenant may use so much more of a feature now. Exact at the time of the call; to check and
record in one step, so that nobody else comes between, there is ledger_consume_entitlement.
Errors: NullArgument, InvalidScope, InvalidQuantity, FeatureNotFound.
*/
create or replace function ledger_check_entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric default 1
)
returns setof ledger_entitlement
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_quantity('quantity', quantity);
  return query
  select
    answer.allowed, answer.feature, answer.used_so_far, answer."limit", answer.remaining,
    answer.is_soft, answer.why
  from pgledger.entitlement(app_id, tenant_id, feature_key) as found
  cross join lateral pgledger.allowance(
    feature_key, found.used, found.quota, found.soft_limit, found.reason, quantity
  ) as answer;
end;
$$;

comment on function ledger_check_entitlement is
  'Whether a tenant may use so much more of a feature now: allowed, feature, used (in the limit''s '
  'period; for a seat, the level), limit (-1: unlimited; of a boolean 1 for on), remaining (-1: '
  'unlimited), soft_limit, and a reason: within_limit, unlimited, soft_limit (allowed beyond the '
  'limit), enabled; or limit_exceeded, disabled, not_in_plan, paused, no_subscription. quantity: '
  'how much more, 0 or more. Exact, never cached. Errors: NullArgument, InvalidScope, '
  'InvalidQuantity, FeatureNotFound.';

revoke all on function ledger_check_entitlement from public;
grant execute on function ledger_check_entitlement to pgledger_reader;

-- file: repeatable/24_entitlements/ledger_consume_entitlement.sql
/*
Checks and records in one step: usage is recorded if the limit allows it, and otherwise nothing is.
A call that is repeated with the same idempotency key records nothing a second time. Concurrent
calls for one tenant and feature take turns until their transactions end.
Locks: those of pgledger.consume.
Errors: NullArgument, InvalidScope, InvalidQuantity, InvalidArgument, InvalidMetadata,
FeatureNotFound, IdempotencyConflict.
*/
create or replace function ledger_consume_entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric default 1,
  idempotency_key text default null,
  metadata jsonb default null
)
returns setof ledger_consumption
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_status text;
  v_id text;
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_quantity('quantity', quantity);
  v_id := pgledger.event_of_key(app_id, tenant_id, feature_key, quantity, idempotency_key);
  if v_id is null then
    select consumed.status, consumed.id
    into v_status, v_id
    from pgledger.consume(
      app_id, tenant_id, feature_key, quantity, idempotency_key, metadata
    ) as consumed;
    if v_status is distinct from 'inserted' then
      -- The limit, or the key, may have been taken by the same call, made at the same time.
      v_id := pgledger.event_of_key(app_id, tenant_id, feature_key, quantity, idempotency_key);
    end if;
  end if;
  if v_status is null and v_id is not null then
    v_status := 'duplicate';
  end if;
  return query
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
  from pgledger.entitlement(app_id, tenant_id, feature_key) as found
  cross join lateral pgledger.allowance(
    feature_key, found.used, found.quota, found.soft_limit, found.reason,
    -- What was recorded is in what is used.
    case when v_status is null then quantity else 0 end
  ) as answer;
end;
$$;

comment on function ledger_consume_entitlement is
  'Records usage if the limit allows it, in one step: of any number of concurrent calls no more '
  'are allowed than the limit has room for; what counts is what usage comes to with it, by the '
  'feature''s aggregation. quantity: how much, 0 or more; for a seat, how many more. '
  'idempotency_key: the same call repeated with it is allowed, records nothing and says duplicate '
  'as its reason. Returns what ledger_check_entitlement does, as it is afterwards, and event_id, '
  'null if nothing was recorded now (or before, under that key). Errors: NullArgument, '
  'InvalidScope, InvalidQuantity, InvalidArgument, InvalidMetadata, FeatureNotFound, '
  'IdempotencyConflict.';

revoke all on function ledger_consume_entitlement from public;
grant execute on function ledger_consume_entitlement to pgledger_poster;

-- file: repeatable/24_entitlements/ledger_get_cached_entitlement.sql
/*
A remembered entitlement, if everything that it was made from still stands; otherwise no row.
Errors: NullArgument, InvalidScope, InvalidQuantity.
*/
create or replace function ledger_get_cached_entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric default 1
)
returns setof ledger_entitlement
language plpgsql
stable
parallel safe
rows 1
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  if feature_key is null then
    perform pgledger.fail('LG003', array['feature_key']);
  end if;
  perform pgledger.check_quantity('quantity', quantity);
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
  cross join lateral pgledger.allowance(
    entitlement_cache.feature_key, entitlement_cache.used, entitlement_cache.quota,
    entitlement_cache.soft_limit, entitlement_cache.reason, quantity
  ) as answer
  where entitlement_cache.app_id = ledger_get_cached_entitlement.app_id
    and entitlement_cache.tenant_id = ledger_get_cached_entitlement.tenant_id
    and entitlement_cache.feature_key = ledger_get_cached_entitlement.feature_key
    -- A clock that was put back must not give an entry a second life.
    and v_now >= entitlement_cache.created_at
    and v_now < entitlement_cache.expires_at
    -- The only thing that a version does not tell: a deleted feature is an error, not an answer.
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

comment on function ledger_get_cached_entitlement is
  'What ledger_set_cached_entitlement remembered, for a quantity of now; no row if there is '
  'nothing, its time is over, or anything that it was made from has changed since. Errors: '
  'NullArgument, InvalidScope, InvalidQuantity.';

revoke all on function ledger_get_cached_entitlement from public;
grant execute on function ledger_get_cached_entitlement to pgledger_reader;

-- file: repeatable/24_entitlements/ledger_invalidate_feature_entitlements.sql
/*
Makes everything cached of a feature unservable for all tenants of an app, also what is being worked
out at this moment.
Locks: the feature's row.
Errors: NullArgument, InvalidScope, FeatureNotFound.
*/
create or replace function ledger_invalidate_feature_entitlements(
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
begin
  perform pgledger.check_app(app_id);
  if feature_key is null then
    perform pgledger.fail('LG003', array['feature_key']);
  elsif not exists (
    select
    from pgledger.features
    where features.app_id in (ledger_invalidate_feature_entitlements.app_id, '*')
      and features.key = ledger_invalidate_feature_entitlements.feature_key
  ) then
    perform pgledger.fail(
      'LG111', array[quote_literal(pgledger.abridged(feature_key)), pgledger.in_app(app_id)]
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

comment on function ledger_invalidate_feature_entitlements is
  'Stops serving whatever is cached of a feature, for all tenants of the app. What pgledger itself '
  'changes does that by itself. Errors: NullArgument, InvalidScope, FeatureNotFound.';

revoke all on function ledger_invalidate_feature_entitlements from public;
grant execute on function ledger_invalidate_feature_entitlements to pgledger_poster;

-- file: repeatable/24_entitlements/ledger_invalidate_tenant_entitlements.sql
/*
Makes everything cached for a tenant unservable, also what is being worked out at this moment.
Locks: the tenant's row.
Errors: NullArgument, InvalidScope.
*/
create or replace function ledger_invalidate_tenant_entitlements(
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
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  update pgledger.tenants
  set cache_version = tenants.cache_version + 1
  where tenants.app_id = ledger_invalidate_tenant_entitlements.app_id
    and tenants.tenant_id = ledger_invalidate_tenant_entitlements.tenant_id;
  if found then
    return;
  end if;
  -- Each attempt takes a number, of which there are not many.
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

comment on function ledger_invalidate_tenant_entitlements is
  'Stops serving whatever is cached of a tenant''s entitlements. What pgledger itself changes does '
  'that by itself. Errors: NullArgument, InvalidScope.';

revoke all on function ledger_invalidate_tenant_entitlements from public;
grant execute on function ledger_invalidate_tenant_entitlements to pgledger_poster;

-- file: repeatable/24_entitlements/ledger_remaining_entitlement.sql
/*
How much of a feature a tenant has left now.
Errors: NullArgument, InvalidScope, FeatureNotFound.
*/
create or replace function ledger_remaining_entitlement(
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
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  return (
    select answer.remaining
    from pgledger.entitlement(app_id, tenant_id, feature_key) as found
    cross join lateral pgledger.allowance(
      feature_key, found.used, found.quota, found.soft_limit, found.reason, 0
    ) as answer
  );
end;
$$;

comment on function ledger_remaining_entitlement is
  'How much of a feature a tenant has left: -1 if it is unlimited, 0 if the tenant does not have '
  'it; of a boolean feature 1 for on. Errors: NullArgument, InvalidScope, FeatureNotFound.';

revoke all on function ledger_remaining_entitlement from public;
grant execute on function ledger_remaining_entitlement to pgledger_reader;

-- file: repeatable/24_entitlements/ledger_set_cached_entitlement.sql
/*
Works an entitlement out and remembers it with the versions of what it was made from, both in one
statement and so of one moment. It is served while all of these stand, until its time to live or the
end of the limit's period, a trial or a subscription, whichever is first.
Locks: the cache's row.
Errors: NullArgument, InvalidScope, InvalidArgument, FeatureNotFound.
*/
create or replace function ledger_set_cached_entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  ttl interval default '30 seconds'
)
returns setof ledger_entitlement
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  -- Before the moment that it is made of.
  v_now timestamptz := pgledger.clock();
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  if ttl is null then
    perform pgledger.fail('LG003', array['ttl']);
  elsif not (ttl > interval '0' and ttl <= interval '1 day') then
    perform pgledger.fail(
      'LG101', array['ttl', quote_literal(ttl), 'it is not above 0 and at most a day']
    );
  end if;
  return query
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
  from stored
  cross join lateral pgledger.allowance(
    stored.feature_key, stored.used, stored.quota, stored.soft_limit, stored.reason, 1
  ) as answer;
end;
$$;

comment on function ledger_set_cached_entitlement is
  'Works out what a tenant has of a feature, remembers it for ledger_get_cached_entitlement, and '
  'returns what ledger_check_entitlement does for a quantity of 1. ttl: how long it may be served '
  'at most, above 0 and at most a day. It stops being served earlier when anything that it was '
  'made from changes: plan, subscription, usage, an invalidation, the end of a period, a trial or '
  'a subscription. Errors: NullArgument, InvalidScope, InvalidArgument, FeatureNotFound.';

revoke all on function ledger_set_cached_entitlement from public;
grant execute on function ledger_set_cached_entitlement to pgledger_poster;

-- file: repeatable/24_entitlements/unique_usage_added.sql
/*
How many values a usage event of that metadata would add to those of the meter in
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
      -- Where there is no meter yet, the event is the first.
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
Cached entitlements as they were stored, also those that are no longer served; which of them are is
for ledger_get_cached_entitlement to say.
*/
create or replace view ledger_entitlement_cache as
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

comment on view ledger_entitlement_cache is
  'Cached entitlements, also those that are no longer served because something changed since.';
comment on column ledger_entitlement_cache.app_id is 'App.';
comment on column ledger_entitlement_cache.tenant_id is 'Tenant.';
comment on column ledger_entitlement_cache.feature_key is 'Key of the feature.';
comment on column ledger_entitlement_cache.used is 'Usage in the limit''s period, or seats.';
comment on column ledger_entitlement_cache."limit" is 'Limit; -1 for unlimited.';
comment on column ledger_entitlement_cache.remaining is 'What is left of it; -1 for unlimited.';
comment on column ledger_entitlement_cache.soft_limit is 'Whether usage may go beyond the limit.';
comment on column ledger_entitlement_cache.reason is
  'Why nothing is allowed at all; empty where the limit decides.';
comment on column ledger_entitlement_cache.created_at is 'When it was made.';
comment on column ledger_entitlement_cache.expires_at is
  'From when on it is not served, whatever else happens.';

revoke all on table ledger_entitlement_cache from public;
grant select on table ledger_entitlement_cache to pgledger_reader;

-- file: repeatable/24_entitlements/views/ledger_tenant_entitlement_cache.sql
/*
Cached entitlements that a tenant's own database role may see, also those that are no longer served.
Guarded as ledger_tenant_plans is.
*/
create or replace view ledger_tenant_entitlement_cache with (security_barrier) as
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

comment on view ledger_tenant_entitlement_cache is
  'Cached entitlements of the tenant of the current database role, served any more or not.';
comment on column ledger_tenant_entitlement_cache.app_id is 'App.';
comment on column ledger_tenant_entitlement_cache.tenant_id is 'Tenant.';
comment on column ledger_tenant_entitlement_cache.feature_key is 'Key of the feature.';
comment on column ledger_tenant_entitlement_cache.used is 'Usage in the limit''s period, or seats.';
comment on column ledger_tenant_entitlement_cache."limit" is 'Limit; -1 for unlimited.';
comment on column ledger_tenant_entitlement_cache.remaining is
  'What is left of it; -1 for unlimited.';
comment on column ledger_tenant_entitlement_cache.soft_limit is
  'Whether usage may go beyond the limit.';
comment on column ledger_tenant_entitlement_cache.reason is
  'Why nothing is allowed at all; empty where the limit decides.';
comment on column ledger_tenant_entitlement_cache.created_at is 'When it was made.';
comment on column ledger_tenant_entitlement_cache.expires_at is
  'When it is no longer served at the latest.';

revoke all on table ledger_tenant_entitlement_cache from public;
grant select on table ledger_tenant_entitlement_cache to pgledger_tenant;
alter view ledger_tenant_entitlement_cache owner to pgledger_tenant_views;

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
Takes the coupons that a tenant has redeemed off the lines of an invoice: those for some of the
lines first, then those for all, each in the order of redemption, off what the ones before have
left. Credits are left alone. A percentage is rounded once; an amount is at most what there is to
take it off; either is split to the lines by largest remainder. Returns the lines with their shares,
and one line more for each coupon that took something off.
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
  -- What is left of each line, and what has been taken off it.
  v_left numeric[];
  v_taken numeric[];
  v_parts numeric[];
  v_base numeric;
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
      v_left := pgledger.discountable(lines);
      v_taken := array_fill(0::numeric, array[cardinality(lines)]);
    end if;
    continue when v_subtotal < v_coupon.minimum_subtotal;

    v_parts := array(
      select
        case
          when v_coupon.applies_to is null or part.item = any(v_coupon.applies_to)
            then part.amount
          else 0
        end
      from unnest(v_left, v_items) with ordinality as part (amount, item, place)
      order by part.place
    );
    v_base := (select sum(part) from unnest(v_parts) as part);
    v_discount := null;
    v_discount.amount := -coalesce(
      round(v_base * v_coupon.percentage * 0.01, exponent),
      round(least(v_coupon.amount, v_base), exponent)
    );
    continue when (v_discount.amount < 0) is not true;

    v_discount.kind := 'discount';
    v_discount.description := v_coupon.name;
    v_discount.discount := 0 * v_discount.amount;
    v_discount.tax := v_discount.discount;
    v_discount.redemption_key := v_coupon.key;
    v_discount.basis := jsonb_strip_nulls(
      jsonb_build_object(
        'base', v_base::text, 'percentage', trim_scale(v_coupon.percentage)::text,
        'amount', case when v_coupon.percentage is null then v_coupon.amount::text end,
        'applies_to', to_jsonb(v_coupon.applies_to)
      )
    );
    v_discounts := v_discounts || v_discount;
    -- Digits enough, and as many for each, so that equal remainders are equal.
    v_parts := pgledger.split_amount(
      array(
        select pgledger.rounded_quotient(-v_discount.amount * part.value, v_base, exponent + 18)
        from unnest(v_parts) with ordinality as part (value, place)
        order by part.place
      ),
      -v_discount.amount,
      exponent
    );
    v_left := pgledger.differences(v_left, v_parts);
    v_taken := pgledger.differences(v_taken, v_parts);
  end loop;
  if cardinality(v_discounts) = 0 then
    return lines;
  end if;
  return pgledger.add_shares(lines, array(select -taken from unnest(v_taken) as taken), null)
    || v_discounts;
end;
$$;

comment on function pgledger.apply_coupons is
  'The lines of an invoice with the discounts of the coupons that the tenant has redeemed.';

revoke all on function pgledger.apply_coupons from public;

-- file: repeatable/25_coupons/check_coupon_currency.sql
/*
Refuses a coupon whose currency the app does not know, or whose amounts have more decimals than the
currency. It can do without one.

Locks a currency of the app's own FOR SHARE: its exponent stays while the coupon is being written.
Errors: UnknownCurrency, InvalidAmount, InvalidArgument.
*/
create or replace function pgledger.check_coupon_currency(coupon pgledger.coupons)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_exponent integer;
begin
  if coupon.currency is null then
    return;
  end if;

  perform 1
  from pgledger.currencies
  where currencies.app_id = coupon.app_id and currencies.code = coupon.currency
  for share;

  v_exponent := pgledger.currency_exponent(coupon.app_id, coupon.currency);
  if v_exponent is null then
    perform pgledger.fail(
      'LG103',
      array[quote_literal(pgledger.abridged(coupon.currency)), pgledger.in_app(coupon.app_id)]
    );
  elsif min_scale(coupon.amount) > v_exponent then
    perform pgledger.fail(
      'LG010',
      array[
        coupon.amount::text,
        format('it has more decimal places than the %s of %s', v_exponent, coupon.currency)
      ]
    );
  elsif min_scale(coupon.minimum_subtotal) > v_exponent then
    perform pgledger.fail(
      'LG101',
      array[
        'minimum_subtotal',
        coupon.minimum_subtotal::text,
        format('it has more decimal places than the %s of %s', v_exponent, coupon.currency)
      ]
    );
  end if;
end;
$$;

comment on function pgledger.check_coupon_currency is
  'Raises unless the app knows a coupon''s currency, and its amounts have no more decimals.';

revoke all on function pgledger.check_coupon_currency from public;

-- file: repeatable/25_coupons/check_coupon_discount.sql
/*
Refuses a coupon whose discount is wrong by itself: what never changes of it but its code. Whether
its currency is known, and has so many decimals, is looked at elsewhere. The order of the checks is
that of the arguments.

Errors: NullArgument, InvalidArgument, InvalidAmount.
*/
create or replace function pgledger.check_coupon_discount(coupon pgledger.coupons)
returns void
language plpgsql
volatile
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
begin
  if v_percentage_fault is not null then
    perform pgledger.fail(
      'LG101',
      array[
        'percentage',
        coalesce(pgledger.abridged(coupon.percentage::text), 'null'),
        v_percentage_fault
      ]
    );
  elsif coupon.amount is not null and v_amount_fault is not null then
    perform pgledger.fail(
      'LG010', array[pgledger.abridged(coupon.amount::text), v_amount_fault]
    );
  elsif coupon.currency is null
    and num_nonnulls(coupon.amount, coupon.minimum_subtotal) > 0 then
    perform pgledger.fail(
      'LG101', array['currency', 'null', 'an amount and a minimum subtotal are in a currency']
    );
  end if;

  perform pgledger.check_coupon_duration(coupon.duration, coupon.duration_invoices);
  perform pgledger.check_coupon_items(coupon.applies_to);

  if coupon.minimum_subtotal is not null and v_minimum_fault is not null then
    perform pgledger.fail(
      'LG101',
      array[
        'minimum_subtotal',
        pgledger.abridged(coupon.minimum_subtotal::text),
        v_minimum_fault
      ]
    );
  end if;
end;
$$;

comment on function pgledger.check_coupon_discount is
  'Raises the first thing that is wrong with what a coupon takes off, and of what.';

revoke all on function pgledger.check_coupon_discount from public;

-- file: repeatable/25_coupons/check_coupon_duration.sql
/*
Refuses how long a coupon is to last: only one that is repeating counts invoices, and it has to.

Errors: NullArgument, InvalidArgument.
*/
create or replace function pgledger.check_coupon_duration(
  duration text,
  duration_invoices integer
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_fault text;
begin
  perform pgledger.check_choice('duration', duration, array['once', 'repeating', 'forever']);

  v_fault := case
    when duration <> 'repeating' and duration_invoices is not null
      then 'only a coupon that is repeating counts invoices'
    when duration = 'repeating' and duration_invoices is null
      then 'a coupon that is repeating says how many invoices it reduces'
    when duration_invoices not between 1 and 1000 then 'it is not between 1 and 1000'
  end;
  if v_fault is not null then
    perform pgledger.fail(
      'LG101', array['duration_invoices', coalesce(duration_invoices::text, 'null'), v_fault]
    );
  end if;
end;
$$;

comment on function pgledger.check_coupon_duration is
  'Raises NullArgument or InvalidArgument unless a coupon can last that long.';

revoke all on function pgledger.check_coupon_duration from public;

-- file: repeatable/25_coupons/check_coupon_items.sql
/*
Refuses a list of lines that a coupon could not reduce. A line is named by the key of a feature, by
base, or by any text that an app gives a one-off line, so nothing is looked up.

Errors: InvalidArgument.
*/
create or replace function pgledger.check_coupon_items(applies_to text[])
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_item record;
begin
  if array_ndims(applies_to) > 1 then
    perform pgledger.fail(
      'LG101',
      array['applies_to', format('of %s dimensions', array_ndims(applies_to)), 'it is not a list']
    );
  elsif cardinality(applies_to) not between 1 and 100 then
    perform pgledger.fail(
      'LG101',
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
      perform pgledger.fail(
        'LG101',
        array['applies_to', quote_nullable(pgledger.abridged(v_item.value)), v_item.fault]
      );
    end if;
  end loop;
end;
$$;

comment on function pgledger.check_coupon_items is
  'Raises InvalidArgument unless these are null or 1 to 100 different texts that name lines.';

revoke all on function pgledger.check_coupon_items from public;

-- file: repeatable/25_coupons/check_coupon_terms.sql
/*
Refuses a coupon of which a value is wrong that can be changed later. The order of the checks is
that of the arguments.

Errors: NullArgument, InvalidArgument, InvalidTime, InvalidMetadata.
*/
create or replace function pgledger.check_coupon_terms(coupon pgledger.coupons)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_from_fault text := pgledger.time_fault(coupon.valid_from);
  v_until_fault text := pgledger.time_fault(coupon.valid_until);
begin
  perform pgledger.check_text('name', coupon.name, 255, allow_invisible => true);

  if coupon.valid_from is not null and v_from_fault is not null then
    perform pgledger.fail(
      'LG008', array['valid_from', coupon.valid_from::text, v_from_fault]
    );
  elsif coupon.valid_until is not null and v_until_fault is not null then
    perform pgledger.fail(
      'LG008', array['valid_until', coupon.valid_until::text, v_until_fault]
    );
  elsif coupon.valid_until <= coupon.valid_from then
    perform pgledger.fail(
      'LG008',
      array[
        'valid_until',
        coupon.valid_until::text,
        format('it is not after valid_from %s', coupon.valid_from)
      ]
    );
  end if;

  if coupon.max_redemptions < 1 then
    perform pgledger.fail(
      'LG101', array['max_redemptions', coupon.max_redemptions::text, 'it is not above 0']
    );
  elsif coupon.max_redemptions_per_tenant < 1 then
    perform pgledger.fail(
      'LG101',
      array[
        'max_redemptions_per_tenant',
        coupon.max_redemptions_per_tenant::text,
        'it is not above 0'
      ]
    );
  end if;

  perform pgledger.check_metadata(coupon.metadata);
end;
$$;

comment on function pgledger.check_coupon_terms is
  'Raises the first thing that is wrong with a coupon''s name, validity, limits or metadata.';

revoke all on function pgledger.check_coupon_terms from public;

-- file: repeatable/25_coupons/check_redeemable.sql
/*
Refuses that a tenant redeems a coupon: it is not valid at that time, or it is used up, in all or by
the tenant. The caller has the coupon's row locked, so that nobody redeems it meanwhile.

Errors: CouponNotValid, CouponExhausted.
*/
create or replace function pgledger.check_redeemable(
  coupon pgledger.coupons,
  tenant_id text,
  at timestamptz
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_code text := quote_literal(coupon.code);
  v_fault text := case
    when coupon.status = 'archived' then 'it is archived'
    when coupon.valid_from > at then format('it is valid from %s on', coupon.valid_from)
    when coupon.valid_until <= at then format('it was valid until %s', coupon.valid_until)
  end;
  v_redeemed bigint;
begin
  if v_fault is not null then
    perform pgledger.fail('LG125', array[v_code, v_fault]);
  elsif coupon.redemptions >= coupon.max_redemptions then
    perform pgledger.fail(
      'LG126', array[v_code, coupon.redemptions::text, coupon.max_redemptions::text, '']
    );
  elsif coupon.max_redemptions_per_tenant is null then
    return;
  end if;

  select count(*)
  into v_redeemed
  from pgledger.coupon_redemptions
  where coupon_redemptions.coupon_key = coupon.key
    and coupon_redemptions.tenant_id = check_redeemable.tenant_id;
  if v_redeemed >= coupon.max_redemptions_per_tenant then
    perform pgledger.fail(
      'LG126',
      array[
        v_code,
        v_redeemed::text,
        coupon.max_redemptions_per_tenant::text,
        ' by tenant ' || quote_literal(tenant_id)
      ]
    );
  end if;
end;
$$;

comment on function pgledger.check_redeemable is
  'Raises CouponNotValid or CouponExhausted unless a tenant can redeem a coupon at that time.';

revoke all on function pgledger.check_redeemable from public;

-- file: repeatable/25_coupons/coupon_of.sql
/*
The coupon of that number as applications see it, or null.
*/
create or replace function pgledger.coupon_of(key bigint)
returns ledger_coupon
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
  where coupons.key = coupon_of.key
$$;

comment on function pgledger.coupon_of is
  'The coupon of that number as the view ledger_coupons shows it, or null.';

revoke all on function pgledger.coupon_of from public;

-- file: repeatable/25_coupons/coupon_redemption_of.sql
/*
The redemption of that number as applications see it, or null.
*/
create or replace function pgledger.coupon_redemption_of(key bigint)
returns ledger_coupon_redemption
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
  where coupon_redemptions.key = coupon_redemption_of.key
$$;

comment on function pgledger.coupon_redemption_of is
  'The redemption of that number as the view ledger_coupon_redemptions shows it, or null.';

revoke all on function pgledger.coupon_redemption_of from public;

-- file: repeatable/25_coupons/differences.sql
/*
The differences of two lists of numbers, pair by pair.
*/
create or replace function pgledger.differences(minuends numeric[], subtrahends numeric[])
returns numeric[]
language sql
immutable
parallel safe
as $$
  select array_agg(pair.minuend - pair.subtrahend order by pair.place)
  from unnest(minuends, subtrahends) with ordinality as pair (minuend, subtrahend, place)
$$;

comment on function pgledger.differences is
  'The differences of two lists of numbers, pair by pair.';

revoke all on function pgledger.differences from public;

-- file: repeatable/25_coupons/discountable.sql
/*
What coupons can take off each line of an invoice, in their order: of a charge all of it, of a
credit nothing. Lines for the same usage are one charge: what is beyond a maximum, or was billed
before, is not there to be taken off, and leaves the first of them first.
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
The coupon that a code names for a tenant: the tenant's own, or else the app's; archived ones
included, so that what was archived does not uncover another. Null if there is none.
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
Writes down a new coupon and returns its number: that of the coupon which a repeated call has
written down meanwhile, if so.

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
begin
  perform pgledger.check_coupon_currency(coupon);

  loop
    -- Without a constraint, because the id or the code may be the one that is taken.
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

    -- What was in the way may be gone by now; then there is another try.
    if exists (
      select
      from pgledger.coupons
      where coupons.app_id = coupon.app_id
        and coupons.tenant_id = coupon.tenant_id
        and coupons.code = coupon.code
    ) then
      perform pgledger.fail(
        'LG120',
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
  'Writes down a new coupon and returns its number; raises what is wrong with its currency, or '
  'that its code is taken.';

revoke all on function pgledger.insert_coupon from public;

-- file: repeatable/25_coupons/ledger_archive_coupon.sql
/*
Archives a coupon: who has redeemed it keeps it, nobody can redeem it any more. Repeatable.

Locks the coupon.
Errors: NullArgument, InvalidScope, InvalidId, CouponNotFound.
*/
create or replace function ledger_archive_coupon(
  app_id text,
  id text
)
returns ledger_coupon
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

  return pgledger.coupon_of(v_coupon.key);
end;
$$;

comment on function ledger_archive_coupon is
  'Archives a coupon and returns it: who has redeemed it keeps it, nobody can redeem it any more. '
  'Errors: NullArgument, InvalidScope, InvalidId, CouponNotFound.';

revoke all on function ledger_archive_coupon from public;
grant execute on function ledger_archive_coupon to pgledger_poster;

-- file: repeatable/25_coupons/ledger_create_coupon.sql
/*
Creates a coupon, for the whole app or, with a tenant_id, for that tenant alone.

With an id of the caller's choice the call can be repeated: the second call returns the coupon as it
stands now if everything it asks for is the same, and is refused if anything differs. Once the
coupon has been updated, only what an update cannot change is compared.

Locks a currency of the app's own FOR SHARE.
Checks, in this order: app_id, tenant_id, code, percentage, amount, currency for null, duration,
duration_invoices, applies_to, minimum_subtotal, name, valid_from, valid_until, max_redemptions,
max_redemptions_per_tenant, metadata, id, repeat, whether the currency is known, decimals of amount
and minimum_subtotal, whether the code is taken.
Errors: NullArgument, InvalidScope, InvalidArgument, InvalidAmount, InvalidTime, InvalidMetadata,
InvalidId, IdempotencyConflict, UnknownCurrency, AlreadyExists.
*/
create or replace function ledger_create_coupon(
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
returns ledger_coupon
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_new pgledger.coupons;
begin
  perform pgledger.check_catalogue_scope(app_id, tenant_id);
  perform pgledger.check_text('code', code, 64);

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
  perform pgledger.check_coupon_discount(v_new);
  perform pgledger.check_coupon_terms(v_new);
  perform pgledger.check_id('id', v_new.id, 'cpn');
  -- An array that does not count from 1 would differ from one of the same elements.
  v_new.applies_to := applies_to[:];

  v_new.key := pgledger.repeated_coupon(v_new);
  if v_new.key is null then
    v_new.key := pgledger.insert_coupon(v_new);
  end if;

  return pgledger.coupon_of(v_new.key);
end;
$$;

comment on function ledger_create_coupon is
  'Creates a coupon and returns it. code: what is typed to redeem it, 1 to 64 visible characters. '
  'name: for people, 1 to 255 characters; the code if left out. percentage: percent off, above 0 '
  'to 100; or amount: amount off, in currency. currency: code of ISO 4217, or one that the app has '
  'defined; with one, the coupon is for invoices in it only. duration: once, repeating or forever. '
  'duration_invoices: how many invoices a repeating one reduces, 1 to 1000. applies_to: which '
  'lines it reduces, 1 to 100 keys of features, base for the base fee, or items of one-off lines; '
  'null for the whole invoice. minimum_subtotal: sum of an invoice''s lines, before discounts, '
  'from which on it applies, in currency. valid_from, valid_until: it can be redeemed from the one '
  'until just before the other. max_redemptions: how often in all. max_redemptions_per_tenant: how '
  'often by one tenant. metadata: JSON object, at most 64 KiB. id: cpn_ and a ULID of your own '
  'choice, to make the call repeatable. tenant_id: tenant of a custom deal. Errors: NullArgument, '
  'InvalidScope, InvalidArgument, InvalidAmount, InvalidTime, InvalidMetadata, InvalidId, '
  'IdempotencyConflict, UnknownCurrency, AlreadyExists.';

revoke all on function ledger_create_coupon from public;
grant execute on function ledger_create_coupon to pgledger_poster;

-- file: repeatable/25_coupons/ledger_delete_coupon.sql
/*
Deletes a coupon that nobody has redeemed, and returns it as it was.

Locks the coupon FOR UPDATE: whoever redeems it goes first or waits.
Errors: NullArgument, InvalidScope, InvalidId, CouponNotFound, InUse.
*/
create or replace function ledger_delete_coupon(
  app_id text,
  id text
)
returns ledger_coupon
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.coupons := pgledger.lock_coupon(app_id, id, to_delete => true);
  v_coupon record := pgledger.coupon_of(v_old.key);
begin
  if v_old.redemptions > 0 then
    perform pgledger.fail(
      'LG122',
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

comment on function ledger_delete_coupon is
  'Deletes a coupon that nobody has redeemed, and returns it as it was. Errors: NullArgument, '
  'InvalidScope, InvalidId, CouponNotFound, InUse.';

revoke all on function ledger_delete_coupon from public;
grant execute on function ledger_delete_coupon to pgledger_poster;

-- file: repeatable/25_coupons/ledger_get_coupon.sql
/*
The coupon that a code names for a tenant: the tenant's own, or else the whole app's; archived ones
included. The empty tenant_id stands for the whole app.

Errors: NullArgument, InvalidScope, CouponNotFound.
*/
create or replace function ledger_get_coupon(
  app_id text,
  code text,
  tenant_id text default ''
)
returns ledger_coupon
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_coupon pgledger.coupons;
begin
  perform pgledger.check_catalogue_scope(app_id, tenant_id);

  if code is null then
    perform pgledger.fail('LG003', array['code']);
  end if;

  v_coupon := pgledger.find_coupon(app_id, code, tenant_id);
  if v_coupon.id is null then
    perform pgledger.fail(
      'LG114',
      array[quote_literal(pgledger.abridged(code)), pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;

  return pgledger.coupon_of(v_coupon.key);
end;
$$;

comment on function ledger_get_coupon is
  'The coupon that a code names for a tenant: its own, or else the whole app''s. Errors: '
  'NullArgument, InvalidScope, CouponNotFound.';

revoke all on function ledger_get_coupon from public;
grant execute on function ledger_get_coupon to pgledger_reader;

-- file: repeatable/25_coupons/ledger_get_coupon_by_id.sql
/*
One coupon of the app, whichever tenant's. An id that does not exist is an error rather than no row.

Errors: NullArgument, InvalidScope, InvalidId, CouponNotFound.
*/
create or replace function ledger_get_coupon_by_id(
  app_id text,
  id text
)
returns ledger_coupon
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
begin
  perform pgledger.check_catalogue_scope(app_id);
  perform pgledger.check_id('id', id, 'cpn');

  select coupons.key
  into v_key
  from pgledger.coupons
  where coupons.id = ledger_get_coupon_by_id.id
    and coupons.app_id = ledger_get_coupon_by_id.app_id;

  if not found then
    perform pgledger.fail('LG114', array[id, pgledger.in_app(app_id)]);
  end if;

  return pgledger.coupon_of(v_key);
end;
$$;

comment on function ledger_get_coupon_by_id is
  'The coupon of that id. Errors: NullArgument, InvalidScope, InvalidId, CouponNotFound.';

revoke all on function ledger_get_coupon_by_id from public;
grant execute on function ledger_get_coupon_by_id to pgledger_reader;

-- file: repeatable/25_coupons/ledger_list_coupon_redemptions.sql
/*
One page of a tenant's redemptions, oldest first: by id, which for generated ids is the order in
which they were made.

Errors: NullArgument, InvalidScope, InvalidPage.
*/
create or replace function ledger_list_coupon_redemptions(
  app_id text,
  tenant_id text,
  page_size integer default 100,
  page_offset bigint default 0
)
returns setof ledger_coupon_redemption
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_page(page_size, page_offset);

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

comment on function ledger_list_coupon_redemptions is
  'One page of the coupons that a tenant has redeemed, by id of the redemption. page_size: 1 to '
  '10000. page_offset: rows to leave out. Errors: NullArgument, InvalidScope, InvalidPage.';

revoke all on function ledger_list_coupon_redemptions from public;
grant execute on function ledger_list_coupon_redemptions to pgledger_reader;

-- file: repeatable/25_coupons/ledger_list_coupons.sql
/*
One page of an app's coupons, oldest first: by id, which for generated ids is the order of creation.

Checks, in this order: app_id, tenant_id, active_only, page_size, page_offset.
Errors: NullArgument, InvalidScope, InvalidPage.
*/
create or replace function ledger_list_coupons(
  app_id text,
  active_only boolean default false,
  page_size integer default 100,
  page_offset bigint default 0,
  tenant_id text default null
)
returns setof ledger_coupon
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
begin
  perform pgledger.check_catalogue_scope(app_id, coalesce(tenant_id, ''));
  if active_only is null then
    perform pgledger.fail('LG003', array['active_only']);
  end if;
  perform pgledger.check_page(page_size, page_offset);

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

comment on function ledger_list_coupons is
  'One page of the coupons of an app, by id. active_only: true to leave out those that are '
  'archived, no longer valid or used up. page_size: 1 to 10000. page_offset: rows to leave out. '
  'tenant_id: null for the whole app''s and every tenant''s, empty for the whole app''s alone, '
  'otherwise that tenant''s and the whole app''s. Errors: NullArgument, InvalidScope, InvalidPage.';

revoke all on function ledger_list_coupons from public;
grant execute on function ledger_list_coupons to pgledger_reader;

-- file: repeatable/25_coupons/ledger_redeem_coupon.sql
/*
Redeems a coupon for a tenant: the tenant's own of that code, or else the whole app's. From then on
it reduces the tenant's invoices, or those of one subscription, until it is used.

With an id of the caller's choice the call can be repeated: the second call returns the redemption
as it stands now, whatever has become of the coupon, and is refused if it asks for something else.

Locks the coupon: of many who redeem it at once, as many succeed as its limits allow.
Checks, in this order: app_id, tenant_id, code for null, subscription_id, id, repeat, existence of
the subscription and of the coupon, its status and time, its limit in all and for the tenant.
Errors: NullArgument, InvalidScope, InvalidId, IdempotencyConflict, SubscriptionNotFound,
CouponNotFound, CouponNotValid, CouponExhausted.
*/
create or replace function ledger_redeem_coupon(
  app_id text,
  tenant_id text,
  code text,
  subscription_id text default null,
  id text default null
)
returns ledger_coupon_redemption
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  if code is null then
    perform pgledger.fail('LG003', array['code']);
  end if;
  if subscription_id is not null then
    perform pgledger.check_id('subscription_id', subscription_id, 'sub');
  end if;
  if id is not null then
    perform pgledger.check_id('id', id, 'red');
  end if;

  v_key := pgledger.repeated_redemption(app_id, tenant_id, code, subscription_id, id);
  if v_key is null then
    v_key := pgledger.redeem_coupon(app_id, tenant_id, code, subscription_id, id);
  end if;

  return pgledger.coupon_redemption_of(v_key);
end;
$$;

comment on function ledger_redeem_coupon is
  'Redeems a coupon for a tenant and returns the redemption. Call it in FROM: '
  '(ledger_redeem_coupon(...)).* calls it once for every column. code: of the tenant''s own '
  'coupon, or else of the whole app''s. subscription_id: the subscription whose invoices it '
  'reduces; null for all of the tenant''s. id: red_ and a ULID of your own choice, to make the '
  'call repeatable. Errors: NullArgument, InvalidScope, InvalidId, IdempotencyConflict, '
  'SubscriptionNotFound, CouponNotFound, CouponNotValid, CouponExhausted.';

revoke all on function ledger_redeem_coupon from public;
grant execute on function ledger_redeem_coupon to pgledger_poster;

-- file: repeatable/25_coupons/ledger_update_coupon.sql
/*
Changes a coupon; what is null stays. A call that changes nothing leaves the version as it is. The
code and the discount never change. Who has redeemed the coupon keeps it, whatever changes.

Locks the coupon. Checks, in this order: app_id, id, existence, name, valid_from, valid_until,
max_redemptions, max_redemptions_per_tenant, metadata, redemptions so far.
Errors: NullArgument, InvalidScope, InvalidId, CouponNotFound, InvalidArgument, InvalidTime,
InvalidMetadata, InUse.
*/
create or replace function ledger_update_coupon(
  app_id text,
  id text,
  name text default null,
  valid_from timestamptz default null,
  valid_until timestamptz default null,
  max_redemptions bigint default null,
  max_redemptions_per_tenant bigint default null,
  metadata jsonb default null
)
returns ledger_coupon
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.coupons := pgledger.lock_coupon(app_id, id);
  v_new pgledger.coupons := v_old;
begin
  v_new.name := coalesce(name, v_old.name);
  v_new.valid_from := coalesce(valid_from, v_old.valid_from);
  v_new.valid_until := coalesce(valid_until, v_old.valid_until);
  v_new.max_redemptions := coalesce(max_redemptions, v_old.max_redemptions);
  v_new.max_redemptions_per_tenant := coalesce(
    max_redemptions_per_tenant, v_old.max_redemptions_per_tenant
  );
  v_new.metadata := coalesce(metadata, v_old.metadata);
  perform pgledger.check_coupon_terms(v_new);

  if v_new.max_redemptions < v_old.redemptions then
    perform pgledger.fail(
      'LG122',
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

  return pgledger.coupon_of(v_old.key);
end;
$$;

comment on function ledger_update_coupon is
  'Changes a coupon and returns it; what is null stays as it is. The code and the discount never '
  'change. max_redemptions cannot be below what was redeemed already. Errors: NullArgument, '
  'InvalidScope, InvalidId, CouponNotFound, InvalidArgument, InvalidTime, InvalidMetadata, InUse.';

revoke all on function ledger_update_coupon from public;
grant execute on function ledger_update_coupon to pgledger_poster;

-- file: repeatable/25_coupons/lock_coupon.sql
/*
The coupon of that id, its row locked: FOR UPDATE if it is to be deleted, and FOR NO KEY UPDATE if
it is to be changed. Whoever redeems it holds it FOR NO KEY UPDATE.

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
begin
  perform pgledger.check_catalogue_scope(app_id);
  perform pgledger.check_id('id', id, 'cpn');

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
    perform pgledger.fail('LG114', array[id, pgledger.in_catalogue(app_id, '')]);
  end if;

  return v_coupon;
end;
$$;

comment on function pgledger.lock_coupon is
  'The coupon of that id, locked to be changed or deleted; raises CouponNotFound.';

revoke all on function pgledger.lock_coupon from public;

-- file: repeatable/25_coupons/lock_coupon_of_code.sql
/*
The coupon that a code names for a tenant, as pgledger.find_coupon does, its row locked FOR NO KEY
UPDATE. If the tenant's own was deleted meanwhile, it is the app's.

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
begin
  if v_coupon.id is null then
    perform pgledger.fail(
      'LG114',
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
gives them back meanwhile; those that are used up too, for they could be given back.
Returns whether it has: without waiting, if somebody else holds one of them, it has not.
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
  'Locks the coupons that a tenant has redeemed, and returns whether it could.';

revoke all on function pgledger.lock_redemptions from public;

-- file: repeatable/25_coupons/redeem_coupon.sql
/*
Redeems a coupon for a tenant, and returns the redemption's number: that of the one which a repeated
call has made meanwhile, if so. The time counts from when the coupon's lock was got.

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
begin
  if subscription_id is not null then
    select subscriptions.key
    into v_subscription_key
    from pgledger.subscriptions
    where subscriptions.id = redeem_coupon.subscription_id
      and subscriptions.app_id = redeem_coupon.app_id
      and subscriptions.tenant_id = redeem_coupon.tenant_id;
    if not found then
      perform pgledger.fail(
        'LG112', array[subscription_id, pgledger.in_catalogue(app_id, tenant_id)]
      );
    end if;
  end if;

  v_coupon := pgledger.lock_coupon_of_code(app_id, code, tenant_id);
  -- Whoever had the lock may have sent the same request, and have been the last one it was for.
  v_key := pgledger.repeated_redemption(app_id, tenant_id, code, subscription_id, id);
  if v_key is not null then
    return v_key;
  end if;

  v_now := pgledger.clock();
  perform pgledger.check_redeemable(v_coupon, tenant_id, v_now);

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
    -- Another coupon was redeemed with that id: the lock of this one kept nobody off.
    return pgledger.repeated_redemption(app_id, tenant_id, code, subscription_id, id);
  end if;

  update pgledger.coupons
  set redemptions = coupons.redemptions + 1
  where coupons.key = v_coupon.key;
  return v_key;
end;
$$;

comment on function pgledger.redeem_coupon is
  'Redeems a coupon for a tenant by its code, and returns the number of the redemption.';

revoke all on function pgledger.redeem_coupon from public;

-- file: repeatable/25_coupons/repeated_coupon.sql
/*
The number of the coupon that an earlier call with that id has created, or null if none has. What
can be updated is compared until it has been; then the id is held to what never changes.

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
    perform pgledger.fail('LG023', array[request.id]);
  end if;

  return v_coupon.key;
end;
$$;

comment on function pgledger.repeated_coupon is
  'Number of the coupon that has that id already, or null; raises if another request created it.';

revoke all on function pgledger.repeated_coupon from public;

-- file: repeatable/25_coupons/repeated_redemption.sql
/*
The number of the redemption that an earlier call with that id has made, or null if none has. The
code counts, not which coupon it names by now.

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
    perform pgledger.fail('LG023', array[id]);
  end if;
  return v_key;
end;
$$;

comment on function pgledger.repeated_redemption is
  'Number of the redemption that has that id already, or null; raises if another request made it.';

revoke all on function pgledger.repeated_redemption from public;

-- file: repeatable/25_coupons/return_coupons.sql
/*
Gives back to a tenant's coupons what an invoice has used up of them. Repeated, it finds nothing
more to give back.

Locks the redemptions, ascending by key; the invoice is locked already.
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
for once the amount, of the others one use. pgledger.return_coupons undoes it.

The redemptions are locked already, but for one that was made since: it is locked here, the last by
its key. Returns false, and writes nothing, if somebody else was faster with it: the invoice is to
be computed anew.
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
create or replace view ledger_coupon_redemptions as
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

comment on view ledger_coupon_redemptions is
  'One row a redemption: a coupon that a tenant has, and what is left of it.';
comment on column ledger_coupon_redemptions.id is 'Id of the redemption: red_ and a ULID.';
comment on column ledger_coupon_redemptions.app_id is 'App.';
comment on column ledger_coupon_redemptions.tenant_id is 'Tenant who redeemed it.';
comment on column ledger_coupon_redemptions.coupon_id is 'Id of the coupon.';
comment on column ledger_coupon_redemptions.code is 'Code of the coupon.';
comment on column ledger_coupon_redemptions.subscription_id is
  'Id of the subscription whose invoices it reduces; null for all of the tenant''s.';
comment on column ledger_coupon_redemptions.status is
  'Whether it is active, or used: nothing is left of it.';
comment on column ledger_coupon_redemptions.uses_left is
  'How many invoices it can still reduce; null for any number.';
comment on column ledger_coupon_redemptions.amount_left is
  'What is left of an amount off that is for once; null for all others.';
comment on column ledger_coupon_redemptions.created_at is 'When it was redeemed.';

revoke all on table ledger_coupon_redemptions from public;
grant select on table ledger_coupon_redemptions to pgledger_reader;

-- file: repeatable/25_coupons/views/ledger_coupons.sql
/*
Coupons as applications see them. Columns never change.
*/
create or replace view ledger_coupons as
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

comment on view ledger_coupons is
  'One row a coupon: what it takes off, for whom, and how often it can be redeemed.';
comment on column ledger_coupons.id is 'Id of the coupon: cpn_ and a ULID.';
comment on column ledger_coupons.app_id is 'App that it belongs to.';
comment on column ledger_coupons.tenant_id is
  'Tenant of a custom deal; empty for all tenants of the app.';
comment on column ledger_coupons.code is 'What is typed to redeem it, for example WELCOME20.';
comment on column ledger_coupons.name is 'Name for people; stands on invoices.';
comment on column ledger_coupons.percentage is 'Percent off, above 0 to 100; or null.';
comment on column ledger_coupons.amount is 'Amount off in its currency; or null.';
comment on column ledger_coupons.currency is
  'Currency of its amounts; if it has one, it is for invoices in that currency only.';
comment on column ledger_coupons.duration is
  'How long a redemption lasts: once, repeating (duration_invoices times) or forever.';
comment on column ledger_coupons.duration_invoices is
  'How many invoices a redemption reduces, if it is repeating.';
comment on column ledger_coupons.applies_to is
  'Which lines it reduces: keys of features, base for the base fee, items of one-off lines; null '
  'for the whole invoice.';
comment on column ledger_coupons.minimum_subtotal is
  'Sum of an invoice''s lines, before discounts, from which on it applies; or null.';
comment on column ledger_coupons.valid_from is
  'First moment at which it can be redeemed; null for any.';
comment on column ledger_coupons.valid_until is
  'Moment from which on it can no longer be redeemed; null for never.';
comment on column ledger_coupons.max_redemptions is
  'How often it can be redeemed in all; null for any number.';
comment on column ledger_coupons.max_redemptions_per_tenant is
  'How often one tenant can redeem it; null for any number.';
comment on column ledger_coupons.redemptions is 'How often it has been redeemed.';
comment on column ledger_coupons.status is
  'Whether it is active, or archived: who has redeemed it keeps it, nobody else can.';
comment on column ledger_coupons.version is
  'Counts changes, from 1; to be redeemed is not a change.';
comment on column ledger_coupons.metadata is 'JSON object of the app''s own, or null.';
comment on column ledger_coupons.created_at is 'When it was created.';
comment on column ledger_coupons.updated_at is 'When it was last changed.';

revoke all on table ledger_coupons from public;
grant select on table ledger_coupons to pgledger_reader;

-- file: repeatable/26_taxes/apply_taxes.sql
/*
Taxes the lines of an invoice by its rates, in their order: each rate is computed once, on the sum
of what its lines come to after discounts, and split to them by largest remainder. Credits lower
that sum, unless they give back what was billed with other rates: these then come after the
invoice's own, each computed in the same way. Returns the lines with their shares, and one line more
for each rate.
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

      v_tax := null;
      v_tax.kind := 'tax';
      v_tax.description := format('%s %s %%', v_rate.name, trim_scale(v_rate.percentage));
      if v_rates <> v_sets[1] then
        v_tax.description := v_tax.description || ' of what is credited';
      end if;
      v_tax.amount := round(v_base * v_rate.percentage * 0.01, exponent);
      v_tax.discount := 0 * v_tax.amount;
      v_tax.tax := v_tax.discount;
      v_tax.basis := jsonb_strip_nulls(
        jsonb_build_object(
          'name', v_rate.name,
          'percentage', trim_scale(v_rate.percentage)::text,
          'applies_to', v_rate.applies_to,
          'base', v_base::text
        )
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
What invoices that stand have billed for a plan and item of a subscription's period, and of a base
fee for a quantity, by the tax rates that it was billed with: after discounts, earlier credits taken
off. What is to be given back first comes first: what was billed last, but before all a sum below
zero, which a credit has left whose charge was voided. The invoice that is being computed is left
out.
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
  'What invoices that stand have billed for what a line credits, by tax rates.';

revoke all on function pgledger.billed_rates from public;

-- file: repeatable/26_taxes/billed_with.sql
/*
What each line of an invoice, in their order, comes to after discounts by tax rates: of a line whose
credits pgledger.trace_credits has found, what was billed with these; of others, all of it by the
invoice's own rates and nothing by any other.
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

-- file: repeatable/26_taxes/check_tax_rates.sql
/*
Refuses tax rates that are not an array of at most 20 objects, each with a name and a percentage.
Null is none given, and passes.

Errors: InvalidInvoice.
*/
create or replace function pgledger.check_tax_rates(
  tax_rates jsonb,
  path text default '$.tax_rates'
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_rate record;
  v_items jsonb;
  v_path text;
begin
  perform pgledger.check_plan_array(tax_rates, path);
  if jsonb_array_length(tax_rates) > 20 then
    perform pgledger.refuse_plan(
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
    perform pgledger.check_plan_object(
      v_rate.value, v_rate.path, array['name', 'percentage', 'applies_to']
    );
    perform pgledger.plan_text(v_rate.value, v_rate.path, 'name');
    perform pgledger.invoice_text(v_rate.value -> 'name', v_rate.path || '.name', 255);
    perform pgledger.plan_decimal(
      v_rate.value, v_rate.path, 'percentage', required => true, maximum => 100
    );

    v_items := nullif(v_rate.value -> 'applies_to', 'null');
    v_path := v_rate.path || '.applies_to';
    perform pgledger.check_plan_array(v_items, v_path);
    if jsonb_array_length(v_items) not between 1 and 100 then
      perform pgledger.refuse_plan(
        v_items,
        v_path,
        format('has %s elements, 1 to 100 are allowed', jsonb_array_length(v_items))
      );
    end if;
    perform pgledger.invoice_text(item.value, format('%s[%s]', v_path, item.place - 1), 255)
    from jsonb_array_elements(v_items) with ordinality as item (value, place);
  end loop;
end;
$$;

comment on function pgledger.check_tax_rates is
  'Raises InvalidInvoice unless JSON is an array of tax rates.';

revoke all on function pgledger.check_tax_rates from public;

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

comment on function pgledger.plain_tax_rates is 'Tax rates in one spelling.';

revoke all on function pgledger.plain_tax_rates from public;

-- file: repeatable/26_taxes/trace_credits.sql
/*
Traces the credits of an invoice to the tax rates that they were billed with. Lines for the same
period, plan and item, and of a base fee the same quantity, that come to less than nothing after
discounts give back what invoices that stand have billed for that: of no rates more than was billed
with them, but of those that are given back last all that is left.

Where not all was billed with the invoice's own rates, the basis of each of these lines says what
was: billed_with, an array of tax_rates and amounts, which add up to what the line comes to. Returns
the lines, and the distinct rates, the invoice's own first.
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
      -- What a minimum or maximum charges within a credit makes it smaller: it comes first.
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
Lines for the base fee of a subscription's period: for each plan and quantity what is due and has
not been billed, or, below zero, what was billed and is not due any more. A credit gives back what
was paid, its share of the discount left out, so never more than was billed less earlier credits.
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
      -- What is not used can lie anywhere in the period; after the last use, if there was some.
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
  'Lines for what is due of a period''s base fee and not billed, or billed and not due any more.';

revoke all on function pgledger.base_lines from public;

-- file: repeatable/27_invoices/billed_base.sql
/*
What invoices that stand have charged as base fee for a subscription's period, for each plan and
quantity: before and after discounts, credits taken off, and the price that it was charged by. The
invoice that is being computed is left out.
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
  'What invoices that stand have charged as base fee for a period, by plan and quantity.';

revoke all on function pgledger.billed_base from public;

-- file: repeatable/27_invoices/billed_usage.sql
/*
What invoices that stand have charged for a subscription's usage in a period and in those before,
one row for each plan and feature: the amounts before discounts, and net, what was left of their sum
after them. The invoice that is being computed is left out.
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
    -- The price, without what is said of a single line.
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
  'What invoices that stand have charged for usage, by period, plan and feature.';

revoke all on function pgledger.billed_usage from public;

-- file: repeatable/27_invoices/billing_period.sql
/*
The period of a subscription that a time lies in, as it has come to be: it ends early where another
one began, or where the subscription ended. Null where there is none: before the subscription, after
its end, or in a pause. It is over once nothing of what happens next can lie in it.
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
  'The period of a subscription that a time lies in, as it has come to be.';

revoke all on function pgledger.billing_period from public;

-- file: repeatable/27_invoices/billing_segments.sql
/*
A subscription's period in the parts between which plan, quantity or status changed, in order: what
invoices are computed from. What has not happened by that version is left out, and the last part
then goes on to the period's end.

Without a version, everything that happened, and of a trial that goes on also what follows it.
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
  'A subscription''s period in the parts in which nothing changed that an invoice depends on.';

revoke all on function pgledger.billing_segments from public;

-- file: repeatable/27_invoices/billing_stays.sql
/*
When in a period which plan was billed for usage, in order, out of the period's parts: while the
subscription was active, whatever its quantity. Usage in a trial, in a pause and after the end costs
nothing.
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

-- file: repeatable/27_invoices/changed_base.sql
/*
What the base fee for a subscription's period comes to and what has been billed of it, for each plan
and quantity that the period had, in the order in which they began: pgledger.due_base for a period
in which something has changed. A part of the period is charged
its share: the rounded share up to its end less the rounded share up to its start, so that a period
cut in any places adds up to the whole.

Time is charged while the subscription is active; what was paid in advance is also charged after a
cancellation at once, unless that time was to be credited or refunded.
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

-- file: repeatable/27_invoices/check_earlier_drafts.sql
/*
Refuses to make a draft final while there is one that it goes on from: what that one charges counts
as billed, and could still be changed or deleted.

Errors: InvalidState.
*/
create or replace function pgledger.check_earlier_drafts(invoice pgledger.invoices)
returns void
language plpgsql
volatile
parallel safe
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
begin
  if v_earlier is not null then
    perform pgledger.refuse_invoice_move(
      invoice, format('pending before draft %s, which it goes on from', v_earlier)
    );
  end if;
end;
$$;

comment on function pgledger.check_earlier_drafts is
  'Raises InvalidState while there is a draft that an invoice goes on from.';

revoke all on function pgledger.check_earlier_drafts from public;

-- file: repeatable/27_invoices/check_nothing_goes_on.sql
/*
Refuses to take back an invoice that a final one of the same subscription goes on from: to delete a
draft that counts as billed there, or to void a base fee of which that one credits a part. Whoever
needs to takes that one back first.

Errors: InvalidState.
*/
create or replace function pgledger.check_nothing_goes_on(
  invoice pgledger.invoices,
  target text
)
returns void
language plpgsql
volatile
parallel safe
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
begin
  if v_later is not null then
    perform pgledger.refuse_invoice_move(
      invoice, format('%s while invoice %s goes on from it', target, v_later)
    );
  end if;
end;
$$;

comment on function pgledger.check_nothing_goes_on is
  'Raises InvalidState if a final invoice goes on from one that is to be taken back.';

revoke all on function pgledger.check_nothing_goes_on from public;

-- file: repeatable/27_invoices/complete_invoice.sql
/*
Completes an invoice whose lines say what is charged: coupons, then taxes, then what it all comes
to. Nothing is written, and no coupon is used up. The exponent is the currency's, for whoever knows
it already.
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
An invoice of a subscription as it is to be drawn up, with its lines, discounts and taxes; nothing
is written. Tax rates are those given, or else the subscription's. With a draft's number, what the
draft itself charges does not count as billed.
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
  'An invoice of a subscription as it is to be drawn up, with its lines; nothing is written.';

revoke all on function pgledger.draw_invoice from public;

-- file: repeatable/27_invoices/draw_lines.sql
/*
What a subscription is to be charged on an invoice of that kind for the period that its start lies
in, before discounts and taxes, and where the period ends as far as is known.

period: the base fee of the period as far as it is not billed, that of the next one if it is paid in
advance, usage, and usage of earlier periods that came late. start: the base fee of the period, as
it was at the version given, or, if something has been billed of it, what is missing to that.
interim: usage until now. The invoice's own lines do not count as billed.
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
  -- By itself: the planner would take each kind for a statement of its own and never keep a plan.
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
        array(
          select
            row(
              segment.starts_at, least(segment.ends_at, v_now), segment.plan_key,
              segment.quantity, segment.status, segment.whole_start, segment.whole_end
            )::pgledger.billing_segment
          from unnest(v_segments) as segment
          where segment.starts_at < v_now
        ),
        invoice.key,
        exponent
      ) as line
      -- What is missing to a minimum is known at the period's end.
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
differ. Nearly always the period is one part, which has been billed, or is whole and has not: these
two are answered here, and only what is left is worked out by pgledger.changed_base.
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

-- file: repeatable/27_invoices/ensure_invoice.sql
/*
The number of the invoice of that kind that stands for a subscription's period, drawn up as a draft
if there is none; null if there is nothing to draw up and none was asked for by name.

The subscription is locked: so there is one invoice, whoever asks for it how often.
*/
create or replace function pgledger.ensure_invoice(
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
      and invoices.kind = ensure_invoice.kind
      and invoices.period_start = ensure_invoice.period_start
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

comment on function pgledger.ensure_invoice is
  'The number of a subscription''s invoice for a period, drawn up if there is none.';

revoke all on function pgledger.ensure_invoice from public;

-- file: repeatable/27_invoices/finalize_invoices.sql
/*
Makes drafts of an app final, in the order given: each takes the next number, is due after the app's
payment terms, in days of 24 hours whatever the session's time zone, or at the time given, and is
paid at once if nothing is due. What is credited beyond what is charged is to be refunded if the
subscription was cancelled so, and otherwise kept.

The drafts are locked. Locks the app's row, and holds it until the transaction ends: numbers have no
gap because they are taken one transaction after the other. So this comes last.
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

-- file: repeatable/27_invoices/insert_one_off_invoice.sql
/*
Writes down a one-off draft and its lines, and returns its number: that of the invoice which a
repeated call has written down meanwhile, if so. Whoever writes another one of that id at the same
time goes first or waits.

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
    -- A draft that was in the way is gone by now; then there is another try.
  end loop;
end;
$$;

comment on function pgledger.insert_one_off_invoice is
  'Writes down a one-off draft and returns its number; raises if its id is taken by another.';

revoke all on function pgledger.insert_one_off_invoice from public;

-- file: repeatable/27_invoices/invoice_exponent.sql
/*
The decimal places that amounts of a new invoice are rounded to. A currency of the app's own is
locked FOR SHARE, so that its exponent stays until the invoice is there.

Errors: NullArgument, UnknownCurrency.
*/
create or replace function pgledger.invoice_exponent(
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
begin
  if currency is null then
    perform pgledger.fail('LG003', array['currency']);
  end if;

  perform 1
  from pgledger.currencies
  where currencies.app_id = invoice_exponent.app_id
    and currencies.code = invoice_exponent.currency
  for share;

  v_exponent := pgledger.currency_exponent(app_id, currency);
  if v_exponent is null then
    perform pgledger.fail(
      'LG103', array[quote_literal(pgledger.abridged(currency)), pgledger.in_app(app_id)]
    );
  end if;
  return v_exponent;
end;
$$;

comment on function pgledger.invoice_exponent is
  'Decimal places of a new invoice''s currency, which is kept from changing; raises '
  'UnknownCurrency.';

revoke all on function pgledger.invoice_exponent from public;

-- file: repeatable/27_invoices/invoice_key.sql
/*
The number of a tenant's invoice. The name is that of the argument that has its id.

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
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_id(name, id, 'inv');

  select invoices.key
  into v_key
  from pgledger.invoices
  where invoices.id = invoice_key.id
    and invoices.app_id = invoice_key.app_id
    and invoices.tenant_id = invoice_key.tenant_id;

  if not found then
    perform pgledger.fail('LG113', array[id, pgledger.in_catalogue(app_id, tenant_id)]);
  end if;

  return v_key;
end;
$$;

comment on function pgledger.invoice_key is
  'Number of a tenant''s invoice of that id; raises InvoiceNotFound.';

revoke all on function pgledger.invoice_key from public;

-- file: repeatable/27_invoices/invoice_of.sql
/*
The invoice of that number as applications see it, or null.
*/
create or replace function pgledger.invoice_of(key bigint)
returns ledger_invoice
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
  where invoices.key = invoice_of.key
$$;

comment on function pgledger.invoice_of is
  'The invoice of that number as the view ledger_invoices shows it, or null.';

revoke all on function pgledger.invoice_of from public;

-- file: repeatable/27_invoices/invoice_request.sql
/*
What a call asks an invoice for: the period that a time lies in, the current one by default, and
from when the invoice counts in it. An interim invoice goes on where the last final one ended.

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
  v_purged_before timestamptz;
begin
  perform pgledger.check_choice('kind', kind, array['period', 'start', 'interim']);
  if pgledger.time_fault(v_at) is not null then
    perform pgledger.fail('LG008', array['at', at::text, pgledger.time_fault(v_at)]);
  end if;
  if tax_rates is not null then
    perform pgledger.check_tax_rates(tax_rates);
  end if;

  v_period := pgledger.billing_period(subscription, v_at);
  period_start := v_period.starts_at;
  if period_start is null then
    perform pgledger.fail(
      'LG101',
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
      perform pgledger.fail(
        'LG101',
        array[
          'kind', '''start''',
          format('subscription %s was not active in the period of %s', subscription.id, v_at)
        ]
      );
    end if;
  else
    v_purged_before := (
      select tenants.purged_before
      from pgledger.tenants
      where tenants.app_id = subscription.app_id and tenants.tenant_id = subscription.tenant_id
    );
    if period_start < v_purged_before and not exists (
      select
      from pgledger.invoices
      where invoices.subscription_key = subscription.key
        and invoices.kind = invoice_request.kind
        and invoices.period_start = invoice_request.period_start
        and invoices.status not in ('draft', 'voided')
    ) then
      perform pgledger.fail(
        'LG106', array['period_start', period_start::text, v_purged_before::text]
      );
    end if;
  end if;
  if kind = 'interim' then
    -- In a period that is over one begins just before the end, each before the last.
    select
      case
        when count(*) = 0 then v_period.starts_at
        else least(
          max(interim.period_end),
          v_period.ends_at
          - interval '1 microsecond'
          * count(*) filter (where interim.period_end = v_period.ends_at)
        )
      end
    into invoice_request.period_start
    from pgledger.invoices as interim
    where interim.subscription_key = subscription.key
      and interim.kind = 'interim'
      and interim.status not in ('draft', 'voided')
      and interim.period_start >= v_period.starts_at
      and interim.period_end <= v_period.ends_at;
  end if;
end;
$$;

comment on function pgledger.invoice_request is
  'What a call asks an invoice for; raises what is wrong with it.';

revoke all on function pgledger.invoice_request from public;

-- file: repeatable/27_invoices/late_items.sql
/*
The features of which a subscription has more, or fewer, events in the periods before one than
invoices that stand have looked at, or of which an invoice was voided; with the meters that count
them, and since when they are looked at. Where events were purged, a period is looked at as long as
its end is not reached and it begins with a whole hour, whose total is kept; seats need the events.
*/
create or replace function pgledger.late_items(
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

comment on function pgledger.late_items is
  'Features of which there are other events in earlier periods than were billed.';

revoke all on function pgledger.late_items from public;

-- file: repeatable/27_invoices/late_lines.sql
/*
Lines for usage that was reported after the invoice of its period had become final: what its period
costs with it, by the price it was billed at, less what was billed. One line for each plan and
feature. A credit gives back what was paid, its share of the discount left out.

Looked for only where pgledger.late_items finds that the count of events has changed. A period whose
invoice is a draft has it on the draft.
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
  v_stays pgledger.billing_segment[];
  v_line pgledger.invoice_lines;
begin
  for v_billed in
    select
      billed.for_period, billed.plan_key, billed.item, billed.starts_at, billed.ends_at,
      billed.quantity, billed.amount + billed.true_up + billed.cap as amount, billed.net,
      billed.events, billed.basis, late.meter_key, late.unique_key
    from pgledger.late_items(subscription, before_period, but_invoice_key) as late
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
    v_stays := pgledger.billing_stays(
      pgledger.billing_segments(subscription, v_billed.for_period)
    );
    select
      charge.quantity, charge.amount + charge.true_up + charge.cap as amount, charge.counted,
      charge.events
    into v_charge
    from pgledger.usage_charges(
      array[
        row(
          null, v_billed.item, null, v_billed.meter_key, v_billed.unique_key, v_billed.basis
        )::pgledger.priced_feature
      ],
      v_stays[1].starts_at,
      array(select stay from unnest(v_stays) as stay where stay.plan_key = v_billed.plan_key),
      v_billed.plan_key = v_stays[1].plan_key,
      subscription.time_zone,
      exponent
    ) as charge;
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
Draws up a one-off invoice out of lines that the caller gives: a draft, with the discounts of the
coupons that the tenant has now and the taxes of the rates given.

With an id of the caller's choice the call can be repeated: the second call returns the invoice as
it stands now if it asks for the same, and is refused if not.

Locks a currency of the app's own FOR SHARE. Whoever creates another invoice of that id at the same
time goes first or waits.
Checks, in this order: app_id, tenant_id, currency, lines, tax_rates, metadata, id, repeat, total.
Errors: NullArgument, InvalidScope, UnknownCurrency, InvalidInvoice, InvalidMetadata, InvalidId,
IdempotencyConflict.
*/
create or replace function ledger_create_invoice(
  app_id text,
  tenant_id text,
  currency text,
  lines jsonb,
  tax_rates jsonb default '[]',
  metadata jsonb default null,
  id text default null
)
returns ledger_invoice
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
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  v_lines := pgledger.read_invoice_lines(lines, pgledger.invoice_exponent(app_id, currency));
  if tax_rates is null then
    perform pgledger.fail('LG003', array['tax_rates']);
  end if;
  perform pgledger.check_tax_rates(tax_rates);
  perform pgledger.check_metadata(metadata);

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
    perform pgledger.check_id('id', id, 'inv');
    v_invoice.id := id;
    v_key := pgledger.repeated_invoice(v_invoice, v_lines);
  end if;

  if v_key is null then
    v_complete := pgledger.complete_invoice(v_invoice, v_lines);
    if greatest(abs((v_complete.invoice).subtotal), abs((v_complete.invoice).total)) >= 1e30 then
      perform pgledger.refuse_plan(
        null, '$.lines', 'comes to a total that is not below 1e30 in size'
      );
    end if;
    v_key := pgledger.insert_one_off_invoice(v_complete.invoice, v_complete.lines);
  end if;
  return pgledger.invoice_of(v_key);
end;
$$;

comment on function ledger_create_invoice is
  'Draws up a one-off invoice, a draft, and returns it. Call it in FROM: '
  '(ledger_create_invoice(...)).* calls it once for every column. currency: a code of ISO 4217 or '
  'of the app''s own. lines: JSON array of 1 to 1000 objects: description, and either amount or '
  'quantity and unit_amount; optionally item (what coupons and tax rates can name), period_start '
  'and period_end (ISO 8601 with an offset). Amounts are rounded to the currency''s exponent; '
  'below zero they are credits. tax_rates: JSON array of at most 20 objects: name, percentage (0 '
  'to 100), and optionally applies_to, an array of items. metadata: JSON object, at most 64 KiB, '
  'or null. id: of your choice (inv_ and a ULID), to make the call repeatable. Errors: '
  'NullArgument, InvalidScope, UnknownCurrency, InvalidInvoice, InvalidMetadata, InvalidId, '
  'IdempotencyConflict.';

revoke all on function ledger_create_invoice from public;
grant execute on function ledger_create_invoice to pgledger_poster;

-- file: repeatable/27_invoices/ledger_delete_invoice.sql
/*
Deletes a draft and its lines, and returns it as it was. What is final stays: it can be voided.

Locks the subscription, then the invoice.
Checks, in this order: app_id, tenant_id, id, existence, status.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidState.
*/
create or replace function ledger_delete_invoice(
  app_id text,
  tenant_id text,
  id text
)
returns ledger_invoice
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
  v_invoice record := pgledger.invoice_of(v_old.key);
begin
  if v_old.status = 'draft' then
    perform pgledger.check_nothing_goes_on(v_old, 'deleted');
  end if;
  delete from pgledger.invoices
  where invoices.key = v_old.key and invoices.status = 'draft';
  if not found then
    perform pgledger.refuse_invoice_move(v_old, 'deleted');
  end if;

  delete from pgledger.invoice_lines
  where invoice_lines.invoice_key = v_old.key;
  return v_invoice;
end;
$$;

comment on function ledger_delete_invoice is
  'Deletes an invoice that is a draft, and returns it as it was. Errors: NullArgument, '
  'InvalidScope, InvalidId, InvoiceNotFound, InvalidState.';

revoke all on function ledger_delete_invoice from public;
grant execute on function ledger_delete_invoice to pgledger_poster;

-- file: repeatable/27_invoices/ledger_finalize_invoice.sql
/*
Makes a draft final: computes it anew a last time, uses up the coupons that reduce it, and gives it
the app's next number. From then on only its state and its payments move. One with nothing due is
paid at once. One that is final already is returned as it is. Drafts that it goes on from come
first.

Locks the subscription, the draft, what the tenant has left of coupons, and the app's numbers, in
this order; the last until the transaction ends, so commit soon.
Checks, in this order: app_id, tenant_id, id, existence, due_at, state, end of the period, earlier
drafts.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidTime, InvalidState.
*/
create or replace function ledger_finalize_invoice(
  app_id text,
  tenant_id text,
  id text,
  due_at timestamptz default null
)
returns ledger_invoice
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
begin
  v_invoice := pgledger.lock_draft(app_id, tenant_id, id, 'pending');
  if due_at is not null and pgledger.time_fault(due_at) is not null then
    perform pgledger.fail('LG008', array['due_at', due_at::text, pgledger.time_fault(due_at)]);
  end if;

  if v_invoice.status <> 'draft' then
    return pgledger.invoice_of(v_invoice.key);
  end if;

  v_subscription := (
    select subscriptions
    from pgledger.subscriptions
    where subscriptions.key = v_invoice.subscription_key
  );
  if v_invoice.kind = 'period' then
    v_period := pgledger.billing_period(v_subscription, v_invoice.period_start);
    if not v_period.is_over then
      perform pgledger.refuse_invoice_move(
        v_invoice, format('pending before its period ends at %s', v_period.ends_at)
      );
    end if;
  end if;

  perform pgledger.check_earlier_drafts(v_invoice);
  loop
    perform pgledger.redraw_invoice(v_invoice, v_subscription);
    exit when pgledger.use_coupons(v_invoice.key);
  end loop;
  perform pgledger.finalize_invoices(app_id, array[v_invoice.key], due_at);
  return pgledger.invoice_of(v_invoice.key);
end;
$$;

comment on function ledger_finalize_invoice is
  'Makes a draft final and returns it: computed anew a last time, with the app''s next number, '
  'pending, or paid if nothing is due. due_at: when it is to be paid; null for the app''s payment '
  'terms from now, 30 days unless ledger_set_payment_terms says otherwise. The invoice of a period '
  'becomes final after the period''s end. Numbers are taken one transaction after the other, so '
  'commit soon. Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidTime, '
  'InvalidState.';

revoke all on function ledger_finalize_invoice from public;
grant execute on function ledger_finalize_invoice to pgledger_poster;

-- file: repeatable/27_invoices/ledger_generate_invoice.sql
/*
Draws up a subscription's invoice for a period as a draft. There is one of each kind for a period
that stands: whoever asks for it again gets it as it is.

Locks the subscription, and first writes down what the clock has decided about it.
Checks, in this order: app_id, tenant_id, subscription_id, existence, kind, at, tax_rates.
Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, InvalidArgument, InvalidTime,
InvalidInvoice, UsagePurged.
*/
create or replace function ledger_generate_invoice(
  app_id text,
  tenant_id text,
  subscription_id text,
  at timestamptz default null,
  kind text default 'period',
  tax_rates jsonb default null
)
returns ledger_invoice
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
  -- By itself, so that what it writes can be seen by what comes next.
  v_key := pgledger.ensure_invoice(
    v_subscription, kind, v_request.period_start, v_request.as_of_version, tax_rates, true
  );
  return pgledger.invoice_of(v_key);
end;
$$;

comment on function ledger_generate_invoice is
  'Draws up a subscription''s invoice for a period as a draft and returns it; if there is one, '
  'that one as it is. at: a time in the period, null for the current one, whose invoice can be '
  'drawn up before its end and becomes final after it. kind: period for what a period has come to '
  'and what the next one costs in advance; start for the base fee of a period that is paid in '
  'advance and not on the invoice of the one before; interim for usage until now. tax_rates: JSON '
  'array such as [{"name": "VAT", "percentage": "19", "applies_to": ["base"]}], null for the '
  'subscription''s. Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, '
  'InvalidArgument, InvalidTime, InvalidInvoice, UsagePurged.';

revoke all on function ledger_generate_invoice from public;
grant execute on function ledger_generate_invoice to pgledger_poster;

-- file: repeatable/27_invoices/ledger_get_invoice.sql
/*
One invoice of a tenant, with its lines. An id that does not exist, or is another tenant's, is an
error rather than no row.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound.
*/
create or replace function ledger_get_invoice(
  app_id text,
  tenant_id text,
  id text
)
returns ledger_invoice
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  return pgledger.invoice_of(pgledger.invoice_key(app_id, tenant_id, id));
end;
$$;

comment on function ledger_get_invoice is
  'The tenant''s invoice of that id. Errors: NullArgument, InvalidScope, InvalidId, '
  'InvoiceNotFound.';

revoke all on function ledger_get_invoice from public;
grant execute on function ledger_get_invoice to pgledger_reader;

-- file: repeatable/27_invoices/ledger_get_invoice_by_period.sql
/*
The invoice of a kind whose period has a moment in it, of a tenant's subscription. One that was
voided does not count: another may have taken its place.

Checks, in this order: app_id, tenant_id, subscription_id, at, kind, existence of the subscription.
Errors: NullArgument, InvalidScope, InvalidId, InvalidTime, InvalidArgument, SubscriptionNotFound.
*/
create or replace function ledger_get_invoice_by_period(
  app_id text,
  tenant_id text,
  subscription_id text,
  at timestamptz,
  kind text default 'period'
)
returns setof ledger_invoice
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
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_id('subscription_id', subscription_id, 'sub');
  if at is null then
    perform pgledger.fail('LG003', array['at']);
  elsif pgledger.time_fault(at) is not null then
    perform pgledger.fail('LG008', array['at', at::text, pgledger.time_fault(at)]);
  end if;
  perform pgledger.check_choice('kind', kind, array['period', 'start', 'interim']);

  select subscriptions.key
  into v_subscription_key
  from pgledger.subscriptions
  where subscriptions.id = ledger_get_invoice_by_period.subscription_id
    and subscriptions.app_id = ledger_get_invoice_by_period.app_id
    and subscriptions.tenant_id = ledger_get_invoice_by_period.tenant_id;
  if not found then
    perform pgledger.fail(
      'LG112', array[subscription_id, pgledger.in_catalogue(app_id, tenant_id)]
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
    return next pgledger.invoice_of(v_key);
  end if;
end;
$$;

comment on function ledger_get_invoice_by_period is
  'The invoice of a subscription whose period, start inclusive and end exclusive, has that moment '
  'in it, unless it is voided; or no row. kind: period, start or interim. Errors: NullArgument, '
  'InvalidScope, InvalidId, InvalidTime, InvalidArgument, SubscriptionNotFound.';

revoke all on function ledger_get_invoice_by_period from public;
grant execute on function ledger_get_invoice_by_period to pgledger_reader;

-- file: repeatable/27_invoices/ledger_list_invoices.sql
/*
One page of a tenant's invoices, oldest first: by id, which for generated ids is the order of
creation.

Checks, in this order: app_id, tenant_id, status, page_size, page_offset.
Errors: NullArgument, InvalidScope, InvalidArgument, InvalidPage.
*/
create or replace function ledger_list_invoices(
  app_id text,
  tenant_id text,
  status text default null,
  page_size integer default 100,
  page_offset bigint default 0
)
returns setof ledger_invoice
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  if status is not null then
    perform pgledger.check_choice(
      'status',
      status,
      array['draft', 'pending', 'paid', 'past_due', 'voided', 'uncollectible']
    );
  end if;
  perform pgledger.check_page(page_size, page_offset);

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
    return next pgledger.invoice_of(v_key);
  end loop;
end;
$$;

comment on function ledger_list_invoices is
  'One page of a tenant''s invoices, by id. status: draft, pending, paid, past_due, voided, '
  'uncollectible, or null for all. page_size: 1 to 10000. page_offset: rows to leave out. Errors: '
  'NullArgument, InvalidScope, InvalidArgument, InvalidPage.';

revoke all on function ledger_list_invoices from public;
grant execute on function ledger_list_invoices to pgledger_reader;

-- file: repeatable/27_invoices/ledger_list_pending_invoices.sql
/*
One page of what a tenant has to pay: invoices that are final and wait for payment, whether or not
they are past due, by when they are due.

Checks, in this order: app_id, tenant_id, page_size, page_offset.
Errors: NullArgument, InvalidScope, InvalidPage.
*/
create or replace function ledger_list_pending_invoices(
  app_id text,
  tenant_id text,
  page_size integer default 100,
  page_offset bigint default 0
)
returns setof ledger_invoice
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_page(page_size, page_offset);

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
    return next pgledger.invoice_of(v_key);
  end loop;
end;
$$;

comment on function ledger_list_pending_invoices is
  'One page of a tenant''s invoices that are to be paid, pending and past_due ones, by due_at. '
  'page_size: 1 to 10000. page_offset: rows to leave out. Errors: NullArgument, InvalidScope, '
  'InvalidPage.';

revoke all on function ledger_list_pending_invoices from public;
grant execute on function ledger_list_pending_invoices to pgledger_reader;

-- file: repeatable/27_invoices/ledger_mark_invoice_uncollectible.sql
/*
Gives up an invoice that waits for payment. It can still be paid or voided. One that is given up
already is returned as it is.

Locks the invoice.
Checks, in this order: app_id, tenant_id, id, existence, status.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidState.
*/
create or replace function ledger_mark_invoice_uncollectible(
  app_id text,
  tenant_id text,
  id text
)
returns ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_invoice pgledger.invoices := pgledger.lock_invoice(app_id, tenant_id, id);
  v_now timestamptz := pgledger.clock();
begin
  if v_invoice.status = 'uncollectible' then
    return pgledger.invoice_of(v_invoice.key);
  end if;

  update pgledger.invoices
  set
    status = 'uncollectible',
    uncollectible_at = v_now,
    version = invoices.version + 1,
    updated_at = v_now
  where invoices.key = v_invoice.key and invoices.status in ('pending', 'past_due');
  if not found then
    perform pgledger.refuse_invoice_move(v_invoice, 'uncollectible');
  end if;

  return pgledger.invoice_of(v_invoice.key);
end;
$$;

comment on function ledger_mark_invoice_uncollectible is
  'Gives up a pending or past_due invoice and returns it; it can still be paid or voided. One that '
  'is given up already stays as it is. Errors: NullArgument, InvalidScope, InvalidId, '
  'InvoiceNotFound, InvalidState.';

revoke all on function ledger_mark_invoice_uncollectible from public;
grant execute on function ledger_mark_invoice_uncollectible to pgledger_poster;

-- file: repeatable/27_invoices/ledger_mark_invoice_voided.sql
/*
Voids an invoice that waits for payment: its coupons can be used again, and what was paid on it
becomes unapplied. One that is voided already is returned as it is.

Locks the subscription, the invoice, and the redemptions of its coupons, ascending by key.
Checks, in this order: app_id, tenant_id, id, existence, reason, status.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidArgument, InvalidState.
*/
create or replace function ledger_mark_invoice_voided(
  app_id text,
  tenant_id text,
  id text,
  reason text default null
)
returns ledger_invoice
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
begin
  if reason is not null then
    perform pgledger.check_text('reason', reason, 1000, allow_invisible => true);
  end if;

  if v_invoice.status = 'voided' then
    return pgledger.invoice_of(v_invoice.key);
  elsif v_invoice.status not in ('draft', 'paid') then
    perform pgledger.check_nothing_goes_on(v_invoice, 'voided');
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
    perform pgledger.refuse_invoice_move(v_invoice, 'voided');
  end if;

  perform pgledger.return_coupons(v_invoice.key, v_now);
  return pgledger.invoice_of(v_invoice.key);
end;
$$;

comment on function ledger_mark_invoice_voided is
  'Voids a pending, past_due or uncollectible invoice and returns it: its coupons can be used '
  'again, and what was paid on it is added to unapplied. One that is voided already stays as it '
  'is. reason: at most 1000 characters, or null. Errors: NullArgument, InvalidScope, InvalidId, '
  'InvoiceNotFound, InvalidArgument, InvalidState.';

revoke all on function ledger_mark_invoice_voided from public;
grant execute on function ledger_mark_invoice_voided to pgledger_poster;

-- file: repeatable/27_invoices/ledger_preview_invoice.sql
/*
What ledger_generate_invoice would answer, without an id. Of an invoice that stands: as it is.

What the clock has decided and nobody has written down yet is written down for the answer and then
rolled back, so nothing stays written. Only this locks the subscription, fails like a write in a
transaction with an old snapshot, and needs one that may write; one that may not is answered as of
what is written down.

Checks, in this order: app_id, tenant_id, subscription_id, existence, kind, at, tax_rates.
Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, InvalidArgument, InvalidTime,
InvalidInvoice, UsagePurged.
*/
create or replace function ledger_preview_invoice(
  app_id text,
  tenant_id text,
  subscription_id text,
  at timestamptz default null,
  kind text default 'period',
  tax_rates jsonb default null
)
returns ledger_invoice_preview
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_subscription pgledger.subscriptions;
  v_answer record;
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_id('subscription_id', subscription_id, 'sub');
  v_subscription := (
    select subscriptions
    from pgledger.subscriptions
    where subscriptions.id = ledger_preview_invoice.subscription_id
      and subscriptions.app_id = ledger_preview_invoice.app_id
      and subscriptions.tenant_id = ledger_preview_invoice.tenant_id
  );
  if v_subscription.key is null then
    perform pgledger.fail(
      'LG112', array[subscription_id, pgledger.in_catalogue(app_id, tenant_id)]
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
    -- Not an error of ours: one that ends in 000 would stand for all of them.
    raise sqlstate 'LGPRE';
  exception
    when sqlstate 'LGPRE' then
      return v_answer;
  end;
end;
$$;

comment on function ledger_preview_invoice is
  'What a subscription''s invoice for a period comes to as of now: the answer of '
  'ledger_generate_invoice, computed anew if there is a draft, without an id, and nothing stays '
  'written. Waits for who is changing the subscription only where ledger_advance is due for it; a '
  'read-only transaction is answered as of what ledger_advance has written down. Arguments as for '
  'ledger_generate_invoice. Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, '
  'InvalidArgument, InvalidTime, InvalidInvoice, UsagePurged.';

revoke all on function ledger_preview_invoice from public;
grant execute on function ledger_preview_invoice to pgledger_reader;

-- file: repeatable/27_invoices/ledger_refresh_invoice.sql
/*
Computes a draft anew: usage, changes, coupons and prices as of now, with the tax rates that it has.
Of a one-off invoice only discounts and taxes.

Locks the subscription, the draft, and what the tenant has left of coupons, in this order.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidState.
*/
create or replace function ledger_refresh_invoice(
  app_id text,
  tenant_id text,
  id text
)
returns ledger_invoice
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
  return pgledger.invoice_of(v_invoice.key);
end;
$$;

comment on function ledger_refresh_invoice is
  'Computes a draft anew, as of now, and returns it. Errors: NullArgument, InvalidScope, '
  'InvalidId, InvoiceNotFound, InvalidState.';

revoke all on function ledger_refresh_invoice from public;
grant execute on function ledger_refresh_invoice to pgledger_poster;

-- file: repeatable/27_invoices/ledger_set_payment_terms.sql
/*
Sets how many days an app's invoices have to be paid in, of those that become final from now on.
Repeatable.

Checks, in this order: app_id, days.
Errors: NullArgument, InvalidScope, InvalidArgument.
*/
create or replace function ledger_set_payment_terms(
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
begin
  perform pgledger.check_app(app_id);

  if days is null then
    perform pgledger.fail('LG003', array['days']);
  elsif days not between 0 and 3650 then
    perform pgledger.fail('LG101', array['days', days::text, 'it is not between 0 and 3650']);
  end if;

  insert into pgledger.apps (app_id, payment_terms)
  values (ledger_set_payment_terms.app_id, ledger_set_payment_terms.days)
  on conflict on constraint apps_app_id_pk do update
  set payment_terms = excluded.payment_terms;

  return days;
end;
$$;

comment on function ledger_set_payment_terms is
  'Sets how many days after it became final an invoice of the app is due, and returns it: 30 '
  'unless set, 0 to 3650. Errors: NullArgument, InvalidScope, InvalidArgument.';

revoke all on function ledger_set_payment_terms from public;
grant execute on function ledger_set_payment_terms to pgledger_poster;

-- file: repeatable/27_invoices/line_item.sql
/*
A line as an invoice shows it. Numbers are strings, so that whoever reads JSON keeps them exact; so
are times, in UTC. The id is made from the invoice's, whose row has the time.

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

-- file: repeatable/27_invoices/lock_draft.sql
/*
A tenant's draft, locked after its subscription and what the tenant has left of coupons. What the
clock has decided about the subscription is written down first. One that has become what it is to
become already is returned as it is.

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
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_id('id', id, 'inv');
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
    perform pgledger.refuse_invoice_move(v_invoice, target);
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
A tenant's invoice, its row locked FOR NO KEY UPDATE. The name is that of the argument that has its
id. What changes which time and usage have been billed locks the subscription before, if the invoice
has one: nobody draws up another of its invoices meanwhile.

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
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_id(name, id, 'inv');

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
    perform pgledger.fail('LG113', array[id, pgledger.in_catalogue(app_id, tenant_id)]);
  end if;

  return v_invoice;
end;
$$;

comment on function pgledger.lock_invoice is
  'A tenant''s invoice, locked to be changed; raises InvoiceNotFound.';

revoke all on function pgledger.lock_invoice from public;

-- file: repeatable/27_invoices/next_base_lines.sql
/*
Lines for the base fee of the period that follows one, if it is paid in advance and the subscription
goes on without a gap: as it was when the period began, for what changed since is prorated on that
period's own invoice. If something has been billed for it already, the difference to what is known
by now. Of a period that is not over yet, what follows if nothing else happens.
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

-- file: repeatable/27_invoices/preview_invoice.sql
/*
What a subscription's invoice comes to as of what is written down, without an id; of an invoice that
stands: as it is.
Errors: InvalidArgument, InvalidTime, InvalidInvoice, UsagePurged.
*/
create or replace function pgledger.preview_invoice(
  subscription pgledger.subscriptions,
  at timestamptz,
  kind text,
  tax_rates jsonb
)
returns ledger_invoice
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
    return pgledger.invoice_of(v_written.key);
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
The prices of a plan, in their order, with what a charge is computed from: the price, the feature's
type and aggregation, the allowance that a soft limit is, and for seats how they are prorated; and
the meter that counts the subscription's usage, if there is any.
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
How many days, or seconds, of a period are over at a time, from 0 to the length of the period, which
is the answer for its end. Days are those of the time zone and begin at the time of day at which the
period begins, so a change counts from the start of the day on which it is made.
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
    -- An hour that comes twice can put the local time back, even before the start.
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
Reads one of the lines that a one-off invoice is asked for: what it charges or, below zero, credits,
rounded once, half away from zero.

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
parallel safe
as $$
declare
  v_least constant numeric := -1e30 + 1e-18;
  v_members constant text[] := array[
    'description', 'amount', 'quantity', 'unit_amount', 'item', 'period_start', 'period_end'
  ];
  v_line pgledger.invoice_lines;
  v_amount numeric;
begin
  -- A thousand lines are read one by one: what most do without is read where it is there.
  if jsonb_typeof(line) <> 'object' or line - v_members <> '{}' then
    perform pgledger.check_plan_object(line, path, v_members);
  end if;
  perform pgledger.plan_text(line, path, 'description');
  v_line.kind := 'item';
  v_line.description := pgledger.invoice_text(
    line -> 'description', path || '.description', 1000
  );
  v_amount := case
    when line ? 'amount' then pgledger.plan_decimal(line, path, 'amount', minimum => v_least)
  end;
  v_line.quantity := pgledger.plan_decimal(line, path, 'quantity');
  v_line.unit_amount := pgledger.plan_decimal(line, path, 'unit_amount', minimum => v_least);
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
    perform pgledger.refuse_plan(
      null, path, 'has both an amount and a quantity or unit_amount, which make one'
    );
  elsif v_amount is null and num_nonnulls(v_line.quantity, v_line.unit_amount) < 2 then
    perform pgledger.refuse_plan(
      null, path, 'has neither an amount nor both a quantity and a unit_amount'
    );
  elsif v_line.period_end <= v_line.period_start then
    perform pgledger.refuse_plan(
      line -> 'period_end', path || '.period_end', 'is not after period_start'
    );
  end if;

  v_line.amount := round(coalesce(v_amount, v_line.quantity * v_line.unit_amount), exponent);
  if abs(v_line.amount) >= 1e30 then
    perform pgledger.refuse_plan(null, path, 'comes to an amount that is not below 1e30 in size');
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
Reads the lines that a one-off invoice is asked for, in their order. Amounts are rounded to the
currency's exponent.

Errors: NullArgument, InvalidInvoice.
*/
create or replace function pgledger.read_invoice_lines(
  lines jsonb,
  exponent integer
)
returns pgledger.invoice_lines[]
language plpgsql
volatile
parallel safe
as $$
declare
  v_lines pgledger.invoice_lines[] := '{}';
  v_line pgledger.invoice_lines;
  v_item record;
begin
  if lines is null then
    perform pgledger.fail('LG003', array['lines']);
  end if;
  perform pgledger.check_plan_array(lines, '$.lines');
  if jsonb_array_length(lines) = 0 then
    perform pgledger.refuse_plan(lines, '$.lines', 'is empty: there must be one line at least');
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
Computes a draft anew, with the tax rates that it has, and writes it over what it was. Of a one-off
invoice the lines stay, and discounts and taxes are computed anew.

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

comment on function pgledger.redraw_invoice is 'Computes a draft anew and writes it over.';

revoke all on function pgledger.redraw_invoice from public;

-- file: repeatable/27_invoices/refuse_invoice_move.sql
/*
Raises that an invoice cannot be what it was to become. In a message the last argument follows
"cannot become".

Errors: InvalidState.
*/
create or replace function pgledger.refuse_invoice_move(
  invoice pgledger.invoices,
  target text
)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  perform pgledger.fail('LG123', array['invoice', invoice.id, invoice.status, target]);
end;
$$;

comment on function pgledger.refuse_invoice_move is
  'Raises that an invoice cannot be what it was to become.';

revoke all on function pgledger.refuse_invoice_move from public;

-- file: repeatable/27_invoices/repeated_invoice.sql
/*
The number of the one-off invoice that an earlier call with that id has created, or null if none
has. What was asked for is compared with what was created, by value: two amounts that are rounded to
the same one are the same. Lines of discounts and taxes are not the caller's.

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

  -- An invoice of another kind has none of these lines.
  if found and v_is_same is not true then
    perform pgledger.fail('LG023', array[request.id]);
  end if;
  return v_key;
end;
$$;

comment on function pgledger.repeated_invoice is
  'Number of the one-off invoice that has that id already, or null; raises if another request '
  'created it.';

revoke all on function pgledger.repeated_invoice from public;

-- file: repeatable/27_invoices/seat_levels.sql
/*
How many seats were taken in which part of a range of a period: from since to until, in the days or
seconds of the period that are over. Of the reports of one day the last counts, for the whole day.
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
  'How many seats were taken in which part of a range of a period.';

revoke all on function pgledger.seat_levels from public;

-- file: repeatable/27_invoices/seats_charge.sql
/*
What seats cost by a price in the stays of a period on the price's plan, rounded: each level of
seats its share of the period, by the days or seconds for which they are taken.
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

-- file: repeatable/27_invoices/show_invoice.sql
/*
An invoice with its lines as applications see it, written down or not.
*/
create or replace function pgledger.show_invoice(
  invoice pgledger.invoices,
  lines pgledger.invoice_lines[]
)
returns ledger_invoice
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
Writes a new draft with its lines, and returns its number. Its id, and the time, are those given or
made here.
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
  -- The subscription's lock lets nobody else in. A snapshot older than the lock can miss what was
  -- written before it, and is then a serialization failure.
  on conflict (subscription_key, kind, period_start) where status <> 'voided' do nothing
  returning invoices.key into v_key;
  perform pgledger.store_lines(v_key, lines);
  return v_key;
end;
$$;

comment on function pgledger.store_invoice is
  'Writes a new draft with its lines, and returns its number.';

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
What usage costs by the prices of a plan in the stays of a period on it, in the order of the prices,
rounded, with what is missing to a price's minimum and beyond its maximum apart; how much is
charged, what usage has come to since counted_from, the start of the period's first stay, and of how
many events in these stays.

A stay is charged what its usage adds: the price of all until its end less the price of all until
its start. So neither a change of plan nor a pause begins tiers and allowances again, or charges
anything twice. What a price asks for no usage at all falls to the plan that the period began with,
and so does a minimum; what usage adds is never less than nothing.
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
  v_quantities numeric[] := v_zeros;
  v_amounts numeric[] := v_zeros;
  v_caps numeric[] := v_zeros;
  v_counted numeric[] := v_zeros;
  v_events numeric[] := v_zeros;
  v_used record;
  v_value numeric;
  v_is_seat boolean;
  v_cost record;
  v_price pgledger.priced_feature;
begin
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
      v_events[v_used.place] := v_events[v_used.place] + v_sign * coalesce(v_used.events, 0);
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
        v_counted[v_used.place] := v_value;
      end if;
      continue when v_is_seat;

      v_value := greatest(
        v_value - coalesce((v_used.basis ->> 'allowance')::numeric, 0), 0
      );
      v_cost := pgledger.price_amounts(v_used.basis -> 'price', v_value);
      v_quantities[v_used.place] := v_quantities[v_used.place] + v_sign * v_value;
      v_amounts[v_used.place] := v_amounts[v_used.place] + v_sign * v_cost.amount;
      v_caps[v_used.place] := v_caps[v_used.place] + v_sign * v_cost.cap;
    end loop;
  end loop;

  place := 0;
  foreach v_price in array prices loop
    place := place + 1;
    description := v_price.description;
    feature_key := v_price.feature_key;
    unit_amount := v_price.unit_amount;
    basis := v_price.basis;
    counted := v_counted[place];
    events := v_events[place];
    if basis ->> 'type' = 'seat' then
      select charge.quantity, charge.amount, charge.true_up, charge.cap
      into
        usage_charges.quantity, usage_charges.amount, usage_charges.true_up, usage_charges.cap
      from pgledger.seats_charge(
        v_price.basis, v_price.meter_key, stays, time_zone, exponent
      ) as charge;
    else
      quantity := v_quantities[place];
      amount := round(greatest(v_amounts[place], 0), exponent);
      true_up := greatest(
        case
          when is_first then round((basis #>> '{price,minimum}')::numeric, exponent) - amount
        end,
        0 * amount
      );
      cap := round(greatest(v_amounts[place] + v_caps[place], 0), exponent) - amount;
    end if;
    return next;
  end loop;
end;
$$;

comment on function pgledger.usage_charges is
  'What usage costs by the prices of a plan in the stays of a period on it.';

revoke all on function pgledger.usage_charges from public;

-- file: repeatable/27_invoices/usage_lines.sql
/*
Lines for the usage of a subscription's period, less what interim invoices have billed of it: for
each plan that it was on and each of its prices one for usage, overage beyond an allowance or seats,
and one each for what is missing to the price's minimum and what is beyond its maximum. Usage of
zero has its line, too: it says that the feature was looked at, for what comes late.

Where more was billed than it comes to, the lines together give back what was paid of that, its
share of the discount left out; the basis of each says what it was before.
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
  v_plan record;
  v_charge record;
  v_billed record;
  v_gross numeric;
  v_amount numeric;
  v_true_up numeric;
  v_cap numeric;
  v_is_reduced boolean := false;
  v_line pgledger.invoice_lines;
  v_has_billed boolean := exists (
    select
    from pgledger.billed_usage(subscription.key, for_period, but_invoice_key, false)
  );
begin
  v_line.subscription_key := subscription.key;
  v_line.for_period := for_period;
  v_line.discount := 0;
  v_line.tax := 0;
  for v_plan in
    select
      stay.plan_key, min(stay.starts_at) as starts_at, max(stay.ends_at) as ends_at,
      array_agg(stay order by stay.starts_at) as stays
    from unnest(v_stays) as stay
    group by stay.plan_key
    order by min(stay.starts_at)
  loop
    v_line.plan_key := v_plan.plan_key;
    v_line.period_start := v_plan.starts_at;
    v_line.period_end := v_plan.ends_at;
    for v_charge in
      select
        charge.description, charge.feature_key, charge.unit_amount, charge.basis,
        charge.quantity, charge.amount, charge.true_up, charge.cap, charge.counted, charge.events
      from pgledger.usage_charges(
        array(
          select price
          from pgledger.priced_features(subscription, v_plan.plan_key) as price
        ),
        v_stays[1].starts_at, v_plan.stays, v_plan.plan_key = v_stays[1].plan_key,
        subscription.time_zone, exponent
      ) as charge
    loop
      if v_has_billed then
        select
          coalesce(sum(billed.quantity), 0) as quantity, coalesce(sum(billed.amount), 0) as amount,
          coalesce(sum(billed.true_up), 0) as true_up, coalesce(sum(billed.cap), 0) as cap,
          coalesce(sum(billed.net), 0) as net, coalesce(sum(billed.events), 0) as events
        into v_billed
        from pgledger.billed_usage(subscription.key, for_period, but_invoice_key, false) as billed
        where billed.item = v_charge.feature_key
          and billed.plan_key = v_plan.plan_key;
        v_charge.quantity := v_charge.quantity - v_billed.quantity;
        v_charge.amount := v_charge.amount - v_billed.amount;
        v_charge.true_up := v_charge.true_up - v_billed.true_up;
        v_charge.cap := v_charge.cap - v_billed.cap;
        v_charge.events := v_charge.events - v_billed.events;
        v_gross := v_billed.amount + v_billed.true_up + v_billed.cap;
        v_is_reduced := v_billed.net <> v_gross
          and v_charge.amount + v_charge.true_up + v_charge.cap < 0;
      end if;
      v_amount := v_charge.amount;
      v_true_up := v_charge.true_up;
      v_cap := v_charge.cap;
      if v_is_reduced then
        v_true_up := pgledger.rounded_quotient(v_true_up * v_billed.net, v_gross, exponent);
        v_cap := pgledger.rounded_quotient(v_cap * v_billed.net, v_gross, exponent);
        v_amount := pgledger.rounded_quotient(
          (v_charge.amount + v_charge.true_up + v_charge.cap) * v_billed.net, v_gross, exponent
        ) - v_true_up - v_cap;
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
      v_line.amount := v_amount;
      v_line.counted := v_charge.counted;
      v_line.events := v_charge.events;
      v_line.basis := v_charge.basis;
      if v_is_reduced then
        v_line.basis := v_line.basis || jsonb_build_object('gross', v_charge.amount::text);
      end if;
      return next v_line;
      continue when v_charge.true_up = 0 and v_charge.cap = 0;

      v_line.quantity := null;
      v_line.unit_amount := null;
      v_line.counted := null;
      v_line.events := null;
      if v_charge.true_up <> 0 then
        v_line.kind := 'true_up';
        v_line.description := v_charge.description || ', up to the minimum';
        v_line.amount := v_true_up;
        v_line.basis := case
          when v_is_reduced then jsonb_build_object('gross', v_charge.true_up::text)
        end;
        return next v_line;
      end if;
      if v_charge.cap <> 0 then
        v_line.kind := 'cap';
        v_line.description := v_charge.description || ', down to the maximum';
        v_line.amount := v_cap;
        v_line.basis := case
          when v_is_reduced then jsonb_build_object('gross', v_charge.cap::text)
        end;
        return next v_line;
      end if;
    end loop;
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
create or replace view ledger_invoices as
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

comment on view ledger_invoices is 'One row an invoice, with its lines as JSON.';
comment on column ledger_invoices.id is 'Id of the invoice: inv_ and a ULID.';
comment on column ledger_invoices.app_id is 'App.';
comment on column ledger_invoices.tenant_id is 'Tenant who is billed.';
comment on column ledger_invoices.subscription_id is
  'Id of the subscription; null for a one-off invoice.';
comment on column ledger_invoices.kind is
  'What it is for. period: what a period has come to. start: a base fee at the start of what it '
  'pays for. interim: usage within a period. one_off: lines that the app gave.';
comment on column ledger_invoices.period_start is 'Start of the period it is for, inclusive.';
comment on column ledger_invoices.period_end is 'End of the period it is for, exclusive.';
comment on column ledger_invoices.status is
  'State: draft, pending, paid, past_due, voided or uncollectible; paid and voided are final.';
comment on column ledger_invoices.number is
  'Number within the app, from 1 without a gap; null for a draft.';
comment on column ledger_invoices.currency is 'Currency of all amounts.';
comment on column ledger_invoices.subtotal is 'Sum of the lines before discounts and taxes.';
comment on column ledger_invoices.discount is 'Sum of what coupons take off.';
comment on column ledger_invoices.tax is 'Sum of the taxes.';
comment on column ledger_invoices.total is
  'What it comes to: subtotal less discount plus tax; below zero where it credits more than it '
  'charges.';
comment on column ledger_invoices.credits_applied is 'What a wallet has paid of the total.';
comment on column ledger_invoices.amount_due is
  'What is to be paid: total less credits_applied, at least 0.';
comment on column ledger_invoices.amount_paid is 'Sum of the payments made on it.';
comment on column ledger_invoices.amount_remaining is
  'What is still to be paid; 0 for one that is voided.';
comment on column ledger_invoices.refund_due is 'What is to be paid back of a total below zero.';
comment on column ledger_invoices.unapplied is
  'What was paid too much, or credited and not refunded: kept for the tenant.';
comment on column ledger_invoices.line_items is
  'JSON array of its lines in their order; numbers and times are strings.';
comment on column ledger_invoices.tax_rates is 'JSON array of the tax rates it was computed with.';
comment on column ledger_invoices.finalized_at is 'When it became final.';
comment on column ledger_invoices.due_at is 'When it is to be paid.';
comment on column ledger_invoices.paid_at is 'When payments covered it.';
comment on column ledger_invoices.voided_at is 'When it was voided.';
comment on column ledger_invoices.void_reason is 'Why it was voided.';
comment on column ledger_invoices.uncollectible_at is 'When it was given up.';
comment on column ledger_invoices.version is 'Counts changes, from 1.';
comment on column ledger_invoices.metadata is 'JSON object of the app''s own, or null.';
comment on column ledger_invoices.created_at is 'When it was drawn up.';
comment on column ledger_invoices.updated_at is 'When it was last changed.';

revoke all on table ledger_invoices from public;
grant select on table ledger_invoices to pgledger_reader;

-- file: repeatable/27_invoices/views/ledger_tenant_invoices.sql
/*
Invoices that a tenant's own database role may see; drafts are the app's.
Guarded as ledger_tenant_plans is.
*/
create or replace view ledger_tenant_invoices with (security_barrier) as
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

comment on view ledger_tenant_invoices is
  'Invoices of the tenant of the current database role, drafts left out.';
comment on column ledger_tenant_invoices.id is 'Id of the invoice: inv_ and a ULID.';
comment on column ledger_tenant_invoices.app_id is 'App.';
comment on column ledger_tenant_invoices.tenant_id is 'Tenant who is billed.';
comment on column ledger_tenant_invoices.subscription_id is
  'Id of the subscription; null for a one-off invoice.';
comment on column ledger_tenant_invoices.kind is
  'What it is for. period: what a period has come to. start: a base fee at the start of what it '
  'pays for. interim: usage within a period. one_off: lines that the app gave.';
comment on column ledger_tenant_invoices.period_start is
  'Start of the period it is for, inclusive.';
comment on column ledger_tenant_invoices.period_end is 'End of the period it is for, exclusive.';
comment on column ledger_tenant_invoices.status is
  'State: draft, pending, paid, past_due, voided or uncollectible; paid and voided are final.';
comment on column ledger_tenant_invoices.number is
  'Number within the app, from 1 without a gap; null for a draft.';
comment on column ledger_tenant_invoices.currency is 'Currency of all amounts.';
comment on column ledger_tenant_invoices.subtotal is 'Sum of the lines before discounts and taxes.';
comment on column ledger_tenant_invoices.discount is 'Sum of what coupons take off.';
comment on column ledger_tenant_invoices.tax is 'Sum of the taxes.';
comment on column ledger_tenant_invoices.total is
  'What it comes to: subtotal less discount plus tax; below zero where it credits more than it '
  'charges.';
comment on column ledger_tenant_invoices.credits_applied is 'What a wallet has paid of the total.';
comment on column ledger_tenant_invoices.amount_due is
  'What is to be paid: total less credits_applied, at least 0.';
comment on column ledger_tenant_invoices.amount_paid is 'Sum of the payments made on it.';
comment on column ledger_tenant_invoices.amount_remaining is
  'What is still to be paid; 0 for one that is voided.';
comment on column ledger_tenant_invoices.refund_due is
  'What is to be paid back of a total below zero.';
comment on column ledger_tenant_invoices.unapplied is
  'What was paid too much, or credited and not refunded: kept for the tenant.';
comment on column ledger_tenant_invoices.line_items is
  'JSON array of its lines in their order; numbers and times are strings.';
comment on column ledger_tenant_invoices.tax_rates is
  'JSON array of the tax rates it was computed with.';
comment on column ledger_tenant_invoices.finalized_at is 'When it became final.';
comment on column ledger_tenant_invoices.due_at is 'When it is to be paid.';
comment on column ledger_tenant_invoices.paid_at is 'When payments covered it.';
comment on column ledger_tenant_invoices.voided_at is 'When it was voided.';
comment on column ledger_tenant_invoices.void_reason is 'Why it was voided.';
comment on column ledger_tenant_invoices.uncollectible_at is 'When it was given up.';
comment on column ledger_tenant_invoices.version is 'Counts changes, from 1.';
comment on column ledger_tenant_invoices.metadata is 'JSON object of the app''s own, or null.';
comment on column ledger_tenant_invoices.created_at is 'When it was drawn up.';
comment on column ledger_tenant_invoices.updated_at is 'When it was last changed.';

revoke all on table ledger_tenant_invoices from public;
grant select on table ledger_tenant_invoices to pgledger_tenant;
alter view ledger_tenant_invoices owner to pgledger_tenant_views;

-- file: repeatable/28_payments/check_payment.sql
/*
Refuses a payment that cannot have been made: at a time that is still to come, or with a reference
that names nothing. Null is for none given.

Errors: InvalidTime, InvalidArgument.
*/
create or replace function pgledger.check_payment(
  paid_at timestamptz,
  reference text,
  now timestamptz
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_fault text := coalesce(
    pgledger.time_fault(paid_at),
    case when paid_at > now then 'it is ahead of ' || now::text end
  );
begin
  if paid_at is not null and v_fault is not null then
    perform pgledger.fail('LG008', array['paid_at', paid_at::text, v_fault]);
  elsif reference is not null then
    perform pgledger.check_text('reference', reference, 255, allow_invisible => true);
  end if;
end;
$$;

comment on function pgledger.check_payment is
  'Raises InvalidTime or InvalidArgument unless a payment was made then and has that name.';

revoke all on function pgledger.check_payment from public;

-- file: repeatable/28_payments/check_payment_amount.sql
/*
Refuses what cannot be the amount of a payment in that currency.

Errors: InvalidAmount.
*/
create or replace function pgledger.check_payment_amount(
  amount numeric,
  currency text,
  exponent integer
)
returns void
language plpgsql
volatile
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
begin
  if v_fault is not null then
    perform pgledger.fail(
      'LG010', array[coalesce(pgledger.abridged(amount::text), 'null'), v_fault]
    );
  end if;
end;
$$;

comment on function pgledger.check_payment_amount is
  'Raises InvalidAmount unless that can be paid in a currency of so many decimal places.';

revoke all on function pgledger.check_payment_amount from public;

-- file: repeatable/28_payments/ledger_list_payments.sql
/*
The payments made on an invoice of a tenant, in the order in which they were written down.

Checks, in this order: app_id, tenant_id, invoice_id, existence.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound.
*/
create or replace function ledger_list_payments(
  app_id text,
  tenant_id text,
  invoice_id text
)
returns setof ledger_payment
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

comment on function ledger_list_payments is
  'The payments made on an invoice, in the order in which they were written down. Errors: '
  'NullArgument, InvalidScope, InvalidId, InvoiceNotFound.';

revoke all on function ledger_list_payments from public;
grant execute on function ledger_list_payments to pgledger_reader;

-- file: repeatable/28_payments/ledger_mark_invoice_paid.sql
/*
Writes down that what remains of an invoice was paid, as one payment. One that is paid already is
returned as it is.

Locks the invoice.
Checks, in this order: app_id, tenant_id, id, existence, paid_at, reference, status.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidTime, InvalidArgument,
InvalidState.
*/
create or replace function ledger_mark_invoice_paid(
  app_id text,
  tenant_id text,
  id text,
  paid_at timestamptz default null,
  reference text default null
)
returns ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_invoice pgledger.invoices := pgledger.lock_invoice(app_id, tenant_id, id);
  v_now timestamptz := pgledger.clock();
begin
  perform pgledger.check_payment(paid_at, reference, v_now);

  if v_invoice.status = 'paid' then
    return pgledger.invoice_of(v_invoice.key);
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

comment on function ledger_mark_invoice_paid is
  'Writes down a payment of what remains of a pending, past_due or uncollectible invoice and '
  'returns the invoice, now paid; one that is paid already stays as it is. paid_at: not in the '
  'future; null for now. reference: what the payment is called where it was made, at most 255 '
  'characters, or null. Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, '
  'InvalidTime, InvalidArgument, InvalidState.';

revoke all on function ledger_mark_invoice_paid from public;
grant execute on function ledger_mark_invoice_paid to pgledger_poster;

-- file: repeatable/28_payments/ledger_record_payment.sql
/*
Writes a payment down on an invoice that waits for payment or is paid. With an id of the caller's
choice the call can be repeated: the second call returns the invoice as it stands now if it asks for
the same, and is refused if not.

Locks the invoice: of calls at the same time each sees what the ones before have left to pay.
Checks, in this order: app_id, tenant_id, invoice_id, existence, amount, paid_at, reference, id,
repeat, status.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidAmount, InvalidTime,
InvalidArgument, IdempotencyConflict, InvalidState.
*/
create or replace function ledger_record_payment(
  app_id text,
  tenant_id text,
  invoice_id text,
  amount numeric,
  paid_at timestamptz default null,
  reference text default null,
  id text default null
)
returns ledger_invoice
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
begin
  perform pgledger.check_payment_amount(amount, v_invoice.currency, v_exponent);
  perform pgledger.check_payment(paid_at, reference, v_now);

  if id is not null then
    perform pgledger.check_id('id', id, 'pay');
    if pgledger.payment_is_repeated(id, v_invoice.key, amount, paid_at, reference) then
      return pgledger.invoice_of(v_invoice.key);
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

comment on function ledger_record_payment is
  'Writes a payment down on a pending, past_due, uncollectible or paid invoice and returns the '
  'invoice, which is paid once payments cover amount_due; what they are beyond it is added to '
  'unapplied. amount: above 0, in the invoice''s currency and with no more decimal places than '
  'that has. paid_at: not in the future; null for now. reference: what the payment is called where '
  'it was made, at most 255 characters, or null. id: of your choice (pay_ and a ULID), to make the '
  'call repeatable. Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidAmount, '
  'InvalidTime, InvalidArgument, IdempotencyConflict, InvalidState.';

revoke all on function ledger_record_payment from public;
grant execute on function ledger_record_payment to pgledger_poster;

-- file: repeatable/28_payments/pay_invoice.sql
/*
Writes a sound payment down on an invoice, whose row is locked, and returns the invoice. It is paid
as soon as its payments cover what is due; what they come to beyond that is kept as unapplied. It
counts as paid at the time of the payment with which they did, in the order in which they were made.

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
returns ledger_invoice
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_remaining numeric := greatest(invoice.amount_due - invoice.amount_paid, 0);
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
    perform pgledger.refuse_invoice_move(invoice, 'paid');
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
    perform pgledger.fail('LG023', array[id]);
  end if;

  return pgledger.invoice_of(invoice.key);
end;
$$;

comment on function pgledger.pay_invoice is
  'Writes a payment down on a locked invoice, and returns the invoice.';

revoke all on function pgledger.pay_invoice from public;

-- file: repeatable/28_payments/payment_is_repeated.sql
/*
Whether an earlier call with that id has written the same payment down. The time of the payment is
compared only if it is given: left out, it was another one then.

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
begin
  if not v_is_same then
    perform pgledger.fail('LG023', array[id]);
  end if;
  return v_is_same is not null;
end;
$$;

comment on function pgledger.payment_is_repeated is
  'Whether a payment of that id is there already; raises if another request has made it.';

revoke all on function pgledger.payment_is_repeated from public;

-- file: repeatable/28_payments/views/ledger_invoice_payments.sql
/*
Payments as applications see them. Columns never change.
*/
create or replace view ledger_invoice_payments as
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

comment on view ledger_invoice_payments is 'One row a payment made on an invoice.';
comment on column ledger_invoice_payments.id is 'Id of the payment: pay_ and a ULID.';
comment on column ledger_invoice_payments.app_id is 'App.';
comment on column ledger_invoice_payments.tenant_id is 'Tenant who paid.';
comment on column ledger_invoice_payments.invoice_id is 'Id of the invoice.';
comment on column ledger_invoice_payments.amount is 'Amount in the invoice''s currency.';
comment on column ledger_invoice_payments.currency is 'Currency of the amount.';
comment on column ledger_invoice_payments.reference is
  'What the payment is called where it was made, or null.';
comment on column ledger_invoice_payments.paid_at is 'When it was paid.';
comment on column ledger_invoice_payments.created_at is 'When it was written down.';

revoke all on table ledger_invoice_payments from public;
grant select on table ledger_invoice_payments to pgledger_reader;

-- file: repeatable/28_payments/views/ledger_tenant_invoice_payments.sql
/*
Payments that a tenant's own database role may see.
Guarded as ledger_tenant_plans is.
*/
create or replace view ledger_tenant_invoice_payments with (security_barrier) as
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

comment on view ledger_tenant_invoice_payments is
  'Payments of the tenant of the current database role.';
comment on column ledger_tenant_invoice_payments.id is 'Id of the payment: pay_ and a ULID.';
comment on column ledger_tenant_invoice_payments.app_id is 'App.';
comment on column ledger_tenant_invoice_payments.tenant_id is 'Tenant who paid.';
comment on column ledger_tenant_invoice_payments.invoice_id is 'Id of the invoice.';
comment on column ledger_tenant_invoice_payments.amount is 'Amount in the invoice''s currency.';
comment on column ledger_tenant_invoice_payments.currency is 'Currency of the amount.';
comment on column ledger_tenant_invoice_payments.reference is
  'What the payment is called where it was made, or null.';
comment on column ledger_tenant_invoice_payments.paid_at is 'When it was paid.';
comment on column ledger_tenant_invoice_payments.created_at is 'When it was written down.';

revoke all on table ledger_tenant_invoice_payments from public;
grant select on table ledger_tenant_invoice_payments to pgledger_tenant;
alter view ledger_tenant_invoice_payments owner to pgledger_tenant_views;

-- file: repeatable/29_advance/advance_due.sql
/*
Moves on the subscriptions of an app that are due, the longest due first, and draws up the invoices
that are due with that: no more than max_subscriptions at a time, until there was something to do
for one. Those for which nothing was to be done do not count; after ten times as many as asked for
the last one is named in last_looked_at. What somebody else holds is left out.

one_by_one: what fails is undone by itself, put off for an hour, named with its error, and warned
of. What cannot even be put off is only warned of, so that calling until no row comes has an end. A
call takes fewer then, because sessions keep track of few subtransactions at no cost.
*/
create or replace function pgledger.advance_due(
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
      where subscriptions.app_id = advance_due.app_id
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
          v_moved := pgledger.advance_one(v_due.key, invoices, now);
        exception
          when others then
            if not pgledger.is_of_one_subscription(sqlstate) then
              raise;
            end if;
            raise warning using
              message = format(
                'subscription %s of tenant %s was not advanced: %s', v_due.id, v_due.tenant_id,
                sqlerrm
              ),
              errcode = sqlstate;
            v_busy := v_busy || v_due.key;
            if pgledger.put_off(v_due.key, now + interval '1 hour') then
              failed_keys := failed_keys || v_due.key;
              errors := errors || sqlerrm;
              v_did := true;
            end if;
            continue;
        end;
      else
        v_moved := pgledger.advance_one(v_due.key, invoices, now);
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

comment on function pgledger.advance_due is
  'Moves on the subscriptions of an app that are due and draws up their invoices.';

revoke all on function pgledger.advance_due from public;

-- file: repeatable/29_advance/advance_one.sql
/*
Moves on a subscription that is locked, and draws up the invoices that are due with that, unless
invoices is none. is_busy: its coupons are held by somebody else, so that only the move was written.
*/
create or replace function pgledger.advance_one(
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

comment on function pgledger.advance_one is
  'Moves on a subscription that is locked and draws up its invoices.';

revoke all on function pgledger.advance_one from public;

-- file: repeatable/29_advance/changes_since.sql
/*
What was written down about a subscription after a version, in order.
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
What has happened to a subscription since invoices were last looked at that asks for one: a period
has ended, or one for whose base fee nothing has been billed goes on or begins. Of the latter, those
that follow a period without a gap are on that period's invoice, if it is drawn up in time. A period
that was a trial has no invoice, and nothing begins at the moment at which all ends. Each invoice is
asked for once, on the first occasion; on request also what is a draft and can become final.
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
  'What has happened to a subscription since the last look that asks for an invoice.';

revoke all on function pgledger.invoice_occasions from public;

-- file: repeatable/29_advance/invoice_on_occasion.sql
/*
The draft for an occasion, or null if there is nothing to draw up, or what there is has become final
already. A base fee has an invoice of its own only where nothing has been billed for its period.
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
    -- A draft could be deleted meanwhile, and leave a gap in the numbers.
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
    v_key := pgledger.ensure_invoice(
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
Draws up what a subscription is to be invoiced for by now: for each of its changes that has not been
looked at, the period that ended with it, and the base fee of one that began without such an end.
Returns the drafts, in that order; with to_finalize those that are not final yet and can become so,
computed anew if they were there before, their coupons used up.

The subscription is locked, and moved on to now; it is written here. Whoever holds what its tenant
has left of coupons makes it wait for the next call: null then, and only the subscription is
written.
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

-- file: repeatable/29_advance/is_of_one_subscription.sql
/*
Whether an error can be about the data that was at hand: a value out of range, a constraint, a rule
of ours or of the app's own triggers. What is about the server, the session, the transaction, locks
or the schema concerns all.
*/
create or replace function pgledger.is_of_one_subscription(error_state text)
returns boolean
language sql
immutable
parallel safe
as $$
  select error_state !~ '^(08|0A|25|40|42|53|54|55P03|57|58|F0|XX)'
$$;

comment on function pgledger.is_of_one_subscription is
  'Whether an error leaves other subscriptions a chance.';

revoke all on function pgledger.is_of_one_subscription from public;

-- file: repeatable/29_advance/ledger_advance.sql
/*
Does what the clock asks for in an app: writes down trials that are over, periods that have begun
and cancellations that have come, draws up the invoices that are due with that, and marks those that
were not paid in time. What is due the longest comes first. Each subscription that is taken is moved
on to now, however many periods it is behind.

Any number of workers can call it at once: locks with FOR NO KEY UPDATE SKIP LOCKED what it takes,
and leaves to the next call what somebody else holds. Invoices become final at the end of the call,
so that the app's numbers are locked only from there to the end of the transaction. Fewer
subscriptions than asked for do not mean that nothing is left; no row does, unless somebody else
holds the rest.

One subscription that fails does not keep others from being billed: if one does, the call begins
again, each subscription by itself, and what fails is put off and reported.
Errors: NullArgument, InvalidScope, InvalidArgument.
*/
create or replace function ledger_advance(
  app_id text,
  max_subscriptions integer default 1000,
  invoices text default 'final'
)
returns setof ledger_subscription_move
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
begin
  perform pgledger.check_app(app_id);
  if max_subscriptions is null then
    perform pgledger.fail('LG003', array['max_subscriptions']);
  elsif max_subscriptions not between 1 and 10000 then
    perform pgledger.fail(
      'LG101',
      array['max_subscriptions', max_subscriptions::text, 'it is not between 1 and 10000']
    );
  end if;
  perform pgledger.check_choice('invoices', invoices, array['none', 'draft', 'final']);

  begin
    v_done := pgledger.advance_due(app_id, max_subscriptions, invoices, v_now, false);
  exception
    when others then
      if not pgledger.is_of_one_subscription(sqlstate) then
        raise;
      end if;
      v_done := pgledger.advance_due(app_id, max_subscriptions, invoices, v_now, true);
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

comment on function ledger_advance is
  'Does what the clock asks for in an app, and returns one row for each thing done, those of a '
  'subscription in order: trial_ended, period_started, canceled; then invoice_drafted, '
  'invoice_finalized, invoice_past_due; failed, with the error, for a subscription that is tried '
  'again in an hour; and nothing_due, for the last one, where very many had only to be looked at. '
  'Any number of sessions can call it at once; call it, each time in a transaction of its own, '
  'until it returns no row. max_subscriptions: how many to take at most, 1 to 10000. invoices: '
  'final draws up those that are due and makes them final; draft leaves them to be looked at and '
  'made final by ledger_finalize_invoice; none moves subscriptions only, and marks nothing as past '
  'due. Errors: NullArgument, InvalidScope, InvalidArgument.';

revoke all on function ledger_advance from public;
grant execute on function ledger_advance to pgledger_poster;

-- file: repeatable/29_advance/mark_past_due.sql
/*
Marks invoices of an app that are pending and were to be paid by now, at most so many, those first
that were due first, and returns them. What somebody else holds is left to the next call.
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
  'Marks invoices of an app that were to be paid by now, and returns them.';

revoke all on function pgledger.mark_past_due from public;

-- file: repeatable/29_advance/moved_invoices.sql
/*
What ledger_advance says about invoices: those drawn up or made final, and those past due.
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

comment on function pgledger.moved_invoices is 'What ledger_advance says about invoices.';

revoke all on function pgledger.moved_invoices from public;

-- file: repeatable/29_advance/put_off.sql
/*
Lets ledger_advance look at a subscription again at that time, not before. Returns whether that
could be written down.
*/
create or replace function pgledger.put_off(subscription_key bigint, until timestamptz)
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
    if not pgledger.is_of_one_subscription(sqlstate) then
      raise;
    end if;
    return false;
end;
$$;

comment on function pgledger.put_off is
  'Lets ledger_advance look at a subscription again at a later time.';

revoke all on function pgledger.put_off from public;

-- file: repeatable/30_tenants/ledger_map_tenant_role.sql
/*
Lets a database role read what the views ledger_tenant_* show of a tenant. For administrators: only
the owner of pgledger may call it, and it grants nothing; the role needs pgledger_tenant besides.

A role that could see more than one tenant's rows anyway is refused, so that nobody relies on a map
that does not bind it. That is a look at how things stand, and no guard for what is granted later.
The map holds names, as the roles may be made anew after a restore: unmap a role before dropping it.

Repeating a call changes nothing. A role that is mapped to another tenant has to be unmapped first.

Errors: NullArgument, InvalidScope, InvalidArgument, AlreadyExists.
*/
create or replace function ledger_map_tenant_role(
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
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  if role_name is null then
    perform pgledger.fail('LG003', array['role_name']);
  elsif v_fault is not null then
    perform pgledger.fail('LG101', array['role_name', quote_literal(role_name), v_fault]);
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
    perform pgledger.fail(
      'LG120',
      array[
        'role', quote_literal(role_name),
        format(' by tenant %L%s', v_tenant_id, pgledger.in_app(v_app_id))
      ]
    );
  end if;
end;
$$;

comment on function ledger_map_tenant_role is
  'Lets a database role read a tenant''s rows through the views ledger_tenant_*; for '
  'administrators. The role is to be granted pgledger_tenant, too. Errors: NullArgument, '
  'InvalidScope, InvalidArgument, AlreadyExists.';

revoke all on function ledger_map_tenant_role from public;

-- file: repeatable/30_tenants/ledger_unmap_tenant_role.sql
/*
Takes from a database role what ledger_map_tenant_role gave it; it sees no rows from then on. For
administrators, as that. The role need not exist any more.

Errors: NullArgument.
*/
create or replace function ledger_unmap_tenant_role(role_name name)
returns boolean
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  if role_name is null then
    perform pgledger.fail('LG003', array['role_name']);
  end if;

  delete from pgledger.tenant_roles
  where tenant_roles.role_name = ledger_unmap_tenant_role.role_name;
  return found;
end;
$$;

comment on function ledger_unmap_tenant_role is
  'Takes a tenant''s rows from a database role again; false if it had none; for administrators. '
  'Errors: NullArgument.';

revoke all on function ledger_unmap_tenant_role from public;

-- file: repeatable/30_tenants/tenant_role_fault.sql
/*
Why a database role cannot be a tenant's; null if it can. It must not be, or be able to become, a
role that sees other tenants' rows or may make itself such a one.
*/
create or replace function pgledger.tenant_role_fault(role_name name)
returns text
language plpgsql
stable
parallel safe
as $$
declare
  v_greater record;
begin
  if not exists (
    select from pg_roles where pg_roles.rolname = tenant_role_fault.role_name
  ) then
    return 'there is no such role';
  end if;

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
  where own.rolname = tenant_role_fault.role_name
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
      -- What every tenant's role is a member of must be nobody's.
      or (greater.rolname = 'pgledger_tenant' and greater.oid = own.oid)
    )
  -- What the role itself is, before what it is a member of.
  order by own.oid <> greater.oid, greater.rolsuper desc, greater.rolname
  limit 1;

  if not found then
    select pg_roles.rolname
    into v_greater
    from pgledger.tenant_roles
    inner join pg_roles on tenant_roles.role_name = pg_roles.rolname
    where tenant_roles.role_name <> tenant_role_fault.role_name
      and pg_has_role(pg_roles.oid, tenant_role_fault.role_name, 'MEMBER')
    order by pg_roles.rolname
    limit 1;
    if not found then
      return null;
    end if;
    return format('%I, which is another tenant''s role, is a member of it', v_greater.rolname);
  elsif v_greater.rolname = role_name then
    return format('it is %s', v_greater.why);
  end if;
  return format('it is a member of %I, which is %s', v_greater.rolname, v_greater.why);
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
          pg_namespace.nspname = pg_catalog.current_setting('pgledger.schema')
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
  ('migrations/0001_create_foundation.sql', 'versioned', 'f0731d21da112adc4ecda92aa039ec76b14649404d3719046abe9876fa5d71d2', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0002_create_accounts.sql', 'versioned', 'd37521a03bc3d9559d312d54c93e05650b5044599e79330e5d2aeffc8e3454f9', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0003_create_transfers.sql', 'versioned', '472baa389572e501a1b83d0a75240a6050db56b98d5dfd33fe51fe70af6a3518', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0004_create_ledger_types.sql', 'versioned', '1678d4fefa2a1c193513e1b52612b52d98f9ef7c173f4c97216aab955bc6d022', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0005_create_catalogue.sql', 'versioned', 'acc6fbaa1782618761a80ff07eccd53083a93898d94d3401b906786219a8671e', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0006_create_subscriptions.sql', 'versioned', 'd0b51ccf10782ae97468f626dc77dc185280fcfb51d97aff5256cef25d344742', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0007_create_usage.sql', 'versioned', '797944002fe02ee23edaa7be73585a5b505a2effdbf781995ffb90b3b13e8f52', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0008_create_entitlement_cache.sql', 'versioned', '27a9df131f4b00e405d2b47aa00485206ff33370df02c53c6b74c247301856fe', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0009_create_tenant_roles.sql', 'versioned', '0d73206a937ec11ebcd51603d38ef0ffae34f8833059fce3fee8cd4c99829c2d', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0010_create_coupons.sql', 'versioned', 'ea9b4f5a33f7e76b23727801b10046dfbcb463518089f0c8940962aed00e5b01', pg_catalog.now(), '0.1.0.dev0'),
  ('migrations/0011_create_invoices.sql', 'versioned', '73edede6ad3fb7c594f3b06b603fc6551b2cc505bae310985781b208c17e1c61', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/amount_fault.sql', 'repeatable', '728a4b3fe54c949b38d7115b49f3e26e387c63bf5f33ca4c759db5d48d1ffc8e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_app.sql', 'repeatable', 'f1dca49212636a09a0795de2997edd70b9aafda51db903d97324d4ff273812d0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_arrays.sql', 'repeatable', 'f194e4bef579d9220307caf89fed74d71db528db41d32522be802af4c6d3fc1b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_billing_scope.sql', 'repeatable', '89c9b10df3d14cab01331bdbab1f5d03ae434ed5e88119efb6d246b0aed7fb7a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_catalogue_scope.sql', 'repeatable', '9c7894d9f1a465a2d267abc935ab08a3fe294c02fde8cdea23dcbc2045bb9d2a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_choice.sql', 'repeatable', '479d752cd6be9a640223eae8c21c1ccb894eae0aead509f85f8a1c902a697930', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_id.sql', 'repeatable', 'dd1fa46da947829972ed32c87d586bba0350ee131fc18ae6c6ae965fdfb5c0ac', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_metadata.sql', 'repeatable', '5f80c3ba9ba03454a5ce552880c8dfaf9db78b901a0c1d8951cb8fabfba0536b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_page.sql', 'repeatable', 'd3d0f34e411a081085c82e9c34696d54a2a9212209a59145a72a02262e7b8ee6', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_quantity.sql', 'repeatable', '438be871bb915c5e17f6b1a0b49a8a052b4d053cb627194c8a349f75c979d49d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_scope.sql', 'repeatable', '9919131f4d495418e9ba08ad6b8e4cbe8473bdefd17a01286c8576f7773eaf42', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/check_text.sql', 'repeatable', 'fc2b120c43ef82a02ff9ec9e8fb293d917211277620905b34c5041ed64dc85de', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/in_app.sql', 'repeatable', '92d823655e1d16eead819227cffd893ad0c285c3cd6d4202cb027308dc0a11aa', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/in_catalogue.sql', 'repeatable', '3c42e354b18e3fa5bc76e03f3b4b3a631b0a75abfe1517f2a1715574f7fadd5c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/metadata_fault.sql', 'repeatable', '934883ec9368811c45e1c6e1c2bed9ce6bb548b33f27607e5dcb9b282dd1b5f8', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/quantity_fault.sql', 'repeatable', '65ce2e47cbb57e1a83d9659b5050e06f7835823cd57e7e47c5a732bd3d470696', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/checks/time_fault.sql', 'repeatable', 'ee7d91f8c0f2a8e03ae3397777a2a0e6c16aeb6839aa32e32b453ad84aa7c224', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/errors/abridged.sql', 'repeatable', '541d5a0b20a6252a26e77906a2796a8672c15db7ae8ee4b20642c727b8163afe', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/errors/error_registry.sql', 'repeatable', 'b61a35ed19210c36dd8665cb2b412ef3676ec7e474499ef123779e3b5d7f8cb3', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/errors/error_text.sql', 'repeatable', '2fd25b81667d30eb079235072fd9d76254e9afc154d1b1ddf3e041b136d03eab', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/errors/fail.sql', 'repeatable', '013d6465246e6f0d2af2e8ef6941a0fbb63bd8b732fb1c57d5b9dd6674e13bb7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/base32_lanes.sql', 'repeatable', 'aa29395359be4db253d18e0445f9e6bbd38aaf880ebcbb11d852dad4ce7b4718', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/base32_pair.sql', 'repeatable', '5d13ab798c5d5b55b5245ec04389ea7e444ecac696b678d5b744eca6f748eb5f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/base32_text.sql', 'repeatable', '99aa08a7a7a3d8e47bc093487a944cbe88e349879bd9444d7a64a6be73ca46de', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/derived_ulid.sql', 'repeatable', 'f027e99f5f3c4f02d3016d464c920d7e43364538d13289e04518b66539ed5ed8', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/entry_id.sql', 'repeatable', '2413d46de44f3c7b4ee1115c3ed141e1c94bf2842acb5f3bf50b4c9171027809', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/event_id.sql', 'repeatable', '64732d5acbbfbe6e993e63c46e719417e712a37ac18ca0fecb572d8cacaafabb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/id_fault.sql', 'repeatable', '51530f7258dd389b67098521e0c514d73ca46958cd85ae0676065580213cd83e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/new_ulid.sql', 'repeatable', '7a0fd229bc21377780f02235cdfa38b8216155f5188de414e37c82afa9ed6ac7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/pgledger_generate_id.sql', 'repeatable', 'e15213a2de272262038d823879f461ae47d5673d3d27730af4bce8497c9994ad', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/pgledger_id_timestamp.sql', 'repeatable', 'fa5f523e6f69d57dcd78716603f04b5733fe11a6881bea99a0508b3ec479d410', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/pgledger_ulid_to_uuid.sql', 'repeatable', '3332279a7c4adaf93ad2e3f0f4829ffa6faa3d8bbda73bfb7163bd0719b4f773', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/pgledger_uuid_to_ulid.sql', 'repeatable', '96e9a061b316afed8a0a808dcfdc524a57ba6a25e6e9e1af00a788a470747dea', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/ids/ulid_fault.sql', 'repeatable', '87f90074681704fb11c4182a9f8fbf362318619a891287e0fdaca403596bb171', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/check_plan_array.sql', 'repeatable', '51c04d7b54039dd07c1c82eecab52e7fc7c3878de6886575d7893e259eb5202f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/check_plan_object.sql', 'repeatable', 'aac29c302c5a4f60265c691a89c5877863e0683747206db8c8ff6e4e3a8edac6', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/check_plan_size.sql', 'repeatable', 'f867835881733080dc45c02f5df6fe58259b621980702ce02c2a4b4354c30119', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/decimal_fault.sql', 'repeatable', 'bd6bc7fa4fd3a8fd8580d0b27ec864a73cc83297302ed9f80c0c04bbf7516529', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/invoice_text.sql', 'repeatable', '10f6c58b1128adc31bf40b74040e5f9319314a6670c6f31695aa6654d673ce93', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/invoice_time.sql', 'repeatable', '0c4b0f62ea1a84b879c6ff0a4d4dc262d9f429fbf380195b22c919303bfe746d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/json_path.sql', 'repeatable', '56c1ab59145e76155894476f529898c0b7b0a4e53c87fb61635da3a03fb64317', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/plan_choice.sql', 'repeatable', 'a7f3a53857e0c4723fe53004aa9cdfda104648b12e3a3e749fd95a90a360bb65', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/plan_decimal.sql', 'repeatable', '060ae19ac0294149181762a5ea059826793e3c91a6425922944cc8a08c30ac4a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/plan_text.sql', 'repeatable', '955564545d0d2b327a656c5807af5607c31ea57e558eaafb8336a6d8096b039f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/json/refuse_plan.sql', 'repeatable', '8fbc73fcc294ee370d3d937a1c3cb012bfe0ee6e34dae5c4951d51d2472dca43', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/numbers/prorated.sql', 'repeatable', '12486200fac8c55286c3be874011448d1d8b736da265f7faf735440754d0f609', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/numbers/rounded_quotient.sql', 'repeatable', 'e3f8a3a856b54770d8d33256a3b7cf18d8b0b16820e11ecf7c57bdec4da2a1ae', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/numbers/split_amount.sql', 'repeatable', 'd9e7fff2e66ee751c09ea799fbf2ae03056acaf89b42461e6c5b89818e4c5364', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/periods/check_time_zone.sql', 'repeatable', '7d9179744e2d5808c400210e472d91f7ae8952352571fd95c0679eb13efd9c4a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/periods/interval_length.sql', 'repeatable', 'b415fbc54a4b3cf6569f091d4004e07c18974f94a61ff507a97e3d0170f86827', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/periods/period_at.sql', 'repeatable', 'f01f89ea901577b9a49c7e032a0ba195478390f781578793ebba92616659ff49', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/periods/period_boundary.sql', 'repeatable', '12e86eb1ab4852dd445d1c980cf90fcee4672bed796d135e22215360699dca02', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/periods/whole_period_start.sql', 'repeatable', '8994dfad6ced878230f7eb537798d1430493ad2d3b997a38fd781669e658d22c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/text/invisible_characters.sql', 'repeatable', 'ed58cef161abae944130aac436620c3c002c46bb5a1e41ef6ac29699632ec405', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/text/text_fault.sql', 'repeatable', 'ae280de53049822db714b624eb084e3f60d8b607afd29426ff62b6f9432e68ca', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/time/clock.sql', 'repeatable', '867e2df5662a7b7db9e4277238106d87a9fe43803c27e071409e47e1c9561eb9', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/00_core/errors/views/pgledger_errors_v1.sql', 'repeatable', '72f8d076f2e926efd745d178b9ea9b50a370e172018f5ea354370d38af6e8623', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/account_key.sql', 'repeatable', '7861a43a45c60bded2d572ffc4abd4958a035c4f1040a26ecdb819d4de4f243a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/check_accounts.sql', 'repeatable', 'ce5b0757614d9e9a026083e3819c39915f4edad8ed6861f1ab6c088964d094c0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/check_balance.sql', 'repeatable', 'a5e9cb6edac2ddd2c9fd485be70fdfa0d09039fc6623d0af14634e9f4f700158', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/check_balances.sql', 'repeatable', 'd2081cfd161fb683570f57cd9c2d85fe863b60694ee293a70415fbc0952751f3', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/check_transfer_request.sql', 'repeatable', '4ed51f413fd3bbae19713dc711a7131a6e2045020711a9266fed639833d4ed8e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/check_transfer_requests.sql', 'repeatable', '2d890ceb69bdef6433d1c68b48696902e7e7d3c9d02fe2d22e97250a22b8939f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/create_repeatable_transfers.sql', 'repeatable', '3bab7387a27365ca14b2f7e3a0b5e879298a4dd643115db68271babe370442e5', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/create_transfers_of_rows.sql', 'repeatable', '6ae57c9e58ea9c232cdd6ba373a12219bc0c4ea21a79b2ac488248418a6741df', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/pgledger_account_entries.sql', 'repeatable', 'bc0736f0780c6982ae0346d4ddc42e6199be1dedd530bfdfd70104d0c09619af', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/pgledger_balance_at.sql', 'repeatable', '99b4c05eec1fa17c26f9f9c86f9567531f75ddd0c735b7681c60922cb64e3906', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/pgledger_create_account.sql', 'repeatable', 'd7d0d62f7e86b404a97b8b1e190a84d7552f565fa83167e01f3ce2e99eb1f24c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/pgledger_create_transfer.sql', 'repeatable', '167a1c19b3cb002cd1bdd5816f42ae0f5ecf6a39afe99c257b6298bcdd6dc90f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/pgledger_create_transfers.sql', 'repeatable', '089a77e519ba47fe845fd288c2c5f5ce1652a9ee7e4d4664174516a3956fdd2e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/pgledger_create_transfers_bulk.sql', 'repeatable', '126edad76e6d38e74587c7e78eb160882998d109e9d6de11b8e3bf4c5dce660a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/pgledger_get_account.sql', 'repeatable', '638254a318a5c811660b06d4df8d91f818565d82eedc1d103c91917e584bf851', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/pgledger_get_transfer.sql', 'repeatable', '39751a8f92cfd08da1a52a8346ef4eb583246a5a8e9ca4c8a4628997c0d6efd5', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/pgledger_verify.sql', 'repeatable', '00550d3ae636d503df38f736cb3f2320f6e254633e12c8662a0098728680de2c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/post_transfers.sql', 'repeatable', '0ba13142f4780bde2c9e0b8f77ccafcb8ebf47fdf17c80173845dfa6dcf48592', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/refuse_account.sql', 'repeatable', '88d1693711a1dcd13e8357bbb4dc733a148b782f0f8fefc21ef25b454f2153ac', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/refuse_change.sql', 'repeatable', '79d30d7113a0987d63640c7ac81a7268a9da37c16733689ca9a32f5769a5cb9b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/transfers_by_id.sql', 'repeatable', '0ff7f7a452319508f0d8ae9038dd3543f752b6745cbb89c45a3a4e3ec1eda360', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/views/pgledger_accounts_v1.sql', 'repeatable', '4acdd2664fbfaef67812524a10a0975868f4690d4d95df5665cd15566e57d345', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/views/pgledger_accounts_view.sql', 'repeatable', 'd9ff7af517d1548c7c7843fe866ac6bf69a1fc050aa944112012a540ad17a95a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/views/pgledger_entries_v1.sql', 'repeatable', '6a42d04434659f629bc6e7e4a0eb8f56bb80909200b7ceeddeee0867444807b7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/views/pgledger_entries_view.sql', 'repeatable', '13da87d3751b75cfc640e81651e415ed5ba46a6b4ee0fdfbc2afed7c958e0a72', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/views/pgledger_transfers_v1.sql', 'repeatable', '920fa570f5c695d732254881e6b467bbf6af384e7c4d6439e313e8e86a532016', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/10_ledger/views/pgledger_transfers_view.sql', 'repeatable', '061009534ca2d3d41ffb823d192c62ef2961ad17824622c89499158c4c050afb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/check_currency_unused.sql', 'repeatable', 'c92a3337244f3048d71c32404f84c319c4b7e419d6bf6070a84bdc5097b0ba49', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/check_feature.sql', 'repeatable', 'e0ecbd4297334089710d5580b38e566362a7a31a9db7642bda3d45a232f8f1ec', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/check_feature_usage.sql', 'repeatable', '74cfbfbf4fc48f299c4dd158c8d19d6e06f7c6a0438de876e362c0cf6c4356b3', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/check_plan.sql', 'repeatable', '58412b9b7a03a8be0e35b5e69126efd9bc2993d36bddd870e35c4c90d8b2b96e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/check_price.sql', 'repeatable', 'ca46af3b2ab9a74c1f4570348767ab02f1392682ca4baf85a7f1674d013066dc', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/check_price_object.sql', 'repeatable', '7d860cc694050741b65bf1030a4691bb8a088dee607274dd45d06da26d2ad03e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/check_price_tiers.sql', 'repeatable', '00a56ace9a7486f577ebfc3be4049de180687266ff5878f4442c50977ed6a334', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/check_priced_limit.sql', 'repeatable', 'ed93bc6b435b7fdfefec18924e86422129e75663c3bed2a80ef3ae9dae6a927a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/currency_exponent.sql', 'repeatable', '6bee704a96ffbcecf22f64fad333fa6e62fc1228eee33fdea7ba88e3003b93fb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/feature_is_repeated.sql', 'repeatable', 'b388dbeb2b63d889d4809b03d822decbb19985b197750ea17e152a1693705fd8', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/feature_of.sql', 'repeatable', '12157164ef439e2f4243e2591cb94d7a714ac06ea3c52727b9b2af94a566ad8a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/features_page.sql', 'repeatable', '95fa1b7a607e45f4781957e7b1fd038be803838d69f890456738f1715064ec4b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/find_feature.sql', 'repeatable', 'b6f5eb34d9a2c4e9c4bd4f333f16e3307d6be3eedc32efd5bcab6d33d22ce329', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/insert_plan.sql', 'repeatable', 'a730dc23eb82db034f2792804a5039bcd5989c48864daefe932dd6cb6d980603', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/iso_currencies.sql', 'repeatable', '27b4897ea3fc7d9b40462b8639c3133dba2443ac26c1a617ca5cc3a41288b499', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_archive_feature.sql', 'repeatable', 'f8b1686cf4eab2591889b9a5387a89b4fd5ab87221bf6fb7f357545fe0984c1f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_archive_plan.sql', 'repeatable', '0f90afe604962b6da6e8534d0acc024a758714a0c9ddee8beb12e292a024849f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_create_feature.sql', 'repeatable', '153d10d0b28033993b07809ffca25a13d0b9e939f52d12828e2850acdef41cc0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_create_plan.sql', 'repeatable', 'e214e50f204c30555690af4387db0201f9cb16c13f9c3609ccc394234d1e1168', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_delete_feature.sql', 'repeatable', 'ebf161c133c5fa58abcfd1488249855a00a805bf93a21bcb19252f7abea62d6e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_delete_plan.sql', 'repeatable', 'c574af58b10415f5b7cffa616dcf26f7416cb53e84bade19bc49f5245c99872c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_get_feature.sql', 'repeatable', '595c831927633bfb6c2babe01d5da057d3db8567d6569225dfc634bd9dc84ad9', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_get_feature_by_key.sql', 'repeatable', 'cac52db71825b2ac4951051cbd8f2197beb37c8503fba278d0d58b697fa668fb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_get_plan.sql', 'repeatable', '94b45689744209be6b5a975be0609d1a0e4c9b4929431d30038afbc2f135f106', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_get_plan_by_slug.sql', 'repeatable', '435a34b3231f393f866682dc1d19ac5576d3d298fc2156adde4ab597b5302e88', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_list_features.sql', 'repeatable', 'b5d8f2f3b7bd604c2708248821a16053ad876052891ffc72c0b4015d14126614', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_list_global_features.sql', 'repeatable', '61fcd55ccbb236e1be2d1e53763f8b6d25afb2a97681d1c7d930bd099d76459a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_list_plans.sql', 'repeatable', 'd1139342bbf52b45a4f26f1e09c21ab74b34cdcec6cece209bc85ce38033c2a0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_set_currency.sql', 'repeatable', '569b4bf364ecb86c6d361c472a44f2f2b63cd91e1882aed750909dfd757bd1f4', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_update_feature.sql', 'repeatable', '92deb167e48e98b2a28a65e74a4681c9dd516b4f3aeb8076bd1df4b71be35a33', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/ledger_update_plan.sql', 'repeatable', '17ec10d1d473cc725759ae63b323791703dcaf097913d6f7d9c36c0cbfecf137', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/lock_feature.sql', 'repeatable', 'abac233c6e931aceac43f4110259c15aac640fbb3c2690b2a8c28df8e7938894', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/lock_plan.sql', 'repeatable', '165879cf8d62d72ee530c17cf2542bed9b87130162ee189aec36d0bf5617fea3', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/plan_candidate.sql', 'repeatable', '43291cd99460f540d3f25d5e879bc9a7ceb4ca5c2130d2cff5e998c167684b71', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/plan_of.sql', 'repeatable', '85446312adb209e83913da5eb623e90c688073a84a504378c64bc5e8d64423b3', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/read_plan_base.sql', 'repeatable', 'cd2adce42d5a58e58f718722650f38dd68f2915be2d7e9f67445aa45cc1267c5', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/read_plan_feature.sql', 'repeatable', '10590d2ab91a5a76ddc2677a9fe6337cfb1dd51477bf682581cf3c011f5c5d25', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/read_plan_features.sql', 'repeatable', 'b57add9e941bb7679b159800c08291a0fe624911a9691330ba5e38a63aafadd9', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/read_pricing.sql', 'repeatable', '03d337e7b3cace874ec7e41814ff752bcecd0fcf9f62e4e482ea07d40e4b7852', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/repeated_plan.sql', 'repeatable', '246afb2d957accffd98460a5268e87113be00ab829dfa6ee972188fff3928830', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/rewrite_plan.sql', 'repeatable', '206df5e947f4dcd2a8764affcd40f07f6512da0775845727b0a24f1c46162296', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/write_plan_features.sql', 'repeatable', 'c47548ba96b1d361435ca03166f985714d4684e2362cd11713a31b1ff7f15d4a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/views/ledger_currencies.sql', 'repeatable', 'bfa5dd45765da10725ac98180df3ecc8a1d7f088ff1abce44a278e4e754c263e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/views/ledger_features.sql', 'repeatable', 'a29cc55d38994d36eb7ed843e34b19ae10b7fbce53812fcd3ced400652d353f0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/views/ledger_plans.sql', 'repeatable', '9c869f9511a13f762f08a3181a506b6b40f35d4fb2e80cb55ad213e6955f526b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/views/ledger_tenant_features.sql', 'repeatable', '5d00626b1ed5c06c96bfafdf5ff2de688e9cebab8c342cdc111e0b5aa793f866', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/20_catalogue/views/ledger_tenant_plans.sql', 'repeatable', 'e2bce1c65b35bcece7aba103ba2b669a456681d449114f00409d73d705c35982', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/21_prices/check_price_usage.sql', 'repeatable', '441547ee6e7e51836c507d693d689705387b314f20a1a867329ec382c4729a8e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/21_prices/ledger_price_usage.sql', 'repeatable', 'fc11d80be8aa0fd33ac37278d07e543595083783385dbf728ef981ac826ff54f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/21_prices/packages_begun.sql', 'repeatable', '7de7c081ad49110579c0809f2fe2ad4fb990ebaff3cf71ecf7e83cf47c291d3e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/21_prices/price_amounts.sql', 'repeatable', '6632c8608bf555aea7a49c571c3e4f4acc2a3bf3fd29dfe481f3ad4172cfcca5', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/21_prices/price_description.sql', 'repeatable', '4b21f6769ae12e39885fd7440091cb7ce564c5d723cf776ea0dc697d42b273b0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/21_prices/price_lines.sql', 'repeatable', '159a5da08190c06b50d14f0cee97328a7e6a3fa8a502e2456b3d07004afded5d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/advance_subscription.sql', 'repeatable', '56c3790a71e3134eb3d0766d348a757be09a253f638c457c0ccd4e42d731dd68', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/check_new_subscription.sql', 'repeatable', 'af06130109bd71f6f8681bb3c77c9a7e0f68fbe5420d0c2acc287f77acc281b4', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/check_plan_change.sql', 'repeatable', '85c33f69f0029d49d4af7bad62d0cf20a435042bfde2e7acebe7abe91c146743', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/check_subscription_quantity.sql', 'repeatable', '2669a2842c3b05ba1998410e9108808484b2c5cc5288ef4b02470b86edca58a5', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/insert_subscription.sql', 'repeatable', '4117b33762e85ab822a631458606ef968fbcb25db31ce2ce47861cd938c44958', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/ledger_cancel_subscription.sql', 'repeatable', '9f3ddd39bd63b01ea4c24b8307c4b2388d6bcaac9d292c82ccf08377782236fb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/ledger_change_plan.sql', 'repeatable', 'b080ad21f71db2aa34383e3ca57add8af4a9866f328002a271513fa7a271eab9', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/ledger_create_subscription.sql', 'repeatable', 'b89b1f01727deffbf7c1a22a442d3135158c3cddc8da60abd4253b9735803027', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/ledger_get_active_subscription.sql', 'repeatable', '36c0054f005a1556b50a43d1c76ed9b97184256e92dbfb8e89748c88eb18ab34', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/ledger_get_subscription.sql', 'repeatable', 'b78fa431996b4aac2ae402e2448fcdeee87705fc03e43daade960343bf7959fa', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/ledger_list_subscriptions.sql', 'repeatable', '90d2026dc8859636f6ac74f681d55695397dabeea76b7f1bd2f1468831883c9b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/ledger_pause_subscription.sql', 'repeatable', 'ff6d011f5f54bdd1ea1ed07818e0767691b7f6bf625da79585e434ec94478ce8', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/ledger_resume_subscription.sql', 'repeatable', '0be51485d908db7c84a0bb389ba49d8930d29432dbc8f9132cc4e30d4172d737', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/ledger_update_subscription.sql', 'repeatable', '36739c2b9bda41b372a239a5feaf0781d0576063d21bf9056fdf880f84a78ad8', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/lock_subscription.sql', 'repeatable', '293c0fa099db6aa2b01532862d607584336fc0ed2b259650eca535f1d60c5185', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/make_way.sql', 'repeatable', '5d889b2fac286ec026ed4242b5de7c6c205f52319623b551beef58f80c84483f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/new_subscription.sql', 'repeatable', '667c13c3b1cfddd6a78b78ca3e02adadd25dee4b7f85c6ce23ae976c466e84df', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/note_subscription_change.sql', 'repeatable', '066b0d8fc1a4c7f4eca87b5d3f013fc0aaeb5393924fce53822f28bf63088d56', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/refuse_move.sql', 'repeatable', 'ac40bcdb63ae8545c8429902b238a07a8a79dfa5e7bc0738c107e715f9cf44e5', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/refuse_second_subscription.sql', 'repeatable', '3a1d9a0ad1b87ae0f9105cc67ac0a7eb71640af1549007319b56bd9732447779', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/repeated_subscription.sql', 'repeatable', '66181743abc7ea878b24859fbf61f6ebc34db62cb00319b35e1faa2ce537ad81', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/store_subscription.sql', 'repeatable', 'ce99f51089c5b429b31a049f0816f3eb1ce00b82e36804b6cae398fbb45a982f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/subscribable_plan.sql', 'repeatable', 'fbaa7ceb0ceb4a6f9f694a824f52b4518860c0ac88560e445673b3ef365a7c76', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/subscription_clock.sql', 'repeatable', 'd3ed946cc87d47db118f67cc6fee217983198e83cb43ed5302bd47fbb36d4c4f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/subscription_due_at.sql', 'repeatable', '56211a1fc5f23eeb090aef229d72e67f93f17993ca569874762b75706df9352a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/subscription_of.sql', 'repeatable', '91d09de6481ef72553fab3192f3e541883e90a73d792ab6ef0f5d81896f326ef', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/subscription_period.sql', 'repeatable', '2bb3427de92450d142a0ca0f307efa1052f13058e48a1ebe645c41054bccec37', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/trial_end.sql', 'repeatable', '2a840fbd1ede4739cc297a0ef901b3be88f07e1ec72c8d1b712bfe2c293cba08', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/write_subscription.sql', 'repeatable', '25556a3f3898add965a915fa9b249050292d5a08084ce6e966335f66cb3f012d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/views/ledger_subscription_changes.sql', 'repeatable', 'bc5bf4c7765ba5c8180e22e062573cc97aeef501bd3903bce34215b3d0a597c0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/views/ledger_subscriptions.sql', 'repeatable', 'a58ff95962fe3e21b25048f6d0b67189e9a0f64612a4ebe6bab0ddd8dc3e12d7', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/views/ledger_tenant_subscription_changes.sql', 'repeatable', '53109dcd535aa92b4a165e09788e0654e59430a34f0b745fa6112704a23bc250', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/22_subscriptions/views/ledger_tenant_subscriptions.sql', 'repeatable', 'fc2b46fa43a939b94851eeeca479bdd1e6c6aa562a39c3743553a88c0fc1d1ca', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/aggregate_usage.sql', 'repeatable', '72aec652da84c0fe87c1d8ff2aac274bad962e39d3ae59f6083894b67bf052c4', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/check_usage_range.sql', 'repeatable', '6a86985672ef952025d84768015c156db11164173eae40d5726df156e0c59762', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/count_usage_values.sql', 'repeatable', '130e68de85be361fb1b9f6905cebde00e1eec79e78e5952c060f07a42d273bb5', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/event_of_key.sql', 'repeatable', '94e02e76ebb4dd078a403763798f2c4ea375a11ed99a0c2e30dd99f76d1ad475', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/ingest_one_usage.sql', 'repeatable', '1047e83daa40964241d995375240686e8207f82bc0cdd6412c28416ca689098a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/ingest_usage.sql', 'repeatable', 'c7ebb96e6f172a4529dc9a600e30ec72ed5a64563cb48a04c92ef6291a93cdb8', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/insert_usage.sql', 'repeatable', 'f2a8b07ee361707c72325fe562ddf9f8871bef4d04e4187b600fcffbff26d72d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/latest_usage_between.sql', 'repeatable', 'f5df3f10e898f8a9f3f1471d159495a556a3f6733f66ae72f50a690e8f405339', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/ledger_aggregate_usage.sql', 'repeatable', '82bc9c42f4cf0d1ba1eb3ff57a754d1b0c8c699095453d65ee374945fba0f967', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/ledger_aggregate_usage_by_feature.sql', 'repeatable', '8c4a397f06e04f2adccf27dd7fa1bf67865f5bb181864f87552ec61e92e9343f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/ledger_ingest_usage.sql', 'repeatable', '6f7f03e264912421ab3cdce2dbc5ac9278c4efe128a22df837ee5932b6be855f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/ledger_purge_usage.sql', 'repeatable', 'f554b106f36d74d6d4a06f9e7271f12b011751b4c1c513446e5b49c6f9fdb195', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/ledger_query_usage.sql', 'repeatable', 'd3c4da8e7bb833733d4dd968e03079477fe248d5d598ec8ce6e95981eb954659', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/ledger_record_usage.sql', 'repeatable', 'ae132f77cf9a00abb08131e31c95b9ba53c88ce9e5e852ea455da321521181dc', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/ledger_set_usage_skew.sql', 'repeatable', '30b733c7b0167b2e853237e6be3c29aebdda7170eae0456de33d39735a6bddb2', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/open_meters.sql', 'repeatable', '0bb0c6f96eadd606e6add9e11dd13a4083fc34a73655cd554bab06b4cc31000c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/quota_period.sql', 'repeatable', '46ac4c02cd0708a21f7a741277d59291cdee2b78eeabda644290a4d3f11ff631', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/resolve_usage.sql', 'repeatable', '87f6f95a146af14fef74d189c6422a8eaa660bc4b11087968ef8712b778f9c96', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/roll_up_usage.sql', 'repeatable', '53be1dfb6b3023e4e032a208d240c4906eaf077411d0a6f009c920f0d43a3dfa', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/take_turns.sql', 'repeatable', 'c2161dedc34f8de313dbb3a0ada957aaa8057eb131dad848053b4fb1955e0c66', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/unique_usage_between.sql', 'repeatable', 'ef125295e406f06bcc981ca56acc135f333e38d0f2c6ae4e0610ea6195efccf3', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/usage_answers.sql', 'repeatable', 'd6f2e672f9cc5fc7b16973ecda8f33a91bd6bd1ea450b0e951fce3db5bdfa2c9', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/usage_between.sql', 'repeatable', '91c2d021ff506b6ab98509ee4e3954a31527c5847c3ccb7c05d0afcc9766eb81', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/usage_fault.sql', 'repeatable', '0ea805963ade6be916a0a30f4521c64a7003f43b86657237fa5e9eb678d2a2fd', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/usage_needed_from.sql', 'repeatable', '8a7ebd448a5bd7ea9e7751b5c219754bf3d1adb040add702ff883bec9b8b83e4', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/usage_skew.sql', 'repeatable', '7a54dda4d1878547947df4ca4475a540cf4ed21fa769a90c2d45e3cebe1c39a5', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/usage_sums.sql', 'repeatable', 'cfc2934f1e50213c84754940009656d9df5976c9a4d51d50730df5a10c575cf8', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/usage_was_purged.sql', 'repeatable', '84e74ae1e78a7062e99dfe8d8b020851bc0f0f1930f022e974ac47c71002ceca', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/whole_hours.sql', 'repeatable', '462d4931a26b13a93e7dbf940a2c6155d3f83f137e1df0721150dd3b5074829b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/views/ledger_tenant_usage_events.sql', 'repeatable', '12bff5fb736b95b30da17719f0972fd8a7a15beb92cfb1af4db64f268d936084', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/23_usage/views/ledger_usage_events.sql', 'repeatable', 'f64daf43d9df1ff051c2fb05bced04c9350bc81ed775bb4c717824e3ad0429d9', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/allowance.sql', 'repeatable', '7947af0e45c9506256e495221ced1404749ea482b938ae73b4aaef214434f9ed', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/consume.sql', 'repeatable', '99dfb52e57bf6a1d2acf818c162b66aa61dcadb1eb4886d76a189f899fcf4c6b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/entitlement.sql', 'repeatable', 'e1e1f8df78b65352196748eea6762664578b6ab9a5c1f4a30806352eb8d22b51', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/entitlement_versions.sql', 'repeatable', '21093c32dc700420490804b6f6183a173c73652738406f8fc1ab2d03a6cf2551', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/ledger_check_entitlement.sql', 'repeatable', 'e8c6145ec7d9b22d04416aadc8193944e97adea37890c29bee4b4abff1c73a7c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/ledger_consume_entitlement.sql', 'repeatable', '7b62c8e3b5fd9ab15e4d56ea90d49ec5cacdf83a37ca0f33eb851374b8741d4f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/ledger_get_cached_entitlement.sql', 'repeatable', '8acd1c5b0d9ce9e7144a9f6474effcc2764fa6b780802a7a5ead6def1ff7f759', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/ledger_invalidate_feature_entitlements.sql', 'repeatable', '20a1419c65c7fe4de05d6e9bc477e0c430677da8cd2d149b7c758315fe6f5302', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/ledger_invalidate_tenant_entitlements.sql', 'repeatable', '70f6f1c448a6c8aefb6c807da21cb52db993c44b7af497b5f96138fad07ed7c0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/ledger_remaining_entitlement.sql', 'repeatable', '357b8d35993fc128b79fe76924c8bb82af115299c7df6ded33b3fb1b6410ed08', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/ledger_set_cached_entitlement.sql', 'repeatable', 'ece34ba4bd6d20d24b82543dd09bfc93409fb207707356004a40e763a5f9733e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/unique_usage_added.sql', 'repeatable', '88ee65b2b95b0c30c5118e3f810644a12265623bcdaef482d5e8e955080a04ea', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/views/ledger_entitlement_cache.sql', 'repeatable', '42f382e596d70d5f0196081a922599247a2aed6fe8dac6bf8cec1e5cd57f0d2e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/24_entitlements/views/ledger_tenant_entitlement_cache.sql', 'repeatable', 'd9dc69672bcccbe99c518694eab22871e0718be537972f96423d4b88c668528c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/add_shares.sql', 'repeatable', 'e4b2d18e5cc88c4be30d61ee75be723e2d520c20be23b5f5913bc7471149d86e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/apply_coupons.sql', 'repeatable', 'adf426453289cb7a57d378f45dfa9255b4963e0be24916c19842706057a428ef', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/check_coupon_currency.sql', 'repeatable', '6c889450c764d4368740c79c8f379e3692fd9e72372db87002a70d975187826c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/check_coupon_discount.sql', 'repeatable', '8cc4c1ab811c8bfbb046b3ed0ee3837b5818c9bbf0ddb0f36470458b2839adf9', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/check_coupon_duration.sql', 'repeatable', 'f6a6915e96660453823ddab8748b46c6b03c9535f94d706bca0d6e670ad5a778', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/check_coupon_items.sql', 'repeatable', '1d59a5cd776e60f4d4003af8aabcad41ff6331b3dc9974bebabfe5da795c35ed', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/check_coupon_terms.sql', 'repeatable', 'c3dc82b5d672bc9cfd6a8c0ecfa848894c19feefe6d1931b37755c86eba9512b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/check_redeemable.sql', 'repeatable', 'b29f5fd9d61797be915d73b58e598448dc74defc29ff2ada6215fea68b143b42', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/coupon_of.sql', 'repeatable', 'f5661089b8b2bcbab0f01cf1dc2b2262a1db55302523b2c1b8156993a92f58b6', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/coupon_redemption_of.sql', 'repeatable', 'f0a5f0c32a85325c416996493494c6e083bc6074d58e0cde383b787e9d182ff4', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/differences.sql', 'repeatable', '430d3087dd7ef248d7c4a70554b4a6eb1348eddafb24c7691f36d6c48c223a0d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/discountable.sql', 'repeatable', 'f667c993ccbf391e25f8a9fdb67eccb4fb02b34a3232eccc898d853addf7f3af', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/find_coupon.sql', 'repeatable', '95d318cfdd7b211c65e327f1419fcfbfe0bcfccdf1205f07e663072f39247ef1', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/insert_coupon.sql', 'repeatable', 'ee0ea1bd15fa7e0202b14516d5ea7c5c4ef84460ebf3a10a72a6d54b8e8ac4e6', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/ledger_archive_coupon.sql', 'repeatable', 'cda6699679491fb8400337b43ee7e33b9154c389b36e3202f2303e75a398088d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/ledger_create_coupon.sql', 'repeatable', '75921d568afaf261c91a7e28b32a6f1016e5044529d2f6718efb3a9970130217', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/ledger_delete_coupon.sql', 'repeatable', '3f0f88427660da8c51606762a7ed27bdd3e752425a07b176a996138ca947bc8e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/ledger_get_coupon.sql', 'repeatable', '094ad53b4f8bc6c0aedf0fc791aef813c69a82ef24595fbe182e1a570a443a41', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/ledger_get_coupon_by_id.sql', 'repeatable', '5346279c57f49d9c66fd93f58ac53ff9239be414ad243109700cfd897178ba9b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/ledger_list_coupon_redemptions.sql', 'repeatable', '2a9f7d1aa06e66bb323eec474cb68021d8c81cf6ee8e12ecd639386b2c645e96', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/ledger_list_coupons.sql', 'repeatable', '6770a1f7763c6feb91e558a3b45498feb34661ce3b1302df8e49cad97e35c9bb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/ledger_redeem_coupon.sql', 'repeatable', '706570e69c226a60f66f502fa0b40893711a41e7968f72cc473727746402b678', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/ledger_update_coupon.sql', 'repeatable', 'db85df8ad1800f46ada05e3ff3c11fd7d68d5c81a6a66b6bb15f7f82087225ab', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/lock_coupon.sql', 'repeatable', 'df526e84d9905c567afc5adc44b43495e6853798fc01fa84a00792dc5448c365', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/lock_coupon_of_code.sql', 'repeatable', '6979c409773aed79ccd0ce33dc392beec1bc570ffd573bc82a147f0ff7f57345', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/lock_redemptions.sql', 'repeatable', '6479e0dabf34b8b9cb5d711d4f4cf34170a1cd68d1cdc74b77dbe1be05869cb6', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/redeem_coupon.sql', 'repeatable', '5fb9f0cbd862cafc7c335b855321017ae83b8ab8365ee815cb59e54daf0a3269', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/repeated_coupon.sql', 'repeatable', '353d9bb8530535f3621d583976ce0301c0441f7d7705ffdace8ada2b45a6d4da', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/repeated_redemption.sql', 'repeatable', '35ff5004341da333e49d33b552516e3fe7bd99f12dede67ce6d8261505a85fa6', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/return_coupons.sql', 'repeatable', '7094f31415be1f695130d567b2a23b69ef3f776cddbd54eec4ede9b39131f60f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/use_coupons.sql', 'repeatable', 'd86354959174e535570a6d93eeabfd70e69548e3c98018449a294544453133e5', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/views/ledger_coupon_redemptions.sql', 'repeatable', 'b845fad60387358ef71fe719dbf35fc277121d39303678b9498940d3b2c0b8c2', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/25_coupons/views/ledger_coupons.sql', 'repeatable', 'e08212e7039f763760438259f056feacc441a87477b92218839ce056cd0f2bd8', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/26_taxes/apply_taxes.sql', 'repeatable', '07b8ee95704f024793e5f60c592e8a1eac964cfafff3b08b0863b3e47ab039d0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/26_taxes/billed_rates.sql', 'repeatable', '8f60cce96d58c6adcd6d99d641af2e553df8596b53d267854923d02d8b0d0de9', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/26_taxes/billed_with.sql', 'repeatable', 'f96bfa38c11f0671fece7ca6401af82c188fcf765b554927c28ab69019614a82', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/26_taxes/check_tax_rates.sql', 'repeatable', 'caf295de5bda52f8e55c049aa966107fc98b8fc6310d21ed494cef278b139fed', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/26_taxes/plain_tax_rates.sql', 'repeatable', 'eafe16157b00533e49239193d0acce01b5a69bbb282704e19ae8dabdea5faccc', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/26_taxes/trace_credits.sql', 'repeatable', '29b8b3e6f4faddad26a6d72e603cd92e60e865f082cafed8c415b9c8a0674aaf', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/base_lines.sql', 'repeatable', 'eba58b5d6a2ec419d780b9a0ef4f066372cf06a229887a434e0941ab6b605013', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/billed_base.sql', 'repeatable', 'deae2a8059e05abff3981bd531ce2da0df25efe20a60f7a897237cbeb93787d0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/billed_usage.sql', 'repeatable', '2e9c79f7339d34a91e6e23f78bd4c300da891e3df5f21e9817d4eadad83518a4', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/billing_period.sql', 'repeatable', '68f0f63e7c6ae0dde12ab84c18521bc41de85941aa0cd30a30380cb1be04bebb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/billing_segments.sql', 'repeatable', 'e9c0319f0c9e87ef2837dce2db4ed2016a9c4b30bd1156984cb24de3910c5127', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/billing_stays.sql', 'repeatable', '3a2fb253d92331f235b7dc63ac4ddbf3c6a99ee9b9dafaba8feff222b5f33763', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/changed_base.sql', 'repeatable', 'c2bb8d3ed4787fca0776a97e6c5bb6d637b046e57137a68514f46fe3297c1f32', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/check_earlier_drafts.sql', 'repeatable', '7cecea33ba80dcac1225d0ed468eb22027134ecea3ac27a6d593da39048ae293', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/check_nothing_goes_on.sql', 'repeatable', '7d658ba0a6569694a7ebfa6fbec33eb4e705d01d8ffe64f1848ec16497eea186', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/complete_invoice.sql', 'repeatable', '8db494b8c8354c7545c75fa97ad5f8c168dbf8d393d98ea7da11537cf848d1f0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/draw_invoice.sql', 'repeatable', '119da004b469bb829486ddc090028cffc205e181b59d1fed4a2e0b8856387f88', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/draw_lines.sql', 'repeatable', 'ff2fd9296069748894f30ba5aa63d22e1b4fcaf04647460bd974725d1388d471', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/due_base.sql', 'repeatable', 'b21b91e2d2f64b0073ec17e2b7d56d48f9fad47037acd1f2877d2c69aef712eb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ensure_invoice.sql', 'repeatable', 'd1f583836ac0634a153c7aa9d12daf568e2f734924d03abd226f697b04794326', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/finalize_invoices.sql', 'repeatable', '26d964e8ba76c488d7578c23c7f248a7ed7e1cf0047bbd08fa687fe77ab9a946', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/insert_one_off_invoice.sql', 'repeatable', '1c91a41166b119dbff9a7909081384e94047d2fbe67ad7426ad45491c9f1c433', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/invoice_exponent.sql', 'repeatable', '28f4517512dc5d16ef01bca94db271cfbd04f645ac7e9cc877dd7d21d488d800', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/invoice_key.sql', 'repeatable', '2518af798f3c462960325ed19f164aeb6ba53243ddd099171800e5b75e1f8aee', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/invoice_of.sql', 'repeatable', '7519db9cea63b07e6372393f76f780b4321816306d8d79a31708168396f0dc4f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/invoice_request.sql', 'repeatable', '088c548a13dfc524b1c7acb612dc98accabbf6f799864eafa01e9e0811640d92', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/late_items.sql', 'repeatable', '53eb16fbc64625686ecf34f1ccd0f92e60666c410310f079b069c0a98f2cc7da', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/late_lines.sql', 'repeatable', '81ecfa9ba7b6361746ce94e67c41eb346a8ebd848b29d533eb83deb6f57c1016', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_create_invoice.sql', 'repeatable', 'f2dfaff5a71c9f8fa0498d87c4ace380a2bea7b0fe6ff0b59d3acbf1d1979f1d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_delete_invoice.sql', 'repeatable', '36f32c19f9811a475b49b9963d516f522bb51e1c6198e86fb2c6b76df75af83d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_finalize_invoice.sql', 'repeatable', 'a69fa6e3545f1925e84fbb43dcd8f96b4b509a0a527ea94dd2c3f1ea21d6082f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_generate_invoice.sql', 'repeatable', 'ac1121c7d9e697d5900789df15cea7dbcb69839cf2c55fd2df1e9b02c293fb93', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_get_invoice.sql', 'repeatable', '6cf2b4946f6c72263133ef4560f4b39dd1071227134175621161df48dad5f294', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_get_invoice_by_period.sql', 'repeatable', '468b646247873baf2c63fc08fa556828cfe65f03eebfdd141fa2157322d66de9', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_list_invoices.sql', 'repeatable', 'c536724d423f615533a0bebdacf7034c2de61fafdb3c221631d8003ab0f8f5f9', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_list_pending_invoices.sql', 'repeatable', 'c0c6bd3cb27f247dee72ebf461f069d2771cd067569cc1f9fae70c3794b43df0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_mark_invoice_uncollectible.sql', 'repeatable', '1c2f6381b4c6edebf79526086db0acda0b7045c17921521b7527428accfb0e74', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_mark_invoice_voided.sql', 'repeatable', 'a9b266debbae95f02bd65528c49cb648de17ebe216ae8eadeea1207339c25fbb', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_preview_invoice.sql', 'repeatable', 'a9a91311123fa4fb6b1ac314047c4b3b389129ef1baa5ea6c2a4d0bf788463f2', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_refresh_invoice.sql', 'repeatable', 'af6db551e6036d36a19c75e7abaecaa80f507cdfc656f233b9dbe2cf53301496', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/ledger_set_payment_terms.sql', 'repeatable', '2a723150bcc0f68121f419dc913e065bdb8b2d1db53dfaedad880719b3461b90', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/line_item.sql', 'repeatable', 'acb7a9b7cea2785408112685c392362a4e30f7f1e722aadb78d79096845034e1', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/lock_draft.sql', 'repeatable', 'c3963a1df51001ff0d4bbe0bb130a2b845856639b74ad3bd52bd6df8d86ca0cf', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/lock_invoice.sql', 'repeatable', 'ca0282ffbefa4e4669738b5b5aa3aa46cd9aea9b65de156c8af305418c9a67ad', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/next_base_lines.sql', 'repeatable', '23d83fd084317f6511e800044a80b2709d796e3f48dc4c42b1824433320f3cdf', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/preview_invoice.sql', 'repeatable', 'bc091524c86568a9acf33e28782b42f4d83a87b641368ff5745a076c167e4553', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/priced_features.sql', 'repeatable', '226b3fe55d83fc5101cca4886336fbd3c4b7c77d088fad44f6c37b7b637e8d5d', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/proration_unit.sql', 'repeatable', '31161272333e954c5325d56caac84f413d0da6cfcaf99ac9edb095ea921aa3ce', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/read_invoice_line.sql', 'repeatable', 'f7366034d41a572770a0daaed225d7ea2559bc35cf804a705fee23ffa83de1e6', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/read_invoice_lines.sql', 'repeatable', '5cb7e412ae6da37c11a48d71df29f4bbd10562e9a87c9d81697bede9ecd13508', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/redraw_invoice.sql', 'repeatable', 'e9c9930a7f479ce347616836e83b5585f12a8f6363d5e0c49e7f2d970ece6915', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/refuse_invoice_move.sql', 'repeatable', 'f3c9bba23e6d27d3cb055403bd0d754425c2a177e9310d780a2b95af32c8d305', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/repeated_invoice.sql', 'repeatable', '65a6a3e57ee419cd96244f6114c17c71465bd8b9560c907a5a840af8768a40e5', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/seat_levels.sql', 'repeatable', 'ea334296ededbc1021e024333a18540b36b349b3f36984ba5e11234b3cf9333e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/seats_charge.sql', 'repeatable', 'a4c3f35f4039ac639ac37dc43e46e69aac1e8197553651cbffc69cd91491bf67', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/show_invoice.sql', 'repeatable', '4d24aeda64f53ed609be957c3bd0ef1106d5bfb2a0f7f1d955b0f84861484105', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/store_invoice.sql', 'repeatable', 'f29a3d5fc806d5dbe09161415d472fca6e3232504b5d1910ae23afaa02719e3e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/store_lines.sql', 'repeatable', 'd968ad45c55bac2e551a74fbac20f0818b581adee0f0994e54af21508512fe31', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/usage_charges.sql', 'repeatable', 'a77f05829f7de7bf28f47aeaaaf9b13e25760e49a009da47f3428bed1c00ee91', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/usage_lines.sql', 'repeatable', '10334c69845bad98b2fd497b22581cb48553741a62f76cf3199e3976494f7386', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/views/ledger_invoices.sql', 'repeatable', '21394c9a2030e26bef1eb1f76e47bfd98e7a18caebe17400e28a0206d7b38ed4', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/27_invoices/views/ledger_tenant_invoices.sql', 'repeatable', 'e9f104161e4afb0307155218d9580785c02ff7529c615928103529f9691a59aa', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/28_payments/check_payment.sql', 'repeatable', '7d7b42da9451e209dc3fd9d6c850dc0a5caf50e5687ec5f9942c769f4be976e8', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/28_payments/check_payment_amount.sql', 'repeatable', '68e7babd8b87610a21f1b4559c6f0442d7f152bfe1ee0205186e6dbdaff82b8f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/28_payments/ledger_list_payments.sql', 'repeatable', '29c3aab98719262850fd510a23ea3e24c2c386c650506f52f43d1cc3e17fcac3', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/28_payments/ledger_mark_invoice_paid.sql', 'repeatable', '4559bc62fa5ff3d100390703e81a26a6f5fd86e92c613d24c93cffb3c0ced682', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/28_payments/ledger_record_payment.sql', 'repeatable', '8b9cf54416518eaf80d76038e51c5825917dca79a6fdd01d6619f61754afb90e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/28_payments/pay_invoice.sql', 'repeatable', '191f44887ec0d86b3b115727399514b7c3789e0f0ac077c5dd5f0988d61ed94f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/28_payments/payment_is_repeated.sql', 'repeatable', '51412eeb3944e13718396badca54f2714c14ceba47028ace7f87624c41361b8e', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/28_payments/views/ledger_invoice_payments.sql', 'repeatable', 'ccad97cde8c46e2bbdf46a15438e19130cc3667cb8b63ba0555343ca3af315ae', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/28_payments/views/ledger_tenant_invoice_payments.sql', 'repeatable', '7bbc781a5e2acaffcd242516f9f4375f5798943557274bacc0daa7ad08620d9c', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/advance_due.sql', 'repeatable', 'fc02459f3e7d05546108480894c1001db331d9d01ca74287e895f134ffaa4684', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/advance_one.sql', 'repeatable', 'd5569742eaf9d1186254c19c851b27e90846af912220ac85cfca76d830560a12', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/changes_since.sql', 'repeatable', 'd55bd244db059ce306b557f24471466eea1e9d7b9529f61be980bd0a354df0e0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/invoice_occasions.sql', 'repeatable', '85b844b753debb77cf5df2f1ffa1c5341b37a76a2f0d68e6b2574a9dee419fc1', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/invoice_on_occasion.sql', 'repeatable', 'a5f26d88307a63549aa12584258f930383df0f2161019cbb35ff376d6895fc2b', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/invoice_subscription.sql', 'repeatable', '112a4e62732c138b28a0970b77eb219bcfdebe3449573f4881c261f0dd3722a0', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/is_of_one_subscription.sql', 'repeatable', '3b37ac0d0b1c029d0297876f773a2347a677f7b883792320a9382fc8922d0b07', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/ledger_advance.sql', 'repeatable', '61b5368ed8551ca38955bdda9cc354ff0dbf52f17985642709ff96a278bf71de', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/mark_past_due.sql', 'repeatable', 'f330f39ca47e0708850f05b2016a1f6fd920c724e4b70161c1962a99a3d0ac3f', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/moved_invoices.sql', 'repeatable', '196e2162c584ebddd9a4d9bbdc160fbb9379677928688affe583376131e9ead4', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/29_advance/put_off.sql', 'repeatable', 'd3584e3fc0b031310e792bf86fe9e79d3c99b8290fef6020bfd3dd56200c1afe', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_tenants/ledger_map_tenant_role.sql', 'repeatable', 'd0c71a343d86c25a67e463c2bff90fecc4b7d7e3a9c57b67ca4e8febdb41b11a', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_tenants/ledger_unmap_tenant_role.sql', 'repeatable', 'fc776709322f6fd833e407078ea7c02af15ba8270bd386745c1d4ae5d17d07e1', pg_catalog.now(), '0.1.0.dev0'),
  ('repeatable/30_tenants/tenant_role_fault.sql', 'repeatable', '895d2036c8de7a2ca4cbe9882cd050315505619660c0027f5caff1358b1feada', pg_catalog.now(), '0.1.0.dev0');

commit;
