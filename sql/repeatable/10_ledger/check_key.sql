/*
Refuses an idempotency key that is too short or too long. Any text will do: it comes from elsewhere,
and nobody has to read it.

Errors: InvalidArgument.
*/
create or replace function pgledger.check_key(
  idempotency_key text,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  if char_length(idempotency_key) not between 1 and 255 then
    return pgledger.fail(
      'InvalidArgument',
      array[
        'idempotency_key', quote_literal(pgledger.abridged(idempotency_key)),
        pgledger.text_fault(idempotency_key, 1, 255, true)
      ],
      request_index,
      request_count
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_key is
  'Raises InvalidArgument for an idempotency key that is empty or too long.';

revoke all on function pgledger.check_key from public;
