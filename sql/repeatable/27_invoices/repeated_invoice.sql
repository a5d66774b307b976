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
  v_key bigint;
  v_is_same boolean;
  v_ok boolean;
begin
  select
    invoices.key,
    (invoices.app_id, invoices.tenant_id, invoices.kind, invoices.currency, invoices.tax_rates)
    = (request.app_id, request.tenant_id, request.kind, request.currency, request.tax_rates)
    and invoices.metadata is not distinct from request.metadata
    and (
      select
        array_agg(
          (
            line.description, line.item, line.period_start, line.period_end, line.quantity,
            line.unit_amount, line.amount
          )
          order by line.place
        )
      from pgledger.invoice_lines as line
      where line.invoice_key = invoices.key and line.kind = 'item'
    ) = (
      select
        array_agg(
          (
            line.description, line.item, line.period_start, line.period_end, line.quantity,
            line.unit_amount, line.amount
          )
          order by line.place
        )
      from unnest(repeated_invoice.lines) as line
      where line.kind = 'item'
    )
  into v_key, v_is_same
  from pgledger.invoices
  where invoices.id = request.id;

  -- An invoice of another kind has no such lines, and the comparison is null.
  if found and v_is_same is not true then
    v_ok := pgledger.fail('IdempotencyConflict', array[request.id]);
  end if;
  return v_key;
end;
$$;

comment on function pgledger.repeated_invoice is
  'Key of the one-off invoice that has that id already, or null; raises if another request '
  'created it.';

revoke all on function pgledger.repeated_invoice from public;
