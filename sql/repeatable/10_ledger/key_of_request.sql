/*
The row of a key, if it was used for the same request; nulls if nobody has used it. The function and
its arguments are compared by value. Keys of other apps are not looked at.

The caller holds the accounts of the request, as the first call did, so what that wrote can be seen.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.key_of_request(
  app_id text,
  idempotency_key text,
  function_name text,
  request jsonb,
  request_index bigint default null,
  request_count bigint default null
)
returns pgledger.idempotency_keys
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_key pgledger.idempotency_keys := (
    select idempotency_keys
    from pgledger.idempotency_keys
    where idempotency_keys.app_id = key_of_request.app_id
      and idempotency_keys.idempotency_key = key_of_request.idempotency_key
  );
  v_ok boolean;
begin
  if (v_key.function_name, v_key.request) <> (function_name, request) then
    v_ok := pgledger.refuse_key(v_key, function_name, request, request_index, request_count);
  end if;

  return v_key;
end;
$$;

comment on function pgledger.key_of_request is
  'The row of a key that was used for this request, or nulls; raises an error if it was used for '
  'another.';

revoke all on function pgledger.key_of_request from public;
