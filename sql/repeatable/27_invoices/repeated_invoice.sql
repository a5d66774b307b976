/*
The number of the one-off invoice that an earlier call with that id has created, or null if none
has. What was asked for is compared with what was created, by value: two amounts that are rounded to
the same one are the same. Lines of discounts and taxes are not the caller's.

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

  -- An invoice of another kind has none of these lines.
  if found and v_is_same is not true then
    perform pgledger.fail('IdempotencyConflict', array[request.id]);
  end if;
  return v_key;
end;
$$;

comment on function pgledger.repeated_invoice is
  'Number of the one-off invoice that has that id already, or null; raises if another request '
  'created it.';

revoke all on function pgledger.repeated_invoice from public;
