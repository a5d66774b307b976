/*
The private schema and the record of what has been applied to this database.

The role that creates all this also owns it: pgledger_owner, or, without roles of pgledger's own,
the role that migrates.
*/
create schema pgledger;

comment on schema pgledger is
  'Private part of pgledger: tables, private types and helper functions. '
  'Applications use the functions and views named pgledger_*, never this schema.';

revoke all on schema pgledger from public;
grant usage on schema pgledger to pgledger_auditor;

create table pgledger.schema_history (
  name text collate "C" not null,
  kind text collate "C" not null,
  sha256 text collate "C" not null,
  applied_at timestamptz not null,
  package_version text not null,
  with_roles boolean not null,
  constraint schema_history_name_pk primary key (name),
  constraint schema_history_kind_is_versioned_or_repeatable_check
  check (kind in ('versioned', 'repeatable')),
  constraint schema_history_kind_is_what_the_name_says_check
  check (starts_with(name, case kind when 'versioned' then 'migrations/' else 'repeatable/' end)),
  constraint schema_history_sha256_is_64_hex_digits_check
  check (sha256 ~ '^[0-9a-f]{64}$')
);

comment on table pgledger.schema_history is
  'One row for each SQL file applied to this database; `pgledger migrate` compares them.';
comment on column pgledger.schema_history.name is
  'Path of the file below sql/, for example migrations/0001_create_foundation.sql.';
comment on column pgledger.schema_history.kind is
  'versioned: run once, never edited. repeatable: applied again whenever a file changed.';
comment on column pgledger.schema_history.sha256 is
  'SHA-256 of the file as applied, 64 lower-case hexadecimal digits.';
comment on column pgledger.schema_history.applied_at is
  'When the file was last applied: the start of the migration''s transaction.';
comment on column pgledger.schema_history.package_version is
  'Version of the pgledger package that applied the file.';
comment on column pgledger.schema_history.with_roles is
  'Whether what the file makes is to belong to pgledger''s own roles; false: to whoever migrates.';

revoke all on table pgledger.schema_history from public;
grant select on table pgledger.schema_history to pgledger_auditor;
