/*
Reads the lines that the caller of a one-off invoice gives, in their order. Amounts are rounded to
the currency's exponent.

Errors: NullArgument, InvalidInvoice.
*/
create or replace function pgledger.read_invoice_lines(
  lines jsonb,
  exponent integer
)
returns pgledger.invoice_lines[]
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_lines pgledger.invoice_lines[] := '{}';
  v_line pgledger.invoice_lines;
  v_item record;
  v_ok boolean;
begin
  if lines is null then
    v_ok := pgledger.fail('NullArgument', array['lines']);
  end if;
  -- A thousand sound lines stay below it.
  v_ok := pgledger.check_json_size(lines, '$.lines', false);
  v_ok := pgledger.check_json_array(lines, '$.lines');
  if jsonb_array_length(lines) = 0 then
    v_ok := pgledger.refuse_json(lines, '$.lines', 'is empty: there must be one line at least');
  end if;

  for v_item in
    select item.value, item.place
    from jsonb_array_elements(lines) with ordinality as item (value, place)
    order by item.place
  loop
    v_line := pgledger.read_invoice_line(
      v_item.value, format('$.lines[%s]', v_item.place - 1), exponent
    );
    v_line.place := v_item.place;
    v_lines := v_lines || v_line;
  end loop;

  return v_lines;
end;
$$;

comment on function pgledger.read_invoice_lines is
  'Lines of a one-off invoice, 1 to 1000; raises InvalidInvoice unless each is sound.';

revoke all on function pgledger.read_invoice_lines from public;
