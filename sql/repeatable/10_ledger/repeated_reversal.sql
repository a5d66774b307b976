/*
The transfer with that id, if it reversed that transfer and was asked for with the same values;
nulls if there is none. The caller has locked the accounts.

Whether a call gave no amount is not written down, but follows: such a call reverses all that is
left, so nothing was left after it.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.repeated_reversal(
  transfer pgledger.transfers,
  amount numeric,
  event_at timestamptz,
  metadata jsonb,
  id text,
  reason text
)
returns @extschema@.pgledger_transfer
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_earlier record;
  v_took_the_rest boolean;
  v_given jsonb;
  v_recorded jsonb;
  v_ok boolean;
begin
  select
    transfers.app_id, transfers.origin_id, transfers.amount, transfers.from_version,
    transfers.event_at, transfers.metadata, reversals_over_limits.reason
  into v_earlier
  from pgledger.transfers
  left join pgledger.reversals_over_limits on transfers.id = reversals_over_limits.reversal_id
  where transfers.id = repeated_reversal.id;
  if not found then
    return null;
  end if;

  v_took_the_rest := transfer.amount = pgledger.reversed_amount(
    transfer.id, transfer.app_id, v_earlier.from_version
  );
  v_given := jsonb_build_object(
    'app_id', transfer.app_id, 'transfer_id', transfer.id, 'event_at', event_at,
    'metadata', metadata, 'reason', reason,
    'amount', case when amount is null and v_took_the_rest then v_earlier.amount else amount end
  );
  v_recorded := jsonb_build_object(
    'app_id', v_earlier.app_id, 'transfer_id', v_earlier.origin_id,
    'event_at', v_earlier.event_at, 'metadata', v_earlier.metadata, 'reason', v_earlier.reason,
    'amount', v_earlier.amount
  );
  if v_given <> v_recorded then
    v_ok := pgledger.refuse_repeated(id, v_given, v_recorded);
  end if;

  return pgledger.replayed_transfer(id);
end;
$$;

comment on function pgledger.repeated_reversal is
  'The transfer with that id that reversed a transfer, or nulls if there is none; raises an error '
  'if it differs from the request.';

revoke all on function pgledger.repeated_reversal from public;
