/*
Reads which files a database has.

Run by every command of `pgledger` that looks at a database, as pgledger's owner where the connected
role can act as it.
*/
select
  schema_history.name,
  schema_history.kind,
  schema_history.sha256,
  schema_history.applied_at,
  schema_history.package_version,
  schema_history.with_roles
from pgledger.schema_history
order by schema_history.name collate "C";
