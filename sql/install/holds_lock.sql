/*
Says whether this session holds the migrator's lock: through a pooler another one may.

Run by `pgledger migrate` before a file that runs outside the transaction.

  key   of the advisory lock
*/
select
  exists(
    select
    from pg_catalog.pg_locks
    where pg_locks.locktype = 'advisory'
      and pg_locks.pid = pg_catalog.pg_backend_pid()
      and (pg_locks.classid::bigint << 32 | pg_locks.objid::bigint) = :key
      and pg_locks.objsubid = 1
  );
