/*
Makes the schema of the public functions and views where it is missing. Default privileges may have
opened it to others; they lose that again.

Run by `pgledger migrate` and by pgledger.sql in a new database, as the role that everything will
belong to. What the roles need in it is granted by ensure_requirements.sql afterwards.

  surface   the schema's name
*/
do $surface$
declare
  v_surface constant text := :surface;
  v_other record;
begin
  if not exists (select from pg_catalog.pg_namespace where nspname = v_surface) then
    execute pg_catalog.format('create schema %I', v_surface);
    for v_other in
      select distinct acl.grantee
      from pg_catalog.pg_namespace
      cross join pg_catalog.aclexplode(pg_namespace.nspacl) as acl
      where pg_namespace.nspname = v_surface
        and acl.grantee <> pg_namespace.nspowner
    loop
      execute pg_catalog.format(
        'revoke all on schema %I from %s cascade',
        v_surface,
        case v_other.grantee
          when 0 then 'public'
          else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(v_other.grantee))
        end
      );
    end loop;
  end if;
end
$surface$;
