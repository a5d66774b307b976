/*
The transfer with that id, if it posted that hold and was asked for with the same values; nulls if
there is none. The caller has locked the hold and its accounts.

Whether a call gave no amount, or was final, is not written down, but follows. It is asked whether
the same call could have come to the same: the last posting of a posted hold ended it, and if it
posted less than there was, it was final.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.repeated_posting(
  hold pgledger.holds,
  amount numeric,
  final boolean,
  event_at timestamptz,
  metadata jsonb,
  id text,
  request_index bigint,
  request_count bigint
)
returns @extschema@.pgledger_transfer
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_earlier record;
  v_answer record;
  v_is_whole boolean := hold.posted_amount = hold.amount;
  v_ended boolean;
  v_given jsonb;
  v_recorded jsonb;
  v_ok boolean;
begin
  select
    transfers.app_id, transfers.origin_id, transfers.amount, transfers.from_version,
    transfers.event_at, transfers.metadata
  into v_earlier
  from pgledger.transfers
  where transfers.id = repeated_posting.id;
  if not found then
    return null;
  end if;

  v_ended := hold.status = 1 and not exists (
    select
    from pgledger.transfers
    where transfers.app_id = hold.app_id
      and transfers.origin_id = hold.id
      and transfers.from_version > v_earlier.from_version
  );
  v_given := jsonb_build_object(
    'app_id', hold.app_id, 'hold_id', hold.id, 'event_at', event_at, 'metadata', metadata,
    'amount',
    case when amount is null and v_ended and v_is_whole then v_earlier.amount else amount end,
    'final', case when v_ended and v_is_whole then true else final or amount is null end
  );
  v_recorded := jsonb_build_object(
    'app_id', v_earlier.app_id, 'hold_id', v_earlier.origin_id, 'event_at', v_earlier.event_at,
    'metadata', v_earlier.metadata, 'amount', v_earlier.amount, 'final', v_ended
  );
  if v_given <> v_recorded then
    v_ok := pgledger.refuse_repeated(id, v_given, v_recorded, request_index, request_count);
  end if;

  select
    found.id, found.from_account_id, found.to_account_id, found.amount, found.created_at,
    found.event_at, found.metadata, found.currency, found.from_account_name,
    found.to_account_name, found.from_account_balance, found.to_account_balance,
    found.from_account_version, found.to_account_version, found.group_id, found.app_id,
    found.from_tenant_id, found.to_tenant_id, found.origin_id, true
  into v_answer
  from pgledger.transfers_by_id(array[id]) as found;

  return v_answer;
end;
$$;

comment on function pgledger.repeated_posting is
  'The transfer with that id that posted a hold, or nulls if there is none; raises an error if it '
  'differs from the request.';

revoke all on function pgledger.repeated_posting from public;
