/*
Refuses the id of a transfer that is taken by a different request: by a transfer that exists, or
else by an earlier request of the same batch.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.refuse_repeated_transfer(
  id text,
  given jsonb,
  request_index bigint default null,
  request_count bigint default null,
  earlier jsonb default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_recorded jsonb;
begin
  select
    jsonb_build_object(
      'app_id', transfers.app_id,
      'from_account_id', source.id,
      'to_account_id', target.id,
      'amount', transfers.amount,
      'event_at', transfers.event_at,
      'metadata', transfers.metadata,
      'origin_id', transfers.origin_id
    )
  into v_recorded
  from pgledger.transfers
  left join pgledger.accounts as source on transfers.from_key = source.key
  left join pgledger.accounts as target on transfers.to_key = target.key
  where transfers.id = refuse_repeated_transfer.id;

  return pgledger.refuse_repeated(
    id, given, coalesce(v_recorded, earlier), request_index, request_count
  );
end;
$$;

comment on function pgledger.refuse_repeated_transfer is
  'Raises IdempotencyConflict for the id of a transfer, and names the fields that differ.';

revoke all on function pgledger.refuse_repeated_transfer from public;
