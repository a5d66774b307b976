/*
What the transfer with that id did, if it was asked for with the same values, and not for a hold;
nulls if there is no such transfer. The accounts are locked before this looks. Any earlier call for
the same transfer held these locks, so what it wrote can be seen by now. Names of the accounts are
left to the caller, who knows them.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.repeated_transfer(
  id text,
  app_id text,
  from_key bigint,
  to_key bigint,
  requested_amount numeric,
  event_at timestamptz,
  metadata jsonb,
  out amount numeric,
  out created_at timestamptz,
  out from_balance numeric,
  out to_balance numeric,
  out from_version bigint,
  out to_version bigint,
  out group_id text,
  out origin_id text
)
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_is_same boolean;
  v_ok boolean;
begin
  select
    transfers.amount, transfers.created_at, transfers.from_balance, transfers.to_balance,
    transfers.from_version, transfers.to_version, transfers.group_id, transfers.origin_id,
    (
      transfers.app_id, transfers.from_key, transfers.to_key, transfers.amount,
      transfers.event_at, transfers.metadata, transfers.origin_id
    ) is not distinct from (
      repeated_transfer.app_id, repeated_transfer.from_key, repeated_transfer.to_key,
      repeated_transfer.requested_amount, repeated_transfer.event_at, repeated_transfer.metadata,
      null
    )
  into
    repeated_transfer.amount, repeated_transfer.created_at, repeated_transfer.from_balance,
    repeated_transfer.to_balance, repeated_transfer.from_version, repeated_transfer.to_version,
    repeated_transfer.group_id, repeated_transfer.origin_id, v_is_same
  from pgledger.transfers
  where transfers.id = repeated_transfer.id;

  if not v_is_same then
    v_ok := pgledger.refuse_repeated_transfer(
      id,
      jsonb_build_object(
        'app_id', app_id,
        'from_account_id', pgledger.account_id(from_key),
        'to_account_id', pgledger.account_id(to_key),
        'amount', requested_amount,
        'event_at', event_at,
        'metadata', metadata,
        'origin_id', null
      )
    );
  end if;
end;
$$;

comment on function pgledger.repeated_transfer is
  'What the transfer with that id did, or nulls if there is none; raises an error if it differs '
  'from the request.';

revoke all on function pgledger.repeated_transfer from public;
