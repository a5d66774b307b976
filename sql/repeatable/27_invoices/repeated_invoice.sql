/*
The key of the one-off invoice that an earlier call with that id has created, or null if there is
none. The request is compared by value with what was created: amounts that round to the same one are
the same. Lines for discounts and taxes are not compared, because no caller gives them.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.repeated_invoice(
  request pgledger.invoices,
  lines pgledger.invoice_lines[]
)
returns bigint
language plpgsql
stable
parallel safe
as $$
declare
  v_fields text[] := array['app_id', 'tenant_id', 'kind', 'currency', 'tax_rates', 'metadata'];
  v_key bigint;
  v_given jsonb;
  v_recorded jsonb;
  v_ok boolean;
begin
  select
    invoices.key,
    pgledger.picked(to_jsonb(request), v_fields) || jsonb_build_object('lines', (
      select
        jsonb_agg(
          jsonb_build_array(
            line.description, line.item, line.period_start, line.period_end, line.quantity,
            line.unit_amount, line.amount
          )
          order by line.place
        )
      from unnest(repeated_invoice.lines) as line
      where line.kind = 'item'
    )),
    to_jsonb(invoices) || jsonb_build_object('lines', (
      select
        jsonb_agg(
          jsonb_build_array(
            line.description, line.item, line.period_start, line.period_end, line.quantity,
            line.unit_amount, line.amount
          )
          order by line.place
        )
      from pgledger.invoice_lines as line
      where line.invoice_key = invoices.key and line.kind = 'item'
    ))
  into v_key, v_given, v_recorded
  from pgledger.invoices
  where invoices.id = request.id;

  v_ok := pgledger.check_repeated(request.id, v_given, v_recorded);
  return v_key;
end;
$$;

comment on function pgledger.repeated_invoice is
  'Key of the one-off invoice that has that id already, or null; raises if another request '
  'created it.';

revoke all on function pgledger.repeated_invoice from public;
