/*
Refuses a quantity that cannot be one. The name is that of the argument.
Errors: NullArgument, InvalidQuantity.
*/
create or replace function pgledger.check_quantity(name text, quantity numeric)
returns void
language plpgsql
stable
parallel safe
as $$
begin
  if quantity is null then
    perform pgledger.fail('NullArgument', array[name]);
  elsif pgledger.quantity_fault(quantity) is not null then
    perform pgledger.fail(
      'InvalidQuantity',
      array[name, pgledger.abridged(quantity::text), pgledger.quantity_fault(quantity)]
    );
  end if;
end;
$$;

comment on function pgledger.check_quantity is
  'Raises NullArgument or InvalidQuantity unless the number can be a quantity.';

revoke all on function pgledger.check_quantity from public;
