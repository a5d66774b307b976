/*
Refuses what ledger_price_usage cannot price. The order of the checks is that of the arguments.

Errors: NullArgument, InvalidPlan, InvalidQuantity, InvalidArgument.
*/
create or replace function pgledger.check_price_usage(
  price jsonb,
  quantity numeric,
  allowance numeric,
  exponent integer,
  event_quantities jsonb
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  -- Named as the argument is, because $ itself is a plan in other messages.
  v_path constant text := '$.price';
  v_ok boolean;
begin
  if price is null then
    v_ok := pgledger.fail('NullArgument', array['price']);
  end if;
  v_ok := pgledger.check_json_size(price, v_path, false);
  v_ok := pgledger.check_price_object(price, v_path);
  if jsonb_typeof(price -> 'feature') <> 'null' then
    perform pgledger.json_text(price, v_path, 'feature');
  end if;
  v_ok := pgledger.check_price(price, v_path);
  v_ok := pgledger.check_json_size(price, v_path, true);

  v_ok := pgledger.check_quantity('quantity', quantity);
  v_ok := pgledger.check_quantity('allowance', allowance);
  if exponent not between 0 and 18 then
    v_ok := pgledger.fail(
      'InvalidArgument', array['exponent', exponent::text, 'it is not between 0 and 18']
    );
  end if;

  return pgledger.check_event_quantities(price, quantity, allowance, event_quantities);
end;
$$;

comment on function pgledger.check_price_usage is
  'Raises the first thing that is wrong with a price and the usage that it is asked about.';

revoke all on function pgledger.check_price_usage from public;
