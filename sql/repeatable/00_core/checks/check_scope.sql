/*
Refuses an app_id, tenant_id or group_id that could not name anything, or that could be mistaken for
another one.

Errors: NullArgument, InvalidScope.
*/
create or replace function pgledger.check_scope(
  name text,
  value text,
  minimum integer default 0,
  maximum integer default 128,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text := pgledger.text_fault(value, minimum, maximum, false);
  v_ok boolean;
begin
  if value is null then
    v_ok := pgledger.fail('NullArgument', array[name], request_index, request_count);
  elsif v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidScope', array[name, quote_literal(pgledger.abridged(value)), v_fault],
      request_index, request_count
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_scope is
  'Raises NullArgument or InvalidScope unless the value can be an app_id, tenant_id or group_id.';

revoke all on function pgledger.check_scope from public;
