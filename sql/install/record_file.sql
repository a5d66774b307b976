/*
Records that a file was applied.

Run by `pgledger migrate` for each file after the last one, in their transaction, as pgledger's
owner.

  name, kind, sha256   of the file
  package_version      of the package that applied it
  with_roles           whether roles of pgledger's own own everything
*/
insert into pgledger.schema_history (name, kind, sha256, applied_at, package_version, with_roles)
values (:name, :kind, :sha256, pg_catalog.now(), :package_version, :with_roles)
on conflict on constraint schema_history_name_pk do update
set
  kind = excluded.kind,
  sha256 = excluded.sha256,
  applied_at = excluded.applied_at,
  package_version = excluded.package_version,
  with_roles = excluded.with_roles;
