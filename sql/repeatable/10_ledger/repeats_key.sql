/*
Whether a request was made before under its key: false if nobody has used the key. The function and
its arguments are compared by value. Keys of other apps are not looked at.

The caller holds the accounts of the request, as the first one did, so what that wrote can be seen.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.repeats_key(
  app_id text,
  idempotency_key text,
  function_name text,
  request jsonb,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_is_same boolean;
  v_function_name text;
  v_request jsonb;
begin
  select
    idempotency_keys.function_name = repeats_key.function_name
    and idempotency_keys.request = repeats_key.request,
    idempotency_keys.function_name,
    idempotency_keys.request
  into v_is_same, v_function_name, v_request
  from pgledger.idempotency_keys
  where idempotency_keys.app_id = repeats_key.app_id
    and idempotency_keys.idempotency_key = repeats_key.idempotency_key;

  if not v_is_same then
    return pgledger.refuse_key(
      app_id, idempotency_key, function_name, request, v_function_name, v_request,
      request_index, request_count
    );
  end if;

  return v_is_same is not null;
end;
$$;

comment on function pgledger.repeats_key is
  'Whether a key was used for this request; raises an error if it was used for another.';

revoke all on function pgledger.repeats_key from public;
