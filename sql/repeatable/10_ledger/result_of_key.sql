/*
What came of the request with that key: the id of a transfer, hold or account, or null if nothing
was moved.
*/
create or replace function pgledger.result_of_key(app_id text, idempotency_key text)
returns text
language sql
stable
parallel safe
as $$
  select idempotency_keys.result_id
  from pgledger.idempotency_keys
  where idempotency_keys.app_id = result_of_key.app_id
    and idempotency_keys.idempotency_key = result_of_key.idempotency_key
$$;

comment on function pgledger.result_of_key is
  'Id of what came of the request with that key, or null.';

revoke all on function pgledger.result_of_key from public;
