/*
Keeps records as they were written: nobody can update, delete or truncate transfers, or delete or
truncate accounts or holds, or change accepted times, the history of accounts and of closed periods,
what let reversals past limits, idempotency keys, which a purge may delete, what was asked for in a
hold, blocks of changes, what they cover and their seals, ids and times that an import has replaced,
or noted changes, but that a block takes them. The triggers are ENABLE ALWAYS, so that
session_replication_role does not switch them off. They fire for each row as well as for each
statement, because replication applies rows.

Errors: ImmutableRecord.
*/
create or replace function pgledger.refuse_change()
returns trigger
language plpgsql
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.fail(
    'ImmutableRecord', array[tg_op, format('%I.%I', tg_table_schema, tg_table_name)]
  );
  return null;
end;
$$;

comment on function pgledger.refuse_change is
  'Trigger: refuses to change or remove rows that never change.';

revoke all on function pgledger.refuse_change from public;

create or replace trigger transfers_rows_never_change
before update or delete on pgledger.transfers
for each row execute function pgledger.refuse_change();

create or replace trigger transfers_never_change
before update or delete or truncate on pgledger.transfers
for each statement execute function pgledger.refuse_change();

create or replace trigger accounts_rows_are_never_deleted
before delete on pgledger.accounts
for each row execute function pgledger.refuse_change();

create or replace trigger accounts_are_never_deleted
before delete or truncate on pgledger.accounts
for each statement execute function pgledger.refuse_change();

create or replace trigger accepted_times_rows_never_change
before update or delete on pgledger.accepted_times
for each row execute function pgledger.refuse_change();

create or replace trigger accepted_times_never_change
before update or delete or truncate on pgledger.accepted_times
for each statement execute function pgledger.refuse_change();

create or replace trigger holds_rows_are_never_deleted
before delete on pgledger.holds
for each row execute function pgledger.refuse_change();

create or replace trigger holds_are_never_deleted
before delete or truncate on pgledger.holds
for each statement execute function pgledger.refuse_change();

-- It is asked for the columns that a statement sets, which costs a posting nothing.
create or replace trigger holds_keep_what_was_asked
before update of id, from_key, to_key, from_is_first, app_id, amount, created_at, event_at,
first_expires_at, group_id, metadata
on pgledger.holds
for each row execute function pgledger.refuse_change();

alter table pgledger.holds
enable always trigger holds_rows_are_never_deleted,
enable always trigger holds_are_never_deleted,
enable always trigger holds_keep_what_was_asked;

create or replace trigger account_changes_rows_never_change
before update or delete on pgledger.account_changes
for each row execute function pgledger.refuse_change();

create or replace trigger account_changes_never_change
before update or delete or truncate on pgledger.account_changes
for each statement execute function pgledger.refuse_change();

alter table pgledger.account_changes
enable always trigger account_changes_rows_never_change,
enable always trigger account_changes_never_change;

create or replace trigger period_changes_rows_never_change
before update or delete on pgledger.period_changes
for each row execute function pgledger.refuse_change();

create or replace trigger period_changes_never_change
before update or delete or truncate on pgledger.period_changes
for each statement execute function pgledger.refuse_change();

alter table pgledger.period_changes
enable always trigger period_changes_rows_never_change,
enable always trigger period_changes_never_change;

create or replace trigger idempotency_keys_rows_never_change
before update on pgledger.idempotency_keys
for each row execute function pgledger.refuse_change();

create or replace trigger idempotency_keys_never_change
before update or truncate on pgledger.idempotency_keys
for each statement execute function pgledger.refuse_change();

alter table pgledger.idempotency_keys
enable always trigger idempotency_keys_rows_never_change,
enable always trigger idempotency_keys_never_change;

create or replace trigger reversals_over_limits_rows_never_change
before update or delete on pgledger.reversals_over_limits
for each row execute function pgledger.refuse_change();

create or replace trigger reversals_over_limits_never_change
before update or delete or truncate on pgledger.reversals_over_limits
for each statement execute function pgledger.refuse_change();

alter table pgledger.reversals_over_limits
enable always trigger reversals_over_limits_rows_never_change,
enable always trigger reversals_over_limits_never_change;

alter table pgledger.accepted_times
enable always trigger accepted_times_rows_never_change,
enable always trigger accepted_times_never_change;

alter table pgledger.transfers
enable always trigger transfers_rows_never_change,
enable always trigger transfers_never_change;

alter table pgledger.accounts
enable always trigger accounts_rows_are_never_deleted,
enable always trigger accounts_are_never_deleted;

create or replace trigger blocks_rows_never_change
before update or delete on pgledger.blocks
for each row execute function pgledger.refuse_change();

create or replace trigger blocks_never_change
before update or delete or truncate on pgledger.blocks
for each statement execute function pgledger.refuse_change();

alter table pgledger.blocks
enable always trigger blocks_rows_never_change,
enable always trigger blocks_never_change;

create or replace trigger block_accounts_rows_never_change
before update or delete on pgledger.block_accounts
for each row execute function pgledger.refuse_change();

create or replace trigger block_accounts_never_change
before update or delete or truncate on pgledger.block_accounts
for each statement execute function pgledger.refuse_change();

alter table pgledger.block_accounts
enable always trigger block_accounts_rows_never_change,
enable always trigger block_accounts_never_change;

create or replace trigger block_holds_rows_never_change
before update or delete on pgledger.block_holds
for each row execute function pgledger.refuse_change();

create or replace trigger block_holds_never_change
before update or delete or truncate on pgledger.block_holds
for each statement execute function pgledger.refuse_change();

alter table pgledger.block_holds
enable always trigger block_holds_rows_never_change,
enable always trigger block_holds_never_change;

create or replace trigger seals_rows_never_change
before update or delete on pgledger.seals
for each row execute function pgledger.refuse_change();

create or replace trigger seals_never_change
before update or delete or truncate on pgledger.seals
for each statement execute function pgledger.refuse_change();

alter table pgledger.seals
enable always trigger seals_rows_never_change,
enable always trigger seals_never_change;

create or replace trigger noted_changes_rows_are_never_deleted
before delete on pgledger.noted_changes
for each row execute function pgledger.refuse_change();

create or replace trigger noted_changes_are_never_deleted
before delete or truncate on pgledger.noted_changes
for each statement execute function pgledger.refuse_change();

create or replace trigger noted_changes_keep_what_changed
before update of number, version, changed_at, entity, change, entity_id, app_id, tenant_id, details
on pgledger.noted_changes
for each row execute function pgledger.refuse_change();

alter table pgledger.noted_changes
enable always trigger noted_changes_rows_are_never_deleted,
enable always trigger noted_changes_are_never_deleted,
enable always trigger noted_changes_keep_what_changed;

create or replace trigger imported_entries_rows_never_change
before update or delete on pgledger.imported_entries
for each row execute function pgledger.refuse_change();

create or replace trigger imported_entries_never_change
before update or delete or truncate on pgledger.imported_entries
for each statement execute function pgledger.refuse_change();

alter table pgledger.imported_entries
enable always trigger imported_entries_rows_never_change,
enable always trigger imported_entries_never_change;

create or replace trigger imported_times_rows_never_change
before update or delete on pgledger.imported_times
for each row execute function pgledger.refuse_change();

create or replace trigger imported_times_never_change
before update or delete or truncate on pgledger.imported_times
for each statement execute function pgledger.refuse_change();

alter table pgledger.imported_times
enable always trigger imported_times_rows_never_change,
enable always trigger imported_times_never_change;
