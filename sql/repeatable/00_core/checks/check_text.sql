/*
Refuses a text that cannot name or describe something. The name is that of the argument.

Errors: NullArgument, InvalidArgument.
*/
create or replace function pgledger.check_text(
  name text,
  value text,
  maximum integer,
  allow_invisible boolean default false,
  minimum integer default 1
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text := pgledger.text_fault(value, minimum, maximum, allow_invisible);
  v_ok boolean;
begin
  if value is null then
    v_ok := pgledger.fail('NullArgument', array[name]);
  elsif v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidArgument', array[name, quote_literal(pgledger.abridged(value)), v_fault]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_text is
  'Raises NullArgument or InvalidArgument unless the text is visible and of a length in range.';

revoke all on function pgledger.check_text from public;
