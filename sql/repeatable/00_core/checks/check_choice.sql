/*
Refuses a text that is none of the choices. The message names the argument by the name given here.

Errors: NullArgument, InvalidArgument.
*/
create or replace function pgledger.check_choice(
  name text,
  value text,
  choices text[]
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if value is null then
    v_ok := pgledger.fail('NullArgument', array[name]);
  elsif value <> all(choices) then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        name,
        quote_literal(pgledger.abridged(value)),
        'it is none of ' || array_to_string(choices, ', ')
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_choice is
  'Raises NullArgument or InvalidArgument unless the text is one of the choices.';

revoke all on function pgledger.check_choice from public;
