/*
How much of a transfer has been reversed. It takes no lock: what is being reversed meanwhile counts
once it has committed.

Errors: NullArgument, InvalidScope, InvalidId, TransferNotFound.
*/
create or replace function @extschema@.pgledger_reversed_amount(
  transfer_id text,
  app_id text default ''
)
returns numeric
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_id('transfer_id', transfer_id, 'pglt');

  if not exists (
    select
    from pgledger.transfers
    where transfers.id = transfer_id
      and transfers.app_id = pgledger_reversed_amount.app_id
  ) then
    v_ok := pgledger.fail('TransferNotFound', array[transfer_id, pgledger.in_app(app_id)]);
  end if;

  return pgledger.reversed_amount(transfer_id, app_id);
end;
$$;

comment on function @extschema@.pgledger_reversed_amount is
$$Says how much of a transfer has been reversed.

It is the sum of the transfers whose origin_id is this one. Reversals of those
are not taken off again: what a transfer gives back, it gives back once.

transfer_id: The transfer.
app_id: Set of books that it belongs to.

Returns: What its reversals have given back, in units of the currency: from 0
  to the transfer's amount.

Errors: NullArgument, InvalidScope, InvalidId, TransferNotFound (there is no
  such transfer under this app_id).$$;

revoke all on function @extschema@.pgledger_reversed_amount from public;
grant execute on function @extschema@.pgledger_reversed_amount to pgledger_reader;
