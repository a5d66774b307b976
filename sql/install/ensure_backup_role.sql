/*
Makes a role that backs a database up, or completes it: it reads every table (pg_read_all_data) and
is not bound by row security (BYPASSRLS), without which pg_dump fails on the tables that tenants
read. It can change nothing. Where all is met, changes nothing.

Whoever runs this may have any search_path; while it runs, nothing that others have made is in it.

Run by an administrator, for whom `pgledger roles --backup` prints it.

  role   name of the role
*/
do $backup$
declare
  v_role constant name := :role;
  v_search_path constant text := pg_catalog.current_setting('search_path');
  -- 16 separated being a member from inheriting what the role may do.
  v_has_inherit constant boolean :=
    pg_catalog.current_setting('server_version_num')::integer >= 160000;
begin
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  if not exists (select from pg_catalog.pg_roles where pg_roles.rolname = v_role) then
    execute pg_catalog.format('create role %I login', v_role);
  end if;
  if not exists (
    select
    from pg_catalog.pg_roles
    where pg_roles.rolname = v_role and (pg_roles.rolbypassrls or pg_roles.rolsuper)
  ) then
    execute pg_catalog.format('alter role %I bypassrls', v_role);
  end if;
  if not pg_catalog.pg_has_role(v_role, 'pg_read_all_data', 'USAGE') then
    if v_has_inherit then
      execute pg_catalog.format('grant pg_read_all_data to %I with inherit true', v_role);
    else
      execute pg_catalog.format('alter role %I inherit', v_role);
      execute pg_catalog.format('grant pg_read_all_data to %I', v_role);
    end if;
  end if;
  perform pg_catalog.set_config('search_path', v_search_path, true);
exception
  when insufficient_privilege then
    raise exception 'the role % may not make a role that backs up: %', current_user, sqlerrm
      using errcode = 'insufficient_privilege',
        hint = 'A superuser may; from PostgreSQL 16 on, also a role with CREATEROLE and BYPASSRLS '
          'that was granted pg_read_all_data with admin option.';
end
$backup$;
