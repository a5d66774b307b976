/*
Lists the roles that are believed in this database. Anybody who may create schemas in it can make
one called pgledger and fill it, or one that pgledger is to be installed into. So these are believed
to own them, and nobody else: the owning role of an installation with roles; who can do anything
anyway (superusers) or is the master of this database (its owner); and who asks. A superuser who
asks as another role (SET ROLE) is still a superuser to the code that a stranger may have put there.

Run by every command of `pgledger` that looks at a database, inside of read_owner.sql,
read_foreign.sql and surface_stranger.sql.
*/
select pg_roles.oid
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
  );
