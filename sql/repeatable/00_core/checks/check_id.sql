/*
Refuses what is not an id with that prefix. The name is that of the argument, for the message.

Errors: NullArgument, InvalidId.
*/
create or replace function pgledger.check_id(
  name text,
  id text,
  prefix text,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text := pgledger.id_fault(id, prefix);
  v_ok boolean;
begin
  if id is null then
    v_ok := pgledger.fail('NullArgument', array[name], request_index, request_count);
  elsif v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidId',
      array[name || ' ' || quote_literal(pgledger.abridged(id)), v_fault],
      request_index,
      request_count
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_id is
  'Raises NullArgument or InvalidId unless the text is an id with that prefix.';

revoke all on function pgledger.check_id from public;
