/*
Refuses what pgledger.sql cannot be installed into: a server that is too old, a database that has
pgledger or is not encoded as UTF8, a schema that cannot be the surface, is a stranger's or has
objects of our names.

Run by pgledger.sql before it changes anything. `pgledger migrate` asks the same in Python, because
it can do more about some of it.

  surface, names   as in surface_conflicts.sql
  minimum          oldest supported server, as in server_version_num
*/
do $guard$
declare
  v_surface constant text := :surface;
begin
  if pg_catalog.current_setting('server_version_num')::integer < :minimum then
    raise exception 'pgledger needs PostgreSQL % or newer, this is %',
      :minimum / 10000, pg_catalog.current_setting('server_version');
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
  if pg_catalog.current_setting('server_encoding') <> 'UTF8' then
    raise exception 'the database has the encoding %; pgledger needs UTF8',
      pg_catalog.current_setting('server_encoding')
      using hint = 'Make another: create database shop encoding ''UTF8'' template template0';
  end if;
  if v_surface in ('pgledger', 'information_schema')
    or pg_catalog.starts_with(v_surface, 'pg_')
  then
    raise exception 'the public functions and views cannot be in the schema %', v_surface;
  end if;
  if exists (
    -- include: surface_stranger.sql
  ) then
    raise exception 'the schema % belongs to somebody who could replace what is made in it',
      v_surface
      using hint = 'Make the owner of the database its owner, or name another schema.';
  end if;
  if exists (
    -- include: surface_conflicts.sql
  ) then
    raise exception 'the schema % has objects that are named like ours already', v_surface
      using hint = 'They are not of this pgledger; name another schema.';
  end if;
end
$guard$;
