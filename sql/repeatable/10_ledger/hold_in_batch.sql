/*
The hold that a request of a batch repeats, as it stands, or nulls: the one that came of its key, or
else the one with its id. Both are looked for in what earlier requests of the batch have made, which
the caller gives, then in what is written. The key is not taken here.

The caller has locked the accounts: see pgledger.repeated_hold.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.hold_in_batch(
  from_account_id text,
  to_account_id text,
  amount numeric,
  expires_at timestamptz,
  event_at timestamptz,
  metadata jsonb,
  id text,
  app_id text,
  group_id text,
  idempotency_key text,
  earlier_key pgledger.idempotency_keys,
  earlier_hold pgledger.holds
)
returns @extschema@.pgledger_hold
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_request jsonb;
  v_key pgledger.idempotency_keys := earlier_key;
  v_hold_id text := id;
  v_hold pgledger.holds := earlier_hold;
  v_ok boolean;
begin
  if idempotency_key is not null then
    v_request := pgledger.hold_request(
      from_account_id, to_account_id, amount, expires_at, null, event_at, metadata, id, group_id
    );
    if v_key.created_at is null then
      v_key := pgledger.key_of_request(
        app_id, idempotency_key, 'pgledger_create_hold', v_request
      );
    elsif v_key.request <> v_request then
      v_ok := pgledger.refuse_key(v_key, 'pgledger_create_hold', v_request);
    end if;
    if v_key.created_at is not null then
      v_hold_id := v_key.result_id;
    end if;
  end if;

  if (v_hold.id = v_hold_id) is not true then
    v_hold := (
      select holds
      from pgledger.holds
      where holds.id = v_hold_id
    );
  end if;
  if v_hold.id is null then
    return null;
  end if;
  if v_key.created_at is null then
    v_ok := pgledger.check_repeated_hold(
      v_hold, from_account_id, to_account_id, amount, expires_at, null, event_at, metadata, app_id,
      group_id
    );
  end if;

  return pgledger.hold_answer(v_hold, true);
end;
$$;

comment on function pgledger.hold_in_batch is
  'The hold that a request of a batch repeats, or nulls; raises an error if it differs from the '
  'request.';

revoke all on function pgledger.hold_in_batch from public;
