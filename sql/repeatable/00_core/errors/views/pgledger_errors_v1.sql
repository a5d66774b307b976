/*
The registry of errors, readable by everyone who may call anything.
*/
create or replace view @extschema@.pgledger_errors_v1 as
select
  registry.code,
  registry.name,
  registry.message,
  registry.hint,
  registry.retryable
from pgledger.error_registry() as registry;

comment on view @extschema@.pgledger_errors_v1 is
  'Every error that pgledger raises: its SQLSTATE, name, the form of its message (%s stands for a '
  'value), what to do, and whether running the same transaction again at once can help.';
comment on column @extschema@.pgledger_errors_v1.code is 'SQLSTATE, of class LG.';
comment on column @extschema@.pgledger_errors_v1.name is
  'Name, which is also that of the Python class.';
comment on column @extschema@.pgledger_errors_v1.message is
  'Form of the message; %s stands for a value.';
comment on column @extschema@.pgledger_errors_v1.hint is 'What to do about it.';
comment on column @extschema@.pgledger_errors_v1.retryable is
  'Whether the same transaction can succeed when it is run again at once.';

revoke all on table @extschema@.pgledger_errors_v1 from public;
grant select on table @extschema@.pgledger_errors_v1 to pgledger_reader;
