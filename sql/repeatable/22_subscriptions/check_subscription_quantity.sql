/*
Refuses a quantity in which a plan cannot be taken. It has the bounds of an amount, and is above 0.

Errors: NullArgument, InvalidQuantity.
*/
create or replace function pgledger.check_subscription_quantity(quantity numeric)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text := pgledger.amount_fault(quantity);
  v_ok boolean;
begin
  if quantity is null then
    v_ok := pgledger.fail('NullArgument', array['quantity']);
  elsif v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidQuantity', array['quantity', pgledger.abridged(quantity::text), v_fault]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_subscription_quantity is
  'Raises NullArgument or InvalidQuantity unless a plan can be taken in that quantity.';

revoke all on function pgledger.check_subscription_quantity from public;
