/*
Refuses an exponent above the decimal places that amounts of the ledger may have: an invoice of the
currency could not be paid.

Errors: InvalidArgument.
*/
create or replace function pgledger.check_exponent(code text, exponent integer, scale integer)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  if exponent > scale then
    return pgledger.fail(
      'InvalidArgument',
      array[
        'exponent',
        exponent::text,
        format('amounts of %s have at most %s', code, pgledger.decimal_places(scale))
      ],
      hint => 'Allow more with pgledger_set_currency, or round to fewer.'
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_exponent is
  'Raises InvalidArgument if billing would round to more decimal places than amounts may have.';

revoke all on function pgledger.check_exponent from public;
