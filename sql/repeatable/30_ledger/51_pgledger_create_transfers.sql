/*
Moves several amounts at once, given as plain rows: all of them, or none. This form takes the rows
as its arguments; the other takes an array of them and what they share. A row has no place for an id
or a value of its own; pgledger_create_transfers_bulk has.
*/
create or replace function pgledger_create_transfers(
  variadic transfer_requests pgledger_transfer_request[]
)
returns setof pgledger_transfers_v1
language sql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
  select created
  from pgledger.create_transfers_of_rows(transfer_requests, null, null, '', null, false) as created
$$;

comment on function pgledger_create_transfers(pgledger_transfer_request[]) is
  'Makes several transfers, all or none, and returns them in order. Each argument is a plain row '
  '(from_account_id, to_account_id, amount). Errors name the request, counted from 1; they are '
  'those of pgledger_create_transfer, InvalidBatch and BatchTooLarge.';

revoke all on function pgledger_create_transfers(pgledger_transfer_request[]) from public;
grant execute on function pgledger_create_transfers(pgledger_transfer_request[]) to pgledger_poster;
