/*
Writes down the key of a request with what comes of it, and returns nulls; if the key was used for
the same request before, it returns the row of then. Of many at once one gets past the row, and the
others wait for its transaction.

The caller holds the accounts, and its holds; it writes nothing that would stay for a repeat before
it has called this. A refusal that follows takes the row back with the call.

Locks: the inserted row.
Errors: IdempotencyConflict; a serialization failure where the key was taken after the transaction's
snapshot.
*/
create or replace function pgledger.take_key(
  app_id text,
  idempotency_key text,
  function_name text,
  request jsonb,
  result_id text,
  request_index bigint default null,
  request_count bigint default null
)
returns pgledger.idempotency_keys
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_key pgledger.idempotency_keys;
  v_ok boolean;
begin
  loop
    insert into pgledger.idempotency_keys (
      created_at, app_id, idempotency_key, function_name, result_id, request
    )
    values (
      pgledger.clock(), take_key.app_id, take_key.idempotency_key, take_key.function_name,
      take_key.result_id, take_key.request
    )
    on conflict on constraint idempotency_keys_app_id_idempotency_key_pk do nothing;
    if found then
      return null;
    end if;

    v_key := pgledger.key_of_request(
      app_id, idempotency_key, function_name, request, request_index, request_count
    );
    if v_key.created_at is not null then
      return v_key;
    end if;
    -- A purge has taken the row away since.
    v_ok := pgledger.look_again();
  end loop;
end;
$$;

comment on function pgledger.take_key is
  'Writes down the key of a request and its result; returns the earlier row if it is a repeat.';

revoke all on function pgledger.take_key from public;
