/*
Refuses a request whose key was used for another one of the same app. What one of them left open is
named as null.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.refuse_key(
  key pgledger.idempotency_keys,
  function_name text,
  request jsonb,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_given jsonb;
  v_recorded jsonb;
begin
  select
    jsonb_object_agg(field.name, coalesce(request -> field.name, 'null')),
    jsonb_object_agg(field.name, coalesce(key.request -> field.name, 'null'))
  into v_given, v_recorded
  from jsonb_object_keys(request || key.request) as field (name);

  return pgledger.refuse_repeated(
    quote_literal(pgledger.abridged(key.idempotency_key)),
    v_given || jsonb_build_object('app_id', key.app_id, 'function', function_name),
    v_recorded || jsonb_build_object('app_id', key.app_id, 'function', key.function_name),
    request_index,
    request_count,
    'idempotency_key'
  );
end;
$$;

comment on function pgledger.refuse_key is
  'Raises IdempotencyConflict for a key, and names the fields in which the two requests differ.';

revoke all on function pgledger.refuse_key from public;
