/*
Reads who is connected to what.

Run by every command of `pgledger` that looks at a database, as the role that is connected.
*/
select
  pg_catalog.current_database(),
  current_user,
  (
    select pg_roles.rolsuper
    from pg_catalog.pg_roles
    where pg_roles.rolname = current_user
  ),
  pg_catalog.pg_is_in_recovery(),
  pg_catalog.current_setting('default_transaction_read_only') = 'on',
  -- As bytes, because a client may not have text from a database that is SQL_ASCII.
  pg_catalog.getdatabaseencoding()::pg_catalog.bytea;
