/*
Refuses decimal places of a currency that are fewer than billing rounds it to: an invoice of the
currency could not be paid. The caller has locked the currencies, so their exponents stay.

Errors: InvalidArgument.
*/
create or replace function pgledger.check_scales_of_billing(
  app_id text,
  codes text[],
  scales integer[]
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_fault record;
begin
  select wanted.code, wanted.scale, known.exponent
  into v_fault
  from unnest(codes, scales) as wanted (code, scale)
  cross join lateral pgledger.currency_exponent(app_id, wanted.code) as known (exponent)
  where wanted.scale < known.exponent
  order by wanted.code collate "C"
  limit 1;
  if not found then
    return true;
  end if;

  return pgledger.fail(
    'InvalidArgument',
    array[
      'scale',
      v_fault.scale::text,
      format(
        'billing rounds %s to %s', v_fault.code, pgledger.decimal_places(v_fault.exponent)
      )
    ],
    hint => 'Allow as many, or use another code.'
  );
end;
$$;

comment on function pgledger.check_scales_of_billing is
  'Raises InvalidArgument if a currency would have fewer decimal places than billing rounds to.';

revoke all on function pgledger.check_scales_of_billing from public;
