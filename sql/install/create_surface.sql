/*
Makes the schema of the public functions and views where it is missing.

Run by `pgledger migrate` and by pgledger.sql in a new database, as the role that everything will
belong to. What the roles need in it is granted by ensure_requirements.sql afterwards.

  surface   the schema's name
*/
do $surface$
declare
  v_surface constant text := :surface;
begin
  if not exists (select from pg_catalog.pg_namespace where nspname = v_surface) then
    execute pg_catalog.format('create schema %I', v_surface);
  end if;
end
$surface$;
