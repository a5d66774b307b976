/*
Refuses tax rates that are not an array of at most 20 objects, each with a name and a percentage.
Null means that no rates were given, and passes.

Errors: InvalidInvoice.
*/
create or replace function pgledger.check_tax_rates(
  tax_rates jsonb,
  path text default '$.tax_rates'
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_rate record;
  v_items jsonb;
  v_path text;
  v_ok boolean;
begin
  v_ok := pgledger.check_json_size(tax_rates, path, false);
  v_ok := pgledger.check_json_array(tax_rates, path);
  if jsonb_array_length(tax_rates) > 20 then
    v_ok := pgledger.refuse_json(
      tax_rates,
      path,
      format('has %s elements, at most 20 are allowed', jsonb_array_length(tax_rates))
    );
  end if;

  for v_rate in
    select rate.value, format('%s[%s]', path, rate.place - 1) as path
    from jsonb_array_elements(tax_rates) with ordinality as rate (value, place)
    order by rate.place
  loop
    v_ok := pgledger.check_json_object(
      v_rate.value, v_rate.path, array['name', 'percentage', 'applies_to']
    );
    perform pgledger.json_text(v_rate.value, v_rate.path, 'name');
    perform pgledger.invoice_text(v_rate.value -> 'name', v_rate.path || '.name', 255);
    perform pgledger.json_decimal(
      v_rate.value, v_rate.path, 'percentage', required => true, maximum => 100
    );

    v_items := nullif(v_rate.value -> 'applies_to', 'null');
    v_path := v_rate.path || '.applies_to';
    v_ok := pgledger.check_json_array(v_items, v_path);
    if jsonb_array_length(v_items) not between 1 and 100 then
      v_ok := pgledger.refuse_json(
        v_items,
        v_path,
        format('has %s elements, 1 to 100 are allowed', jsonb_array_length(v_items))
      );
    end if;
    perform pgledger.invoice_text(item.value, format('%s[%s]', v_path, item.place - 1), 255)
    from jsonb_array_elements(v_items) with ordinality as item (value, place);
  end loop;

  return true;
end;
$$;

comment on function pgledger.check_tax_rates is
  'Raises InvalidInvoice unless JSON is an array of tax rates.';

revoke all on function pgledger.check_tax_rates from public;
