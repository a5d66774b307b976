/*
Refuses a request whose key was used for another one of the same app. What one of them left open is
named as null.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.refuse_key(
  app_id text,
  idempotency_key text,
  function_name text,
  request jsonb,
  recorded_function_name text,
  recorded_request jsonb,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_scope jsonb := jsonb_build_object('app_id', app_id);
  v_given jsonb;
  v_recorded jsonb;
begin
  select
    jsonb_object_agg(field.name, coalesce(request -> field.name, 'null')),
    jsonb_object_agg(field.name, coalesce(recorded_request -> field.name, 'null'))
  into v_given, v_recorded
  from jsonb_object_keys(request || recorded_request) as field (name);

  return pgledger.refuse_repeated(
    quote_literal(pgledger.abridged(idempotency_key)),
    v_given || v_scope || jsonb_build_object('function', function_name),
    v_recorded || v_scope || jsonb_build_object('function', recorded_function_name),
    request_index,
    request_count
  );
end;
$$;

comment on function pgledger.refuse_key is
  'Raises IdempotencyConflict for a key, and names the fields in which the two requests differ.';

revoke all on function pgledger.refuse_key from public;
