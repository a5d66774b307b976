/*
Reverses a transfer, in whole or in part, within the limits of its accounts, or, with a reason,
whatever they are. app_id, the transfer's id and the reason were checked.

Checks, in this order: the request's own values; that the transfer exists; whether it is a repeat;
what is left of it; the clock; status; decimal places; the period; limits.

The row of a key is inserted before expired holds are locked and before the transfer, as everywhere:
so a new id is made for both.

Locks: both accounts FOR NO KEY UPDATE, ascending by id, then the inserted row of the key, then
expired holds where a limit seems to be broken. Whoever reverses the same transfer waits for the
accounts, so what is left of it is added up after them.
Errors: those of pgledger.check_request_details, pgledger.check_key, pgledger.lock_transfer,
pgledger.repeated_reversal, pgledger.amount_to_reverse and pgledger.post_reversal.
*/
create or replace function pgledger.reverse_transfer(
  transfer_id text,
  amount numeric,
  event_at timestamptz,
  metadata jsonb,
  id text,
  app_id text,
  allow_future_event_at boolean,
  reason text,
  idempotency_key text
)
returns @extschema@.pgledger_transfer
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_function text := case
    when reason is null then 'pgledger_reverse_transfer'
    else 'pgledger_reverse_transfer_over_limits'
  end;
  v_request jsonb;
  v_transfer pgledger.transfers;
  v_key pgledger.idempotency_keys;
  v_id text := id;
  v_created_at timestamptz;
  v_ok boolean;
begin
  v_ok := pgledger.check_request_details(
    coalesce(amount, 1), event_at, metadata, id, allow_future_event_at
  );
  v_ok := pgledger.check_key(idempotency_key);

  v_transfer := pgledger.lock_transfer(transfer_id, app_id);
  if idempotency_key is not null then
    v_request := pgledger.reversal_request(transfer_id, amount, event_at, metadata, id, reason);
    v_key := pgledger.key_of_request(app_id, idempotency_key, v_function, v_request);
    if v_key.created_at is not null then
      return pgledger.replayed_transfer(v_key.result_id);
    end if;
    v_created_at := (
      select
        greatest(pgledger.clock(), max(accounts.updated_at) + interval '1 microsecond')
      from pgledger.accounts
      where accounts.key in (v_transfer.from_key, v_transfer.to_key)
    );
    v_id := coalesce(id, 'pglt_' || pgledger.new_ulid(v_created_at));
    v_key := pgledger.take_key(app_id, idempotency_key, v_function, v_request, v_id);
  end if;

  if exists (select from pgledger.transfers where transfers.id = reverse_transfer.id) then
    return pgledger.repeated_reversal(v_transfer, amount, event_at, metadata, id, reason);
  end if;

  return pgledger.post_reversal(
    v_transfer, pgledger.amount_to_reverse(v_transfer, amount), event_at, metadata, v_id, reason,
    v_created_at
  );
end;
$$;

comment on function pgledger.reverse_transfer is
  'Reverses a transfer, in whole or in part.';

revoke all on function pgledger.reverse_transfer from public;
