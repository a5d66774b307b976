/*
One transfer. An id that does not exist is an error rather than no row.

Errors: NullArgument, InvalidId, InvalidScope, TransferNotFound.
*/
create or replace function @extschema@.pgledger_get_transfer(
  id text,
  app_id text default ''
)
returns @extschema@.pgledger_transfer
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_transfer record;
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_id('id', id, 'pglt');

  select
    transfer.id, transfer.from_account_id, transfer.to_account_id, transfer.amount,
    transfer.created_at, transfer.event_at, transfer.metadata, transfer.currency,
    transfer.from_account_name, transfer.to_account_name, transfer.from_account_balance,
    transfer.to_account_balance, transfer.from_account_version, transfer.to_account_version,
    transfer.group_id, transfer.app_id, transfer.from_tenant_id, transfer.to_tenant_id,
    transfer.origin_id, transfer.replayed
  into v_transfer
  from pgledger.transfers_by_id(array[pgledger_get_transfer.id]) as transfer
  where transfer.app_id = pgledger_get_transfer.app_id;

  if not found then
    v_ok := pgledger.fail('TransferNotFound', array[id, pgledger.in_app(app_id)]);
  end if;

  return v_transfer;
end;
$$;

comment on function @extschema@.pgledger_get_transfer is
$$Returns a transfer.

id: The transfer's id.
app_id: Set of books that it belongs to.

Returns: The transfer, with both accounts' balances and versions right after
  it.

Errors: NullArgument, InvalidScope, InvalidId, TransferNotFound (there is no
  such transfer under this app_id).$$;

revoke all on function @extschema@.pgledger_get_transfer from public;
grant execute on function @extschema@.pgledger_get_transfer to pgledger_reader;
