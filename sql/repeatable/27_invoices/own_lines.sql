/*
The lines that the application has given an invoice, in their order, without their shares of
discounts and taxes. They stay when a draft is computed anew.
*/
create or replace function pgledger.own_lines(invoice_key bigint)
returns pgledger.invoice_lines[]
language plpgsql
stable
parallel safe
as $$
declare
  v_lines pgledger.invoice_lines[] := array(
    select invoice_lines
    from pgledger.invoice_lines
    where invoice_lines.invoice_key = own_lines.invoice_key and invoice_lines.kind = 'item'
    order by invoice_lines.place
  );
begin
  for v_place in 1 .. cardinality(v_lines) loop
    v_lines[v_place].discount := 0 * v_lines[v_place].amount;
    v_lines[v_place].tax := v_lines[v_place].discount;
  end loop;
  return v_lines;
end;
$$;

comment on function pgledger.own_lines is
  'The lines that the application has given an invoice.';

revoke all on function pgledger.own_lines from public;
