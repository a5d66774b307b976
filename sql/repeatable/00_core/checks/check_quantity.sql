/*
Refuses a quantity that cannot be one. The name is that of the argument.
Errors: NullArgument, InvalidQuantity.
*/
create or replace function pgledger.check_quantity(name text, quantity numeric)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if quantity is null then
    v_ok := pgledger.fail('NullArgument', array[name]);
  elsif pgledger.quantity_fault(quantity) is not null then
    v_ok := pgledger.fail(
      'InvalidQuantity',
      array[name, pgledger.abridged(quantity::text), pgledger.quantity_fault(quantity)]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_quantity is
  'Raises NullArgument or InvalidQuantity unless the number can be a quantity.';

revoke all on function pgledger.check_quantity from public;
