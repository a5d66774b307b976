/*
Writes down the key of a request with what comes of it, unless the key was used before: then it is
false, and pgledger.result_of_key says what came of it. Of many at once one gets past the row, and
the others wait for its transaction.

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
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
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
      return true;
    end if;

    if pgledger.repeats_key(
      app_id, idempotency_key, function_name, request, request_index, request_count
    ) then
      return false;
    end if;
    -- A purge has taken the row away since.
    v_ok := pgledger.look_again();
  end loop;
end;
$$;

comment on function pgledger.take_key is
  'Writes down the key of a request and its result; false if the request is a repeat.';

revoke all on function pgledger.take_key from public;
