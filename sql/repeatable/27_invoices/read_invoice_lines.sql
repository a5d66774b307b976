/*
Reads the lines that a caller gives for an invoice, in their order. Amounts are rounded to the
currency's exponent. There may be none where the invoice has others (at_least is 0), and a member
kind where it is an import (with_kind).

Errors: NullArgument, InvalidInvoice.
*/
create or replace function pgledger.read_invoice_lines(
  lines jsonb,
  exponent integer,
  at_least integer default 1,
  with_kind boolean default false
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
  if jsonb_array_length(lines) < at_least then
    v_ok := pgledger.refuse_json(lines, '$.lines', 'is empty: there must be one line at least');
  end if;

  for v_item in
    select item.value, item.place
    from jsonb_array_elements(lines) with ordinality as item (value, place)
    order by item.place
  loop
    v_line := pgledger.read_invoice_line(
      v_item.value, format('$.lines[%s]', v_item.place - 1), exponent, with_kind
    );
    v_line.place := v_item.place;
    v_lines := v_lines || v_line;
  end loop;

  return v_lines;
end;
$$;

comment on function pgledger.read_invoice_lines is
  'Lines of the application''s own, at most 1000; raises InvalidInvoice unless each is sound.';

revoke all on function pgledger.read_invoice_lines from public;
