/*
Refuses decimal places of a currency that are fewer than billing rounds it to: an invoice of the
currency could not be paid.

Errors: InvalidArgument.
*/
create or replace function pgledger.check_scale(code text, scale integer, exponent integer)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_exponent integer := coalesce(
    exponent,
    (
      select iso_currencies.exponent
      from pgledger.iso_currencies()
      where iso_currencies.code = check_scale.code
    )
  );
begin
  if scale < v_exponent then
    return pgledger.fail(
      'InvalidArgument',
      array[
        'scale',
        scale::text,
        format('billing rounds %s to %s', code, pgledger.decimal_places(v_exponent))
      ],
      hint => 'Allow as many, or use a currency of another code.'
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_scale is
  'Raises InvalidArgument if a currency would have fewer decimal places than billing rounds to.';

revoke all on function pgledger.check_scale from public;
