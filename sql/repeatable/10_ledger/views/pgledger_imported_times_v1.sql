/*
Which transfers were imported with a later time than they had.
*/
create or replace view @extschema@.pgledger_imported_times_v1 as
select
  imported_times.transfer_id,
  imported_times.created_at as imported_created_at,
  transfers.created_at,
  transfers.app_id
from pgledger.imported_times
left join pgledger.transfers on imported_times.transfer_id = transfers.id;

comment on view @extschema@.pgledger_imported_times_v1 is
  'One row for each transfer that was imported with a later created_at than it had.';
comment on column @extschema@.pgledger_imported_times_v1.transfer_id is 'The transfer.';
comment on column @extschema@.pgledger_imported_times_v1.imported_created_at is
  'Its created_at where it came from.';
comment on column @extschema@.pgledger_imported_times_v1.created_at is
  'When it is recorded here: later than what was before on both accounts.';
comment on column @extschema@.pgledger_imported_times_v1.app_id is
  'Set of books that both accounts belong to; the empty text where there is only one.';

revoke all on table @extschema@.pgledger_imported_times_v1 from public;
grant select on table @extschema@.pgledger_imported_times_v1 to pgledger_reader;
