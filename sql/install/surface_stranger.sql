/*
Reads who owns the schema that the public functions and views are to go into, if it is somebody whom
a new installation should not depend on: the owner of a schema may drop what others have made in it
and put something else of the same name there. No row where all is well, or there is no such schema.

Run by `pgledger migrate` and `pgledger plan` for a new database, and by guard.sql.

  surface   schema of the public functions and views
*/
select owner.rolname
from pg_catalog.pg_namespace
join pg_catalog.pg_roles as owner on owner.oid = pg_namespace.nspowner
where pg_namespace.nspname = :surface
  and owner.oid <> all(:include_believed_roles);
