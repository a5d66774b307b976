/*
One transfer. An id that does not exist is an error rather than no row. Both accounts are looked up
by index, even when the caller has switched nested loops off. The statement is planned once for all
calls: to plan it takes much longer than to run it.

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
set enable_nestloop = on
as $$
declare
  v_transfer record;
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_id('id', id, 'pglt');

  select
    transfers.id, source.id as from_account_id, target.id as to_account_id, transfers.amount,
    transfers.created_at, coalesce(transfers.event_at, transfers.created_at) as event_at,
    transfers.metadata, source.currency, source.name as from_account_name,
    target.name as to_account_name, transfers.from_balance, transfers.to_balance,
    transfers.from_version, transfers.to_version, transfers.group_id, transfers.app_id,
    source.tenant_id as from_tenant_id, target.tenant_id as to_tenant_id, transfers.origin_id,
    null::boolean as replayed
  into v_transfer
  from pgledger.transfers
  inner join pgledger.accounts as source on transfers.from_key = source.key
  inner join pgledger.accounts as target on transfers.to_key = target.key
  where transfers.id = pgledger_get_transfer.id
    and transfers.app_id = pgledger_get_transfer.app_id;

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
