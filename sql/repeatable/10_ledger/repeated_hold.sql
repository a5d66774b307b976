/*
The hold with that id, if it was asked for with the same values, or the one that came of the key;
nulls if there is none. Then the key is taken, for the hold that will get new_id. The caller has
locked both accounts: any earlier call for the same hold had these locks, so what it wrote can be
seen by now.

Locks: the inserted row of the key.
Errors: IdempotencyConflict.
*/
create or replace function pgledger.repeated_hold(
  from_account_id text,
  to_account_id text,
  amount numeric,
  expires_at timestamptz,
  expires_in interval,
  event_at timestamptz,
  metadata jsonb,
  id text,
  app_id text,
  group_id text,
  request_index bigint,
  request_count bigint,
  idempotency_key text,
  new_id text
)
returns pgledger.holds
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_key pgledger.idempotency_keys;
  v_hold pgledger.holds;
  v_ok boolean;
begin
  if idempotency_key is not null then
    v_key := pgledger.take_key(
      app_id, idempotency_key, 'pgledger_create_hold',
      pgledger.hold_request(
        from_account_id, to_account_id, amount, expires_at, expires_in, event_at, metadata, id,
        group_id
      ),
      new_id, request_index, request_count
    );
    if v_key.created_at is not null then
      return (select holds from pgledger.holds where holds.id = v_key.result_id);
    end if;
  end if;

  v_hold := (
    select holds
    from pgledger.holds
    where holds.id = repeated_hold.id
  );
  if v_hold.id is null then
    return null;
  end if;

  v_ok := pgledger.check_repeated_hold(
    v_hold, from_account_id, to_account_id, amount, expires_at, expires_in, event_at, metadata,
    app_id, group_id, request_index, request_count
  );

  return v_hold;
end;
$$;

comment on function pgledger.repeated_hold is
  'The hold with that id or of that key, or nulls if there is none; raises an error if it differs '
  'from the request.';

revoke all on function pgledger.repeated_hold from public;
