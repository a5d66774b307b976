/*
When a transfer of an app was recorded. The name is that of the argument that held its id.

Errors: NullArgument, InvalidId, TransferNotFound.
*/
create or replace function pgledger.transfer_time(name text, id text, app_id text)
returns timestamptz
language plpgsql
stable
parallel safe
as $$
declare
  v_created_at timestamptz;
  v_ok boolean;
begin
  select transfers.created_at
  into v_created_at
  from pgledger.transfers
  where transfers.id = transfer_time.id
    and transfers.app_id = transfer_time.app_id;

  if not found then
    v_ok := pgledger.check_id(name, id, 'pglt');
    v_ok := pgledger.fail('TransferNotFound', array[id, pgledger.in_app(app_id)]);
  end if;

  return v_created_at;
end;
$$;

comment on function pgledger.transfer_time is 'When the transfer with that id was recorded.';

revoke all on function pgledger.transfer_time from public;
