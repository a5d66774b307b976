/*
Reverses a transfer, in whole or in part, within the limits of its accounts, or, with a reason,
whatever they are. app_id, the transfer's id and the reason were checked.

Checks, in this order: the request's own values; that the transfer exists; whether it is a repeat;
what is left of it; the clock; status; decimal places; limits.

Locks: both accounts FOR NO KEY UPDATE, ascending by id. Whoever reverses the same transfer waits
for them, so what is left of it is added up after them.
Errors: those of pgledger.check_request_details, pgledger.lock_transfer, pgledger.repeated_reversal,
pgledger.amount_to_reverse and pgledger.post_reversal.
*/
create or replace function pgledger.reverse_transfer(
  transfer_id text,
  amount numeric,
  event_at timestamptz,
  metadata jsonb,
  id text,
  app_id text,
  allow_future_event_at boolean,
  reason text
)
returns @extschema@.pgledger_transfer
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_transfer pgledger.transfers;
  v_ok boolean;
begin
  v_ok := pgledger.check_request_details(
    coalesce(amount, 1), event_at, metadata, id, allow_future_event_at
  );

  v_transfer := pgledger.lock_transfer(transfer_id, app_id);
  if exists (select from pgledger.transfers where transfers.id = reverse_transfer.id) then
    return pgledger.repeated_reversal(v_transfer, amount, event_at, metadata, id, reason);
  end if;

  return pgledger.post_reversal(
    v_transfer, pgledger.amount_to_reverse(v_transfer, amount), event_at, metadata, id, reason
  );
end;
$$;

comment on function pgledger.reverse_transfer is
  'Reverses a transfer, in whole or in part.';

revoke all on function pgledger.reverse_transfer from public;
