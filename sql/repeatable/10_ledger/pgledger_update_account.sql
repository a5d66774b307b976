/*
Renames an account or gives it other metadata.

Locks: the account FOR NO KEY UPDATE, then those of pgledger.move_account_name.
Checks, in this order: app_id, id, name, metadata, reason, that the account exists.
Errors: NullArgument, InvalidScope, InvalidId, InvalidName, InvalidMetadata, InvalidArgument,
AccountNotFound.
*/
create or replace function @extschema@.pgledger_update_account(
  id text,
  name text default null,
  metadata jsonb default null,
  reason text default null,
  app_id text default ''
)
returns @extschema@.pgledger_account
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_fault text := case when name is not null then pgledger.text_fault(name, 1, 255, true) end;
  v_account pgledger.accounts;
  v_changed pgledger.accounts;
  v_moved boolean;
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_id('id', id, 'pgla');
  if v_fault is not null then
    v_ok := pgledger.fail('InvalidName', array[quote_literal(pgledger.abridged(name)), v_fault]);
  end if;
  v_ok := pgledger.check_metadata(metadata);
  v_ok := pgledger.check_reason(reason);

  v_account := pgledger.account_to_change('id', id, app_id);
  v_changed := v_account;
  v_changed.name := coalesce(pgledger_update_account.name, v_account.name);
  v_changed.metadata := coalesce(pgledger_update_account.metadata, v_account.metadata);
  v_moved := pgledger.move_account_name(v_account, v_changed.name);

  return pgledger.change_account(v_account, v_changed, 'update', reason);
end;
$$;

comment on function @extschema@.pgledger_update_account is
$$Renames an account, or gives it other metadata.

What is not given stays as it is. Entries and transfers show the new name from
then on, also those from before. Where the name led pgledger_ensure_account to
the account, the new one does, unless it leads to another account already. A
call that changes nothing writes nothing, so it can be repeated. Each change
is a row of pgledger_account_changes_v1.

id: The account.
name: Its new name, 1 to 255 characters; null for the one it has.
metadata: JSON object, at most 64 KiB, in place of the present one. Store
  references in it, never personal data; null for what it has.
reason: Why, for those who read the history: 1 to 1,000 characters, or null.
app_id: Set of books that the account belongs to.

Returns: The account as it is now; replayed says whether it was so before.

Errors: NullArgument, InvalidScope, InvalidId, InvalidName (the name is empty,
  cannot be seen or is too long), InvalidMetadata, InvalidArgument (the reason
  is empty or too long), AccountNotFound (there is no such account under this
  app_id).$$;

revoke all on function @extschema@.pgledger_update_account from public;
grant execute on function @extschema@.pgledger_update_account to pgledger_poster;
